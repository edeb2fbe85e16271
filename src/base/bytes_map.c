/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes_map.h"

#include "base/invariant.h"

#include <errno.h>
#include <stdlib.h>

#define SMALLEST_TABLE 16 /* buckets */

/* Between a halving at a quarter full and the next one lie removals for an eighth of
 * the buckets, so 16 buckets a step are done in time; a doubling needs only one. */
#define BUCKETS_PER_STEP 16

void bytes_map_init(struct bytes_map *map, const struct siphash_key *key)
{
    *map = (struct bytes_map){ .hash_key = *key };
}

void bytes_map_fini(struct bytes_map *map)
{
    free(map->buckets);
    free(map->old_buckets);
    *map = (struct bytes_map){ .hash_key = map->hash_key };
}

uint64_t bytes_map_hash(const struct bytes_map *map, struct mqtt_span key)
{
    return siphash(&map->hash_key, key);
}

/* The one bucket where nodes of that hash stand. The map has a table. */
static struct bytes_node **bucket_of(const struct bytes_map *map, uint64_t hash)
{
    if (map->old_buckets != NULL && (hash & map->old_mask) >= map->moved)
        return &map->old_buckets[hash & map->old_mask];
    return &map->buckets[hash & map->mask];
}

struct bytes_node *bytes_map_chain(const struct bytes_map *map, uint64_t hash)
{
    return map->buckets != NULL ? *bucket_of(map, hash) : NULL;
}

MQTT_HOT struct bytes_node *bytes_map_find_hashed(const struct bytes_map *map, struct mqtt_span key,
                                                  uint64_t hash)
{
    struct bytes_node *node = bytes_map_chain(map, hash);
    while (node != NULL && !(node->hash == hash && span_equal(node->key, key)))
        node = node->next;
    return node;
}

struct bytes_node *bytes_map_find(const struct bytes_map *map, struct mqtt_span key)
{
    if (map->count == 0)
        return NULL; /* to hash a key takes longest */
    return bytes_map_find_hashed(map, key, bytes_map_hash(map, key));
}

/* Begins to move to a table of that many buckets. Without memory all stays as it is:
 * a fuller table is slower, not wrong. */
static void begin_move(struct bytes_map *map, size_t buckets)
{
    struct bytes_node **table = calloc(buckets, sizeof(*table));
    if (table == NULL)
        return;
    map->old_buckets = map->buckets;
    map->old_mask = map->mask;
    map->moved = 0;
    map->buckets = table;
    map->mask = buckets - 1;
}

static void move_bucket(struct bytes_map *map, size_t index)
{
    struct bytes_node *node = map->old_buckets[index];
    while (node != NULL) {
        struct bytes_node *next = node->next;
        struct bytes_node **bucket = &map->buckets[node->hash & map->mask];
        node->next = *bucket;
        *bucket = node;
        node = next;
    }
}

static void move_some(struct bytes_map *map)
{
    if (map->old_buckets == NULL || map->visiting)
        return;
    for (int i = 0; i < BUCKETS_PER_STEP && map->moved <= map->old_mask; i++)
        move_bucket(map, map->moved++);
    if (map->moved > map->old_mask) {
        free(map->old_buckets);
        map->old_buckets = NULL;
    }
}

static void fit_table(struct bytes_map *map)
{
    if (map->old_buckets != NULL || map->visiting)
        return;
    size_t buckets = map->mask + 1;
    if (map->count > buckets && buckets <= SIZE_MAX / 2 / sizeof(*map->buckets))
        begin_move(map, buckets * 2);
    else if (map->count < buckets / 4 && buckets > SMALLEST_TABLE)
        begin_move(map, buckets / 2);
}

int bytes_map_insert_hashed(struct bytes_map *map, struct bytes_node *node)
{
    MQTT_INVARIANT(!map->visiting);
    if (map->buckets == NULL) {
        map->buckets = calloc(SMALLEST_TABLE, sizeof(*map->buckets));
        if (map->buckets == NULL)
            return -ENOMEM;
        map->mask = SMALLEST_TABLE - 1;
    }
    struct bytes_node **bucket = bucket_of(map, node->hash);
    node->next = *bucket;
    *bucket = node;
    map->count++;
    move_some(map);
    fit_table(map);
    return 0;
}

int bytes_map_insert(struct bytes_map *map, struct bytes_node *node)
{
    node->hash = bytes_map_hash(map, node->key);
    return bytes_map_insert_hashed(map, node);
}

void bytes_map_remove(struct bytes_map *map, struct bytes_node *node)
{
    MQTT_INVARIANT(map->buckets != NULL);
    struct bytes_node **at = bucket_of(map, node->hash);
    while (*at != NULL && *at != node)
        at = &(*at)->next;
    MQTT_INVARIANT(*at == node);
    *at = node->next;
    node->next = NULL;
    map->count--;
    move_some(map);
    fit_table(map);
}

static void visit_table(struct bytes_node **buckets, size_t first, size_t mask,
                        void (*visit)(struct bytes_node *node, void *context), void *context)
{
    for (size_t i = first; i <= mask; i++) {
        struct bytes_node *node = buckets[i];
        while (node != NULL) {
            struct bytes_node *next = node->next;
            visit(node, context);
            node = next;
        }
    }
}

void bytes_map_each(struct bytes_map *map, void (*visit)(struct bytes_node *node, void *context),
                    void *context)
{
    if (map->buckets == NULL)
        return;
    bool outer = map->visiting;
    map->visiting = true;
    visit_table(map->buckets, 0, map->mask, visit, context);
    if (map->old_buckets != NULL)
        visit_table(map->old_buckets, map->moved, map->old_mask, visit, context);
    map->visiting = outer;
}

size_t bytes_map_bytes(const struct bytes_map *map)
{
    size_t buckets = map->buckets != NULL ? map->mask + 1 : 0;
    if (map->old_buckets != NULL)
        buckets += map->old_mask + 1;
    return buckets * sizeof(*map->buckets);
}
