/* SPDX-License-Identifier: Apache-2.0 */
/* What identities did, as far as it helps to judge policies: who published or subscribed to
 * which topics, was it allowed, how often, from when to when. Never payloads.
 *
 * Bounded in every direction. Of one identity, action and outcome at most SKETCH_TOPICS_MAX
 * topics are kept: when one more comes, two that differ in one level become one with '+' in that
 * level (and take in all that it matches); where no two do, the one not seen for longest goes.
 * The whole has a number of entries; at it the entry not seen for longest goes. Topics over
 * SKETCH_TOPIC_BYTES are not kept. What goes is counted, except by sketch_forget(). An entry takes about 100 bytes and its
 * topic, an identity about 100 bytes and its names.
 *
 * Owner: one thread. It has no clock: `now_s` is seconds since 1970, UTC. A shard notes into one
 * of its own and may hand it over whole to whoever merges them, going on with an empty one. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "base/span.h"
#include "policy/identity.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SKETCH_TOPICS_MAX      16    /* of one identity, action and outcome */
#define SKETCH_TOPIC_BYTES     512   /* longest topic that is kept */
#define SKETCH_ENTRIES_DEFAULT 65536 /* about 12 MiB of common topics */
#define SKETCH_LINE_BYTES      4096  /* longest line of the text form, newline included */

/* How long tacitd keeps what it has not seen again, in days: what is done once a quarter is still
 * known, and what a device did that is long gone does not count for ever. */
#define SKETCH_DAYS 90

struct sketch;

/* Borrowed from the sketch. Names that the identity lacks are NULL. */
struct sketch_entry {
    struct identity identity;
    enum policy_action action;
    bool allowed;
    bool shared;            /* a subscription to "$share/NAME/" and the topic */
    bool generalised;       /* '+' stands for several topics that were seen; else `topic` is what
                               was published or subscribed to */
    struct mqtt_span topic; /* as the client sees it; of a subscription without "$share/NAME/" */
    uint64_t count;         /* how often it was noted, at least 1 */
    int64_t first_s;
    int64_t last_s;
};

/* What is not in it. */
struct sketch_drops {
    uint64_t topics;     /* because one identity had too many different ones */
    uint64_t entries;    /* because there were too many altogether */
    uint64_t unrecorded; /* too long, or no memory */
};

/* Copies the key. NULL out of memory. `entries_max` is at least 1. */
MQTT_NODISCARD struct sketch *sketch_new(const struct siphash_key *key, size_t entries_max);
void sketch_free(struct sketch *sketch); /* NULL is fine */

/* Another bound than SKETCH_TOPICS_MAX, at least 1: where several identities become one. */
void sketch_set_topics_max(struct sketch *sketch, size_t topics_max);

/* `topic` is a valid topic name, or a valid filter when `action` subscribes, with its
 * "$share/NAME/" if it has that. Copies what it keeps; a hash look-up and a few comparisons where
 * it was noted before. */
void sketch_note(struct sketch *sketch, const struct identity *identity, enum policy_action action,
                 struct mqtt_span topic, bool allowed, int64_t now_s);

/* Adds what `from` has, drops included; the earlier beginning counts. A lack of memory counts as
 * unrecorded. */
void sketch_merge(struct sketch *into, const struct sketch *from);

/* The same with what `change` makes of each entry, of which it may replace identity, outcome and
 * counts; false leaves the entry out. */
typedef bool (*sketch_change)(void *context, struct sketch_entry *entry);
void sketch_merge_changed(struct sketch *into, const struct sketch *from, sketch_change change,
                          void *context);

/* Entries that were last seen before that go, and recording began then at the earliest. */
void sketch_forget(struct sketch *sketch, int64_t before_s);

/* When recording began; 0: not known. */
int64_t sketch_since(const struct sketch *sketch);
void sketch_set_since(struct sketch *sketch, int64_t since_s);

size_t sketch_count(const struct sketch *sketch);
struct sketch_drops sketch_drops_of(const struct sketch *sketch);

/* Oldest last_s first as of the last merging or reading, then in the order of noting. A result
 * other than 0 ends it and is returned. */
typedef int (*sketch_visit)(void *context, const struct sketch_entry *entry);
int sketch_each(const struct sketch *sketch, sketch_visit visit, void *context);

/* The text form: fields separated by a tab, lines ended by a newline.
 *
 *     tacit-observed 1  SINCE_S  DROPPED_TOPICS  DROPPED_ENTRIES  UNRECORDED
 *     DEVICE  ROLE  TENANT  SITE  publish|subscribe|share  allowed|refused  exact|several
 *         COUNT  FIRST_S  LAST_S  TOPIC
 *
 * A line per entry in the order of sketch_each(); a name that is missing is empty; control
 * characters and '%' are %XX in capital hex. `put` is called for each line, newline included;
 * a result other than 0 ends the writing and is returned. */
typedef int (*sketch_put)(void *context, struct mqtt_span line);
int sketch_write(const struct sketch *sketch, sketch_put put, void *context);

/* Adds what a text says, as sketch_merge() does. -EINVAL: *out_line is the line, from 1, that is
 * not as above; what stood before it is in the sketch. */
MQTT_NODISCARD int sketch_read(struct sketch *into, struct mqtt_span text, size_t *out_line);
