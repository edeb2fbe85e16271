/* SPDX-License-Identifier: Apache-2.0 */
/* Who subscribed to what: from a topic name to the subscriptions that match it.
 *
 * Owner: the shard. Each distinct filter is held once; its subscribers hang off
 * it as an intrusive list. Exact filters stand in one keyed hash table, wildcard
 * filters in a tree of levels, so that where policy forbids wildcards matching is
 * one look-up. Filters are valid (codec/topic.h); share names are cut off by the
 * caller, a shared group is a subscriber like any other. */
#pragma once

#include "base/attrs.h"
#include "base/list.h"
#include "base/siphash.h"
#include "base/span.h"

#include <stdint.h>

struct topic_index;
struct topic_filter; /* one distinct filter and its subscribers; it moves when the index changes */

/* In the caller's subscription object. Zero is detached. */
struct topic_link {
    struct list in_filter;
};

MQTT_NODISCARD struct topic_index *topic_index_new(const struct siphash_key *key);
void topic_index_free(struct topic_index *index); /* all links detached before; NULL is fine */

/* Adds a subscriber to `filter`, copying the filter if it is new. -ENOMEM. */
MQTT_NODISCARD int topic_index_attach(struct topic_index *index, struct mqtt_span filter,
                                      struct topic_link *link);

/* Removes it; the filter goes with its last subscriber. A detached link is fine. */
void topic_index_detach(struct topic_index *index, struct topic_link *link);

/* Borrowed until the index changes. */
struct mqtt_span topic_filter_text(const struct topic_filter *filter);

/* The subscribers of a filter: head of a list of topic_link.in_filter. */
struct list *topic_filter_links(struct topic_filter *filter);

typedef void (*topic_visit)(void *context, struct topic_filter *filter);

/* Visits each filter that matches `topic` once, exact filter first. The visitor
 * does not attach or detach. [MQTT-4.7.2-1] holds. Costs one hash plus a walk of
 * the wildcard tree that is skipped when it is empty. */
void topic_index_match(struct topic_index *index, struct mqtt_span topic, topic_visit visit,
                       void *context);

size_t topic_index_filters(const struct topic_index *index); /* distinct filters */
size_t topic_index_bytes(const struct topic_index *index);   /* memory held */
