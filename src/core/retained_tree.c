/* SPDX-License-Identifier: Apache-2.0 */
#include "core/retained_tree.h"

#include "base/invariant.h"
#include "codec/topic.h"
#include "core/level_tree.h"

#include <errno.h>
#include <stdlib.h>

/* Hangs on the node of the topic's last level. */
struct entry {
    void *value;
    size_t len;
    uint8_t topic[];
};

struct retained_tree {
    struct level_tree levels;
    size_t count;
};

struct retained_tree *retained_tree_new(const struct siphash_key *key)
{
    struct retained_tree *tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        return NULL;
    level_tree_init(&tree->levels, key);
    return tree;
}

struct releaser {
    void (*release)(void *value);
};

static void free_entry(struct bytes_node *edge, void *context)
{
    const struct releaser *releaser = context;
    struct level_node *node = MQTT_CONTAINER_OF(edge, struct level_node, edge);
    struct entry *entry = node->value;
    if (entry == NULL)
        return;
    if (releaser->release != NULL)
        releaser->release(entry->value);
    free(entry);
    node->value = NULL;
}

void retained_tree_free(struct retained_tree *tree, void (*release)(void *value))
{
    if (tree == NULL)
        return;
    bytes_map_each(&tree->levels.edges, free_entry, &(struct releaser){ release });
    level_tree_fini(&tree->levels);
    free(tree);
}

struct each {
    retained_visit visit;
    void *context;
    bool stopped;
};

static void visit_entry(struct bytes_node *edge, void *context)
{
    struct each *each = context;
    const struct level_node *node = MQTT_CONTAINER_OF(edge, struct level_node, edge);
    const struct entry *entry = node->value;

    if (entry == NULL || each->stopped)
        return;
    each->stopped =
        !each->visit(each->context, (struct mqtt_span){ entry->topic, entry->len }, entry->value);
}

void retained_tree_each(const struct retained_tree *tree, retained_visit visit, void *context)
{
    struct bytes_map edges = tree->levels.edges; /* walked, not changed */

    bytes_map_each(&edges, visit_entry, &(struct each){ visit, context, false });
}

size_t retained_tree_count(const struct retained_tree *tree)
{
    return tree->count;
}

static struct entry *entry_new(struct mqtt_span topic)
{
    struct entry *entry = malloc(sizeof(*entry) + topic.len);
    if (entry == NULL)
        return NULL;
    entry->len = topic.len;
    memcpy(entry->topic, topic.data, topic.len);
    return entry;
}

static int add_entry(struct retained_tree *tree, struct mqtt_span topic, void *value)
{
    struct entry *entry = entry_new(topic);
    if (entry == NULL)
        return -ENOMEM;
    struct level_node *node = level_tree_insert(&tree->levels, topic);
    if (node == NULL) {
        free(entry);
        return -ENOMEM;
    }
    entry->value = value;
    node->value = entry;
    tree->count++;
    return 0;
}

static struct entry *find_entry(const struct retained_tree *tree, struct mqtt_span topic)
{
    const struct level_node *node = level_tree_find(&tree->levels, topic);
    return node != NULL ? node->value : NULL;
}

int retained_tree_put(struct retained_tree *tree, struct mqtt_span topic, void *value,
                      void **out_old)
{
    MQTT_INVARIANT(topic.len > 0 && value != NULL);
    void *old = NULL;
    struct entry *entry = find_entry(tree, topic);
    if (entry != NULL) {
        old = entry->value;
        entry->value = value;
    } else {
        int error = add_entry(tree, topic, value);
        if (error != 0)
            return error;
    }
    *out_old = old;
    return 0;
}

void *retained_tree_take(struct retained_tree *tree, struct mqtt_span topic)
{
    struct level_node *node = level_tree_find(&tree->levels, topic);
    if (node == NULL || node->value == NULL)
        return NULL;
    struct entry *entry = node->value;
    void *value = entry->value;
    free(entry);
    node->value = NULL;
    tree->count--;
    level_tree_prune(&tree->levels, node);
    return value;
}

void *retained_tree_find(const struct retained_tree *tree, struct mqtt_span topic)
{
    const struct entry *entry = find_entry(tree, topic);
    return entry != NULL ? entry->value : NULL;
}

/* ---- matching ---- */

/* Where the walk stands: the levels of the filter before `at` led to `node`. */
struct walk {
    const struct level_tree *tree;
    struct mqtt_span filter;
    const struct level_node *node;
    size_t at;
    retained_visit visit;
    void *context;
};

/* Only wildcards go from sibling to sibling. In the first level they pass over what
 * starts with '$' [MQTT-4.7.2-1]. */
static const struct level_node *skip_hidden(const struct walk *walk, const struct level_node *node)
{
    while (node != NULL && node->parent == &walk->tree->root
           && span_starts_with(node->edge.key, span_of("$")))
        node = node->next;
    return node;
}

/* False: the visitor has seen enough. */
static bool show(const struct walk *walk, const struct level_node *node)
{
    const struct entry *entry = node->value;
    if (entry == NULL)
        return true;
    return walk->visit(walk->context, (struct mqtt_span){ entry->topic, entry->len }, entry->value);
}

/* The node after `node` in the subtree under `top`, NULL behind the last one. */
static const struct level_node *node_after(const struct walk *walk, const struct level_node *top,
                                           const struct level_node *node)
{
    const struct level_node *child = skip_hidden(walk, node->child);
    if (child != NULL)
        return child;
    while (node != top) {
        const struct level_node *sibling = skip_hidden(walk, node->next);
        if (sibling != NULL)
            return sibling;
        node = node->parent;
    }
    return NULL;
}

static bool show_subtree(const struct walk *walk)
{
    const struct level_node *top = walk->node;
    bool more = true;
    for (const struct level_node *node = top; node != NULL && more;
         node = node_after(walk, top, node))
        more = show(walk, node);
    return more;
}

static bool level_is(struct mqtt_span filter, size_t at, const char *wildcard)
{
    return span_equal(level_at(filter, at), span_of(wildcard));
}

static bool go_down(struct walk *walk)
{
    struct mqtt_span level = level_at(walk->filter, walk->at);
    const struct level_node *next = level_is(walk->filter, walk->at, "+")
                                        ? skip_hidden(walk, walk->node->child)
                                        : level_tree_child(walk->tree, walk->node, level);
    if (next == NULL)
        return false;
    walk->node = next;
    walk->at += level.len + 1;
    return true;
}

/* Up to the nearest node reached by '+', and to its next sibling. */
static bool go_on(struct walk *walk)
{
    while (walk->node != &walk->tree->root) {
        size_t before = level_before(walk->filter, walk->at);
        const struct level_node *sibling = NULL;
        if (level_is(walk->filter, before, "+"))
            sibling = skip_hidden(walk, walk->node->next);
        if (sibling != NULL) {
            walk->node = sibling;
            return true;
        }
        walk->node = walk->node->parent;
        walk->at = before;
    }
    return false;
}

static void match_wildcards(struct walk *walk)
{
    bool more = true;
    while (more) {
        if (level_is_past(walk->filter, walk->at))
            more = show(walk, walk->node) && go_on(walk);
        else if (level_is(walk->filter, walk->at, "#"))
            more = show_subtree(walk) && go_on(walk);
        else
            more = go_down(walk) || go_on(walk);
    }
}

void retained_tree_match(const struct retained_tree *tree, struct mqtt_span filter,
                         retained_visit visit, void *context)
{
    MQTT_INVARIANT(filter.len > 0);
    struct walk walk = { .tree = &tree->levels,
                         .filter = filter,
                         .node = &tree->levels.root,
                         .visit = visit,
                         .context = context };
    if (mqtt_topic_filter_has_wildcard(filter)) {
        match_wildcards(&walk);
        return;
    }
    const struct level_node *node = level_tree_find(&tree->levels, filter);
    if (node != NULL)
        (void)show(&walk, node);
}
