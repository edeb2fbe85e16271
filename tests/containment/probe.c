/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct probe_targets targets;
static int report = -1;

/* snprintf() of glibc allocates nothing for these. */
static void tell(const char *attempt, int error)
{
    char line[80];
    int len = snprintf(line, sizeof(line), "%d %s %d\n", (int)gettid(), attempt, error);
    ssize_t written = write(report, line, (size_t)len);
    if (written < 0)
        written = write(STDERR_FILENO, line, (size_t)len);
    (void)written;
}

static void on_signal(int number)
{
    int before = errno;

    (void)number;
    for (const struct probe_row *row = probe_rows; row->name != NULL; row++)
        tell(row->name, row->attempt(&targets));
    tell("done", 0);
    errno = before;
}

static void place(char *out, const char *folder, const char *name)
{
    snprintf(out, PROBE_PATH_BYTES, "%s/%s", folder, name);
}

static const char *variable(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? text : "";
}

__attribute__((constructor)) static void probe_begin(void)
{
    const char *path = getenv(PROBE_REPORT);
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    if (path == NULL)
        return;
    /* A test that is ended itself leaves nobody behind. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    report = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    place(targets.secret, variable(PROBE_FOREIGN), "secret");
    place(targets.foreign_new, variable(PROBE_FOREIGN), "new");
    place(targets.own_new, variable(PROBE_STATE), "store/probe");
    place(targets.state_new, variable(PROBE_STATE), "probe");
    place(targets.ca_key, variable(PROBE_STATE), "ca/ca.key");
    place(targets.root_key, variable(PROBE_STATE), "ca/root.key");
    place(targets.admin_key, variable(PROBE_STATE), "admin/admin.key");
    place(targets.ca_folder, variable(PROBE_STATE), "ca");
    place(targets.stolen, variable(PROBE_STATE), "store/stolen");
    snprintf(targets.socket, PROBE_PATH_BYTES, "%s", variable(PROBE_SOCKET));
    targets.port = atoi(variable(PROBE_PORT));
    targets.victim = atoi(variable(PROBE_VICTIM));
    if (report < 0 || sigaction(SIGUSR2, &action, NULL) != 0) {
        perror(path);
        _exit(127);
    }
}
