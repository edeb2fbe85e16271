/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/forward_report.h"

#include <inttypes.h>
#include <string.h>

void forward_report_news(const struct forward *forward, enum forward_news news, uint64_t last,
                         struct log *log)
{
    uint64_t count = forward_is_done(forward, last) ? 0 : last - forward->done.sequence;

    if (news == FORWARD_FAILS)
        log_say(log, CONFIG_LOG_WARNING,
                "%" PRIu64 " records of the audit log were not forwarded to %s since %s (%s); they "
                "follow once it takes them",
                count, forward_path(forward),
                forward->done.sequence > 0 ? forward->done.time : "the beginning",
                forward->fault != 0 ? strerror(-forward->fault) : "there was no time");
    else if (news == FORWARD_GOES)
        log_say(log, CONFIG_LOG_NOTICE,
                "the audit log is forwarded to %s again, up to record %" PRIu64,
                forward_path(forward), forward->done.sequence);
}

void forward_report_gap(const struct forward *forward, const struct forward_gap *gap,
                        struct log *log)
{
    log_say(log, CONFIG_LOG_WARNING,
            "%" PRIu64 " records of the audit log, %" PRIu64 " to %" PRIu64
            ", were not forwarded to %s since %s: they were removed to make room before",
            gap->count, gap->first, gap->last, forward_path(forward), gap->since);
}

void forward_report_fields(const struct forward *forward, const struct forward_gap *gap,
                           struct audit_fields *out)
{
    audit_fields_add_number(out, "count", gap->count);
    audit_fields_add_number(out, "first", gap->first);
    audit_fields_add_number(out, "last", gap->last);
    audit_fields_add_text(out, "since", gap->since);
    audit_fields_add_text(out, "until", gap->until);
    audit_fields_add_text(out, "to", forward_path(forward));
}
