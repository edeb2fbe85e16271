/* SPDX-License-Identifier: Apache-2.0 */
/* Algebra of topic filters as sets of topic names. Pure; no allocation. Unions and
 * differences: filter_set.h.
 *
 * Names are bytes: two spellings of a letter in UTF-8, composed and decomposed, are two topics
 * everywhere [MQTT-4.7.3-4].
 *
 * Filters are valid by codec/topic.h. A filter whose first level is a wildcard
 * contains no topic that starts with '$' [MQTT-4.7.2-1]; containment and overlap
 * take that into account. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

/* Is every topic that `inner` matches matched by `outer`? */
bool filter_contains(struct mqtt_span outer, struct mqtt_span inner);

/* Is there a topic that both match? */
bool filter_overlaps(struct mqtt_span a, struct mqtt_span b);

/* The topics that both match, which are those of one filter or none. Writes that filter and
 * returns its length, at most a.len + b.len bytes; 0: there are none, or `size` is too small. */
size_t filter_intersect(struct mqtt_span a, struct mqtt_span b, uint8_t *out, size_t size);

/* The filter of a subscription, without "$share/NAME/". */
struct mqtt_span filter_unshared(struct mqtt_span subscription);
