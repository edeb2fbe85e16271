/* SPDX-License-Identifier: Apache-2.0 */
/* The curves that are accepted: a table, curves.def. Thread-safe. */
#pragma once

#include "base/span.h"

#include <stdint.h>

enum curve_id {
#define CURVE(id, name, bytes, bits, oid, b) CURVE_##id,
#include "keycheck/curves.def"
#undef CURVE
    CURVE_COUNT,
};

#define CURVE_COORDINATE_MAX 66 /* bytes */

struct curve {
    const char *name;
    enum curve_id id;
    size_t bytes;         /* of a coordinate */
    size_t bits;          /* of a coordinate */
    struct mqtt_span oid; /* with tag and length */
    struct mqtt_span b;   /* the constant of the equation */
};

/* By the parameters of a SubjectPublicKeyInfo. NULL: none that is accepted. */
const struct curve *curve_find(struct mqtt_span parameters);
