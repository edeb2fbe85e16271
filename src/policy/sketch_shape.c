/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sketch_shape.h"

static size_t level_bytes(struct mqtt_span text, size_t from)
{
    size_t to = from;
    while (to < text.len && text.data[to] != '/')
        to++;
    return to - from;
}

/* Up to where two texts are equal, back to where that level begins. */
static size_t common_levels(struct mqtt_span a, struct mqtt_span b)
{
    size_t begin = 0;
    for (size_t i = 0; i < a.len && i < b.len && a.data[i] == b.data[i]; i++)
        if (a.data[i] == '/')
            begin = i + 1;
    return begin;
}

bool sketch_shape_differs_once(struct mqtt_span a, struct mqtt_span b, struct sketch_gap *out)
{
    struct sketch_gap gap = { .at = common_levels(a, b) };
    gap.len_a = level_bytes(a, gap.at);
    gap.len_b = level_bytes(b, gap.at);
    size_t rest = a.len - gap.at - gap.len_a;
    if (rest != b.len - gap.at - gap.len_b)
        return false;
    if (rest != 0 && memcmp(a.data + gap.at + gap.len_a, b.data + gap.at + gap.len_b, rest) != 0)
        return false;
    if (gap.at == 0 && (a.data[0] == '$' || b.data[0] == '$'))
        return false;
    *out = gap;
    return !span_equal(a, b);
}

size_t sketch_shape_join(struct mqtt_span a, const struct sketch_gap *gap, uint8_t *out)
{
    size_t rest = a.len - gap->at - gap->len_a;
    if (gap->at != 0)
        memcpy(out, a.data, gap->at);
    out[gap->at] = '+';
    if (rest != 0)
        memcpy(out + gap->at + 1, a.data + gap->at + gap->len_a, rest);
    return gap->at + 1 + rest;
}
