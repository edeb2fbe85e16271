/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHILD_FD (STDERR_FILENO + 1)

struct hook_link {
    int fd;
};

static _Noreturn void be_child(hook_run run, void *context, int fd)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (nowhere < 0 || dup2(nowhere, i) < 0)
            _exit(1);
    if (fd != CHILD_FD && dup2(fd, CHILD_FD) < 0)
        _exit(1);
    if (close_range(CHILD_FD + 1, ~0u, 0) != 0)
        _exit(1);
    _exit(run(context, CHILD_FD));
}

int hook_link_start(hook_run run, void *context, struct hook_link **out)
{
    struct hook_link *link = calloc(1, sizeof(*link));
    int ends[2];

    if (link == NULL)
        return -ENOMEM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        int error = -errno;
        free(link);
        return error;
    }
    pid_t child = fork();
    if (child == 0)
        be_child(run, context, ends[1]);
    int error = child < 0 ? -errno : 0;
    (void)close(ends[1]);
    link->fd = ends[0];
    if (error == 0 && fcntl(link->fd, F_SETFL, O_NONBLOCK) != 0)
        error = -errno;
    if (error != 0) {
        hook_link_close(link);
        return error;
    }
    *out = link;
    return 0;
}

void hook_link_close(struct hook_link *link)
{
    if (link == NULL)
        return;
    (void)close(link->fd);
    free(link);
}

int hook_link_fd(const struct hook_link *link)
{
    return link->fd;
}

int hook_link_send(struct hook_link *link, uint32_t lane, struct mqtt_span text)
{
    struct hook_header header = { lane };
    uint8_t message[HOOK_MESSAGE_BYTES];

    if (text.len > sizeof(message) - sizeof(header))
        return -EMSGSIZE;
    memcpy(message, &header, sizeof(header));
    memcpy(message + sizeof(header), text.data, text.len);
    ssize_t sent = write(link->fd, message, sizeof(header) + text.len);
    return sent < 0 ? -errno : 0;
}

int hook_link_receive(struct hook_link *link, struct hook_report *out)
{
    struct hook_report report;
    ssize_t got = read(link->fd, &report, sizeof(report));

    if (got < 0)
        return -errno;
    if (got != (ssize_t)sizeof(report) || report.lane >= HOOK_LANES
        || report.outcome >= HOOK_OUTCOMES)
        return -EPIPE;
    *out = report;
    return 0;
}
