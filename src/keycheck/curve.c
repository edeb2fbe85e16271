/* SPDX-License-Identifier: Apache-2.0 */
#include "keycheck/curve.h"

#define BYTES(...)                                                           \
    {                                                                        \
        (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }) \
    }

static const struct curve curves[CURVE_COUNT] = {
#define CURVE(id, name, bytes, bits, oid, b) \
    [CURVE_##id] = { name, CURVE_##id, bytes, bits, oid, b },
#include "keycheck/curves.def"
#undef CURVE
};

const struct curve *curve_find(struct mqtt_span parameters)
{
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (span_equal(parameters, curves[i].oid))
            return &curves[i];
    return NULL;
}
