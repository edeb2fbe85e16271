/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/learn_pattern.h"

#include "policy/identity.h"
#include "policy/learn.h"
#include "policy/steps.h"

#include <stdlib.h>
#include <string.h>

#define SUBSTITUTIONS   3
#define BYTES_FROM_BYTE 9 /* a name of one byte becomes %{device} */

struct substitution {
    const char *name;
    const char *placeholder;
};

struct meeting {
    struct substitution substitutions[SUBSTITUTIONS];
    char *out;
    size_t len;
    bool is_first;
};

static void put(struct meeting *meeting, struct mqtt_span text)
{
    if (text.len != 0)
        memcpy(meeting->out + meeting->len, text.data, text.len);
    meeting->len += text.len;
}

/* The name that stands at the beginning of `rest`, which is the whole of a level or a part of it. */
static const struct substitution *find_name(const struct meeting *meeting, struct mqtt_span rest,
                                            bool is_whole)
{
    for (size_t i = 0; i < SUBSTITUTIONS; i++) {
        const struct substitution *one = &meeting->substitutions[i];
        struct mqtt_span name = span_of(one->name);
        if (name.len == 0 || !identity_name_is_valid(one->name))
            continue;
        if (is_whole && span_equal(rest, name))
            return one;
        if (name.len >= LEARN_PART_BYTES && span_starts_with(rest, name))
            return one;
    }
    return NULL;
}

/* May it stand in a pattern and in the quotes of tacit.conf? */
static bool is_writable(uint8_t byte)
{
    return byte != '%' && byte != 0x7f
           && (byte >= 0x20 || byte == '\n' || byte == '\r' || byte == '\t');
}

/* A literal level that was seen; '+' when it cannot be written. */
static void put_seen(struct meeting *meeting, struct mqtt_span level)
{
    struct mqtt_span rest = level;
    size_t begin = meeting->len;

    while (rest.len > 0) {
        const struct substitution *found = find_name(meeting, rest, rest.len == level.len);
        size_t used = 1;
        if (found != NULL) {
            put(meeting, span_of(found->placeholder));
            used = strlen(found->name);
        } else if (is_writable(rest.data[0])) {
            put(meeting, (struct mqtt_span){ rest.data, 1 });
        } else {
            meeting->len = begin;
            put(meeting, span_of("+"));
            return;
        }
        rest = (struct mqtt_span){ rest.data + used, rest.len - used };
    }
}

static void put_step(struct meeting *meeting, struct step step, bool is_seen)
{
    if (!meeting->is_first)
        put(meeting, span_of("/"));
    meeting->is_first = false;
    if (step.kind == STEP_LITERAL && is_seen)
        put_seen(meeting, step.text);
    else if (step.kind == STEP_LITERAL)
        put(meeting, step.text);
    else
        put(meeting, span_of(step.kind == STEP_ONE ? "+" : "#"));
}

/* What is left of one where the other takes all. */
static void put_rest(struct meeting *meeting, struct step step, struct steps *steps, bool is_seen)
{
    while (step.kind != STEP_END) {
        put_step(meeting, step, is_seen);
        if (step.kind == STEP_MANY)
            return;
        step = steps_next(steps);
    }
}

static void meet(struct meeting *meeting, struct mqtt_span grant, struct mqtt_span seen)
{
    struct steps grants = steps_over(grant);
    struct steps seens = steps_over(seen);

    for (;;) {
        struct step granted = steps_next(&grants);
        struct step one = steps_next(&seens);
        if (granted.kind == STEP_MANY) {
            put_rest(meeting, one, &seens, true);
            return;
        }
        if (one.kind == STEP_MANY) {
            put_rest(meeting, granted, &grants, false);
            return;
        }
        if (granted.kind == STEP_END || one.kind == STEP_END)
            return;
        if (granted.kind == STEP_ONE)
            put_step(meeting, one, true);
        else
            put_step(meeting, granted, false);
    }
}

char *learn_pattern_meet(struct mqtt_span grant, struct mqtt_span seen,
                         const struct learn_names *names)
{
    struct meeting meeting = {
        .substitutions = { { names->device, "%{device}" },
                           { names->site, "%{site}" },
                           { names->tenant, "%{tenant}" } },
        .out = malloc(grant.len + BYTES_FROM_BYTE * seen.len + sizeof("+/+/#")),
        .is_first = true,
    };

    if (meeting.out == NULL)
        return NULL;
    meet(&meeting, grant, seen);
    meeting.out[meeting.len] = '\0';
    return meeting.out;
}

bool learn_pattern_level(struct mqtt_span text, size_t number, struct mqtt_span *out)
{
    size_t begin = 0;

    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != '/')
            continue;
        if (number == 0) {
            *out = (struct mqtt_span){ text.data + begin, i - begin };
            return true;
        }
        number--;
        begin = i + 1;
    }
    return false;
}
