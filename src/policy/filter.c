/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/filter.h"

#include "policy/pattern.h"

bool filter_contains(struct mqtt_span outer, struct mqtt_span inner)
{
    return pattern_contains(&(struct pattern){ .text = outer }, NULL, inner);
}

bool filter_overlaps(struct mqtt_span a, struct mqtt_span b)
{
    return pattern_overlaps(&(struct pattern){ .text = a }, NULL, b);
}
