/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/filter.h"

#include "codec/topic.h"
#include "policy/pattern.h"
#include "policy/steps.h"

#include <string.h>

bool filter_contains(struct mqtt_span outer, struct mqtt_span inner)
{
    return pattern_contains(&(struct pattern){ .text = outer }, NULL, inner);
}

bool filter_overlaps(struct mqtt_span a, struct mqtt_span b)
{
    return pattern_overlaps(&(struct pattern){ .text = a }, NULL, b);
}

/* ---- intersection ---- */

struct output {
    uint8_t *at;
    size_t size;
    size_t len;
    bool is_first;
    bool is_full;
};

static void put(struct output *output, struct mqtt_span level)
{
    size_t separator = output->is_first ? 0 : 1;

    if (output->size - output->len < level.len + separator) {
        output->is_full = true;
        return;
    }
    if (separator > 0)
        output->at[output->len++] = '/';
    if (level.len > 0)
        memcpy(output->at + output->len, level.data, level.len);
    output->len += level.len;
    output->is_first = false;
}

static void put_step(struct output *output, struct step step)
{
    if (step.kind == STEP_LITERAL)
        put(output, step.text);
    else
        put(output, span_of(step.kind == STEP_ONE ? "+" : "#"));
}

/* What is left of one filter where the other takes all. */
static void put_rest(struct output *output, struct step step, struct steps *steps)
{
    while (step.kind != STEP_END) {
        put_step(output, step);
        if (step.kind == STEP_MANY)
            return;
        step = steps_next(steps);
    }
}

static bool levels_meet(struct step a, struct step b, bool is_first)
{
    if (a.kind == STEP_LITERAL && b.kind == STEP_LITERAL)
        return span_equal(a.text, b.text);
    return !is_first || steps_is_hidden(a) == steps_is_hidden(b);
}

static bool intersect(struct steps as, struct steps bs, struct output *output)
{
    for (bool is_first = true;; is_first = false) {
        struct step a = steps_next(&as);
        struct step b = steps_next(&bs);

        if (a.kind == STEP_MANY) {
            put_rest(output, b, &bs);
            return true;
        }
        if (b.kind == STEP_MANY) {
            put_rest(output, a, &as);
            return true;
        }
        if (a.kind == STEP_END || b.kind == STEP_END)
            return a.kind == b.kind;
        if (!levels_meet(a, b, is_first))
            return false;
        put_step(output, a.kind == STEP_LITERAL ? a : b);
    }
}

static size_t copy(struct mqtt_span filter, uint8_t *out, size_t size)
{
    if (filter.len > size)
        return 0;
    memcpy(out, filter.data, filter.len);
    return filter.len;
}

size_t filter_intersect(struct mqtt_span a, struct mqtt_span b, uint8_t *out, size_t size)
{
    struct output output = { .at = out, .size = size, .is_first = true };

    /* As it was written: level by level "#" would become "+/#", which is longer. */
    if (filter_contains(a, b))
        return copy(b, out, size);
    if (filter_contains(b, a))
        return copy(a, out, size);
    if (!intersect(steps_over(a), steps_over(b), &output) || output.is_full)
        return 0;
    return output.len;
}

struct mqtt_span filter_unshared(struct mqtt_span subscription)
{
    struct mqtt_share share;

    return mqtt_share_parse(subscription, &share) > 0 ? share.filter : subscription;
}
