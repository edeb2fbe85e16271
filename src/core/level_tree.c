/* SPDX-License-Identifier: Apache-2.0 */
#include "core/level_tree.h"

#include "base/invariant.h"

#include <stdlib.h>

struct mqtt_span level_at(struct mqtt_span path, size_t at)
{
    if (at == path.len)
        return (struct mqtt_span){ path.data, 0 };
    const uint8_t *start = path.data + at;
    const uint8_t *separator = memchr(start, '/', path.len - at);
    return (struct mqtt_span){ start,
                               separator != NULL ? (size_t)(separator - start) : path.len - at };
}

size_t level_before(struct mqtt_span path, size_t at)
{
    size_t start = at - 1; /* of the separator, or of the end */
    while (start > 0 && path.data[start - 1] != '/')
        start--;
    return start;
}

void level_tree_init(struct level_tree *tree, const struct siphash_key *key)
{
    *tree = (struct level_tree){ .root = { .parent = NULL } };
    bytes_map_init(&tree->edges, key);
}

static void free_node(struct bytes_node *edge, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(edge, struct level_node, edge));
}

void level_tree_fini(struct level_tree *tree)
{
    bytes_map_each(&tree->edges, free_node, NULL);
    bytes_map_fini(&tree->edges);
    tree->root = (struct level_node){ .parent = NULL };
    tree->bytes = 0;
}

bool level_tree_is_empty(const struct level_tree *tree)
{
    return tree->root.child == NULL;
}

/* The parent's hash goes into the key. Added to the level's hash instead, it would
 * let a peer who knows no key combine levels into paths that collide. */
static uint64_t edge_hash(const struct level_tree *tree, const struct level_node *parent,
                          struct mqtt_span level)
{
    struct siphash_key key = tree->edges.hash_key;
    key.low ^= parent->edge.hash;
    return siphash(&key, level);
}

static struct level_node *find_edge(const struct level_tree *tree, const struct level_node *parent,
                                    struct mqtt_span level, uint64_t hash)
{
    struct bytes_node *edge = bytes_map_chain(&tree->edges, hash);
    for (; edge != NULL; edge = edge->next) {
        struct level_node *node = MQTT_CONTAINER_OF(edge, struct level_node, edge);
        if (edge->hash == hash && node->parent == parent && span_equal(edge->key, level))
            return node;
    }
    return NULL;
}

struct level_node *level_tree_child(const struct level_tree *tree, const struct level_node *parent,
                                    struct mqtt_span level)
{
    if (parent->child == NULL)
        return NULL;
    return find_edge(tree, parent, level, edge_hash(tree, parent, level));
}

struct level_node *level_tree_find(const struct level_tree *tree, struct mqtt_span path)
{
    struct mqtt_span first = level_at(path, 0);
    struct level_node *node = level_tree_child(tree, &tree->root, first);
    size_t at = first.len + 1;
    while (node != NULL && !level_is_past(path, at)) {
        struct mqtt_span level = level_at(path, at);
        node = level_tree_child(tree, node, level);
        at += level.len + 1;
    }
    return node;
}

static void link_child(struct level_node *parent, struct level_node *node)
{
    node->parent = parent;
    node->next = parent->child;
    if (parent->child != NULL)
        parent->child->previous = node;
    parent->child = node;
    if (span_equal(node->edge.key, span_of("+")))
        parent->plus = node;
}

static void unlink_child(struct level_node *node)
{
    if (node->previous != NULL)
        node->previous->next = node->next;
    else
        node->parent->child = node->next;
    if (node->next != NULL)
        node->next->previous = node->previous;
    if (node->parent->plus == node)
        node->parent->plus = NULL;
}

static size_t node_bytes(const struct level_node *node)
{
    return level_heap_bytes(sizeof(*node) + node->edge.key.len);
}

static struct level_node *add_child(struct level_tree *tree, struct level_node *parent,
                                    struct mqtt_span level)
{
    struct level_node *node = malloc(sizeof(*node) + level.len);
    if (node == NULL)
        return NULL;
    uint8_t *text = (uint8_t *)(node + 1);
    if (level.len != 0)
        memcpy(text, level.data, level.len);
    *node = (struct level_node){ .edge = { .key = { text, level.len } } };
    node->edge.hash = edge_hash(tree, parent, level);
    if (bytes_map_insert_hashed(&tree->edges, &node->edge) != 0) {
        free(node);
        return NULL;
    }
    link_child(parent, node);
    tree->bytes += node_bytes(node);
    return node;
}

struct level_node *level_tree_insert(struct level_tree *tree, struct mqtt_span path)
{
    struct level_node *node = &tree->root;
    for (size_t at = 0; !level_is_past(path, at);) {
        struct mqtt_span level = level_at(path, at);
        struct level_node *child = level_tree_child(tree, node, level);
        if (child == NULL)
            child = add_child(tree, node, level);
        if (child == NULL) {
            level_tree_prune(tree, node);
            return NULL;
        }
        node = child;
        at += level.len + 1;
    }
    return node;
}

void level_tree_prune(struct level_tree *tree, struct level_node *node)
{
    while (node != &tree->root && node->child == NULL && node->value == NULL
           && node->many == NULL) {
        struct level_node *parent = node->parent;
        MQTT_INVARIANT(parent != NULL);
        unlink_child(node);
        bytes_map_remove(&tree->edges, &node->edge);
        tree->bytes -= node_bytes(node);
        free(node);
        node = parent;
    }
}
