/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for topic names and topic filters, MQTT 5.0 section 4.7 and 4.8.
 *
 * Inputs are valid UTF-8 (reader.h). Names are compared byte by byte, without
 * normalisation [MQTT-4.7.3-4]. */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* At least one byte, no wildcard, no NUL. [MQTT-4.7.0-1] [MQTT-4.7.3-1]
 * [MQTT-4.7.3-2] */
bool mqtt_topic_name_is_valid(struct mqtt_span topic);

/* Is it that, and all of it ASCII? In one pass: true for nearly every topic there is. */
bool mqtt_topic_name_is_plain(struct mqtt_span topic);

/* At least one byte, '#' alone in the last level, '+' alone in its level.
 * [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.7.3-2]. Judges the filter
 * part of a shared subscription too, but knows nothing of "$share". */
bool mqtt_topic_filter_is_valid(struct mqtt_span filter);

bool mqtt_topic_filter_has_wildcard(struct mqtt_span filter);

/* Number of levels: separators + 1. */
unsigned mqtt_topic_levels(struct mqtt_span topic);

/* Does `topic` match `filter`? Both valid. A filter that starts with a wildcard
 * does not match a topic that starts with '$' [MQTT-4.7.2-1]. */
bool mqtt_topic_matches(struct mqtt_span filter, struct mqtt_span topic);

struct mqtt_share {
    struct mqtt_span group;  /* ShareName */
    struct mqtt_span filter; /* what follows it */
};

/* Is it "$share/{ShareName}/{filter}"? Returns
 *  0: not a shared subscription (does not start with "$share/"), *out untouched;
 *  1: yes, and well-formed: *out borrows from `filter`;
 * -1: starts with "$share/" but breaks [MQTT-4.8.2-1] or [MQTT-4.8.2-2]: no
 *     name, a wildcard in it, or no valid filter behind it. */
int mqtt_share_parse(struct mqtt_span filter, struct mqtt_share *out);
