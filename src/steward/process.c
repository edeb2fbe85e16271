/* SPDX-License-Identifier: Apache-2.0 */
#include "steward/process.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* What this process listens on, and its files, are none of the child's business. */
static void close_others(int fd)
{
    if (fd > STDERR_FILENO + 1)
        (void)close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
    (void)close_range((unsigned)fd + 1, ~0u, 0);
}

int steward_process_start(steward_run run, void *context, struct steward_link **out)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return -errno;
    pid_t child = fork();
    if (child == 0) {
        close_others(ends[1]);
        _exit(run(context, ends[1]));
    }
    int error = child < 0 ? -errno : 0;
    close(ends[1]);
    if (error < 0) {
        close(ends[0]);
        return error;
    }
    *out = steward_link_new(ends[0]);
    return *out != NULL ? 0 : -ENOMEM;
}
