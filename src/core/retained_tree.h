/* SPDX-License-Identifier: Apache-2.0 */
/* Topic names to values, searchable by topic filter: where retained messages are
 * kept. Holds opaque pointers that it never follows.
 *
 * Not thread-safe: one owner, or a lock around it. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct retained_tree;

MQTT_NODISCARD struct retained_tree *retained_tree_new(const struct siphash_key *key);

/* Calls `release` (may be NULL) for every value left. NULL tree is fine. */
void retained_tree_free(struct retained_tree *tree, void (*release)(void *value));

/* Sets the value of a topic (not NULL), copying the topic if it is new. The value it
 * had, or NULL, goes to *out_old. -ENOMEM leaves all as it was. */
MQTT_NODISCARD int retained_tree_put(struct retained_tree *tree, struct mqtt_span topic,
                                     void *value, void **out_old);

/* Removes a topic and returns its value, NULL if there was none. */
void *retained_tree_take(struct retained_tree *tree, struct mqtt_span topic);

/* Borrowed, or NULL. */
void *retained_tree_find(const struct retained_tree *tree, struct mqtt_span topic);

/* Visits every topic that matches `filter` (valid; [MQTT-4.7.2-1] holds), in no
 * particular order, until the visitor returns false. The visitor changes nothing. */
typedef bool (*retained_visit)(void *context, struct mqtt_span topic, void *value);
void retained_tree_match(const struct retained_tree *tree, struct mqtt_span filter,
                         retained_visit visit, void *context);

/* Visits every topic, those that start with '$' included, until the visitor returns false. The
 * visitor changes nothing. */
void retained_tree_each(const struct retained_tree *tree, retained_visit visit, void *context);

size_t retained_tree_count(const struct retained_tree *tree);
