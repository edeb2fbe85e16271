/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over the levels of the filter. At each it knows which members of the set still match
 * what was chosen so far. Where the filter has a wildcard, it chooses in turn each text that some
 * member names there, and one that none of them names: these stand for all others. */
#include "policy/filter_set.h"

#include "codec/topic.h"
#include "policy/steps.h"

#include <stdbool.h>
#include <stdlib.h>

/* A member after some levels. */
struct state {
    struct steps after; /* the levels behind `next` */
    struct step next;
    bool is_alive;
};

struct walk {
    size_t count; /* members */
    unsigned effort;
    unsigned depth_max;
    struct state *rows; /* a row of `count` per level */
};

/* A level as chosen: a text, or one that no member names. */
struct choice {
    struct mqtt_span text;
    bool is_other;
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

static enum filter_cover covers_from(struct walk *walk, unsigned depth, struct steps inner);

static enum filter_cover choose(struct walk *walk, unsigned depth, struct choice choice,
                                struct steps inner)
{
    if (advance(walk, depth, choice))
        return FILTER_COVER_YES;
    if (!any_alive(walk, depth + 1))
        return FILTER_COVER_NO;
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

/* Bounded by walk.depth_max, which FILTER_SET_LEVELS bounds. */
static enum filter_cover covers_from(struct walk *walk, unsigned depth, struct steps inner)
{
    if (walk->effort == 0 || depth >= walk->depth_max)
        return FILTER_COVER_UNKNOWN;
    walk->effort--;
    struct step step = steps_next(&inner);
    switch (step.kind) {
    case STEP_END:
        return any_ends(walk, depth) ? FILTER_COVER_YES : FILTER_COVER_NO;
    case STEP_LITERAL:
        return choose(walk, depth, (struct choice){ .text = step.text }, inner);
    case STEP_ONE:
        return choose_all(walk, depth, inner);
    case STEP_MANY:
        break;
    }
    /* '#' may end here, or stand for one more level and then for as many as it likes. */
    if (!any_ends(walk, depth))
        return FILTER_COVER_NO;
    return choose_all(walk, depth, inner);
}

static unsigned deepest(const struct mqtt_span *set, size_t count, struct mqtt_span filter)
{
    unsigned levels = mqtt_topic_levels(filter);

    for (size_t i = 0; i < count; i++) {
        unsigned member = mqtt_topic_levels(set[i]);
        levels = member > levels ? member : levels;
    }
    return levels + 2; /* "#" is walked as "+/#" */
}

enum filter_cover filter_set_covers(const struct mqtt_span *set, size_t count,
                                    struct mqtt_span filter)
{
    struct walk walk = { .count = count, .effort = FILTER_SET_EFFORT };

    if (count == 0)
        return FILTER_COVER_NO;
    walk.depth_max = deepest(set, count, filter);
    if (walk.depth_max > FILTER_SET_LEVELS)
        return FILTER_COVER_UNKNOWN;
    walk.rows = calloc((walk.depth_max + 2) * count, sizeof(walk.rows[0]));
    if (walk.rows == NULL)
        return FILTER_COVER_UNKNOWN;
    for (size_t i = 0; i < count; i++) {
        struct state *state = &walk.rows[i];
        state->after = steps_over(set[i]);
        state->next = steps_next(&state->after);
        state->is_alive = true;
    }
    enum filter_cover cover = covers_from(&walk, 0, steps_over(filter));
    free(walk.rows);
    return cover;
}
