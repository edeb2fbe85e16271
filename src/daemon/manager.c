/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manager.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An abstract name has no terminator: its length is that of the address. */
static int find_address(const char *name, struct sockaddr_un *out, socklen_t *out_len)
{
    size_t len = strlen(name);
    bool is_abstract = name[0] == '@';

    if ((name[0] != '/' && !is_abstract) || len < 2 || len >= sizeof(out->sun_path))
        return -EINVAL;
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(out->sun_path, name, len);
    if (is_abstract)
        out->sun_path[0] = '\0';
    *out_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (is_abstract ? 0 : 1));
    return 0;
}

int manager_tell(const char *lines)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to;
    struct iovec part = { (void *)(uintptr_t)lines, strlen(lines) };
    struct msghdr message = { .msg_name = &to, .msg_iov = &part, .msg_iovlen = 1 };

    if (name == NULL)
        return 0;
    int status = find_address(name, &to, &message.msg_namelen);
    if (status != 0)
        return status;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* By sendmsg(), as a confined process may not connect. */
    status = sendmsg(fd, &message, MSG_NOSIGNAL) >= 0 ? 0 : -errno;
    close(fd);
    return status;
}

/* 0: it is not there, or no number. */
static uint64_t number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' ? number : 0;
}

uint64_t manager_watchdog_ms(void)
{
    uint64_t us = number_of("WATCHDOG_USEC");
    bool is_for_us =
        getenv("WATCHDOG_PID") == NULL || number_of("WATCHDOG_PID") == (uint64_t)getpid();

    return is_for_us ? us / 1000 : 0;
}
