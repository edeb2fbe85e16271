/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/value.h"

#include <stddef.h>
#include <stdint.h>

static unsigned digit_at(struct mqtt_span text, size_t i)
{
    return i < text.len ? (unsigned)text.data[i] - '0' : 10;
}

/* From `i` on; returns where they end. */
static size_t take_digits(struct mqtt_span text, size_t i, double *value)
{
    for (unsigned digit = digit_at(text, i); digit < 10; digit = digit_at(text, ++i))
        *value = *value * 10 + digit;
    return i;
}

bool sense_value_take(struct mqtt_span payload, float *out)
{
    double value = 0;
    double scale = 1;

    if (!sense_value_may_be(payload))
        return false;
    bool is_negative = payload.data[0] == '-';
    size_t first = is_negative ? 1 : 0;
    size_t end = take_digits(payload, first, &value);
    if (end == first)
        return false;
    if (end < payload.len && payload.data[end] == '.') {
        size_t point = end;
        end = take_digits(payload, point + 1, &value);
        if (end == point + 1)
            return false;
        for (size_t i = point + 1; i < end; i++)
            scale *= 10;
    }
    if (end != payload.len)
        return false;
    *out = (float)((is_negative ? -value : value) / scale);
    return true;
}
