/* SPDX-License-Identifier: Apache-2.0 */
/* Where the audit log had come to, as somebody noted it elsewhere. */
#pragma once

#include "audit/verify.h"
#include "base/attrs.h"
#include "base/span.h"
#include "tools/identity_options.h"

#include <stdbool.h>

/* "SEQ:HASH", or a line of audit/head; space and newlines behind it are fine. */
MQTT_NODISCARD bool log_noted_parse(struct mqtt_span text, struct audit_noted *out);

/* By --checkpoint or --since. *out_has: one of them is given. 0, or the exit code after saying what
 * is wrong. */
MQTT_NODISCARD int log_noted_read(const struct identity_options *options, struct audit_noted *out,
                                  bool *out_has);
