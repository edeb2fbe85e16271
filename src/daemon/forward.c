/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/forward.h"

#include "audit/folder.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

static void to_journal(struct mqtt_span line)
{
    (void)sd_journal_send("MESSAGE=%.*s", (int)line.len, (const char *)line.data, "PRIORITY=%d",
                          LOG_NOTICE, "SYSLOG_FACILITY=%d", LOG_AUTHPRIV >> 3,
                          "SYSLOG_IDENTIFIER=%s", "tacitd", "TACIT_AUDIT=1", NULL);
}

void forward_to_syslog(const char *path, struct mqtt_span line)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    char head[48];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return;
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    /* Without a time: the record has its own, and the receiver adds that of receipt. */
    int len = snprintf(head, sizeof(head), "<%d>tacitd[%ld]: ", LOG_AUTHPRIV | LOG_NOTICE,
                       (long)getpid());
    struct iovec parts[] = { { head, (size_t)len }, { (void *)(uintptr_t)line.data, line.len } };
    const struct msghdr message = {
        .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = parts, .msg_iovlen = 2
    };
    (void)sendmsg(fd, &message, MSG_NOSIGNAL);
    close(fd);
}

void forward_lines(enum config_audit_forward forward, struct mqtt_span lines)
{
    struct mqtt_span line;

    while (forward != CONFIG_FORWARD_NONE && audit_folder_next_line(&lines, &line)) {
        if (forward == CONFIG_FORWARD_JOURNAL)
            to_journal(line);
        else
            forward_to_syslog(FORWARD_SYSLOG_PATH, line);
    }
}
