/* SPDX-License-Identifier: Apache-2.0 */
/* What one identity has used up of its bounds: all of its sessions, on all shards, have one account.
 *
 * Accounts live in what the shards share (shared.h). They are found and let go under its lock, when
 * sessions begin and end and when messages are retained; the buckets are used without it. A device
 * is known by its names. Of those without a device name, which are nobody in particular, each client
 * identifier is somebody else. An account that nobody uses any more is remembered for a while, so
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

struct account {
    struct bytes_node by_key;
    struct list idle;        /* while nobody uses it */
    uint64_t references;     /* sessions, and messages that are retained; under the lock */
    uint64_t retained_bytes; /* of those messages; under the lock */
    struct bucket messages;
    struct bucket bytes;
    struct bucket connects;
    struct bucket subscribes;
    uint8_t key[];
};

/* What counts for a role: what it says, else the limits. `role` may be NULL. */
struct policy_bounds account_bounds(const struct role *role, const struct limits *limits);

/* The identity's account, counted. NULL: out of memory. `most` others that nobody uses are
 * remembered. Takes the lock. */
MQTT_NODISCARD struct account *account_take(struct shared *shared, const struct identity *identity,
                                            struct mqtt_span client_id, uint64_t most);
void account_give(struct shared *shared, struct account *account, uint64_t most);

/* Under the lock already: one more user of it, or one less. */
struct account *account_ref(struct account *account);
void account_unref(struct shared *shared, struct account *account); /* NULL is fine */

/* May it connect, now? Takes one of the connects of the identity that was let in, at the first
 * call for a client; its account need not be there yet. Also false out of memory. Takes the lock. */
MQTT_NODISCARD bool account_connect(struct client *client, struct mqtt_span client_id,
                                    const struct admission_answer *answer, uint64_t now_ms);

/* The session's account pays for the publication, should it be retained. */
void account_answers_for(struct session *session, struct publication *publication);

/* Forgets those that nobody uses and whose buckets are full. Under the lock. */
void account_sweep(struct shared *shared, uint64_t now_ms);

/* How many are remembered that nobody uses. For tests. */
size_t account_idle_count(const struct shared *shared);

/* Frees all of them; what has used them is gone. */
void account_free_all(struct shared *shared);
