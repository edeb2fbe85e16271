/* SPDX-License-Identifier: Apache-2.0 */
/* What one identity has used up of its bounds: all of its sessions, on all shards, have one allowance,
 * and so have all that have one role, where that has bounds of its own.
 *
 * Allowances live in what the shards share (shared.h). They are found and let go under its lock, when
 * sessions begin and end and when messages are retained; the buckets are used without it. A device
 * is known by its names. Of those without a device name, which are nobody in particular, each client
 * identifier is somebody else. An allowance that nobody uses any more is remembered for a while, so
 * that going away and coming back does not fill its buckets. */
#pragma once

#include "base/attrs.h"
#include "base/bytes_map.h"
#include "base/list.h"
#include "core/bucket.h"
#include "core/limits.h"
#include "policy/policy.h"

#include <stddef.h>
#include <stdint.h>

struct admission_answer;
struct client;
struct publication;
struct session;
struct shared;

struct allowance {
    struct bytes_node by_key;
    union {                      /* under the lock */
        struct list idle;        /* while nobody uses it */
        uint64_t retained_bytes; /* else: of those messages, of a role of all that have it */
    };
    struct bucket messages;
    struct bucket bytes;
    union {
        struct bucket connects;
        struct bucket quarantines; /* of a role; it has one that is for these only */
    };
    struct bucket subscribes;
    uint32_t references; /* sessions, and messages that are retained; under the lock */
    uint8_t key[];
};

/* What counts for a role: what it says, else the limits. `role` may be NULL. */
struct policy_bounds allowance_bounds(const struct role *role, const struct limits *limits);

/* The identity's allowance, counted. NULL: out of memory. `most` others that nobody uses are
 * remembered. Takes the lock. */
MQTT_NODISCARD struct allowance *allowance_take(struct shared *shared,
                                                const struct identity *identity,
                                                struct mqtt_span client_id, uint64_t most);
/* That of all that have the role; a combination has the one of its first part. */
MQTT_NODISCARD struct allowance *allowance_take_role(struct shared *shared, const struct role *role,
                                                     uint64_t most);
/* The one of its quarantines. */
MQTT_NODISCARD struct allowance *allowance_take_quarantines(struct shared *shared,
                                                            const struct role *role, uint64_t most);
void allowance_give(struct shared *shared, struct allowance *allowance, uint64_t most);

/* What an identity's allowance is known by, also after a restart: borrowed from it. */
struct mqtt_span allowance_owner(const struct allowance *allowance);
/* The one that is known by that, counted. NULL: nothing is, or out of memory. Takes the lock. */
MQTT_NODISCARD struct allowance *allowance_take_owner(struct shared *shared,
                                                      struct mqtt_span owner);
bool allowance_owner_is_valid(struct mqtt_span owner); /* read from a disk, it may be anything */

/* Under the lock already: that of a role by its name, counted. NULL: the name is none, or out of memory. */
struct allowance *allowance_ref_role(struct shared *shared, struct mqtt_span name);
/* Under the lock already: one more user of it, or one less. */
struct allowance *allowance_ref(struct shared *shared, struct allowance *allowance);
void allowance_unref(struct shared *shared, struct allowance *allowance); /* NULL is fine */

/* May it connect, now? Takes one of the connects of the identity that was let in, at the first
 * call for a client; its allowance need not be there yet. Also false out of memory. Takes the lock. */
MQTT_NODISCARD bool allowance_connect(struct client *client, struct mqtt_span client_id,
                                      const struct admission_answer *answer, uint64_t now_ms);

/* The session's allowance pays for the publication, should it be retained. */
void allowance_answers_for(struct session *session, struct publication *publication);

/* Forgets those that nobody uses and whose buckets are full. Under the lock. */
void allowance_sweep(struct shared *shared, uint64_t now_ms);

/* How many are remembered that nobody uses. For tests. */
size_t allowance_idle_count(const struct shared *shared);

/* Frees all of them; what has used them is gone. */
void allowance_free_all(struct shared *shared);
