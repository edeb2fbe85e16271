/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/replay_set.h"

#include "policy/filter.h"
#include "policy/share.h"

#include <stdlib.h>

#define NAMES_MAX 64 /* different names that rules have in one level */

/* A level that varies, and what is tried in it. */
struct choice {
    struct mqtt_span names[NAMES_MAX + 1]; /* of rules, borrowed; the last is none of them */
    size_t count;
    size_t at; /* the one that is tried */
    char other[IDENTITY_NAME_BYTES];
};

struct set {
    const struct role *role;
    const struct sketch_entry *entry;
    struct choice choices[REPLAY_SET_LEVELS];
    size_t count;
    uint8_t *topic;
};

static struct mqtt_span first_level(struct mqtt_span text)
{
    /* The analyzer takes a span for one of no bytes that has some.
     * NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    const uint8_t *end = text.len != 0 ? memchr(text.data, '/', text.len) : NULL;
    return (struct mqtt_span){ text.data, end != NULL ? (size_t)(end - text.data) : text.len };
}

/* Cuts the first level and its separator off; false at the end. */
static bool next_level(struct mqtt_span *text)
{
    size_t len = first_level(*text).len;
    if (len == text->len)
        return false;
    *text = (struct mqtt_span){ text->data + len + 1, text->len - len - 1 };
    return true;
}

static bool is_plus(struct mqtt_span level)
{
    return span_equal(level, span_of("+"));
}

static bool add_name(struct choice *choice, struct mqtt_span name)
{
    for (size_t i = 0; i < choice->count; i++)
        if (span_equal(choice->names[i], name))
            return true;
    if (choice->count == NAMES_MAX)
        return false;
    choice->names[choice->count++] = name;
    return true;
}

/* What the rule names in the levels of the shape that vary. */
static bool add_rule(struct set *set, struct mqtt_span filter)
{
    struct mqtt_span shape = set->entry->topic;
    size_t which = 0;
    if (!filter_overlaps(filter, shape))
        return true;
    do {
        struct mqtt_span level = first_level(filter);
        if (span_equal(level, span_of("#")))
            return true;
        if (!is_plus(first_level(shape)))
            continue;
        if (!is_plus(level) && !add_name(&set->choices[which], level))
            return false;
        which++;
    } while (next_level(&shape) && next_level(&filter));
    return true;
}

static bool add_rules(struct set *set, const struct share *share)
{
    for (size_t i = 0; i < share->count; i++)
        if (share->lines[i].rule->action == set->entry->action
            && !add_rule(set, span_of(share->lines[i].filter)))
            return false;
    return true;
}

/* A name that no rule has there: longer ones of one letter until one is new. */
static void add_other(struct choice *choice)
{
    size_t len = 0;
    struct mqtt_span name;
    bool taken;
    do {
        choice->other[len++] = 'x';
        name = (struct mqtt_span){ (const uint8_t *)choice->other, len };
        taken = false;
        for (size_t i = 0; i < choice->count; i++)
            taken |= span_equal(choice->names[i], name);
    } while (taken);
    choice->names[choice->count++] = name;
}

_Static_assert(NAMES_MAX < IDENTITY_NAME_BYTES, "add_other() finds a name in time");

/* The topic that is tried now; its length. */
static size_t write_topic(const struct set *set)
{
    struct mqtt_span shape = set->entry->topic;
    size_t which = 0;
    size_t len = 0;
    for (;;) {
        struct mqtt_span level = first_level(shape);
        if (is_plus(level)) {
            const struct choice *choice = &set->choices[which++];
            level = choice->names[choice->at];
        }
        if (level.len != 0)
            memcpy(set->topic + len, level.data, level.len);
        len += level.len;
        if (!next_level(&shape))
            return len;
        set->topic[len++] = '/';
    }
}

static bool is_allowed(const struct set *set)
{
    struct mqtt_span topic = { set->topic, write_topic(set) };
    if (set->entry->action == POLICY_PUBLISH)
        return policy_decide_publish(set->role, &set->entry->identity, topic).verdict
               == POLICY_ALLOW;
    return policy_decide_subscribe(set->role, &set->entry->identity, topic).verdict == POLICY_ALLOW;
}

/* The next combination; false after the last. */
static bool advance(struct set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct choice *choice = &set->choices[i];
        if (++choice->at < choice->count)
            return true;
        choice->at = 0;
    }
    return false;
}

static enum replay_outcome try_all(struct set *set)
{
    bool some = false;
    bool all = true;
    do {
        bool allowed = is_allowed(set);
        some |= allowed;
        all &= allowed;
    } while ((all || !some) && advance(set));
    if (all)
        return REPLAY_ALLOWED;
    return some ? REPLAY_PARTLY : REPLAY_REFUSED;
}

/* How many topics there are to try; more than REPLAY_SET_TOPICS when it is more. */
static size_t topics_to_try(const struct set *set)
{
    size_t topics = 1;
    for (size_t i = 0; i < set->count && topics <= REPLAY_SET_TOPICS; i++)
        topics *= set->choices[i].count;
    return topics;
}

/* Bytes of the longest topic that is tried. */
static size_t topic_room(const struct set *set)
{
    size_t room = set->entry->topic.len + 1;
    for (size_t i = 0; i < set->count; i++) {
        size_t longest = 0;
        for (size_t j = 0; j < set->choices[i].count; j++)
            if (set->choices[i].names[j].len > longest)
                longest = set->choices[i].names[j].len;
        room += longest;
    }
    return room;
}

static enum replay_outcome decide(struct set *set, const struct share *share)
{
    if (!add_rules(set, share))
        return REPLAY_PARTLY;
    for (size_t i = 0; i < set->count; i++)
        add_other(&set->choices[i]);
    if (topics_to_try(set) > REPLAY_SET_TOPICS)
        return REPLAY_PARTLY;
    set->topic = malloc(topic_room(set));
    if (set->topic == NULL)
        return REPLAY_PARTLY;
    enum replay_outcome outcome = try_all(set);
    free(set->topic);
    return outcome;
}

static size_t levels_that_vary(struct mqtt_span shape)
{
    size_t count = 0;
    do
        count += is_plus(first_level(shape));
    while (next_level(&shape));
    return count;
}

enum replay_outcome replay_set_decide(const struct role *role, const struct sketch_entry *entry)
{
    enum replay_outcome outcome = REPLAY_PARTLY;
    struct share share = { NULL, 0 };
    struct set *set = NULL;
    size_t count = levels_that_vary(entry->topic);
    if (count <= REPLAY_SET_LEVELS)
        set = calloc(1, sizeof(*set));
    if (set != NULL && share_list(role, &entry->identity, &share) == 0) {
        set->role = role;
        set->entry = entry;
        set->count = count;
        outcome = decide(set, &share);
    }
    share_fini(&share);
    free(set);
    return outcome;
}
