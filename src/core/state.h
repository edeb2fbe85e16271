/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a shard. Private to the core. */
#pragma once

#include "base/bytes_map.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/timer_wheel.h"
#include "core/broker.h"
#include "core/message.h"
#include "core/topic_index.h"

/* Bytes for another shard, gathered during a turn. */
struct peer_batch {
    uint8_t *bytes;
    size_t len;
    size_t capacity;
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
    /* sessions and connections */
    struct bytes_map sessions;
    struct identity *anonymous; /* shared by the sessions of nobody in particular; NULL: none yet */
    struct list clients;
    struct list doomed;
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
    struct peer_batch *batches; /* by shard; NULL where there is one shard */
    uint64_t session_serial;    /* makes subscription keys unique */
    struct wheel_timer sweep;
};
