/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a shard. Private to the core. */
#pragma once

#include "base/bytes_map.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/timer_wheel.h"
#include "core/broker.h"
#include "core/journal.h"
#include "core/message.h"
#include "core/spread.h"
#include "core/topic_index.h"

struct sensing;

/* Bytes for another shard, gathered during a turn. */
struct peer_batch {
    uint8_t *bytes;
    size_t len;
    size_t capacity;
};

/* How far the walk after a change of policy has come: policy_walk.c. Whoever removes what a
 * cursor points at moves the cursor on. */
struct policy_walk {
    struct list *session;      /* session.in_broker; NULL: no walk is on */
    struct list *delivery;     /* delivery.link in its queue; NULL: not there yet */
    struct list *subscription; /* subscription.in_session; NULL: not there yet */
    bool only_notes;           /* the policy is what it was: nothing is judged again */
};

struct broker {
    struct broker_options options;
    struct limits limits;
    struct timer_wheel wheel;
    struct broker_stats stats;
    /* pools */
    struct outbox_pools outboxes;
    struct message_pools messages;
    struct pool *clients_pool;
    struct pool *deliveries;
    struct pool *hints;
    struct pool *gates;
    struct pool *paces;
    uint64_t held_told;    /* what pressure_gauge() counts, as the other shards know it */
    uint64_t posted_bytes; /* to other shards, less those that have come from them; modulo 2^64 */
    /* sessions and connections */
    struct bytes_map sessions;
    struct identity *anonymous; /* shared by the sessions of nobody in particular; NULL: none yet */
    struct list session_list;   /* all of them, oldest first */
    struct list clients;
    struct list doomed;
    struct bytes_map watches; /* clone_watch by number */
    struct list resuming;     /* of them, those that waited and are to be read again */
    struct list rested;       /* struct pace.resting */
    struct list full; /* struct client_aside.full: the one that took nothing the longest first */
    struct wheel_timer slow; /* for that one */
    struct list held;        /* and those that are held without a session */
    /* subscriptions and routes */
    struct bytes_map subscriptions; /* by session and filter */
    struct bytes_map groups;        /* shared subscriptions by group and filter */
    struct topic_index *index;
    struct bytes_map routes;
    struct list routes_by_use; /* most recently built first */
    uint64_t generation;       /* of subscriptions and policy; a route of another is stale */
    uint32_t policy_generation;
    uint32_t route_epoch; /* moves when a route is freed: hints of another are stale */
    uint32_t route_stamp;
    size_t route_count;
    /* other shards */
    struct bytes_map waits;     /* struct publish_wait by ticket */
    uint64_t ticket;            /* last used */
    struct peer_batch *batches; /* by shard; NULL where there is one shard */
    uint64_t session_serial;    /* makes subscription keys unique */
    struct wheel_timer sweep;
    struct journal journal;
    struct sensing *sensing; /* NULL: it is off */
    /* policy */
    struct policy_walk walk;
    struct wheel_timer recall;
    struct spread spread; /* what goes to many now */
    uint8_t *scratch;     /* 64 KiB for topics in topic spaces; NULL: none needed yet */
};

/* Gives back what pools have kept and was not needed since the last time (pool_trim()). */
void broker_trim(struct broker *broker);
