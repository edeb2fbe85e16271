/* SPDX-License-Identifier: Apache-2.0 */
/* A topic filter level by level; for this directory only. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

enum step_kind {
    STEP_END,     /* no further level */
    STEP_LITERAL, /* one level of that text */
    STEP_ONE,     /* one level of any text */
    STEP_MANY,    /* any number of further levels, none included */
};

struct step {
    enum step_kind kind;
    struct mqtt_span text;
};

struct steps {
    struct mqtt_span rest;
    bool over; /* `rest` is exhausted */
    bool many; /* '#' was met */
};

/* '#' also stands for no level at all, but no topic is empty [MQTT-4.7.3-1]: where all
 * that "no level" could leave is the empty topic, one level is meant at least. */
struct steps steps_over(struct mqtt_span filter);

struct step steps_next(struct steps *steps);

/* Does the level begin with '$'? As a first level it is met by a literal only, not by a wildcard
 * [MQTT-4.7.2-1]. */
bool steps_is_hidden(struct step step);
