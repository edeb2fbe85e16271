/* SPDX-License-Identifier: Apache-2.0 */
/* What a grant says besides its topics, as text: tacit.conf and the command line write it alike.
 * Pure: no clock, no complaints. Nothing is put out for a text that is not understood. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_TERM_PAYLOAD_MAX 268435455u  /* bytes; a packet holds no more */
#define CONFIG_TERM_RATE_MAX    1000000000u /* messages */
#define CONFIG_TERM_TOPICS_MAX  1000000u
#define CONFIG_TERM_DEPTH_MAX   64u

/* A whole number from low to high, in decimal and nothing else. -EINVAL. */
MQTT_NODISCARD int config_term_number(const char *text, uint64_t low, uint64_t high, uint64_t *out);

/* A number in `unit`, which is "bytes", "ms" or "s" as in limits.def, or with a suffix that
 * converts to it: B KiB MiB GiB; ms s m h; s m h d. -EINVAL: it is none; -ERANGE: too large for
 * *out. */
MQTT_NODISCARD int config_term_amount(const char *text, const char *unit, uint64_t *out);

/* "B KiB MiB GiB" for "bytes"; "" for a unit without. NUL-terminated, cut to size. */
void config_term_suffixes(const char *unit, char *out, size_t size);

/* The rest return NULL, or in a static sentence what to write instead. */

/* on, yes, true; off, no, false. */
MQTT_NODISCARD const char *config_term_switch(const char *text, bool *out);

/* 0 to CONFIG_TERM_PAYLOAD_MAX bytes, with the suffixes of "bytes". */
MQTT_NODISCARD const char *config_term_payload(const char *text, uint32_t *out_bytes);

/* "10/s", "60/m", "100/h": 1 to CONFIG_TERM_RATE_MAX messages in 1, 60 or 3600 seconds. */
MQTT_NODISCARD const char *config_term_rate(const char *text, uint32_t *out_messages,
                                            uint32_t *out_seconds);

/* The same of whatever a role bounds; in "bytes" with the suffixes of that, such as "64KiB/s".
 * "unlimited": POLICY_NO_LIMIT. */
struct policy_rate;
MQTT_NODISCARD const char *config_term_bound(const char *text, const char *unit,
                                             struct policy_rate *out);

/* 1 to CONFIG_TERM_DEPTH_MAX levels, or "any", which is 0. */
MQTT_NODISCARD const char *config_term_depth(const char *text, uint32_t *out_levels);

/* A date, or, where `out_lasts_s` is not NULL, a duration (config_time.h); "never" leaves both as
 * they are. */
MQTT_NODISCARD const char *config_term_expiry(const char *text, int64_t *out_date_s,
                                              int64_t *out_lasts_s);
