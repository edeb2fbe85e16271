/* SPDX-License-Identifier: Apache-2.0 */
/* Hash map from byte strings to pointers, intrusive: the node and the key live
 * in the caller's object.
 *
 * Owner: one thread. Keyed SipHash, chained, grows and shrinks by doubling and
 * halving. The map allocates its table only. A new table is filled a few buckets
 * at each insertion and removal, so that no single step has to move all nodes. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the caller's object, unchanged while it is in a map. */
struct bytes_node {
    struct bytes_node *next;
    uint64_t hash;
    struct mqtt_span key; /* borrowed from the caller's object */
};

struct bytes_map {
    struct siphash_key hash_key;
    struct bytes_node **buckets;
    size_t mask; /* buckets - 1; 0 with buckets == NULL: nothing allocated */
    size_t count;
    /* The table being left: its buckets from `moved` on still hold their nodes. */
    struct bytes_node **old_buckets; /* NULL: none */
    size_t old_mask;
    size_t moved;
    bool visiting; /* bytes_map_each() runs: nothing moves */
};

void bytes_map_init(struct bytes_map *map, const struct siphash_key *key);
void bytes_map_fini(struct bytes_map *map); /* frees the table, not the nodes */

uint64_t bytes_map_hash(const struct bytes_map *map, struct mqtt_span key);

/* Borrowed, or NULL. */
struct bytes_node *bytes_map_find(const struct bytes_map *map, struct mqtt_span key);
struct bytes_node *bytes_map_find_hashed(const struct bytes_map *map, struct mqtt_span key,
                                         uint64_t hash);

/* The chain, linked by `next`, in which every node of that hash stands, among others;
 * NULL when empty. For owners whose keys are more than the bytes: they hash and
 * compare by themselves and insert with bytes_map_insert_hashed(). */
struct bytes_node *bytes_map_chain(const struct bytes_map *map, uint64_t hash);

/* Inserts a node whose key is set and not yet present. -ENOMEM only for the first
 * insertion; a failed growth later keeps the smaller table. */
MQTT_NODISCARD int bytes_map_insert(struct bytes_map *map, struct bytes_node *node);

/* The same with node->hash set by the caller. */
MQTT_NODISCARD int bytes_map_insert_hashed(struct bytes_map *map, struct bytes_node *node);

/* Removes a node that is in the map. */
void bytes_map_remove(struct bytes_map *map, struct bytes_node *node);

/* Any order; the callback may remove the node it is given, and changes nothing else. */
void bytes_map_each(struct bytes_map *map, void (*visit)(struct bytes_node *node, void *context),
                    void *context);

size_t bytes_map_bytes(const struct bytes_map *map); /* held by the tables */
