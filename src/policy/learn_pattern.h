/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen, in the words of the grant that covers it; for learn*.c. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>

/* Names that all who used a topic have in common; NULL: they have not. */
struct learn_names {
    const char *device;
    const char *site;
    const char *tenant;
};

/* The topics that both have, as a pattern: the levels of `grant`, and where that has a wildcard
 * those of `seen`, a topic or filter, with names as substitutions. They overlap by
 * pattern_overlaps(). From malloc; NULL out of memory. A first level that begins with '$' and
 * cannot be written comes out as '+', which does not cover it. */
MQTT_NODISCARD char *learn_pattern_meet(struct mqtt_span grant, struct mqtt_span seen,
                                        const struct learn_names *names);

/* The level of that number, from 0; false: there are not so many. */
bool learn_pattern_level(struct mqtt_span text, size_t number, struct mqtt_span *out);
