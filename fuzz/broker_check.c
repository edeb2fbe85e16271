/* SPDX-License-Identifier: Apache-2.0 */
/* Slow and plain, so that it can be believed: contract in broker_check.h. */
#include "broker_check.h"

#include "base/invariant.h"
#include "base/pool.h"
#include "broker_names.h"
#include "codec/topic.h"
#include "core/client.h"
#include "core/gate.h"
#include "core/shared_state.h"
#include "core/state.h"
#include "core/subscription.h"
#include "core/world.h"
#include "policy/filter.h"

#include <stdlib.h>

static size_t list_length(const struct list *head)
{
    size_t count = 0;

    list_for_each (link, head) {
        MQTT_INVARIANT(link->next->prev == link && link->prev->next == link);
        count++;
    }
    return count;
}

/* ---- one session ---- */

static void check_queue(const struct session *session)
{
    const struct outgoing *outgoing = &session->outgoing;
    uint64_t bytes = 0;

    list_for_each (link, &outgoing->queue) {
        const struct delivery *delivery = MQTT_CONTAINER_OF(link, struct delivery, link);

        MQTT_INVARIANT(delivery->message != NULL && delivery->message->references > 0);
        MQTT_INVARIANT(delivery->state == DELIVERY_QUEUED && delivery->packet_id == 0);
        MQTT_INVARIANT(!delivery->unsent_here);
        bytes += message_bytes(delivery->message);
    }
    MQTT_INVARIANT(list_length(&outgoing->queue) == outgoing->queued_count);
    MQTT_INVARIANT(bytes == outgoing->queued_bytes);
}

static void check_window(const struct session *session)
{
    const struct outgoing *outgoing = &session->outgoing;
    uint32_t unsent = 0;

    list_for_each (link, &outgoing->inflight) {
        struct delivery *delivery = MQTT_CONTAINER_OF(link, struct delivery, link);

        MQTT_INVARIANT(delivery->packet_id != 0 && delivery->qos > MQTT_QOS_0);
        /* Each has a place of its own, so that no two have one identifier. */
        MQTT_INVARIANT(outgoing->window[delivery->packet_id & outgoing->window_mask] == delivery);
        MQTT_INVARIANT((delivery->message == NULL) == (delivery->state == DELIVERY_AWAITS_PUBCOMP));
        MQTT_INVARIANT(delivery->qos == MQTT_QOS_2 ? delivery->state >= DELIVERY_AWAITS_PUBREC
                                                   : delivery->state == DELIVERY_AWAITS_PUBACK);
        unsent += delivery->unsent_here;
    }
    MQTT_INVARIANT(list_length(&outgoing->inflight) == outgoing->inflight_count);
    MQTT_INVARIANT(unsent == outgoing->unsent_count);
    if (session->client != NULL)
        MQTT_INVARIANT(outgoing->inflight_count - unsent <= session->client->send_quota);
}

static void check_subscriptions(const struct session *session)
{
    MQTT_INVARIANT(list_length(&session->subscriptions) == session->subscription_count);
    list_for_each (link, &session->subscriptions) {
        const struct subscription *s = MQTT_CONTAINER_OF(link, struct subscription, in_session);

        MQTT_INVARIANT(s->session == session && s->qos <= MQTT_QOS_2);
        MQTT_INVARIANT(subscription_find(session, subscription_filter(s)) == s);
        MQTT_INVARIANT(s->number == 0 || session->number != 0);
    }
}

static void check_session(const struct session *session)
{
    check_queue(session);
    check_window(session);
    check_subscriptions(session);
    MQTT_INVARIANT(session_find(session->broker, session_client_id(session)) == session);
    if (session->client != NULL)
        MQTT_INVARIANT(session->client->session == session);
    else /* it would have gone with its connection, unless a file says that it is still to go */
        MQTT_INVARIANT(session->expiry_s > 0 || wheel_is_armed(&session->expiry));
    MQTT_INVARIANT(session->will == NULL || session->will->session == session);
}

/* ---- one shard ---- */

static void check_client(const struct client *client)
{
    const struct outbox *outbox = &client->outbox;
    size_t bytes = 0;

    for (const struct outbox_chunk *chunk = outbox->first; chunk != NULL; chunk = chunk->next) {
        MQTT_INVARIANT(chunk->begin <= chunk->end && chunk->end <= chunk->capacity);
        MQTT_INVARIANT(chunk->next != NULL || chunk == outbox->last);
        bytes += chunk->end - chunk->begin;
    }
    MQTT_INVARIANT(bytes == outbox->bytes && outbox->held_bytes <= outbox->bytes);
    MQTT_INVARIANT(outbox->bytes < client->broker->limits.outbox_bytes || client->stalled);
    MQTT_INVARIANT((client->session != NULL) == (client->state == CLIENT_ACTIVE)
                   || client->state == CLIENT_HELD);
    if (client->session != NULL)
        MQTT_INVARIANT(client->session->client == client && client->send_quota > 0);
    if (client->gate != NULL)
        MQTT_INVARIANT(client->gate->client == client && client->gate->count > 0);
}

struct counted {
    uint64_t sessions;
    uint64_t subscriptions;
    uint64_t shared_subscriptions;
    uint64_t queued;
    uint64_t queued_bytes;
    uint64_t inflight;
    uint64_t connected;
};

static void count_session(struct counted *counted, const struct session *session)
{
    counted->sessions++;
    counted->subscriptions += session->subscription_count;
    counted->queued += session->outgoing.queued_count;
    counted->queued_bytes += session->outgoing.queued_bytes;
    counted->inflight += session->outgoing.inflight_count;
    counted->connected += session->client != NULL;
    list_for_each (link, &session->subscriptions)
        counted->shared_subscriptions +=
            MQTT_CONTAINER_OF(link, struct subscription, in_session)->group != NULL;
}

static void check_counts(const struct broker *broker, const struct counted *counted)
{
    const struct broker_stats *stats = &broker->stats;

    MQTT_INVARIANT(stats->sessions == counted->sessions);
    MQTT_INVARIANT(broker->sessions.count == counted->sessions);
    MQTT_INVARIANT(stats->subscriptions == counted->subscriptions);
    MQTT_INVARIANT(broker->subscriptions.count == counted->subscriptions);
    MQTT_INVARIANT(stats->shared_subscriptions == counted->shared_subscriptions);
    MQTT_INVARIANT(stats->queued_messages == counted->queued);
    MQTT_INVARIANT(stats->queued_bytes == counted->queued_bytes);
    MQTT_INVARIANT(stats->inflight_messages == counted->inflight);
    MQTT_INVARIANT(stats->clients_connected == counted->connected);
    MQTT_INVARIANT(pool_live(broker->deliveries) == counted->queued + counted->inflight);
    MQTT_INVARIANT(list_is_empty(&broker->doomed));
    MQTT_INVARIANT(pool_live(broker->clients_pool) == list_length(&broker->clients));
    MQTT_INVARIANT(pool_live(broker->gates) == list_length(&broker->journal.gated));
    MQTT_INVARIANT(broker->route_count == list_length(&broker->routes_by_use));
    MQTT_INVARIANT(broker->routes.count == broker->route_count);
    MQTT_INVARIANT(broker->route_count <= broker->limits.route_cache_entries);
}

static void check_shard(const struct broker *broker)
{
    struct counted counted = { 0 };

    list_for_each (link, &broker->session_list) {
        const struct session *session = MQTT_CONTAINER_OF(link, struct session, in_broker);

        MQTT_INVARIANT(session->broker == broker);
        check_session(session);
        count_session(&counted, session);
    }
    list_for_each (link, &broker->clients)
        check_client(MQTT_CONTAINER_OF(link, struct client, in_broker));
    check_counts(broker, &counted);
}

/* ---- who is interested, by brute force ---- */

struct looking {
    struct mqtt_span topic;
    size_t subscriptions; /* those that match */
    size_t groups;
};

static void on_match(void *context, struct topic_filter *filter)
{
    struct looking *found = context;

    MQTT_INVARIANT(mqtt_topic_matches(topic_filter_text(filter), found->topic));
    MQTT_INVARIANT(!list_is_empty(topic_filter_links(filter)));
    list_for_each (link, topic_filter_links(filter)) {
        struct topic_link *in_filter = MQTT_CONTAINER_OF(link, struct topic_link, in_filter);

        if (MQTT_CONTAINER_OF(in_filter, struct subscriber, link)->is_group)
            found->groups++;
        else
            found->subscriptions++;
    }
}

static void count_group(struct bytes_node *node, void *context)
{
    const struct share_group *group = MQTT_CONTAINER_OF(node, struct share_group, by_key);
    struct looking *expected = context;
    struct mqtt_span filter = group->by_key.key;

    MQTT_INVARIANT(group->count > 0 && list_length(&group->members) == group->count);
    while (filter.len > 0 && filter.data[0] != '\0')
        filter = (struct mqtt_span){ filter.data + 1, filter.len - 1 };
    MQTT_INVARIANT(filter.len > 1);
    filter = (struct mqtt_span){ filter.data + 1, filter.len - 1 };
    expected->groups += mqtt_topic_matches(filter, expected->topic);
}

/* Is anybody of this shard that other shards are to know of? */
static bool count_matching(const struct broker *broker, struct looking *expected)
{
    bool is_wanted = false;

    list_for_each (session, &broker->session_list) {
        list_for_each (link,
                       &MQTT_CONTAINER_OF(session, struct session, in_broker)->subscriptions) {
            const struct subscription *s = MQTT_CONTAINER_OF(link, struct subscription, in_session);

            if (s->group != NULL || !mqtt_topic_matches(subscription_filter(s), expected->topic))
                continue;
            expected->subscriptions++;
            is_wanted |= !s->is_resting;
        }
    }
    return is_wanted;
}

static void check_topic(const struct world *world, struct mqtt_span topic)
{
    struct interest interest = { 0 };

    if (world->shards > 1)
        MQTT_INVARIANT(shared_interest(world->shared, topic, &interest) == 0);
    for (unsigned i = 0; i < world->shards; i++) {
        struct broker *broker = world->brokers[i];
        struct looking found = { .topic = topic };
        struct looking expected = { .topic = topic };
        bool is_wanted = count_matching(broker, &expected);

        bytes_map_each(&broker->groups, count_group, &expected);
        topic_index_match(broker->index, topic, on_match, &found);
        MQTT_INVARIANT(found.subscriptions == expected.subscriptions);
        MQTT_INVARIANT(found.groups == expected.groups);
        if (world->shards > 1)
            MQTT_INVARIANT(((interest.shards >> i & 1) != 0) == is_wanted);
    }
    interest_fini(&interest);
}

/* ---- what the shards share ---- */

static bool add_retained(void *context, struct mqtt_span topic, void *value)
{
    const struct retained_message *message = value;
    struct shared_figures *sum = context;

    MQTT_INVARIANT(message->topic_len == topic.len && message->payload_len > 0);
    sum->retained_messages++;
    return true;
}

static void check_retained(const struct world *world)
{
    struct shared_figures said = shared_figures(world->shared);
    struct shared_figures sum = { 0 };

    retained_tree_each(world->shared->retained, add_retained, &sum);
    MQTT_INVARIANT(said.retained_messages == sum.retained_messages);
    MQTT_INVARIANT((said.retained_bytes == 0) == (sum.retained_messages == 0));
    MQTT_INVARIANT(said.retained_bytes <= world->limits.retained_bytes);
}

void broker_check(const struct world *world)
{
    for (unsigned i = 0; i < world->shards; i++)
        check_shard(world->brokers[i]);
    for (size_t i = 0; i < BROKER_TOPICS; i++)
        check_topic(world, span_of(broker_topics[i]));
    check_retained(world);
}

/* ---- the end ---- */

static void end_shard(struct broker *broker, uint64_t now_ms)
{
    while (!list_is_empty(&broker->session_list))
        session_end(MQTT_CONTAINER_OF(broker->session_list.next, struct session, in_broker),
                    now_ms);
}

static void check_empty(const struct broker *broker)
{
    MQTT_INVARIANT(broker->sessions.count == 0 && broker->subscriptions.count == 0);
    MQTT_INVARIANT(broker->groups.count == 0 && broker->waits.count == 0);
    MQTT_INVARIANT(broker->watches.count == 0);
    MQTT_INVARIANT(topic_index_filters(broker->index) == 0);
    MQTT_INVARIANT(pool_live(broker->clients_pool) == 0 && pool_live(broker->deliveries) == 0);
    MQTT_INVARIANT(pool_live(broker->hints) == 0 && pool_live(broker->gates) == 0);
    MQTT_INVARIANT(pool_live(broker->outboxes.small) == 0);
    MQTT_INVARIANT(pool_live(broker->outboxes.large) == 0);
    for (size_t i = 0; i < MESSAGE_CLASSES; i++)
        MQTT_INVARIANT(pool_live(broker->messages.classes[i]) == 0);
}

void broker_check_end(struct world *world)
{
    for (size_t i = 0; i < WORLD_PEERS; i++)
        if (world->peers[i].is_open)
            world_break(&world->peers[i]);
    for (unsigned i = 0; i < world->shards; i++)
        end_shard(world->brokers[i], world->now_ms);
    world_run(world);
    broker_check(world);
    for (unsigned i = 0; i < world->shards; i++)
        check_empty(world->brokers[i]);
    MQTT_INVARIANT(world->shared->entries.count == 0 && world->shared->keys.count == 0);
}
