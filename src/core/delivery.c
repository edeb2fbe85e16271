/* SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery.h"

#include "base/invariant.h"
#include "base/pool.h"
#include "core/client.h"
#include "core/encode.h"
#include "core/policy_walk.h"
#include "core/pressure.h"
#include "core/session.h"
#include "core/spread.h"
#include "core/standing.h"
#include "core/state.h"
#include "core/subscription.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_WINDOW 8u

void outgoing_init(struct outgoing *outgoing)
{
    *outgoing = (struct outgoing){ 0 };
    list_init(&outgoing->queue);
    list_init(&outgoing->inflight);
}

static struct delivery *delivery_of(struct list *link)
{
    return MQTT_CONTAINER_OF(link, struct delivery, link);
}

static void delivery_free(struct broker *broker, struct delivery *delivery)
{
    journal_forget_delivery(broker, delivery);
    message_unref(delivery->message, &broker->messages);
    identifiers_unref(delivery->identifiers);
    pool_give(broker->deliveries, delivery);
}

/* ---- the queue ---- */

static void queue_count(struct session *session, const struct delivery *delivery)
{
    struct broker_stats *stats = &session->broker->stats;
    size_t bytes = message_bytes(delivery->message);

    session->outgoing.queued_count++;
    session->outgoing.queued_bytes += bytes;
    stats->queued_messages++;
    stats->queued_bytes += bytes;
}

static void queue_push(struct session *session, struct delivery *delivery)
{
    list_push_back(&session->outgoing.queue, &delivery->link);
    queue_count(session, delivery);
}

static void queue_push_front(struct session *session, struct delivery *delivery)
{
    list_push_front(&session->outgoing.queue, &delivery->link);
    queue_count(session, delivery);
}

static void queue_unlink(struct session *session, struct delivery *delivery)
{
    struct broker_stats *stats = &session->broker->stats;
    size_t bytes = message_bytes(delivery->message);

    policy_walk_skip_delivery(&session->broker->walk, &delivery->link);
    list_unlink(&delivery->link);
    session->outgoing.queued_count--;
    session->outgoing.queued_bytes -= bytes;
    stats->queued_messages--;
    stats->queued_bytes -= bytes;
}

static bool queue_has_room(const struct session *session, const struct publication *p)
{
    const struct limits *limits = &session->broker->limits;
    size_t bytes = p->topic.len + p->forward.len + p->payload.len;

    return !pressure_is(session->broker, PRESSURE_REFUSE)
           && session->outgoing.queued_count < limits->session_queue_messages
           && session->outgoing.queued_bytes + bytes <= limits->session_queue_bytes;
}

/* ---- the window ---- */

static struct delivery *window_find(const struct outgoing *outgoing, uint16_t packet_id)
{
    if (outgoing->window == NULL || packet_id == 0)
        return NULL;
    struct delivery *delivery = outgoing->window[packet_id & outgoing->window_mask];
    return delivery != NULL && delivery->packet_id == packet_id ? delivery : NULL;
}

/* Doubling keeps distinct places distinct, as the mask only gains a bit. */
static int window_grow(struct outgoing *outgoing)
{
    uint32_t slots = outgoing->window != NULL ? 2 * (outgoing->window_mask + 1u) : FIRST_WINDOW;
    struct delivery **window = calloc(slots, sizeof(struct delivery *));

    if (window == NULL)
        return -ENOMEM;
    free(outgoing->window);
    outgoing->window = window;
    outgoing->window_mask = (uint16_t)(slots - 1);
    list_for_each (link, &outgoing->inflight) {
        struct delivery *delivery = delivery_of(link);
        window[delivery->packet_id & outgoing->window_mask] = delivery;
    }
    return 0;
}

/* The next packet id whose place is free. The window is kept at most half full, so one is near. */
static uint16_t next_packet_id(struct outgoing *outgoing)
{
    uint16_t id = outgoing->last_packet_id;

    do {
        id++;
    } while (id == 0 || outgoing->window[id & outgoing->window_mask] != NULL);
    outgoing->last_packet_id = id;
    return id;
}

static int window_reserve(struct outgoing *outgoing)
{
    uint32_t slots = outgoing->window != NULL ? outgoing->window_mask + 1u : 0;

    if (outgoing->inflight_count < slots / 2)
        return 0;
    if (slots > UINT16_MAX)
        return outgoing->inflight_count < UINT16_MAX ? 0 : -ENOSPC;
    return window_grow(outgoing);
}

static void window_push(struct session *session, struct delivery *delivery)
{
    struct outgoing *outgoing = &session->outgoing;

    outgoing->window[delivery->packet_id & outgoing->window_mask] = delivery;
    outgoing->inflight_count++;
    session->broker->stats.inflight_messages++;
    list_push_back(&outgoing->inflight, &delivery->link);
}

static void window_drop(struct session *session, struct delivery *delivery)
{
    struct outgoing *outgoing = &session->outgoing;

    outgoing->window[delivery->packet_id & outgoing->window_mask] = NULL;
    outgoing->inflight_count--;
    if (delivery->unsent_here)
        outgoing->unsent_count--;
    session->broker->stats.inflight_messages--;
    list_unlink(&delivery->link);
    delivery_free(session->broker, delivery);
}

void outgoing_fini(struct session *session)
{
    struct outgoing *outgoing = &session->outgoing;

    list_for_each_safe (link, following, &outgoing->queue) {
        queue_unlink(session, delivery_of(link));
        delivery_free(session->broker, delivery_of(link));
    }
    list_for_each_safe (link, following, &outgoing->inflight)
        window_drop(session, delivery_of(link));
    free(outgoing->window);
    outgoing->window = NULL;
}

/* ---- sending ---- */

bool session_has_room(const struct session *session)
{
    const struct client *client = session->client;

    return client != NULL && client->state == CLIENT_ACTIVE && !client->stalled
           && session->outgoing.unsent_count == 0
           && session->outgoing.inflight_count < client->send_quota;
}

static struct delivery *delivery_new(struct session *session, struct publication *publication,
                                     const struct terms *terms)
{
    struct broker *broker = session->broker;
    struct message *message = publication_message(publication, &broker->messages);

    if (message == NULL)
        return NULL;
    struct delivery *delivery = pool_take(broker->deliveries);
    if (delivery == NULL)
        return NULL;
    *delivery = (struct delivery){
        .message = message_ref(message),
        .identifiers = identifiers_ref(terms->identifiers),
        .qos = (uint8_t)terms->qos,
        .retain = terms->retain,
        .shared = terms->shared,
        .is_echo = publication->origin == session,
        .policy_generation = broker->policy_generation,
    };
    return delivery;
}

static enum encoded encode_delivery(struct session *session, const struct delivery *delivery,
                                    uint64_t now_ms)
{
    /* Each field is named: what is not would be zeroed before, all of it. */
    struct wire wire = {
        .packet = { .qos = (enum mqtt_qos)delivery->qos,
                    .retain = delivery->retain,
                    .duplicate = delivery->sent,
                    .packet_id = delivery->packet_id,
                    .topic = space_leave(session, message_topic(delivery->message)),
                    .forward = message_forward(delivery->message),
                    .payload = message_payload(delivery->message),
                    .has_expiry = false,
                    .expiry_s = 0,
                    .topic_alias = 0,
                    .subscription_identifiers = NULL,
                    .subscription_identifier_count = 0 },
        .expires_ms = delivery->message->expires_ms,
        .identifiers = delivery->identifiers,
        .is_echo = delivery->is_echo,
    };
    return encode_publish(session->client, &wire, now_ms);
}

/* A QoS 2 message that was sent and of which nothing is known after a crash would be sent a second
 * time as another one; so would one whose release was sent. */
static void hold_qos_2(const struct session *session, const struct delivery *delivery)
{
    if (delivery->qos == MQTT_QOS_2 && session->number != 0)
        journal_hold(session->client);
}

/* What is on the wire of a delivery in flight. */
static void send_publish(struct session *session, struct delivery *delivery, uint64_t now_ms)
{
    hold_qos_2(session, delivery);
    enum encoded encoded = encode_delivery(session, delivery, now_ms);

    if (encoded == ENCODED)
        delivery->sent = true;
    /* [MQTT-3.1.2-25] too large for this client: as if it had been sent and
     * acknowledged. Out of memory has doomed the client; the session keeps it. */
    if (encoded == ENCODED_TOO_LARGE) {
        session->broker->stats.publish_dropped++;
        window_drop(session, delivery);
    }
}

/* Takes an unlinked delivery into the window and sends it. One that the policy has lowered to QoS 0
 * needs no place there. */
static int launch(struct session *session, struct delivery *delivery, uint64_t now_ms)
{
    if (MQTT_UNLIKELY(delivery->qos == MQTT_QOS_0)) {
        if (encode_delivery(session, delivery, now_ms) != ENCODED)
            session->broker->stats.publish_dropped++;
        delivery_free(session->broker, delivery);
        return 0;
    }
    int error = window_reserve(&session->outgoing);
    if (error < 0)
        return error;
    delivery->packet_id = next_packet_id(&session->outgoing);
    delivery->state = delivery->qos == MQTT_QOS_2 ? DELIVERY_AWAITS_PUBREC : DELIVERY_AWAITS_PUBACK;
    window_push(session, delivery);
    journal_delivery(session, delivery);
    send_publish(session, delivery, now_ms);
    return 0;
}

static enum delivery_result refuse(struct session *session, struct delivery *delivery)
{
    if (delivery != NULL)
        delivery_free(session->broker, delivery);
    session->broker->stats.publish_dropped++;
    return DELIVERY_REFUSED;
}

enum delivery_result session_deliver(struct session *session, struct publication *publication,
                                     const struct terms *terms, uint64_t now_ms)
{
    if (terms->qos == MQTT_QOS_0)
        return spread_deliver(session, publication, terms, now_ms);

    bool direct = list_is_empty(&session->outgoing.queue) && session_has_room(session)
                  && !pressure_holds_back(session->client);
    if (!direct && !queue_has_room(session, publication))
        return refuse(session, NULL);

    struct delivery *delivery = delivery_new(session, publication, terms);
    if (delivery == NULL)
        return refuse(session, NULL);
    if (!direct) {
        queue_push(session, delivery);
        journal_delivery(session, delivery);
        return DELIVERY_DONE;
    }
    return launch(session, delivery, now_ms) == 0 ? DELIVERY_DONE : refuse(session, delivery);
}

static void pass_on(struct session *session, struct delivery *delivery, uint64_t now_ms)
{
    if (delivery->shared)
        share_hand_on(session, delivery->message, now_ms);
    session->broker->stats.publish_dropped++;
}

void session_drop_queued(struct session *session, struct delivery *delivery, uint64_t now_ms)
{
    queue_unlink(session, delivery);
    pass_on(session, delivery, now_ms);
    delivery_free(session->broker, delivery);
}

/* What was in flight when the right to it ended is not sent again. */
static void drop_inflight(struct session *session, struct delivery *delivery, uint64_t now_ms)
{
    /* [MQTT-4.8.2-5] QoS 2 stays with the one it was sent to. */
    if (delivery->qos != MQTT_QOS_2 || !delivery->sent)
        pass_on(session, delivery, now_ms);
    window_drop(session, delivery);
}

/* Sends again what an earlier connection left in flight, as far as the window goes. */
static void resend(struct session *session, uint64_t now_ms)
{
    struct outgoing *outgoing = &session->outgoing;
    struct client *client = session->client;

    if (outgoing->unsent_count == 0 || client == NULL)
        return;
    list_for_each_safe (link, following, &outgoing->inflight) {
        struct delivery *delivery = delivery_of(link);

        if (!delivery->unsent_here)
            continue;
        if (!session_may_send(session, delivery)) {
            drop_inflight(session, delivery, now_ms);
            continue;
        }
        if (client->state != CLIENT_ACTIVE || client->stalled
            || outgoing->inflight_count - outgoing->unsent_count >= client->send_quota)
            return;
        delivery->unsent_here = false;
        outgoing->unsent_count--;
        if (delivery->state == DELIVERY_AWAITS_PUBCOMP) {
            hold_qos_2(session, delivery);
            encode_ack(client, MQTT_PUBREL, delivery->packet_id, MQTT_SUCCESS, NULL);
        } else {
            send_publish(session, delivery, now_ms);
        }
    }
}

void session_pump(struct session *session, uint64_t now_ms)
{
    struct list *queue = &session->outgoing.queue;

    resend(session, now_ms);
    while (!list_is_empty(queue) && session_has_room(session)) {
        struct delivery *delivery = delivery_of(queue->next);

        if (!session_may_send(session, delivery)) {
            session_drop_queued(session, delivery, now_ms);
            continue;
        }
        queue_unlink(session, delivery);
        if (delivery->message->expires_ms <= now_ms) {
            delivery_free(session->broker, delivery); /* [MQTT-3.3.2-5] */
            continue;
        }
        if (launch(session, delivery, now_ms) < 0) {
            queue_push_front(session, delivery);
            return;
        }
    }
    if (list_is_empty(queue))
        session->drop_reported = false;
}

void session_resume(struct session *session, uint64_t now_ms)
{
    struct outgoing *outgoing = &session->outgoing;

    list_for_each (link, &outgoing->inflight)
        delivery_of(link)->unsent_here = true;
    outgoing->unsent_count = outgoing->inflight_count;
    session_pump(session, now_ms);
}

int session_restore_delivery(struct session *session, const struct delivery *model)
{
    struct delivery *delivery;

    if (model->packet_id != 0) {
        int error = window_find(&session->outgoing, model->packet_id) != NULL
                        ? -EEXIST
                        : window_reserve(&session->outgoing);
        if (error < 0)
            return error;
        /* A restored id may fall on an occupied place: grow until it does not. */
        while (session->outgoing.window[model->packet_id & session->outgoing.window_mask] != NULL)
            if (window_grow(&session->outgoing) < 0)
                return -ENOMEM;
    }
    delivery = pool_take(session->broker->deliveries);
    if (delivery == NULL)
        return -ENOMEM;
    *delivery = *model;
    delivery->link = (struct list){ 0 };
    delivery->policy_generation = session->broker->policy_generation - 1; /* not judged yet */
    identifiers_ref(delivery->identifiers);
    if (delivery->message != NULL)
        message_ref(delivery->message);
    if (delivery->packet_id != 0)
        window_push(session, delivery);
    else
        queue_push(session, delivery);
    return 0;
}

/* ---- acknowledgements ---- */

static struct delivery *awaiting(const struct session *session, uint16_t packet_id,
                                 enum delivery_state state)
{
    struct delivery *delivery = window_find(&session->outgoing, packet_id);

    return delivery != NULL && delivery->state == state ? delivery : NULL;
}

bool session_on_puback(struct session *session, uint16_t packet_id, uint64_t now_ms)
{
    struct delivery *delivery = awaiting(session, packet_id, DELIVERY_AWAITS_PUBACK);

    if (delivery == NULL)
        return false;
    window_drop(session, delivery);
    session_pump(session, now_ms);
    return true;
}

bool session_on_pubrec(struct session *session, uint16_t packet_id, uint8_t reason, uint64_t now_ms)
{
    struct delivery *delivery = awaiting(session, packet_id, DELIVERY_AWAITS_PUBREC);

    if (delivery == NULL) {
        /* A PUBREC that came again: the PUBREL is sent again. */
        delivery = awaiting(session, packet_id, DELIVERY_AWAITS_PUBCOMP);
        if (delivery == NULL)
            return false;
    }
    if (reason >= MQTT_UNSPECIFIED_ERROR) { /* [MQTT-4.3.3-4] refused: the id is free again */
        window_drop(session, delivery);
        session_pump(session, now_ms);
        return true;
    }
    journal_release_message(delivery);
    message_unref(delivery->message, &session->broker->messages);
    delivery->message = NULL;
    delivery->state = DELIVERY_AWAITS_PUBCOMP;
    journal_delivery(session, delivery);
    hold_qos_2(session, delivery);
    encode_ack(session->client, MQTT_PUBREL, packet_id, MQTT_SUCCESS, NULL);
    return true;
}

bool session_on_pubcomp(struct session *session, uint16_t packet_id, uint64_t now_ms)
{
    struct delivery *delivery = awaiting(session, packet_id, DELIVERY_AWAITS_PUBCOMP);

    if (delivery == NULL)
        return false;
    window_drop(session, delivery);
    session_pump(session, now_ms);
    return true;
}
