/* SPDX-License-Identifier: Apache-2.0 */
#include "core/broker.h"

#include "base/invariant.h"
#include "core/client.h"
#include "core/clone.h"
#include "core/gate.h"
#include "core/pace.h"
#include "core/route.h"
#include "core/sensed.h"
#include "core/session.h"
#include "core/state.h"

#include <stdlib.h>

#define SWEEP_MS 60000u

/* As message.c keeps messages. */
#define KEPT_DELIVERIES_BYTES ((size_t)1 << 20)

static int pools_init(struct broker *broker)
{
    broker->clients_pool = pool_new(sizeof(struct client), 0);
    broker->deliveries = pool_new(sizeof(struct delivery), 0);
    broker->hints = pool_new(route_hints_bytes(), 0);
    broker->gates = pool_new(sizeof(struct gate), 0);
    broker->paces = pool_new(sizeof(struct pace), 0);
    broker->index = topic_index_new(&broker->options.hash_key);
    if (broker->clients_pool == NULL || broker->deliveries == NULL || broker->hints == NULL
        || broker->gates == NULL || broker->paces == NULL || broker->index == NULL)
        return -1;
    pool_keep(broker->deliveries, KEPT_DELIVERIES_BYTES);
    if (outbox_pools_init(&broker->outboxes) < 0 || message_pools_init(&broker->messages) < 0)
        return -1;
    if (broker->options.shard_count == 1)
        return 0;
    broker->batches = calloc(broker->options.shard_count, sizeof(*broker->batches));
    return broker->batches != NULL ? 0 : -1;
}

void broker_trim(struct broker *broker)
{
    outbox_pools_trim(&broker->outboxes);
    message_pools_trim(&broker->messages);
    pool_trim(broker->deliveries);
}

static void on_sweep(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct broker *broker = MQTT_CONTAINER_OF(timer, struct broker, sweep);

    (void)context;
    broker_trim(broker);
    if (broker->options.shard == 0 && shared_sweep(broker->options.shared, now_ms))
        journal_touch_shared(broker);
    wheel_arm(&broker->wheel, timer, now_ms + SWEEP_MS, on_sweep);
}

struct broker *broker_new(const struct broker_options *options, uint64_t now_ms)
{
    struct broker *broker = calloc(1, sizeof(*broker));

    if (broker == NULL)
        return NULL;
    broker->options = *options;
    broker->limits = options->limits;
    broker->generation = 1;
    broker->policy_generation = 1;
    wheel_init(&broker->wheel, now_ms, broker);
    bytes_map_init(&broker->sessions, &options->hash_key);
    bytes_map_init(&broker->subscriptions, &options->hash_key);
    bytes_map_init(&broker->groups, &options->hash_key);
    bytes_map_init(&broker->routes, &options->hash_key);
    bytes_map_init(&broker->watches, &options->hash_key);
    bytes_map_init(&broker->waits, &options->hash_key);
    list_init(&broker->session_list);
    list_init(&broker->clients);
    list_init(&broker->doomed);
    list_init(&broker->resuming);
    list_init(&broker->rested);
    list_init(&broker->full);
    list_init(&broker->held);
    list_init(&broker->routes_by_use);
    journal_init(broker, now_ms);
    if (pools_init(broker) < 0) {
        broker_free(broker);
        return NULL;
    }
    wheel_arm(&broker->wheel, &broker->sweep, now_ms + SWEEP_MS, on_sweep);
    return broker;
}

static void discard(struct bytes_node *node, void *context)
{
    (void)context;
    session_discard(MQTT_CONTAINER_OF(node, struct session, by_client_id));
}

void broker_free(struct broker *broker)
{
    if (broker == NULL)
        return;
    MQTT_INVARIANT(list_is_empty(&broker->clients));
    journal_fini(broker); /* what goes now, goes from memory only */
    sensing_free(broker->sensing);
    routes_fini(broker);
    bytes_map_each(&broker->sessions, discard, NULL);
    bytes_map_fini(&broker->sessions);
    bytes_map_fini(&broker->subscriptions);
    bytes_map_fini(&broker->groups);
    bytes_map_fini(&broker->routes);
    bytes_map_fini(&broker->watches);
    bytes_map_fini(&broker->waits);
    topic_index_free(broker->index);
    identity_free(broker->anonymous);
    pool_free(broker->clients_pool);
    pool_free(broker->deliveries);
    pool_free(broker->hints);
    pool_free(broker->gates);
    pool_free(broker->paces);
    outbox_pools_fini(&broker->outboxes);
    message_pools_fini(&broker->messages);
    for (unsigned i = 0; broker->batches != NULL && i < broker->options.shard_count; i++)
        free(broker->batches[i].bytes);
    free(broker->batches);
    free(broker->scratch);
    free(broker);
}

void broker_advance(struct broker *broker, uint64_t now_ms)
{
    wheel_advance(&broker->wheel, now_ms);
    broker_reap(broker, now_ms);
    clone_resume(broker);
    pace_resume(broker);
}

uint64_t broker_next_ms(const struct broker *broker)
{
    /* Whose time is over is closed by the next call, if no other one does it. */
    return list_is_empty(&broker->doomed) ? wheel_next_ms(&broker->wheel) : 0;
}

const struct broker_stats *broker_statistics(const struct broker *broker)
{
    return &broker->stats;
}

void broker_set_limits(struct broker *broker, const struct limits *limits)
{
    broker->limits = *limits;
}

void broker_drain(struct broker *broker, uint64_t now_ms)
{
    while (!list_is_empty(&broker->clients))
        client_doom(MQTT_CONTAINER_OF(broker->clients.next, struct client, in_broker),
                    MQTT_SERVER_SHUTTING_DOWN, "server shutting down");
    broker_reap(broker, now_ms);
}
