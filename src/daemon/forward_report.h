/* SPDX-License-Identifier: Apache-2.0 */
/* What forwarding has to say: to the operator, and as a record. Owner: the thread of the forward. */
#pragma once

#include "audit/fields.h"
#include "daemon/forward.h"
#include "daemon/log.h"

#include <stdint.h>

/* `last`: number of the last record of the log. FORWARD_NO_NEWS says nothing. */
void forward_report_news(const struct forward *forward, enum forward_news news, uint64_t last,
                         struct log *log);

void forward_report_gap(const struct forward *forward, const struct forward_gap *gap,
                        struct log *log);

/* Of the record about it. */
void forward_report_fields(const struct forward *forward, const struct forward_gap *gap,
                           struct audit_fields *out);
