/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and durations as written in tacit.conf. Pure: no clock, no time zone. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stdint.h>

/* RFC 3339 date ("2026-12-24", the first second of that day) or date-time in UTC without
 * fraction ("2026-12-24T10:00:00Z"), 1970-01-02 to 9999-12-31. Seconds since 1970; -EINVAL. */
MQTT_NODISCARD int config_time_date(const char *text, int64_t *out_s);

/* A number from 1 with one of s, m, h, d; at most 100 years. Seconds; -EINVAL. */
MQTT_NODISCARD int config_time_duration(const char *text, int64_t *out_s);

/* Begins with a year and a dash. */
bool config_time_looks_like_date(const char *text);
