/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of core/shared.h. Private to shared*.c and persist*.c. */
#pragma once

#include "base/bytes_map.h"
#include "base/list.h"
#include "core/journal.h"
#include "core/ports.h"
#include "core/retained_tree.h"
#include "core/shared.h"
#include "core/topic_index.h"

#include <stdatomic.h>

struct shared {
    struct journal_shared journal;
    struct shared_lock lock;
    unsigned shard_count;
    /* retained messages */
    struct retained_tree *retained;
    struct list expiring; /* retained_message.expiring of those that can expire */
    size_t retained_bytes;
    size_t own_messages; /* of them the broker's own */
    size_t own_bytes;
    /* interest */
    struct topic_index *index;
    struct bytes_map entries; /* by group, NUL, filter */
    _Atomic uint64_t generation;
    _Atomic unsigned pressure; /* enum pressure */
    struct {
        _Atomic uint64_t held_bytes; /* by all shards, as they told */
        _Atomic uint64_t held_then;  /* the same at the last look */
        _Atomic uint64_t used_bytes; /* by the process, at the last look */
        _Atomic uint64_t bound_bytes;
    } memory;
    /* what identities have used up: allowance.c */
    struct bytes_map allowances;
    struct list idle_allowances; /* those that nobody uses, and some that are used again */
    size_t idle_allowance_count;
    /* who is connected with which key: sightings.c */
    struct bytes_map keys;
    uint64_t sighting_number;
};

/* Who has retained it: counted; NULL: nobody, or not known. */
struct retained_payers {
    struct allowance *identity;
    struct allowance *role;
};

struct retained_message {
    struct list expiring;
    uint64_t expires_ms;
    uint64_t number; /* in the journal; 0: it is not kept on disk */
    struct retained_payers payers;
    uint32_t topic_len;
    uint32_t forward_len;
    uint32_t payload_len;
    uint8_t qos;
    bool is_own;     /* as in struct publication */
    uint8_t bytes[]; /* topic, forward, payload */
};

void shared_enter(const struct shared *shared);
void shared_exit(const struct shared *shared);

/* Borrows the message's bytes. */
struct publication retained_publication(const struct retained_message *message);
