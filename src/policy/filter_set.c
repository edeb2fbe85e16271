/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over the levels of the filter. At each it knows which members of the set still match
 * what was chosen so far. Where the filter has a wildcard, it chooses in turn each text that some
 * member names there, and one that none of them names: these stand for all others. */
#include "policy/filter_set.h"

#include "codec/topic.h"
#include "policy/steps.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define OTHER_BYTES 24 /* "other-" and a number */

/* A member after some levels. */
struct state {
    struct steps after; /* the levels behind `next` */
    struct step next;
    bool is_alive;
};

/* A level as chosen: a text, or one that no member names. */
struct choice {
    struct mqtt_span text;
    bool is_other;
};

struct walk {
    size_t count;         /* members */
    struct choice *path;  /* what was chosen at each level */
    unsigned path_length; /* of the topic that is matched by none, once there is one */
    struct steps left;    /* what the filter wants behind it */
    unsigned effort;
    unsigned depth_max;
    struct state *rows; /* a row of `count` per level */
};

static struct state *row_at(const struct walk *walk, unsigned depth)
{
    return walk->rows + depth * walk->count;
}

static bool takes(const struct state *state, struct choice choice, bool is_first)
{
    bool hidden = !choice.is_other && choice.text.len > 0 && choice.text.data[0] == '$';

    if (state->next.kind == STEP_LITERAL)
        return !choice.is_other && span_equal(state->next.text, choice.text);
    return state->next.kind == STEP_ONE && !(is_first && hidden);
}

/* The members' states behind one more level. True: one of them takes all there may be. */
static bool advance(const struct walk *walk, unsigned depth, struct choice choice)
{
    const struct state *from = row_at(walk, depth);
    struct state *to = row_at(walk, depth + 1);
    bool all = false;

    for (size_t i = 0; i < walk->count; i++) {
        to[i] = from[i];
        to[i].is_alive = from[i].is_alive && takes(&from[i], choice, depth == 0);
        if (!to[i].is_alive)
            continue;
        to[i].next = steps_next(&to[i].after);
        all |= to[i].next.kind == STEP_MANY;
    }
    return all;
}

static bool any_alive(const struct walk *walk, unsigned depth)
{
    const struct state *row = row_at(walk, depth);

    for (size_t i = 0; i < walk->count; i++) {
        if (row[i].is_alive)
            return true;
    }
    return false;
}

/* Does a member match what ends here? */
static bool any_ends(const struct walk *walk, unsigned depth)
{
    const struct state *row = row_at(walk, depth);

    for (size_t i = 0; i < walk->count; i++) {
        if (row[i].is_alive && row[i].next.kind == STEP_END)
            return true;
    }
    return false;
}

/* Was this text chosen already, as that of an earlier member? */
static bool is_repeated(const struct state *row, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (row[j].is_alive && row[j].next.kind == STEP_LITERAL
            && span_equal(row[j].next.text, row[i].next.text))
            return true;
    }
    return false;
}

/* ---- the walk: as deep as there are levels, which FILTER_SET_LEVELS bounds ----
 * NOLINTBEGIN(misc-no-recursion) */

static enum filter_cover covers_from(struct walk *walk, unsigned depth, struct steps inner);

static enum filter_cover uncovered(struct walk *walk, unsigned length, struct steps left)
{
    walk->path_length = length;
    walk->left = left;
    return FILTER_COVER_NO;
}

static enum filter_cover choose(struct walk *walk, unsigned depth, struct choice choice,
                                struct steps inner)
{
    walk->path[depth] = choice;
    if (advance(walk, depth, choice))
        return FILTER_COVER_YES;
    if (!any_alive(walk, depth + 1))
        return uncovered(walk, depth + 1, inner);
    return covers_from(walk, depth + 1, inner);
}

/* One level of any text, then `inner`. */
static enum filter_cover choose_all(struct walk *walk, unsigned depth, struct steps inner)
{
    const struct state *row = row_at(walk, depth);
    enum filter_cover cover = choose(walk, depth, (struct choice){ .is_other = true }, inner);

    for (size_t i = 0; i < walk->count && cover == FILTER_COVER_YES; i++) {
        if (!row[i].is_alive || row[i].next.kind != STEP_LITERAL || is_repeated(row, i)
            || (depth == 0 && steps_is_hidden(row[i].next)))
            continue;
        cover = choose(walk, depth, (struct choice){ .text = row[i].next.text }, inner);
    }
    return cover;
}

static enum filter_cover covers_from(struct walk *walk, unsigned depth, struct steps inner)
{
    if (walk->effort == 0 || depth >= walk->depth_max)
        return FILTER_COVER_UNKNOWN;
    walk->effort--;
    struct step step = steps_next(&inner);
    switch (step.kind) {
    case STEP_END:
        return any_ends(walk, depth) ? FILTER_COVER_YES : uncovered(walk, depth, inner);
    case STEP_LITERAL:
        return choose(walk, depth, (struct choice){ .text = step.text }, inner);
    case STEP_ONE:
        return choose_all(walk, depth, inner);
    case STEP_MANY:
        break;
    }
    /* '#' may end here, or stand for one more level and then for as many as it likes. */
    if (!any_ends(walk, depth))
        return uncovered(walk, depth, (struct steps){ .over = true });
    return choose_all(walk, depth, inner);
}

/* NOLINTEND(misc-no-recursion) */

static unsigned deepest(const struct mqtt_span *set, size_t count, struct mqtt_span filter)
{
    unsigned levels = mqtt_topic_levels(filter);

    for (size_t i = 0; i < count; i++) {
        unsigned member = mqtt_topic_levels(set[i]);
        levels = member > levels ? member : levels;
    }
    return levels + 2; /* "#" is walked as "+/#" */
}

static void begin(struct walk *walk, const struct mqtt_span *set)
{
    for (size_t i = 0; i < walk->count; i++) {
        struct state *state = &walk->rows[i];
        state->after = steps_over(set[i]);
        state->next = steps_next(&state->after);
        state->is_alive = true;
    }
}

/* ---- a topic that is not covered ---- */

struct topic {
    char *at;
    size_t size;
    size_t len;
    bool is_full;
};

static void put(struct topic *topic, struct mqtt_span level, bool is_first)
{
    size_t separator = is_first ? 0 : 1;

    if (topic->size - topic->len <= level.len + separator) {
        topic->is_full = true;
        return;
    }
    if (separator > 0)
        topic->at[topic->len++] = '/';
    if (level.len > 0)
        memcpy(topic->at + topic->len, level.data, level.len);
    topic->len += level.len;
}

static bool has_level(struct mqtt_span filter, struct mqtt_span name)
{
    struct steps steps = steps_over(filter);

    for (struct step step = steps_next(&steps); step.kind == STEP_ONE || step.kind == STEP_LITERAL;
         step = steps_next(&steps)) {
        if (step.kind == STEP_LITERAL && span_equal(step.text, name))
            return true;
    }
    return false;
}

static bool is_named(const struct mqtt_span *set, size_t count, struct mqtt_span name)
{
    for (size_t i = 0; i < count; i++)
        if (has_level(set[i], name))
            return true;
    return false;
}

/* A level that no member of the set names anywhere: x, other, other-1, ... */
static void name_other(const struct mqtt_span *set, size_t count, char out[OTHER_BYTES])
{
    memcpy(out, "x", sizeof("x"));
    if (is_named(set, count, span_of(out)))
        memcpy(out, "other", sizeof("other"));
    for (unsigned n = 1; is_named(set, count, span_of(out)); n++)
        snprintf(out, OTHER_BYTES, "other-%u", n);
}

static void tell(const struct walk *walk, const char *other, struct topic *topic)
{
    struct steps left = walk->left;
    struct step step;
    bool is_first = true;

    for (unsigned i = 0; i < walk->path_length; i++, is_first = false)
        put(topic, walk->path[i].is_other ? span_of(other) : walk->path[i].text, is_first);
    for (step = steps_next(&left); step.kind == STEP_ONE || step.kind == STEP_LITERAL;
         step = steps_next(&left), is_first = false)
        put(topic, step.kind == STEP_LITERAL ? step.text : span_of(other), is_first);
    topic->at[topic->is_full ? 0 : topic->len] = '\0';
}

enum filter_cover filter_set_witness(const struct mqtt_span *set, size_t count,
                                     struct mqtt_span filter, char *out, size_t size)
{
    struct walk walk = { .count = count, .effort = FILTER_SET_EFFORT };
    struct topic topic = { .at = out, .size = size };
    enum filter_cover cover = FILTER_COVER_UNKNOWN;
    char other[OTHER_BYTES];

    if (size > 0)
        out[0] = '\0';
    walk.depth_max = deepest(set, count, filter);
    if (walk.depth_max > FILTER_SET_LEVELS)
        return FILTER_COVER_UNKNOWN;
    walk.rows = calloc((walk.depth_max + 2) * (count + 1), sizeof(walk.rows[0]));
    walk.path = calloc(walk.depth_max + 2, sizeof(walk.path[0]));
    if (walk.rows != NULL && walk.path != NULL) {
        begin(&walk, set);
        cover = count > 0 ? covers_from(&walk, 0, steps_over(filter))
                          : uncovered(&walk, 0, steps_over(filter));
    }
    if (cover == FILTER_COVER_NO && size > 0) {
        name_other(set, count, other);
        tell(&walk, other, &topic);
    }
    free(walk.path);
    free(walk.rows);
    return cover;
}

enum filter_cover filter_set_covers(const struct mqtt_span *set, size_t count,
                                    struct mqtt_span filter)
{
    return filter_set_witness(set, count, filter, NULL, 0);
}
