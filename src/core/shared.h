/* SPDX-License-Identifier: Apache-2.0 */
/* What the shards of one daemon share: the retained messages, which shard has
 * subscribers for what, and which connections have proved which key (sightings.h).
 *
 * Thread-safe through the lock given to shared_new(), taken once per call and
 * never on a cached route: a publisher asks shared_generation(), which reads one
 * atomic word. Without a lock: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "base/span.h"
#include "core/ports.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARDS_MAX 64u

struct limits;
struct publication;
struct shared;

MQTT_NODISCARD struct shared *shared_new(const struct siphash_key *key,
                                         const struct shared_lock *lock, unsigned shard_count);
void shared_free(struct shared *shared); /* NULL is fine */

/* ---- retained messages: MQTT 5.0 section 3.3.1.3 ---- */

/* Keeps a copy as the topic's retained message, or removes it when the payload is
 * empty [MQTT-3.3.1-6]. 1: that changes what is on disk, so that journal.touches_shared is to be
 * set; 0: it does not. -EDQUOT at a limit, -ENOMEM: what was kept stays. */
MQTT_NODISCARD int shared_retain(struct shared *shared, const struct publication *publication,
                                 const struct limits *limits);

/* Visits the retained messages that match a filter and have not expired, under the
 * lock: the visitor does not call back into shared. */
typedef void (*shared_retained_visit)(void *context, struct publication *publication);
void shared_retained_match(struct shared *shared, struct mqtt_span filter, uint64_t now_ms,
                           shared_retained_visit visit, void *context);

/* Forgets what has expired. Does that change what is on disk? */
bool shared_sweep(struct shared *shared, uint64_t now_ms);

struct shared_figures {
    size_t retained_messages;
    size_t retained_bytes;
};
struct shared_figures shared_figures(struct shared *shared);

/* ---- interest: which shard has subscribers ---- */

/* Moves whenever an answer of shared_interest() may have changed. Lock-free. */
uint64_t shared_generation(const struct shared *shared);

/* A shard gained (+1) or lost (-1) a subscriber of `filter`; `group` is the
 * ShareName, empty for an ordinary subscription. -ENOMEM on +1 only. */
MQTT_NODISCARD int shared_subscribe(struct shared *shared, unsigned shard, struct mqtt_span filter,
                                    struct mqtt_span group);
void shared_unsubscribe(struct shared *shared, unsigned shard, struct mqtt_span filter,
                        struct mqtt_span group);

/* A member of a group has a client now (+1), or has none any more (-1): work goes to those who
 * are there as long as anybody is. The member is subscribed. */
void shared_present(struct shared *shared, unsigned shard, struct mqtt_span filter,
                    struct mqtt_span group, int change);

/* A subscriber is kept on disk (+1), or not any more (-1): what is sent to its shard for it is kept
 * until it has come there. The subscriber is subscribed. */
void shared_keep(struct shared *shared, unsigned shard, struct mqtt_span filter,
                 struct mqtt_span group, int change);

/* A shared subscription and how many members each shard has: those with a client, or
 * all if nobody has one. */
struct interest_group {
    uint8_t *key; /* ShareName, NUL, filter; owned */
    size_t key_len;
    uint32_t total;
    uint64_t keeping; /* bit per shard with members that are kept on disk */
    uint32_t members[SHARDS_MAX];
};

struct interest {
    uint64_t shards;  /* bit per shard with ordinary subscribers */
    uint64_t keeping; /* of them, those with some that are kept on disk */
    struct interest_group *groups;
    size_t group_count;
};

/* Who wants `topic`. Replaces *interest, which starts zeroed. -ENOMEM: it is then empty. */
MQTT_NODISCARD int shared_interest(struct shared *shared, struct mqtt_span topic,
                                   struct interest *interest);
void interest_fini(struct interest *interest);
