/* SPDX-License-Identifier: Apache-2.0 */
#include "core/session.h"

#include "base/zeroed.h"
#include "core/allowance.h"
#include "core/client.h"
#include "core/policy_walk.h"
#include "core/publish.h"
#include "core/rate.h"
#include "core/state.h"
#include "core/subscription.h"

#include <stdlib.h>
#include <string.h>

struct mqtt_span session_assign_id(struct broker *broker,
                                   uint8_t memory[static SESSION_ASSIGNED_BYTES])
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    struct mqtt_span id = { memory, SESSION_ASSIGNED_BYTES };

    memcpy(memory, "tacit-", 6);
    do {
        uint8_t random[26];

        broker->options.ports.random.fill(broker->options.ports.random.context, random,
                                          sizeof(random));
        for (size_t i = 0; i < sizeof(random); i++)
            memory[6 + i] = (uint8_t)digits[random[i] & 31];
    } while (session_find(broker, id) != NULL
             || siphash(&broker->options.hash_key, id) % broker->options.shard_count
                    != broker->options.shard);
    return id;
}

struct session *session_find(const struct broker *broker, struct mqtt_span client_id)
{
    struct bytes_node *node = bytes_map_find(&broker->sessions, client_id);

    return node != NULL ? MQTT_CONTAINER_OF(node, struct session, by_client_id) : NULL;
}

struct mqtt_span session_client_id(const struct session *session)
{
    return session->by_client_id.key;
}

/* Thousands of anonymous clients are one identity: they share one copy of it. */
static struct identity *identity_take(struct broker *broker, const struct identity *identity)
{
    if (identity->device != NULL)
        return identity_new(identity);
    if (broker->anonymous == NULL)
        broker->anonymous = identity_new(identity);
    if (broker->anonymous != NULL && identity_equal(broker->anonymous, identity))
        return broker->anonymous;
    return identity_new(identity);
}

static void identity_give(const struct broker *broker, struct identity *identity)
{
    if (identity != broker->anonymous)
        identity_free(identity);
}

struct session *session_new(struct broker *broker, struct mqtt_span client_id,
                            const struct identity *identity, const struct role *role)
{
    char space[POLICY_SPACE_BYTES];
    struct session *session;

    if (broker->sessions.count >= broker->limits.sessions)
        return NULL;
    size_t space_len = role_space(role, identity, space);
    session = zeroed_alloc(offsetof(struct session, client_id) + client_id.len + space_len);
    if (session == NULL)
        return NULL;
    session->identity = identity_take(broker, identity);
    if (session->identity == NULL)
        goto fail_free;
    session->allowance =
        allowance_take(broker->options.shared, identity, client_id, broker->limits.accounts);
    if (session->allowance == NULL)
        goto fail_identity;
    memcpy(session->client_id, client_id.data, client_id.len);
    memcpy(session->client_id + client_id.len, space, space_len);
    session->space_len = (uint8_t)space_len;
    session->by_client_id.key = (struct mqtt_span){ session->client_id, client_id.len };
    session->broker = broker;
    session->role = role;
    session->policy_generation = broker->policy_generation;
    list_init(&session->subscriptions);
    outgoing_init(&session->outgoing);
    if (bytes_map_insert(&broker->sessions, &session->by_client_id) < 0)
        goto fail_allowance;
    list_push_back(&broker->session_list, &session->in_broker);
    broker->stats.sessions++;
    return session;

fail_allowance:
    allowance_give(broker->options.shared, session->allowance, broker->limits.accounts);
fail_identity:
    identity_give(broker, session->identity);
fail_free:
    free(session);
    return NULL;
}

void session_discard(struct session *session)
{
    struct broker *broker = session->broker;

    policy_walk_leave(&broker->walk, session);
    publish_forget(session);
    journal_forget_session(session);
    list_unlink(&session->in_broker);
    rates_clear(&session->rates);
    list_for_each_safe (link, following, &session->subscriptions)
        subscription_remove(MQTT_CONTAINER_OF(link, struct subscription, in_session));
    outgoing_fini(session);
    packet_ids_clear(&session->received);
    will_clear(session);
    wheel_cancel(&broker->wheel, &session->expiry);
    bytes_map_remove(&broker->sessions, &session->by_client_id);
    broker->stats.sessions--;
    allowance_give(broker->options.shared, session->allowance, broker->limits.accounts);
    identity_give(broker, session->identity);
    free(session);
}

void session_end(struct session *session, uint64_t now_ms)
{
    will_publish(session, now_ms); /* [MQTT-3.1.2-8] at the latest when the session ends */
    share_redistribute(session, now_ms);
    session_discard(session);
}

static void on_expiry(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct session *session = MQTT_CONTAINER_OF(timer, struct session, expiry);

    (void)context;
    session->broker->stats.clients_expired++;
    session_end(session, now_ms);
}

void session_expire_in(struct session *session, uint64_t left_ms, uint64_t now_ms)
{
    wheel_arm(&session->broker->wheel, &session->expiry, now_ms + left_ms, on_expiry);
}

void session_detach(struct session *session, uint64_t now_ms)
{
    if (session->expiry_s == 0) {
        session_end(session, now_ms);
        return;
    }
    if (session->expiry_s != SESSION_NEVER_EXPIRES)
        session_expire_in(session, (uint64_t)session->expiry_s * 1000, now_ms);
    if (session->number != 0)
        journal_session(session);
    if (session->will != NULL && session->will->delay_s > 0)
        will_delay(session, (uint64_t)session->will->delay_s * 1000, now_ms);
    else
        will_publish(session, now_ms);
}

void session_report_drop(struct session *session, struct mqtt_span topic)
{
    const struct event_port *port = &session->broker->options.ports.events;
    const struct event event = {
        .kind = EVENT_MESSAGE_DROPPED,
        .facts = session->client != NULL ? session->client->facts : NULL,
        .client_id = session_client_id(session),
        .identity = session->identity,
        .reason = MQTT_QUOTA_EXCEEDED,
        .text = "queue full",
        .topic = topic,
    };

    if (session->drop_reported || port->report == NULL)
        return;
    session->drop_reported = true;
    port->report(port->context, &event);
}
