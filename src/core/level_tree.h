/* SPDX-License-Identifier: Apache-2.0 */
/* A tree whose edges are the levels of topics or filters: what the topic index and
 * the retained tree stand on. It knows separators, and '+' only as the name of a
 * child that is at hand.
 *
 * Owner: the owner of the structure that holds it. All edges stand in one keyed
 * hash table, so a node of a million children costs what a node of one costs. No
 * function here recurses: a peer chooses the depth, up to limits.topic_levels. */
#pragma once

#include "base/attrs.h"
#include "base/bytes_map.h"
#include "base/siphash.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct level_node {
    struct bytes_node edge; /* key: the level's text, behind this struct */
    struct level_node *parent;
    struct level_node *child; /* the first one */
    struct level_node *next;  /* sibling */
    struct level_node *previous;
    struct level_node *plus; /* the child "+", NULL: none */
    void *value;             /* the owner's, for the path that ends here */
    void *many;              /* the owner's, for this path and all below it */
};

struct level_tree {
    struct bytes_map edges;
    struct level_node root; /* of no level; has no edge */
    size_t bytes;           /* held by nodes */
};

void level_tree_init(struct level_tree *tree, const struct siphash_key *key);
void level_tree_fini(struct level_tree *tree); /* frees all nodes, not what the owner put there */

bool level_tree_is_empty(const struct level_tree *tree); /* no node but the root */

/* The child of that level, or NULL. */
struct level_node *level_tree_child(const struct level_tree *tree, const struct level_node *parent,
                                    struct mqtt_span level);

/* The node at the end of `path`, or NULL. */
struct level_node *level_tree_find(const struct level_tree *tree, struct mqtt_span path);

/* The same, made if it is missing. NULL out of memory; the tree is as it was then. */
MQTT_NODISCARD struct level_node *level_tree_insert(struct level_tree *tree, struct mqtt_span path);

/* Removes `node` if it bears nothing, then its ancestors likewise. The root stays. */
void level_tree_prune(struct level_tree *tree, struct level_node *node);

/* ---- positions in a path: the offset at which a level starts, len + 1 behind the last ---- */

static inline bool level_is_past(struct mqtt_span path, size_t at)
{
    return at > path.len;
}

/* The level that starts at `at`, which is not past the end. */
struct mqtt_span level_at(struct mqtt_span path, size_t at);

/* Where the level before the one at `at` starts; `at` is not 0. */
size_t level_before(struct mqtt_span path, size_t at);

/* What malloc takes from the heap for so many bytes. */
static inline size_t level_heap_bytes(size_t bytes)
{
    return (bytes + sizeof(size_t) + 15) / 16 * 16;
}
