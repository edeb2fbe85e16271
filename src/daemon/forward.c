/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/forward.h"

#include "audit/folder.h"

#include <syslog.h>
#include <systemd/sd-journal.h>

static void to_journal(struct mqtt_span line)
{
    (void)sd_journal_send("MESSAGE=%.*s", (int)line.len, (const char *)line.data, "PRIORITY=%d",
                          LOG_NOTICE, "SYSLOG_FACILITY=%d", LOG_AUTHPRIV >> 3,
                          "SYSLOG_IDENTIFIER=%s", "tacitd", "TACIT_AUDIT=1", NULL);
}

void forward_lines(enum config_audit_forward forward, struct mqtt_span lines)
{
    struct mqtt_span line;

    while (forward != CONFIG_FORWARD_NONE && audit_folder_next_line(&lines, &line)) {
        if (forward == CONFIG_FORWARD_JOURNAL)
            to_journal(line);
        else
            syslog(LOG_AUTHPRIV | LOG_NOTICE, "%.*s", (int)line.len, (const char *)line.data);
    }
}
