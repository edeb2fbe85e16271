/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a topic or a filter on the command line, in words that say what to do. The
 * broker refuses the same ones. Static text; NULL: nothing. `levels`: the most there may be, as
 * limits.topic-levels says. */
#pragma once

#include "base/span.h"

/* A topic to publish to. */
const char *topic_fault_of_name(struct mqtt_span topic, unsigned levels);

/* A filter to subscribe to, which may begin with $share/NAME/. */
const char *topic_fault_of_filter(struct mqtt_span filter, unsigned levels);
