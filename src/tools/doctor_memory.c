/* SPDX-License-Identifier: Apache-2.0 */
/* Where what is in memory may end: in a core dump, in swap. */
#include "tools/doctor_patient.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_BYTES 256

static bool read_line(const char *path, char out[LINE_BYTES])
{
    FILE *file = fopen(path, "re");
    bool got = file != NULL && fgets(out, LINE_BYTES, file) != NULL;

    if (file != NULL)
        (void)fclose(file);
    if (!got)
        out[0] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return got;
}

/* ---- core dumps ---- */

/* A child of this program crashes; it knows no key. */
static bool leaves_core(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)raise(SIGABRT);
        _exit(0);
    }
    return child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status)
           || WCOREDUMP(status);
}

/* Of programs that do nothing against it. A pipe gets them whatever the limit is. */
static bool others_leave_cores(char pattern[LINE_BYTES])
{
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

    (void)getrlimit(RLIMIT_CORE, &limit);
    (void)read_line("/proc/sys/kernel/core_pattern", pattern);
    return limit.rlim_cur > 0 || pattern[0] == '|';
}

static void look_at_cores(const struct doctor_patient *p, struct doctor_report *report)
{
    char pattern[LINE_BYTES];
    bool ours = leaves_core();
    bool others = others_leave_cores(pattern);

    if (!p->is_soft)
        doctor_report_add(report, "reader.core-dump", DOCTOR_OK, NULL,
                          "no: the key is never in this machine's memory");
    else
        doctor_report_add(report, "reader.core-dump", ours || others ? DOCTOR_WARN : DOCTOR_OK,
                          "for programs of your own: LimitCORE=0 in their unit, or "
                          "prctl(PR_SET_DUMPABLE, 0)",
                          "%s: this program crashed on trial and left %s; others that use the key "
                          "%s (limit and pattern '%s')",
                          ours || others ? "yes" : "no", ours ? "a core" : "none",
                          others ? "would leave one" : "leave none", pattern);
}

/* ---- swap ---- */

/* "/dev/dm-1" is encrypted if device-mapper says that it is one of dm-crypt. */
static bool is_encrypted(const char *device)
{
    char path[LINE_BYTES];
    char uuid[LINE_BYTES];
    const char *name = strrchr(device, '/');

    if (name == NULL
        || snprintf(path, sizeof(path), "/sys/block/%s/dm/uuid", name + 1) >= (int)sizeof(path))
        return false;
    return read_line(path, uuid) && strncmp(uuid, "CRYPT-", 6) == 0;
}

/* The first that writes memory to a disk in clear; false: none does. */
static bool find_swap(char device[LINE_BYTES])
{
    FILE *file = fopen("/proc/swaps", "re");
    bool is_found = false;

    if (file == NULL)
        return false;
    /* The first line has the titles. */
    bool got = fgets(device, LINE_BYTES, file) != NULL;
    while (got && !is_found && fgets(device, LINE_BYTES, file) != NULL) {
        device[strcspn(device, " \t\r\n")] = '\0';
        is_found = strncmp(device, "/dev/zram", 9) != 0 && !is_encrypted(device);
    }
    (void)fclose(file);
    return is_found;
}

static void look_at_swap(const struct doctor_patient *p, struct doctor_report *report)
{
    char device[LINE_BYTES] = "";
    bool is_found = p->is_soft && find_swap(device);

    if (!p->is_soft)
        doctor_report_add(report, "reader.swap", DOCTOR_OK, NULL,
                          "no: the key is never in this machine's memory");
    else
        doctor_report_add(report, "reader.swap", is_found ? DOCTOR_WARN : DOCTOR_OK,
                          "encrypt the swap, use zram, or none", "%s: %s%s",
                          is_found ? "yes" : "no",
                          is_found ? "memory is written in clear to "
                                   : "there is no swap on a disk, or it is encrypted",
                          device[0] != '\0' && is_found ? device : "");
}

void doctor_look_at_memory(const struct doctor_patient *patient, struct doctor_report *report)
{
    look_at_cores(patient, report);
    look_at_swap(patient, report);
}
