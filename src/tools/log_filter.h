/* SPDX-License-Identifier: Apache-2.0 */
/* Which records of the audit log somebody wants to see. */
#pragma once

#include "audit/record.h"
#include "base/attrs.h"
#include "tools/identity_options.h"

#include <stdbool.h>

/* Are --since and --until the beginning of a time each, as records have it? 0, or the exit code
 * after saying what is wrong. */
MQTT_NODISCARD int log_filter_check(const struct identity_options *options);

/* By --kind (whose last character may be a '*': what begins so), --device, --since and --until; "2027-01-31" is all of that day. */
bool log_filter_wants(const struct identity_options *options, const struct audit_record *record);
