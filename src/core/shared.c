/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the shared state, and interest. Retained messages: retained.c. */
#include "core/shared.h"

#include "core/allowance.h"
#include "core/message.h"
#include "core/shared_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One filter that somebody subscribed to, ordinarily or by one group. */
struct interest_entry {
    struct topic_link link;
    struct bytes_node by_key;
    uint32_t group_len;
    uint32_t total;
    uint32_t total_present;
    uint32_t members[SHARDS_MAX];
    uint32_t present[SHARDS_MAX]; /* of them, those with a client */
    uint32_t kept[SHARDS_MAX];    /* of them, those that are kept on disk */
    uint8_t key[];                /* group, NUL, filter */
};

void shared_enter(const struct shared *shared)
{
    if (shared->lock.lock != NULL)
        shared->lock.lock(shared->lock.context);
}

void shared_exit(const struct shared *shared)
{
    if (shared->lock.unlock != NULL)
        shared->lock.unlock(shared->lock.context);
}

struct shared *shared_new(const struct siphash_key *key, const struct shared_lock *lock,
                          unsigned shard_count)
{
    struct shared *shared;

    if (shard_count == 0 || shard_count > SHARDS_MAX)
        return NULL;
    shared = calloc(1, sizeof(*shared));
    if (shared == NULL)
        return NULL;
    if (lock != NULL)
        shared->lock = *lock;
    shared->shard_count = shard_count;
    list_init(&shared->expiring);
    bytes_map_init(&shared->entries, key);
    bytes_map_init(&shared->keys, key);
    bytes_map_init(&shared->allowances, key);
    list_init(&shared->idle_allowances);
    atomic_init(&shared->generation, 1);
    shared->retained = retained_tree_new(key);
    shared->index = topic_index_new(key);
    if (shared->retained != NULL && shared->index != NULL)
        return shared;
    shared_free(shared);
    return NULL;
}

static void release_entry(struct bytes_node *node, void *context)
{
    struct shared *shared = context;
    struct interest_entry *entry = MQTT_CONTAINER_OF(node, struct interest_entry, by_key);

    topic_index_detach(shared->index, &entry->link);
    bytes_map_remove(&shared->entries, node);
    free(entry);
}

static void release_message(void *value)
{
    free(value);
}

void shared_free(struct shared *shared)
{
    if (shared == NULL)
        return;
    bytes_map_each(&shared->entries, release_entry, shared);
    bytes_map_fini(&shared->entries);
    bytes_map_fini(&shared->keys); /* its connections are gone */
    topic_index_free(shared->index);
    record_fini(&shared->journal.frame);
    retained_tree_free(shared->retained, release_message);
    allowance_free_all(shared);
    free(shared);
}

uint64_t shared_generation(const struct shared *shared)
{
    return atomic_load_explicit(&shared->generation, memory_order_acquire);
}

static void moved(struct shared *shared)
{
    atomic_fetch_add_explicit(&shared->generation, 1, memory_order_release);
}

static struct mqtt_span make_key(uint8_t *memory, struct mqtt_span group, struct mqtt_span filter)
{
    if (group.len > 0)
        memcpy(memory, group.data, group.len);
    memory[group.len] = 0;
    memcpy(memory + group.len + 1, filter.data, filter.len);
    return (struct mqtt_span){ memory, group.len + 1 + filter.len };
}

static struct interest_entry *entry_find(const struct shared *shared, struct mqtt_span key)
{
    struct bytes_node *node = bytes_map_find(&shared->entries, key);

    return node != NULL ? MQTT_CONTAINER_OF(node, struct interest_entry, by_key) : NULL;
}

static struct interest_entry *entry_new(struct shared *shared, struct mqtt_span key,
                                        size_t group_len, struct mqtt_span filter)
{
    struct interest_entry *entry = calloc(1, sizeof(*entry) + key.len);

    if (entry == NULL)
        return NULL;
    memcpy(entry->key, key.data, key.len);
    entry->by_key.key = (struct mqtt_span){ entry->key, key.len };
    entry->group_len = (uint32_t)group_len;
    if (topic_index_attach(shared->index, filter, &entry->link) < 0)
        goto fail;
    if (bytes_map_insert(&shared->entries, &entry->by_key) < 0)
        goto fail_detach;
    return entry;

fail_detach:
    topic_index_detach(shared->index, &entry->link);
fail:
    free(entry);
    return NULL;
}

int shared_subscribe(struct shared *shared, unsigned shard, struct mqtt_span filter,
                     struct mqtt_span group)
{
    MQTT_UNINITIALIZED uint8_t memory[2 * 65536];
    struct mqtt_span key = make_key(memory, group, filter);
    struct interest_entry *entry;

    shared_enter(shared);
    entry = entry_find(shared, key);
    if (entry == NULL)
        entry = entry_new(shared, key, group.len, filter);
    if (entry != NULL) {
        entry->total++;
        /* A second ordinary subscriber on a shard changes no answer. */
        if (entry->members[shard]++ == 0 || group.len > 0)
            moved(shared);
    }
    shared_exit(shared);
    return entry != NULL ? 0 : -ENOMEM;
}

void shared_unsubscribe(struct shared *shared, unsigned shard, struct mqtt_span filter,
                        struct mqtt_span group)
{
    MQTT_UNINITIALIZED uint8_t memory[2 * 65536];
    struct mqtt_span key = make_key(memory, group, filter);
    struct interest_entry *entry;

    shared_enter(shared);
    entry = entry_find(shared, key);
    if (entry != NULL) {
        entry->total--;
        if (--entry->members[shard] == 0 || group.len > 0)
            moved(shared);
        if (entry->total == 0)
            release_entry(&entry->by_key, shared);
    }
    shared_exit(shared);
}

/* Of a subscriber that is counted: how many more of its shard are there, and are kept. */
static void recount(struct shared *shared, unsigned shard, struct mqtt_span filter,
                    struct mqtt_span group, int present, int kept)
{
    MQTT_UNINITIALIZED uint8_t memory[2 * 65536];
    struct interest_entry *entry;

    shared_enter(shared);
    entry = entry_find(shared, make_key(memory, group, filter));
    if (entry != NULL) {
        entry->present[shard] += (uint32_t)present;
        entry->total_present += (uint32_t)present;
        entry->kept[shard] += (uint32_t)kept;
        moved(shared);
    }
    shared_exit(shared);
}

void shared_present(struct shared *shared, unsigned shard, struct mqtt_span filter,
                    struct mqtt_span group, int change)
{
    recount(shared, shard, filter, group, change, 0);
}

void shared_keep(struct shared *shared, unsigned shard, struct mqtt_span filter,
                 struct mqtt_span group, int change)
{
    recount(shared, shard, filter, group, 0, change);
}

/* ---- asking ---- */

static uint64_t keeping(const struct interest_entry *entry)
{
    uint64_t shards = 0;

    for (unsigned shard = 0; shard < SHARDS_MAX; shard++)
        if (entry->kept[shard] > 0)
            shards |= UINT64_C(1) << shard;
    return shards;
}

struct asking {
    struct interest *interest;
    bool failed;
};

static void add_group(struct asking *asking, const struct interest_entry *entry)
{
    struct interest *interest = asking->interest;
    struct interest_group *groups =
        realloc(interest->groups, (interest->group_count + 1) * sizeof(*groups));
    uint8_t *key = malloc(entry->by_key.key.len);

    if (groups != NULL)
        interest->groups = groups;
    if (groups == NULL || key == NULL) {
        free(key);
        asking->failed = true;
        return;
    }
    memcpy(key, entry->key, entry->by_key.key.len);
    struct interest_group *group = &groups[interest->group_count++];
    *group = (struct interest_group){
        .key = key,
        .key_len = entry->by_key.key.len,
        .total = entry->total_present > 0 ? entry->total_present : entry->total,
        .keeping = keeping(entry),
    };
    memcpy(group->members, entry->total_present > 0 ? entry->present : entry->members,
           sizeof(group->members));
}

static void on_match(void *context, struct topic_filter *filter)
{
    struct asking *asking = context;

    list_for_each (node, topic_filter_links(filter)) {
        struct topic_link *link = MQTT_CONTAINER_OF(node, struct topic_link, in_filter);
        const struct interest_entry *entry = MQTT_CONTAINER_OF(link, struct interest_entry, link);

        if (entry->group_len > 0) {
            add_group(asking, entry);
            continue;
        }
        for (unsigned shard = 0; shard < SHARDS_MAX; shard++)
            if (entry->members[shard] > 0)
                asking->interest->shards |= UINT64_C(1) << shard;
        asking->interest->keeping |= keeping(entry);
    }
}

void interest_fini(struct interest *interest)
{
    for (size_t i = 0; i < interest->group_count; i++)
        free(interest->groups[i].key);
    free(interest->groups);
    *interest = (struct interest){ 0 };
}

int shared_interest(struct shared *shared, struct mqtt_span topic, struct interest *interest)
{
    struct asking asking = { .interest = interest };

    interest_fini(interest);
    shared_enter(shared);
    topic_index_match(shared->index, topic, on_match, &asking);
    shared_exit(shared);
    if (!asking.failed)
        return 0;
    interest_fini(interest);
    return -ENOMEM;
}
