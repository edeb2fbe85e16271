/* SPDX-License-Identifier: Apache-2.0 */
/* Algebra of topic filters as sets of topic names. Pure; no allocation.
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
