/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/confine.h"

#include "confine/build.h"
#include "confine/calls.h"
#include "confine/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PATHS_MAX 1024

/* Linux 6.3; headers of Debian 12 are older. */
#define SET_MEMORY_DENY   65  /* PR_SET_MDWE */
#define REFUSE_TO_EXECUTE 1ul /* PR_MDWE_REFUSE_EXEC_GAIN */

struct place {
    char *real; /* without symbolic links */
    enum confine_access access;
};

struct confine {
    int rules; /* descriptor; -1: none */
    int abi;
    int error; /* why there are none */
    struct calls_wanted calls;
    bool is_entered; /* files are confined */
    struct place *places;
    size_t count;
};

/* ---- preparing ---- */

static int open_rules(struct confine *confine, const struct confine_plan *plan)
{
    int abi = confine_build_is_instrumented() ? -EOPNOTSUPP : landlock_abi();

    if (abi < 0)
        return abi;
    confine->abi = abi;
    confine->rules = landlock_open(abi, plan->reaches_abstract);
    return confine->rules >= 0 ? 0 : confine->rules;
}

/* A path that is not there, or cannot be used like that, is one that nobody may use later. */
static int add_path(struct confine *confine, const struct confine_path *path)
{
    int fd = open(path->path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return 0;
    int status = confine->rules < 0
                     ? -ENOSYS
                     : landlock_allow(confine->rules, confine->abi, fd, path->access);
    close(fd);
    if (status != 0)
        return 0;
    char *real = realpath(path->path, NULL);
    if (real == NULL)
        return errno == ENOMEM ? -ENOMEM : 0;
    confine->places[confine->count++] = (struct place){ real, path->access };
    return 0;
}

int confine_prepare(const struct confine_plan *plan, struct confine **out)
{
    if (plan->path_count > PATHS_MAX)
        return -E2BIG;
    struct confine *confine = calloc(1, sizeof(*confine));
    if (confine == NULL)
        return -ENOMEM;
    confine->rules = -1;
    confine->calls = (struct calls_wanted){ plan->has_network, plan->loads_modules };
    confine->places = calloc(plan->path_count + 1, sizeof(confine->places[0]));
    int status = confine->places != NULL ? 0 : -ENOMEM;
    if (status == 0)
        confine->error = open_rules(confine, plan);
    for (size_t i = 0; i < plan->path_count && status == 0; i++)
        status = add_path(confine, &plan->paths[i]);
    if (status != 0) {
        confine_free(confine);
        return status;
    }
    *out = confine;
    return 0;
}

void confine_free(struct confine *confine)
{
    if (confine == NULL)
        return;
    if (confine->rules >= 0)
        close(confine->rules);
    for (size_t i = 0; i < confine->count; i++)
        free(confine->places[i].real);
    free(confine->places);
    free(confine);
}

/* ---- entering ---- */

static void enter_files(struct confine *confine, struct confine_report *report)
{
    int status = confine->error;

    if (status == 0)
        status = landlock_enter(confine->rules);
    if (confine->rules >= 0)
        close(confine->rules);
    confine->rules = -1;
    confine->is_entered = status == 0;
    report->files_error = status;
    if (status != 0)
        return;
    report->landlock = confine->abi;
    report->has_network = confine->abi >= LANDLOCK_ABI_NETWORK;
    report->has_scopes = confine->abi >= LANDLOCK_ABI_SCOPES;
}

void confine_enter(struct confine *confine, struct confine_report *out)
{
    struct confine_report report = { .is_instrumented = confine_build_is_instrumented() };

    /* A change of the user makes a process one that others of that user may look into. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        report.files_error = report.calls_error = -errno;
    if (!report.is_instrumented && report.calls_error == 0) {
        report.has_memory = prctl(SET_MEMORY_DENY, REFUSE_TO_EXECUTE, 0ul, 0ul, 0ul) == 0;
        enter_files(confine, &report);
        report.calls_error = calls_enter(&confine->calls, &report.calls);
    }
    *out = report;
}

void confine_look(struct confine_report *out)
{
    int abi = landlock_abi();
    struct confine_report report = {
        .is_instrumented = confine_build_is_instrumented(),
        .files_error = abi > 0 ? 0 : abi,
        .calls_error = calls_look(),
    };

    if (report.calls_error == 0)
        report.calls_error = calls_count(&report.calls);
    if (abi > 0) {
        report.landlock = abi;
        report.has_network = abi >= LANDLOCK_ABI_NETWORK;
        report.has_scopes = abi >= LANDLOCK_ABI_SCOPES;
    }
    *out = report;
}

/* ---- telling ---- */

bool confine_is_whole(const struct confine_report *report)
{
    return !report->is_instrumented && report->landlock > 0 && report->calls > 0;
}

static const char *explain_files(int error)
{
    return error == -ENOSYS       ? "the kernel has no Landlock: Linux 5.13 has"
           : error == -EOPNOTSUPP ? "Landlock is switched off: boot with lsm=landlock,..."
                                  : strerror(-error);
}

void confine_describe(const struct confine_report *report, char *out)
{
    const char *whole = confine_is_whole(report) ? "confined" : "confined in part";
    size_t used = 0;

    if (report->is_instrumented) {
        (void)snprintf(out, CONFINE_TEXT_BYTES, "not confined: a build with instruments");
        return;
    }
    if (report->landlock == 0 && report->calls == 0)
        whole = "not confined";
    used += (size_t)snprintf(out, CONFINE_TEXT_BYTES, "%s: ", whole);
    if (report->landlock > 0)
        used += (size_t)snprintf(out + used, CONFINE_TEXT_BYTES - used, "landlock %d, ",
                                 report->landlock);
    else
        used += (size_t)snprintf(out + used, CONFINE_TEXT_BYTES - used, "files are not (%s), ",
                                 explain_files(report->files_error));
    if (report->calls > 0)
        used += (size_t)snprintf(out + used, CONFINE_TEXT_BYTES - used, "seccomp %u calls, ",
                                 report->calls);
    else
        used += (size_t)snprintf(out + used, CONFINE_TEXT_BYTES - used,
                                 "system calls are not (%s), ", strerror(-report->calls_error));
    (void)snprintf(out + used, CONFINE_TEXT_BYTES - used, "no new privileges");
}

/* ---- what is covered ---- */

/* malloc'ed: without symbolic links, also of what is not there in a folder that is. */
static char *find_real(const char *path)
{
    char *real = realpath(path, NULL);
    char folder[PATH_MAX];

    if (real != NULL || errno != ENOENT)
        return real;
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= sizeof(folder))
        return NULL;
    memcpy(folder, path, len);
    folder[len] = '\0';
    return realpath(slash == NULL ? "." : len == 0 ? "/" : folder, NULL);
}

static bool is_below(const char *path, const char *top)
{
    size_t len = strlen(top);

    if (strcmp(top, "/") == 0)
        return true;
    return strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool allows(enum confine_access has, enum confine_access wanted)
{
    return has == wanted || (has == CONFINE_WRITE && wanted == CONFINE_READ);
}

bool confine_covers(const struct confine *confine, const char *path, enum confine_access access)
{
    bool is_covered = false;

    if (confine == NULL || !confine->is_entered)
        return true;
    char *real = find_real(path);
    for (size_t i = 0; i < confine->count && real != NULL; i++)
        is_covered |=
            allows(confine->places[i].access, access) && is_below(real, confine->places[i].real);
    free(real);
    return is_covered;
}
