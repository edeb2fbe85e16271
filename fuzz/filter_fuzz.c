/* SPDX-License-Identifier: Apache-2.0 */
/* Three filters and a topic, a line each, or, behind a NUL, a byte for each of their levels: the
 * algebra against a matcher that shares no code with it.
 *
 * The topics that are tried are made of what the filters name at each level and of one name that
 * none of them has: all of them where these are few, else those that are enough to decide about
 * pairs (struct oracle). Of the union of two, a yes is tried by the same topics, and a no has to
 * show its topic. */
#include "base/invariant.h"
#include "codec/topic.h"
#include "codec/utf8.h"
#include "policy/filter.h"
#include "policy/filter_set.h"

#include <stdlib.h>

#define FILTERS    3
#define LEVELS_MAX 300  /* of filters; longer ones are left out */
#define TOPICS_MAX 3000 /* all combinations of levels are tried up to here */
#define LEVELS_FEW 8    /* the union of two filters this deep is always decided */

struct path {
    struct mqtt_span level[LEVELS_MAX];
    size_t count;
};

/* Facts about filters a, b and c, from all topics that were tried. */
struct oracle {
    struct path filter[FILTERS];
    struct path both; /* what filter_intersect() made of a and b; no levels: nothing */
    struct path topic;
    size_t deepest;
    struct mqtt_span other; /* a name that no filter has */
    bool ab_meet;
    bool a_exceeds_b;
    bool b_exceeds_a;
    bool a_exceeds_bc;
};

/* ---- matching ---- */

/* False: too many levels. */
static bool split(struct mqtt_span text, struct path *out)
{
    size_t begin = 0;

    out->count = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != '/')
            continue;
        if (out->count == LEVELS_MAX - 2)
            return false;
        out->level[out->count++] = (struct mqtt_span){ text.data + begin, i - begin };
        begin = i + 1;
    }
    return true;
}

static bool is_wildcard(struct mqtt_span level)
{
    return level.len == 1 && (level.data[0] == '+' || level.data[0] == '#');
}

static bool matches(const struct path *filter, const struct path *topic)
{
    size_t i = 0;

    if (filter->count == 0
        || (topic->level[0].len > 0 && topic->level[0].data[0] == '$'
            && is_wildcard(filter->level[0])))
        return false;
    for (; i < filter->count; i++) {
        struct mqtt_span level = filter->level[i];
        if (is_wildcard(level) && level.data[0] == '#')
            return true;
        if (i == topic->count || (!is_wildcard(level) && !span_equal(level, topic->level[i])))
            return false;
    }
    return i == topic->count;
}

/* ---- topics ---- */

static void try_topic(struct oracle *o)
{
    bool in_a = matches(&o->filter[0], &o->topic);
    bool in_b = matches(&o->filter[1], &o->topic);
    bool in_c = matches(&o->filter[2], &o->topic);

    if (o->topic.count == 1 && o->topic.level[0].len == 0) /* no topic is empty */
        return;
    o->ab_meet |= in_a && in_b;
    o->a_exceeds_b |= in_a && !in_b;
    o->b_exceeds_a |= in_b && !in_a;
    o->a_exceeds_bc |= in_a && !in_b && !in_c;
    MQTT_INVARIANT(matches(&o->both, &o->topic) == (in_a && in_b));
}

/* What a filter names at a level; `fallback` where it names nothing. */
static struct mqtt_span name_at(const struct path *filter, size_t level, struct mqtt_span fallback)
{
    if (level >= filter->count || is_wildcard(filter->level[level]))
        return fallback;
    return filter->level[level];
}

/* Every combination of the names at each level, of every length. */
static void try_all(struct oracle *o)
{
    struct mqtt_span tried[FILTERS + 1];
    size_t level = o->topic.count;

    if (level > 0)
        try_topic(o);
    if (level == o->deepest)
        return;
    for (size_t f = 0; f <= FILTERS; f++) {
        bool is_repeated = false;
        tried[f] = f < FILTERS ? name_at(&o->filter[f], level, o->other) : o->other;
        for (size_t i = 0; i < f; i++)
            is_repeated |= span_equal(tried[i], tried[f]);
        if (is_repeated)
            continue;
        o->topic.level[level] = tried[f];
        o->topic.count = level + 1;
        try_all(o);
    }
    o->topic.count = level;
}

/* Topics of one filter in which another filter, or none, fills the wildcards. The former are where
 * two filters meet; the latter are in the first filter and in no other that does not contain it. */
static void try_pair(struct oracle *o, const struct path *first, const struct path *second)
{
    for (size_t count = 1; count <= o->deepest; count++) {
        struct mqtt_span fill = o->other;
        if (second != NULL)
            fill = name_at(second, count - 1, o->other);
        o->topic.level[count - 1] = name_at(first, count - 1, fill);
        o->topic.count = count;
        try_topic(o);
    }
}

static void try_pairs(struct oracle *o)
{
    for (size_t a = 0; a < FILTERS; a++) {
        try_pair(o, &o->filter[a], NULL);
        for (size_t b = 0; b < FILTERS; b++)
            try_pair(o, &o->filter[a], &o->filter[b]);
    }
}

static bool are_few(const struct oracle *o)
{
    size_t topics = 1;

    for (size_t i = 0; i < o->deepest && topics <= TOPICS_MAX; i++) {
        size_t names = 1;
        for (size_t f = 0; f < FILTERS; f++)
            names += i < o->filter[f].count && !is_wildcard(o->filter[f].level[i]);
        topics *= names;
    }
    return topics <= TOPICS_MAX;
}

/* ---- judging ---- */

static void judge_intersection(struct oracle *o, struct mqtt_span a, struct mqtt_span b,
                               uint8_t *text)
{
    struct mqtt_span both = { text, filter_intersect(a, b, text, a.len + b.len) };

    MQTT_INVARIANT((both.len > 0) == filter_overlaps(a, b));
    o->both.count = 0;
    if (both.len == 0)
        return;
    MQTT_INVARIANT(mqtt_topic_filter_is_valid(both));
    MQTT_INVARIANT(split(both, &o->both));
    /* It needs all of its room. */
    uint8_t *less = malloc(both.len);
    MQTT_INVARIANT(less != NULL);
    MQTT_INVARIANT(filter_intersect(a, b, less, both.len - 1) == 0);
    MQTT_INVARIANT(filter_intersect(a, b, less, both.len) == both.len);
    free(less);
}

/* What the first has that none of the set does: a topic, or nothing. */
static void judge_difference(const struct oracle *o, const struct mqtt_span *set, size_t count,
                             struct mqtt_span first, bool exceeds)
{
    size_t size = first.len + 17 * LEVELS_MAX;
    bool is_shallow = o->deepest <= LEVELS_FEW;

    for (size_t i = 0; i < count; i++)
        size += set[i].len;
    char *text = malloc(size);
    MQTT_INVARIANT(text != NULL);
    enum filter_cover cover = filter_set_witness(set, count, first, text, size);
    MQTT_INVARIANT(cover == filter_set_covers(set, count, first));
    MQTT_INVARIANT(cover != FILTER_COVER_UNKNOWN || !is_shallow);
    MQTT_INVARIANT(cover != FILTER_COVER_YES || !exceeds);
    MQTT_INVARIANT((cover == FILTER_COVER_NO) == (text[0] != '\0'));
    if (cover == FILTER_COVER_NO) {
        struct path topic;
        MQTT_INVARIANT(mqtt_topic_name_is_valid(span_of(text)) && split(span_of(text), &topic));
        MQTT_INVARIANT(matches(&o->filter[0], &topic));
        for (size_t i = 0; i < count; i++)
            MQTT_INVARIANT(!matches(&o->filter[i + 1], &topic));
    }
    free(text);
}

static void judge(const struct oracle *o, const struct mqtt_span *filters)
{
    struct mqtt_span a = filters[0];
    struct mqtt_span b = filters[1];

    MQTT_INVARIANT(filter_contains(a, a));
    MQTT_INVARIANT(filter_overlaps(a, b) == o->ab_meet);
    MQTT_INVARIANT(filter_overlaps(b, a) == o->ab_meet);
    MQTT_INVARIANT(filter_contains(a, b) == !o->b_exceeds_a);
    MQTT_INVARIANT(filter_contains(b, a) == !o->a_exceeds_b);
    judge_difference(o, &b, 1, a, o->a_exceeds_b);
    judge_difference(o, filters + 1, 2, a, o->a_exceeds_bc);
}

/* A topic name is a filter: for it containing, overlapping and matching are one. */
static void judge_topic(struct oracle *o, struct mqtt_span a, struct mqtt_span topic)
{
    if (!mqtt_utf8_is_valid(topic) || !mqtt_topic_name_is_valid(topic) || !split(topic, &o->topic))
        return;
    bool in_a = matches(&o->filter[0], &o->topic);
    MQTT_INVARIANT(mqtt_topic_matches(a, topic) == in_a);
    MQTT_INVARIANT(filter_contains(a, topic) == in_a);
    MQTT_INVARIANT(filter_overlaps(a, topic) == in_a);
    try_topic(o);
}

/* ---- input ---- */

/* Cuts the first line off `rest`, newline not included. */
static struct mqtt_span cut_line(struct mqtt_span *rest)
{
    struct mqtt_span line = *rest;
    const uint8_t *newline = line.len != 0 ? memchr(line.data, '\n', line.len) : NULL;
    if (newline == NULL) {
        *rest = (struct mqtt_span){ NULL, 0 };
        return line;
    }
    line.len = (size_t)(newline - line.data);
    *rest = (struct mqtt_span){ newline + 1, rest->len - line.len - 1 };
    return line;
}

static bool read_filters(struct mqtt_span *rest, struct mqtt_span *filters, struct oracle *o)
{
    o->deepest = 0;
    for (size_t f = 0; f < FILTERS; f++) {
        filters[f] = cut_line(rest);
        if (!mqtt_utf8_is_valid(filters[f]) || !mqtt_topic_filter_is_valid(filters[f])
            || !split(filters[f], &o->filter[f]))
            return false;
        if (o->filter[f].count + 1 > o->deepest)
            o->deepest = o->filter[f].count + 1;
    }
    return true;
}

#define WORD_BYTES 3 /* longest word and the separator behind it */

/* A byte names a level; its highest bit ends the line, as '#' does. Long lines come of it sooner
 * than of text. */
static struct mqtt_span write_levels(const uint8_t *data, size_t size, uint8_t *out)
{
    static const char *const words[] = { "a", "b", "c", "+", "+", "", "$s", "#" };
    size_t len = 0;

    for (size_t i = 0; i < size; i++) {
        const char *word = words[data[i] % 8];
        size_t bytes = strlen(word);
        if (bytes != 0)
            memcpy(out + len, word, bytes);
        out[len + bytes] = (data[i] & 0x80) != 0 || word[0] == '#' ? '\n' : '/';
        len += bytes + 1;
    }
    return (struct mqtt_span){ out, len };
}

static void check(struct mqtt_span input, struct oracle *o, uint8_t *text)
{
    struct mqtt_span filters[FILTERS];

    if (!read_filters(&input, filters, o))
        return;
    judge_intersection(o, filters[0], filters[1], text);
    if (are_few(o))
        try_all(o);
    try_pairs(o);
    judge(o, filters);
    judge_topic(o, filters[0], cut_line(&input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_levels = size > 0 && data[0] == '\0';
    size_t room = WORD_BYTES * size + 1;
    struct oracle *o = calloc(1, sizeof(*o));
    uint8_t *text = malloc(room);
    uint8_t *other = malloc(room);
    uint8_t *lines = malloc(room);

    MQTT_INVARIANT(o != NULL && text != NULL && other != NULL && lines != NULL);
    memset(other, 'o', room);
    o->other = (struct mqtt_span){ other, room }; /* longer than any level */
    check(is_levels ? write_levels(data + 1, size - 1, lines) : (struct mqtt_span){ data, size }, o,
          text);
    free(lines);
    free(other);
    free(text);
    free(o);
    return 0;
}
