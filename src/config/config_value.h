/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a value to what it means. Pure but for complaints. */
#pragma once

#include "config/settings.h"
#include "core/limits.h"
#include "policy/identity.h"
#include "policy/policy.h"

#include <stdint.h>

/* All leave *out as it was when `item` is NULL (not set) or wrong (complained about). */

/* on, yes, true; off, no, false. */
void config_value_bool(const struct setting *item, struct diagnostics *diagnostics, bool *out);

/* A whole number from low to high. */
void config_value_number(const struct setting *item, uint64_t low, uint64_t high,
                         struct diagnostics *diagnostics, uint64_t *out);

/* One of `count` words; its index. */
void config_value_choice(const struct setting *item, const char *const *words, size_t count,
                         struct diagnostics *diagnostics, unsigned *out);

/* durable, relaxed or memory; NULL: durable. */
enum policy_durability config_value_durability(const struct setting *item,
                                               struct diagnostics *diagnostics);

/* A number in the unit of a row of limits.def, or with a suffix that converts to it. */
void config_value_limit(const struct setting *item, const struct limit_row *row,
                        struct diagnostics *diagnostics, struct limits *out);

/* Bytes, 0 to 2^40; *out_is_set when they are understood. */
void config_value_bytes(const struct setting *item, struct diagnostics *diagnostics,
                        uint64_t *out_bytes, bool *out_is_set);

/* As in config_term.h. */
void config_value_payload(const struct setting *item, struct diagnostics *diagnostics,
                          uint32_t *out_bytes);
void config_value_rate(const struct setting *item, struct diagnostics *diagnostics,
                       uint32_t *out_messages, uint32_t *out_seconds);
void config_value_bound(const struct setting *item, const char *unit,
                        struct diagnostics *diagnostics, struct policy_rate *out);
void config_value_depth(const struct setting *item, struct diagnostics *diagnostics,
                        uint32_t *out_levels);
void config_value_expiry(const struct setting *item, struct diagnostics *diagnostics,
                         int64_t *out_date_s, int64_t *out_lasts_s);

/* The name of a tenant, site or such, borrowed from the setting. */
void config_value_name(const struct setting *item, struct diagnostics *diagnostics,
                       const char **out);

/* The name of a file, relative to the file in which it stands; malloc'ed. 0 or -ENOMEM. */
MQTT_NODISCARD int config_value_file(const struct setting *item, struct diagnostics *diagnostics,
                                     char **out);

/* Any text but an empty one, borrowed from the setting. */
void config_value_text(const struct setting *item, struct diagnostics *diagnostics,
                       const char **out);
