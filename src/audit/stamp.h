/* SPDX-License-Identifier: Apache-2.0 */
/* The time of a record: RFC 3339 in UTC with milliseconds, "2027-01-31T12:00:00.000Z". */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_STAMP_LEN  24u
#define AUDIT_STAMP_SIZE 25u /* and NUL */

/* Years 0 to 9999; what is outside becomes the nearest. Returns `out`. */
const char *audit_stamp_put(int64_t utc_ms, char out[AUDIT_STAMP_SIZE]);

/* Exactly that form, and a day that exists. Milliseconds since 1970. */
MQTT_NODISCARD bool audit_stamp_get(struct mqtt_span text, int64_t *out);
