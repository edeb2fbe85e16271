/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that differ in one level, as one shape. Pure; no allocation.
 *
 * A shape is a topic in which '+' may stand for a level. Two with the same number of levels
 * that differ in one only become one with '+' there. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

/* The level in which they differ, as the place of its first byte in both; what stands before it
 * is equal. */
struct sketch_gap {
    size_t at;
    size_t len_a; /* bytes of the level in each */
    size_t len_b;
};

/* Do they differ in exactly one level? Not where that is the first one and either starts with
 * '$': such topics are matched by no wildcard. */
bool sketch_shape_differs_once(struct mqtt_span a, struct mqtt_span b, struct sketch_gap *out);

/* The shape of both, written to `out`, which has a.len + 1 bytes; its length. */
size_t sketch_shape_join(struct mqtt_span a, const struct sketch_gap *gap, uint8_t *out);
