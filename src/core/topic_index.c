/* SPDX-License-Identifier: Apache-2.0 */
#include "core/topic_index.h"

#include "base/bytes_map.h"
#include "base/invariant.h"
#include "codec/topic.h"
#include "core/level_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct topic_filter {
    struct bytes_node by_text; /* key: the text, below */
    struct list links;
    uint8_t text[];
};

/* Every filter stands in by_text. A topic has no wildcard in it, so looking one up
 * there finds an exact filter or nothing. */
struct topic_index {
    struct bytes_map by_text;
    struct level_tree wildcards;
    size_t filter_bytes;
};

struct topic_index *topic_index_new(const struct siphash_key *key)
{
    struct topic_index *index = calloc(1, sizeof(*index));
    if (index == NULL)
        return NULL;
    bytes_map_init(&index->by_text, key);
    level_tree_init(&index->wildcards, key);
    return index;
}

static void free_filter(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct topic_filter, by_text));
}

void topic_index_free(struct topic_index *index)
{
    if (index == NULL)
        return;
    bytes_map_each(&index->by_text, free_filter, NULL);
    bytes_map_fini(&index->by_text);
    level_tree_fini(&index->wildcards);
    free(index);
}

struct mqtt_span topic_filter_text(const struct topic_filter *filter)
{
    return filter->by_text.key;
}

struct list *topic_filter_links(struct topic_filter *filter)
{
    return &filter->links;
}

size_t topic_index_filters(const struct topic_index *index)
{
    return index->by_text.count;
}

static size_t filter_bytes(const struct topic_filter *filter)
{
    return level_heap_bytes(sizeof(*filter) + filter->by_text.key.len);
}

size_t topic_index_bytes(const struct topic_index *index)
{
    return sizeof(*index) + index->filter_bytes + bytes_map_bytes(&index->by_text)
           + index->wildcards.bytes + bytes_map_bytes(&index->wildcards.edges);
}

/* ---- wildcard filters in the tree ---- */

static bool ends_in_many(struct mqtt_span filter)
{
    return filter.data[filter.len - 1] == '#';
}

/* "a/b/#" hangs on the node of "a/b", "#" on the root. */
static struct mqtt_span node_path(struct mqtt_span filter)
{
    if (ends_in_many(filter))
        filter.len -= 2;
    return filter;
}

static struct level_node *wildcard_node(struct topic_index *index, struct mqtt_span filter)
{
    if (filter.len == 1 && ends_in_many(filter))
        return &index->wildcards.root;
    return level_tree_find(&index->wildcards, node_path(filter));
}

static int wildcard_insert(struct topic_index *index, struct topic_filter *filter)
{
    struct mqtt_span text = topic_filter_text(filter);
    struct level_node *node = &index->wildcards.root;
    if (text.len > 1 || !ends_in_many(text))
        node = level_tree_insert(&index->wildcards, node_path(text));
    if (node == NULL)
        return -ENOMEM;
    if (ends_in_many(text))
        node->many = filter;
    else
        node->value = filter;
    return 0;
}

static void wildcard_remove(struct topic_index *index, struct mqtt_span filter)
{
    struct level_node *node = wildcard_node(index, filter);
    MQTT_INVARIANT(node != NULL);
    if (ends_in_many(filter))
        node->many = NULL;
    else
        node->value = NULL;
    level_tree_prune(&index->wildcards, node);
}

/* ---- subscribers ---- */

static struct topic_filter *add_filter(struct topic_index *index, struct mqtt_span text)
{
    struct topic_filter *filter = malloc(sizeof(*filter) + text.len);
    if (filter == NULL)
        return NULL;
    memcpy(filter->text, text.data, text.len);
    filter->by_text = (struct bytes_node){ .key = { filter->text, text.len } };
    list_init(&filter->links);
    if (bytes_map_insert(&index->by_text, &filter->by_text) != 0)
        goto fail_free;
    if (mqtt_topic_filter_has_wildcard(text) && wildcard_insert(index, filter) != 0)
        goto fail_remove;
    index->filter_bytes += filter_bytes(filter);
    return filter;

fail_remove:
    bytes_map_remove(&index->by_text, &filter->by_text);
fail_free:
    free(filter);
    return NULL;
}

static void remove_filter(struct topic_index *index, struct topic_filter *filter)
{
    struct mqtt_span text = topic_filter_text(filter);
    if (mqtt_topic_filter_has_wildcard(text))
        wildcard_remove(index, text);
    index->filter_bytes -= filter_bytes(filter);
    bytes_map_remove(&index->by_text, &filter->by_text);
    free(filter);
}

int topic_index_attach(struct topic_index *index, struct mqtt_span filter, struct topic_link *link)
{
    MQTT_INVARIANT(link->filter == NULL && filter.len > 0);
    struct bytes_node *node = bytes_map_find(&index->by_text, filter);
    struct topic_filter *found = node != NULL
                                     ? MQTT_CONTAINER_OF(node, struct topic_filter, by_text)
                                     : add_filter(index, filter);
    if (found == NULL)
        return -ENOMEM;
    list_push_back(&found->links, &link->in_filter);
    link->filter = found;
    return 0;
}

void topic_index_detach(struct topic_index *index, struct topic_link *link)
{
    struct topic_filter *filter = link->filter;
    if (filter == NULL)
        return;
    list_unlink(&link->in_filter);
    link->filter = NULL;
    if (list_is_empty(&filter->links))
        remove_filter(index, filter);
}

/* ---- matching ---- */

/* Where the walk stands: `node` is reached by the levels of the topic before `at`. */
struct walk {
    const struct level_tree *tree;
    struct mqtt_span topic;
    bool hidden; /* the topic starts with '$': wildcards in the first level do not count */
    const struct level_node *node;
    size_t at;
    topic_visit visit;
    void *context;
};

static bool wildcards_count(const struct walk *walk, const struct level_node *node)
{
    return !walk->hidden || node != &walk->tree->root;
}

static void enter(struct walk *walk, const struct level_node *node, size_t at)
{
    walk->node = node;
    walk->at = at;
    if (node->many != NULL && wildcards_count(walk, node))
        walk->visit(walk->context, node->many);
    if (node->value != NULL && level_is_past(walk->topic, at))
        walk->visit(walk->context, node->value);
}

static const struct level_node *plus_of(const struct walk *walk, const struct level_node *node)
{
    return wildcards_count(walk, node) ? node->plus : NULL;
}

static bool go_down(struct walk *walk)
{
    if (level_is_past(walk->topic, walk->at))
        return false;
    struct mqtt_span level = level_at(walk->topic, walk->at);
    const struct level_node *next = level_tree_child(walk->tree, walk->node, level);
    if (next == NULL)
        next = plus_of(walk, walk->node);
    if (next == NULL)
        return false;
    enter(walk, next, walk->at + level.len + 1);
    return true;
}

/* Up to the nearest node whose child "+" is still to be tried, and into that. */
static bool go_on(struct walk *walk)
{
    while (walk->node != &walk->tree->root) {
        const struct level_node *parent = walk->node->parent;
        const struct level_node *plus = plus_of(walk, parent);
        if (plus != NULL && plus != walk->node) {
            enter(walk, plus, walk->at);
            return true;
        }
        walk->node = parent;
        walk->at = level_before(walk->topic, walk->at);
    }
    return false;
}

static void match_wildcards(const struct topic_index *index, struct mqtt_span topic,
                            topic_visit visit, void *context)
{
    struct walk walk = { .tree = &index->wildcards,
                         .topic = topic,
                         .hidden = topic.data[0] == '$', /* [MQTT-4.7.2-1] */
                         .visit = visit,
                         .context = context };
    enter(&walk, &index->wildcards.root, 0);
    bool more = true;
    while (more)
        more = go_down(&walk) || go_on(&walk);
}

MQTT_HOT void topic_index_match(struct topic_index *index, struct mqtt_span topic,
                                topic_visit visit, void *context)
{
    MQTT_INVARIANT(topic.len > 0);
    struct bytes_node *exact = bytes_map_find(&index->by_text, topic);
    if (exact != NULL)
        visit(context, MQTT_CONTAINER_OF(exact, struct topic_filter, by_text));
    if (!level_tree_is_empty(&index->wildcards) || index->wildcards.root.many != NULL)
        match_wildcards(index, topic, visit, context);
}
