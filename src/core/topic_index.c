/* SPDX-License-Identifier: Apache-2.0 */
#include "core/topic_index.h"

#include "base/bytes_map.h"
#include "base/invariant.h"
#include "codec/topic.h"
#include "core/filter_table.h"
#include "core/level_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct wildcard_filter {
    struct bytes_node by_text; /* key: the text, below */
    struct topic_filter filter;
    uint8_t text[];
};

struct topic_index {
    struct filter_table exact;
    struct bytes_map wildcards_by_text;
    struct level_tree wildcards;
    size_t wildcard_bytes;
};

struct topic_index *topic_index_new(const struct siphash_key *key)
{
    struct topic_index *index = calloc(1, sizeof(*index));
    if (index == NULL)
        return NULL;
    filter_table_init(&index->exact, key);
    bytes_map_init(&index->wildcards_by_text, key);
    level_tree_init(&index->wildcards, key);
    return index;
}

void topic_index_free(struct topic_index *index)
{
    if (index == NULL)
        return;
    filter_table_fini(&index->exact);
    MQTT_INVARIANT(index->wildcards_by_text.count == 0);
    bytes_map_fini(&index->wildcards_by_text);
    level_tree_fini(&index->wildcards);
    free(index);
}

struct mqtt_span topic_filter_text(const struct topic_filter *filter)
{
    return filter_text(filter);
}

struct list *topic_filter_links(struct topic_filter *filter)
{
    return &filter->links;
}

size_t topic_index_filters(const struct topic_index *index)
{
    return index->exact.filters + index->wildcards_by_text.count;
}

static size_t wildcard_bytes(size_t text_bytes)
{
    return level_heap_bytes(sizeof(struct wildcard_filter) + text_bytes);
}

size_t topic_index_bytes(const struct topic_index *index)
{
    return sizeof(*index) + filter_table_bytes(&index->exact) + index->wildcard_bytes
           + bytes_map_bytes(&index->wildcards_by_text) + index->wildcards.bytes
           + bytes_map_bytes(&index->wildcards.edges);
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

static struct wildcard_filter *find_wildcard(const struct topic_index *index, struct mqtt_span text)
{
    struct bytes_node *node = bytes_map_find(&index->wildcards_by_text, text);
    return node != NULL ? MQTT_CONTAINER_OF(node, struct wildcard_filter, by_text) : NULL;
}

static int add_wildcard(struct topic_index *index, struct mqtt_span text, struct list *first)
{
    struct wildcard_filter *added = calloc(1, sizeof(*added) + text.len);
    if (added == NULL)
        return -ENOMEM;
    memcpy(added->text, text.data, text.len);
    added->by_text.key = (struct mqtt_span){ added->text, text.len };
    filter_set_text(&added->filter, added->text, text.len);
    list_init(&added->filter.links);
    if (bytes_map_insert(&index->wildcards_by_text, &added->by_text) != 0)
        goto fail_free;
    if (wildcard_insert(index, &added->filter) != 0)
        goto fail_remove;
    list_push_back(&added->filter.links, first);
    index->wildcard_bytes += wildcard_bytes(text.len);
    return 0;

fail_remove:
    bytes_map_remove(&index->wildcards_by_text, &added->by_text);
fail_free:
    free(added);
    return -ENOMEM;
}

static void remove_wildcard(struct topic_index *index, struct topic_filter *filter)
{
    struct wildcard_filter *gone = MQTT_CONTAINER_OF(filter, struct wildcard_filter, filter);
    wildcard_remove(index, gone->by_text.key);
    index->wildcard_bytes -= wildcard_bytes(gone->by_text.key.len);
    bytes_map_remove(&index->wildcards_by_text, &gone->by_text);
    free(gone);
}

int topic_index_attach(struct topic_index *index, struct mqtt_span filter, struct topic_link *link)
{
    MQTT_INVARIANT(!list_is_linked(&link->in_filter) && filter.len > 0);
    bool is_exact = !mqtt_topic_filter_has_wildcard(filter);
    struct topic_filter *found = NULL;
    if (is_exact) {
        found = filter_table_find(&index->exact, filter);
    } else {
        struct wildcard_filter *wildcard = find_wildcard(index, filter);
        found = wildcard != NULL ? &wildcard->filter : NULL;
    }
    if (found != NULL) {
        list_push_back(&found->links, &link->in_filter);
        return 0;
    }
    return is_exact ? filter_table_add(&index->exact, filter, &link->in_filter)
                    : add_wildcard(index, filter, &link->in_filter);
}

void topic_index_detach(struct topic_index *index, struct topic_link *link)
{
    struct list *neighbour = link->in_filter.next;
    if (!list_is_linked(&link->in_filter))
        return;
    list_unlink(&link->in_filter);
    if (!list_is_empty(neighbour))
        return;
    /* It was the last one, so its neighbour was the head of the list. */
    struct topic_filter *filter = MQTT_CONTAINER_OF(neighbour, struct topic_filter, links);
    if (mqtt_topic_filter_has_wildcard(filter_text(filter)))
        remove_wildcard(index, filter);
    else
        filter_table_remove(&index->exact, filter);
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
    if (MQTT_UNLIKELY(index->exact.old.count > 0))
        filter_table_settle(&index->exact);
    struct topic_filter *exact = filter_table_find(&index->exact, topic);
    if (exact != NULL)
        visit(context, exact);
    if (!level_tree_is_empty(&index->wildcards) || index->wildcards.root.many != NULL)
        match_wildcards(index, topic, visit, context);
}
