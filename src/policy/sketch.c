/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sketch.h"

#include "base/bytes_map.h"
#include "base/invariant.h"
#include "base/list.h"
#include "codec/topic.h"
#include "policy/sketch_shape.h"
#include "policy/sketch_state.h"

#include <stdlib.h>

#define NAMES     4
#define KEY_BYTES (NAMES * (IDENTITY_NAME_BYTES + 1) + 1)

/* What one identity did in one way with one outcome. */
struct group {
    struct bytes_node node; /* key: the names, each with its NUL, then the way */
    struct list entries;
    size_t count;
    struct identity identity; /* names in `key` */
    uint8_t key[];
};

struct entry {
    struct list by_age; /* of the sketch, oldest first */
    struct list of_group;
    struct group *group;
    bool generalised;
    bool fixed; /* a filter with wildcards of its own: never joined with others */
    uint64_t count;
    int64_t first_s;
    int64_t last_s;
    size_t len;
    uint8_t topic[];
};

struct sketch {
    struct bytes_map groups;
    struct list by_age;
    size_t count;
    size_t entries_max;
    size_t topics_max;
    int64_t since_s;
    struct sketch_drops drops;
};

struct sketch *sketch_new(const struct siphash_key *key, size_t entries_max)
{
    MQTT_INVARIANT(entries_max != 0);
    struct sketch *sketch = calloc(1, sizeof(*sketch));
    if (sketch == NULL)
        return NULL;
    bytes_map_init(&sketch->groups, key);
    list_init(&sketch->by_age);
    sketch->entries_max = entries_max;
    sketch->topics_max = SKETCH_TOPICS_MAX;
    return sketch;
}

void sketch_set_topics_max(struct sketch *sketch, size_t topics_max)
{
    MQTT_INVARIANT(topics_max != 0);
    sketch->topics_max = topics_max;
}

static struct mqtt_span topic_of(const struct entry *entry)
{
    return (struct mqtt_span){ entry->topic, entry->len };
}

static struct entry *aged(struct list *node)
{
    return MQTT_CONTAINER_OF(node, struct entry, by_age);
}

static struct entry *grouped(struct list *node)
{
    return MQTT_CONTAINER_OF(node, struct entry, of_group);
}

/* Leaves the group, even when it is empty. */
static void remove_entry(struct sketch *sketch, struct entry *entry)
{
    list_unlink(&entry->by_age);
    list_unlink(&entry->of_group);
    entry->group->count--;
    sketch->count--;
    free(entry);
}

static void remove_group_if_empty(struct sketch *sketch, struct group *group)
{
    if (group->count != 0)
        return;
    bytes_map_remove(&sketch->groups, &group->node);
    free(group);
}

/* The analyzer does not see that what is unlinked is not met again.
 * NOLINTBEGIN(clang-analyzer-unix.Malloc) */
static void drop_oldest(struct sketch *sketch)
{
    struct entry *oldest = aged(sketch->by_age.next);
    struct group *group = oldest->group;
    remove_entry(sketch, oldest);
    remove_group_if_empty(sketch, group);
    sketch->drops.entries++;
}
/* NOLINTEND(clang-analyzer-unix.Malloc) */

void sketch_free(struct sketch *sketch)
{
    if (sketch == NULL)
        return;
    while (!list_is_empty(&sketch->by_age))
        drop_oldest(sketch);
    bytes_map_fini(&sketch->groups);
    free(sketch);
}

/* ---- groups ---- */

/* 0 when a name is longer than names are. */
static size_t write_key(const struct identity *identity, uint8_t way, uint8_t out[KEY_BYTES])
{
    const char *const names[NAMES] = { identity->device, identity->role, identity->tenant,
                                       identity->site };
    size_t len = 0;
    for (size_t i = 0; i < NAMES; i++) {
        size_t bytes = names[i] != NULL ? strlen(names[i]) : 0;
        if (bytes > IDENTITY_NAME_BYTES)
            return 0;
        if (bytes != 0)
            memcpy(out + len, names[i], bytes);
        out[len + bytes] = '\0';
        len += bytes + 1;
    }
    out[len] = way;
    return len + 1;
}

/* The name that starts at *at, which moves behind it. */
static const char *take_name(const uint8_t **at)
{
    const char *name = (const char *)*at;
    *at += strlen(name) + 1;
    return name[0] != '\0' ? name : NULL;
}

static struct group *new_group(struct sketch *sketch, struct mqtt_span key, uint64_t hash)
{
    struct group *group = malloc(sizeof(*group) + key.len);
    if (group == NULL)
        return NULL;
    memcpy(group->key, key.data, key.len);
    const uint8_t *at = group->key;
    group->identity = (struct identity){ 0 };
    group->identity.device = take_name(&at);
    group->identity.role = take_name(&at);
    group->identity.tenant = take_name(&at);
    group->identity.site = take_name(&at);
    list_init(&group->entries);
    group->count = 0;
    group->node.key = (struct mqtt_span){ group->key, key.len };
    group->node.hash = hash;
    if (bytes_map_insert_hashed(&sketch->groups, &group->node) < 0) {
        free(group);
        return NULL;
    }
    return group;
}

#define WAY_ALLOWED   1u
#define WAY_SUBSCRIBE 2u
#define WAY_SHARED    4u

static uint8_t way_of(const struct sketch_entry *entry)
{
    return (uint8_t)((entry->allowed ? WAY_ALLOWED : 0)
                     | (entry->action == POLICY_SUBSCRIBE ? WAY_SUBSCRIBE : 0)
                     | (entry->shared ? WAY_SHARED : 0));
}

/* Found or made; NULL when it cannot be. */
static struct group *group_of(struct sketch *sketch, const struct identity *identity, uint8_t way)
{
    uint8_t bytes[KEY_BYTES];
    struct mqtt_span key = { bytes, write_key(identity, way, bytes) };
    if (key.len == 0)
        return NULL;
    uint64_t hash = bytes_map_hash(&sketch->groups, key);
    struct bytes_node *node = bytes_map_find_hashed(&sketch->groups, key, hash);
    return node != NULL ? MQTT_CONTAINER_OF(node, struct group, node)
                        : new_group(sketch, key, hash);
}

/* ---- entries ---- */

static struct entry *find_exact(struct group *group, struct mqtt_span topic, bool generalised)
{
    list_for_each (node, &group->entries) {
        struct entry *entry = grouped(node);
        if (entry->generalised == generalised && span_equal(topic_of(entry), topic))
            return entry;
    }
    return NULL;
}

/* A generalised entry that stands for `topic` too. */
static struct entry *find_wider(struct group *group, struct mqtt_span topic)
{
    list_for_each (node, &group->entries) {
        struct entry *entry = grouped(node);
        if (entry->generalised && mqtt_topic_matches(topic_of(entry), topic))
            return entry;
    }
    return NULL;
}

static struct entry *find_entry(struct group *group, struct mqtt_span topic, bool generalised)
{
    struct entry *entry = find_exact(group, topic, generalised);
    if (entry != NULL || (!generalised && mqtt_topic_filter_has_wildcard(topic)))
        return entry;
    return find_wider(group, topic);
}

/* Newest of the sketch. */
static struct entry *new_entry(struct sketch *sketch, struct group *group, struct mqtt_span topic,
                               bool generalised)
{
    struct entry *entry = malloc(sizeof(*entry) + topic.len);
    if (entry == NULL)
        return NULL;
    *entry = (struct entry){ .group = group, .generalised = generalised, .len = topic.len };
    memcpy(entry->topic, topic.data, topic.len);
    entry->fixed = !generalised && mqtt_topic_filter_has_wildcard(topic);
    list_push_back(&sketch->by_age, &entry->by_age);
    list_push_back(&group->entries, &entry->of_group);
    group->count++;
    sketch->count++;
    return entry;
}

static void count_in(struct entry *entry, uint64_t count, int64_t first_s, int64_t last_s)
{
    if (entry->count == 0 || first_s < entry->first_s)
        entry->first_s = first_s;
    if (entry->count == 0 || last_s > entry->last_s)
        entry->last_s = last_s;
    entry->count = count > UINT64_MAX - entry->count ? UINT64_MAX : entry->count + count;
}

/* ---- a group that has too many ----
 *
 * As above, what is freed is in no list any more.
 * NOLINTBEGIN(clang-analyzer-unix.Malloc) */

struct join {
    struct entry *a;
    struct sketch_gap gap;
    size_t takes_in; /* entries that it would stand for */
};

static size_t count_matched(struct group *group, struct mqtt_span shape)
{
    size_t matched = 0;
    list_for_each (node, &group->entries)
        matched += !grouped(node)->fixed && mqtt_topic_matches(shape, topic_of(grouped(node)));
    return matched;
}

static void consider(struct group *group, struct entry *a, struct entry *b, struct join *best)
{
    struct sketch_gap gap;
    uint8_t shape[SKETCH_TOPIC_BYTES + 1];
    if (a->fixed || b->fixed || !sketch_shape_differs_once(topic_of(a), topic_of(b), &gap))
        return;
    size_t len = sketch_shape_join(topic_of(a), &gap, shape);
    /* An empty level makes a topic longer when '+' takes its place. */
    if (len > SKETCH_TOPIC_BYTES)
        return;
    size_t takes_in = count_matched(group, (struct mqtt_span){ shape, len });
    if (takes_in > best->takes_in)
        *best = (struct join){ a, gap, takes_in };
}

static struct join best_join(struct group *group)
{
    struct join best = { .a = NULL };
    list_for_each (first, &group->entries)
        for (struct list *second = first->next; second != &group->entries; second = second->next)
            consider(group, grouped(first), grouped(second), &best);
    return best;
}

/* False out of memory: nothing has changed. */
static bool join_entries(struct sketch *sketch, struct group *group, const struct join *join)
{
    uint8_t bytes[SKETCH_TOPIC_BYTES + 1];
    struct mqtt_span shape = { bytes, sketch_shape_join(topic_of(join->a), &join->gap, bytes) };
    struct entry *joined = find_exact(group, shape, true);
    if (joined == NULL)
        joined = new_entry(sketch, group, shape, true);
    if (joined == NULL)
        return false;
    list_for_each_safe (node, following, &group->entries) {
        struct entry *entry = grouped(node);
        if (entry == joined || entry->fixed || !mqtt_topic_matches(shape, topic_of(entry)))
            continue;
        count_in(joined, entry->count, entry->first_s, entry->last_s);
        remove_entry(sketch, entry);
    }
    return true;
}

static void drop_oldest_of(struct sketch *sketch, struct group *group)
{
    struct entry *oldest = grouped(group->entries.next);
    list_for_each (node, &group->entries)
        if (grouped(node)->last_s < oldest->last_s)
            oldest = grouped(node);
    remove_entry(sketch, oldest);
    sketch->drops.topics++;
}

static void bound_group(struct sketch *sketch, struct group *group)
{
    while (group->count > sketch->topics_max) {
        struct join join = best_join(group);
        if (join.a == NULL || !join_entries(sketch, group, &join))
            drop_oldest_of(sketch, group);
    }
}

/* NOLINTEND(clang-analyzer-unix.Malloc) */

/* ---- noting and merging ---- */

void sketch_add(struct sketch *sketch, const struct sketch_entry *from)
{
    struct group *group = NULL;
    if (from->topic.len <= SKETCH_TOPIC_BYTES)
        group = group_of(sketch, &from->identity, way_of(from));
    if (group == NULL) {
        sketch->drops.unrecorded++;
        return;
    }
    struct entry *entry = find_entry(group, from->topic, from->generalised);
    bool known = entry != NULL;
    if (!known)
        entry = new_entry(sketch, group, from->topic, from->generalised);
    if (entry == NULL) {
        sketch->drops.unrecorded++;
        remove_group_if_empty(sketch, group);
        return;
    }
    count_in(entry, from->count, from->first_s, from->last_s);
    list_unlink(&entry->by_age);
    list_push_back(&sketch->by_age, &entry->by_age);
    if (!known)
        bound_group(sketch, group);
}

void sketch_note(struct sketch *sketch, const struct identity *identity, enum policy_action action,
                 struct mqtt_span topic, bool allowed, int64_t now_s)
{
    struct mqtt_share share = { .filter = topic };
    bool shared = action == POLICY_SUBSCRIBE && mqtt_share_parse(topic, &share) > 0;
    sketch_add(sketch, &(struct sketch_entry){ .identity = *identity,
                                               .action = action,
                                               .allowed = allowed,
                                               .shared = shared,
                                               .topic = share.filter,
                                               .count = 1,
                                               .first_s = now_s,
                                               .last_s = now_s });
    while (sketch->count > sketch->entries_max)
        drop_oldest(sketch);
}

static int compare_age(const void *left, const void *right)
{
    const struct entry *a = *(struct entry *const *)left;
    const struct entry *b = *(struct entry *const *)right;
    return a->last_s < b->last_s ? -1 : a->last_s > b->last_s;
}

void sketch_settle(struct sketch *sketch)
{
    size_t count = 0;
    struct entry **entries = calloc(sketch->count + 1, sizeof(struct entry *));
    /* Without memory the order stays that of adding. */
    if (entries != NULL) {
        list_for_each (node, &sketch->by_age)
            entries[count++] = aged(node);
        qsort(entries, count, sizeof(struct entry *), compare_age);
        list_init(&sketch->by_age);
        for (size_t i = 0; i < count; i++)
            list_push_back(&sketch->by_age, &entries[i]->by_age);
        free(entries);
    }
    while (sketch->count > sketch->entries_max)
        drop_oldest(sketch);
}

void sketch_settle_at_times(struct sketch *sketch)
{
    if (sketch->count / 2 >= sketch->entries_max)
        sketch_settle(sketch);
}

void sketch_forget(struct sketch *sketch, int64_t before_s)
{
    list_for_each_safe (node, following, &sketch->by_age) {
        struct group *group = aged(node)->group;
        if (aged(node)->last_s >= before_s)
            continue;
        remove_entry(sketch, aged(node));
        remove_group_if_empty(sketch, group);
    }
    if (sketch->since_s != 0 && sketch->since_s < before_s)
        sketch->since_s = before_s;
}

/* ---- looking ---- */

int64_t sketch_since(const struct sketch *sketch)
{
    return sketch->since_s;
}

void sketch_set_since(struct sketch *sketch, int64_t since_s)
{
    sketch->since_s = since_s;
}

void sketch_set_earlier(struct sketch *sketch, int64_t since_s)
{
    if (since_s != 0 && (sketch->since_s == 0 || since_s < sketch->since_s))
        sketch->since_s = since_s;
}

size_t sketch_count(const struct sketch *sketch)
{
    return sketch->count;
}

struct sketch_drops sketch_drops_of(const struct sketch *sketch)
{
    return sketch->drops;
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

void sketch_add_drops(struct sketch *sketch, const struct sketch_drops *drops)
{
    sketch->drops.topics = add_up(sketch->drops.topics, drops->topics);
    sketch->drops.entries = add_up(sketch->drops.entries, drops->entries);
    sketch->drops.unrecorded = add_up(sketch->drops.unrecorded, drops->unrecorded);
}

static enum policy_action action_of(uint8_t way)
{
    return (way & WAY_SUBSCRIBE) != 0 ? POLICY_SUBSCRIBE : POLICY_PUBLISH;
}

int sketch_each(const struct sketch *sketch, sketch_visit visit, void *context)
{
    list_for_each (node, &sketch->by_age) {
        const struct entry *entry = aged(node);
        uint8_t way = entry->group->node.key.data[entry->group->node.key.len - 1];
        int result = visit(context, &(struct sketch_entry){ .identity = entry->group->identity,
                                                            .action = action_of(way),
                                                            .allowed = (way & WAY_ALLOWED) != 0,
                                                            .shared = (way & WAY_SHARED) != 0,
                                                            .generalised = entry->generalised,
                                                            .topic = topic_of(entry),
                                                            .count = entry->count,
                                                            .first_s = entry->first_s,
                                                            .last_s = entry->last_s });
        if (result != 0)
            return result;
    }
    return 0;
}
