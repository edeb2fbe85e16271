/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/steps.h"

struct steps steps_over(struct mqtt_span filter)
{
    if (span_equal(filter, span_of("#")))
        filter = span_of("+/#");
    else if (span_equal(filter, span_of("/#")))
        filter = span_of("/+/#");
    return (struct steps){ .rest = filter };
}

static struct mqtt_span cut_level(struct steps *steps)
{
    struct mqtt_span level = steps->rest;
    const uint8_t *separator = level.len != 0 ? memchr(level.data, '/', level.len) : NULL;
    steps->over = separator == NULL;
    if (separator != NULL) {
        level.len = (size_t)(separator - level.data);
        steps->rest.data += level.len + 1;
        steps->rest.len -= level.len + 1;
    }
    return level;
}

struct step steps_next(struct steps *steps)
{
    if (steps->many)
        return (struct step){ .kind = STEP_MANY };
    if (steps->over)
        return (struct step){ .kind = STEP_END };
    struct mqtt_span level = cut_level(steps);
    if (span_equal(level, span_of("+")))
        return (struct step){ .kind = STEP_ONE };
    steps->many = span_equal(level, span_of("#"));
    if (steps->many)
        return (struct step){ .kind = STEP_MANY };
    return (struct step){ .kind = STEP_LITERAL, .text = level };
}

bool steps_is_hidden(struct step step)
{
    return step.text.len > 0 && step.text.data[0] == '$';
}
