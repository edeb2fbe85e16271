/* SPDX-License-Identifier: Apache-2.0 */
/* PUBLISH from a client, and the packets that finish it. MQTT 5.0 sections 3.3.4
 * and 4.3. */
#include "codec/publish.h"

#include "codec/ack.h"
#include "codec/topic.h"
#include "codec/utf8.h"
#include "core/alias.h"
#include "core/allowance.h"
#include "core/client.h"
#include "core/dispatch.h"
#include "core/encode.h"
#include "core/pace.h"
#include "core/pressure.h"
#include "core/publish.h"
#include "core/rate.h"
#include "core/route.h"
#include "core/sensed.h"
#include "core/standing.h"
#include "core/state.h"
#include "core/watch.h"

#include <stdlib.h>

/* Properties up to this size are cleaned for forwarding without the heap. */
#define FORWARD_BYTES 1024u

#define REASON_BYTES 256u

void publish_answer(struct client *client, const struct mqtt_publish *publish, uint8_t reason,
                    const char *text)
{
    const struct broker *broker = client->broker;

    if (journal_has_moved(broker, &broker->journal.entered)
        || (publish->qos == MQTT_QOS_2 && client->session->number != 0))
        journal_hold(client);
    if (publish->qos == MQTT_QOS_1)
        encode_ack(client, MQTT_PUBACK, publish->packet_id, reason, text);
    else if (publish->qos == MQTT_QOS_2)
        encode_ack(client, MQTT_PUBREC, publish->packet_id, reason, text);
}

/* Acknowledges in the way of its QoS. Before MQTT 5 there is no way to say no. */
static void acknowledge(struct client *client, const struct mqtt_publish *publish, uint8_t reason,
                        const char *text)
{
    if (MQTT_LIKELY(client->session->waits.next == NULL)
        || !publish_queue(client, publish, reason, text))
        publish_answer(client, publish, reason, text);
}

/* QoS 2: the id is taken over once; a second PUBLISH with it is the same message.
 * [MQTT-4.3.3-10] */
static enum mqtt_status take_over_id(struct client *client, const struct mqtt_publish *publish,
                                     bool *out_is_repeated)
{
    struct packet_ids *received = &client->session->received;

    *out_is_repeated = false;
    if (publish->qos != MQTT_QOS_2)
        return MQTT_OK;
    if (packet_ids_has(received, publish->packet_id)) {
        *out_is_repeated = true;
        return MQTT_OK;
    }
    if (packet_ids_count(received) >= client->broker->limits.receive_maximum)
        return MQTT_ERR_RECEIVE_MAXIMUM; /* [MQTT-3.3.4-7] */
    if (packet_ids_add(received, publish->packet_id) < 0)
        client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
    return MQTT_OK;
}

/* One that another shard refuses has no topic any more. */
static void report_refused(struct client *client, const struct mqtt_publish *publish,
                           uint8_t reason, const char *text)
{
    struct mqtt_span topic = publish->topic;

    client->broker->stats.publish_refused++;
    if (topic.len > 0)
        topic = space_leave(client->session, topic);
    client_report(client, EVENT_PUBLISH_REFUSED, reason, text, topic);
}

void publish_disown(struct session *session, uint16_t packet_id)
{
    packet_ids_remove(&session->received, packet_id);
    journal_forget_received(session, packet_id);
}

static void forget_id(struct client *client, const struct mqtt_publish *publish)
{
    if (publish->qos == MQTT_QOS_2)
        publish_disown(client->session, publish->packet_id);
}

/* A refused message is not taken over: its id may carry another. */
static void refuse(struct client *client, const struct mqtt_publish *publish, uint8_t reason,
                   const char *text)
{
    report_refused(client, publish, reason, text);
    if (client->version == MQTT_VERSION_5)
        forget_id(client, publish);
    else if (publish->qos == MQTT_QOS_2)
        journal_received(client->session, publish->packet_id);
    acknowledge(client, publish, reason, text);
}

/* The same for what may be taken another time. A client that cannot be told so is not told that all
 * is well, either: it is disconnected, keeps the message and comes again. */
static void turn_away(struct client *client, const struct mqtt_publish *publish, const char *text)
{
    if (client->version == MQTT_VERSION_5 || publish->qos == MQTT_QOS_0) {
        refuse(client, publish, MQTT_QUOTA_EXCEEDED, text);
        return;
    }
    report_refused(client, publish, MQTT_QUOTA_EXCEEDED, text);
    forget_id(client, publish);
    client_doom(client, MQTT_QUOTA_EXCEEDED, text);
}

static void refuse_by_policy(struct client *client, const struct mqtt_publish *publish,
                             const struct policy_publish *judgement)
{
    struct mqtt_span topic = space_leave(client->session, publish->topic);
    const char *why = policy_publish_objection(judgement, (uint8_t)publish->qos, publish->retain,
                                               publish->payload.len);
    uint8_t reason = MQTT_NOT_AUTHORIZED;
    char text[REASON_BYTES];

    if (mqtt_topic_levels(topic) > client->broker->limits.topic_levels)
        reason = MQTT_TOPIC_NAME_INVALID;
    if (judgement->verdict == POLICY_DENY && reason == MQTT_NOT_AUTHORIZED) {
        policy_tell_missing(client->session->role, POLICY_PUBLISH, topic, judgement->verdict, text,
                            sizeof(text));
        why = text;
    }
    refuse(client, publish, reason, why);
}

/* Rules of the role and of the payload. True: refused and answered. */
static bool is_refused(struct client *client, const struct mqtt_publish *publish,
                       const struct publish_permission *permission, uint64_t now_ms)
{
    if (permission->route == NULL) {
        refuse(client, publish, MQTT_QUOTA_EXCEEDED, "out of memory");
        return true;
    }
    const struct policy_publish *judgement = &permission->judgement;
    if (MQTT_UNLIKELY((int64_t)publish->payload.len
                      > judgement->payload_bytes[publish->retain][publish->qos])) {
        sensed_denied(client->session, false, now_ms);
        refuse_by_policy(client, publish, judgement);
        return true;
    }
    if (MQTT_UNLIKELY(judgement->rate != NULL)
        && !rates_take(&client->session->rates, judgement->rate, now_ms)) {
        refuse(client, publish, MQTT_QUOTA_EXCEEDED, "more messages than the grant's rate allows");
        return true;
    }
    if (publish->payload_is_utf8 && !mqtt_utf8_is_valid(publish->payload)) {
        if (publish->qos == MQTT_QOS_0)
            client_doom_for(client, MQTT_ERR_PAYLOAD_FORMAT);
        else
            refuse(client, publish, MQTT_PAYLOAD_FORMAT_INVALID,
                   "payload is not UTF-8 as its format indicator says");
        return true;
    }
    if (publish->properties.len > client->broker->limits.user_properties_bytes) {
        refuse(client, publish, MQTT_QUOTA_EXCEEDED, "too many property bytes");
        return true;
    }
    return false;
}

/* Would something have to be written for it? */
static bool needs_store(const struct client *client, const struct mqtt_publish *publish,
                        const struct route *route)
{
    if (publish->retain && publish->payload.len > 0 && client->durability != POLICY_MEMORY)
        return true;
    return publish->qos != MQTT_QOS_0 && route_is_kept(route);
}

void publish_settle(struct client *client, const struct mqtt_publish *publish,
                    const struct routed *routed)
{
    if (publish->qos == MQTT_QOS_0)
        return;
    if (MQTT_UNLIKELY(routed->refused && routed->accepted == 0))
        turn_away(client, publish, "the receivers' queues are full");
    else
        acknowledge(client, publish,
                    routed->matched == 0 ? MQTT_NO_MATCHING_SUBSCRIBERS : MQTT_SUCCESS, NULL);
}

static void route_it(struct client *client, const struct mqtt_publish *publish, struct route *route,
                     struct mqtt_span forward, uint64_t now_ms)
{
    struct broker *broker = client->broker;
    struct publication publication = {
        .topic = publish->topic,
        .forward = forward,
        .payload = publish->payload,
        .expires_ms =
            publish->has_expiry ? now_ms + (uint64_t)publish->expiry_s * 1000 : WHEEL_NEVER,
        .qos = publish->qos,
        .retain = publish->retain,
        .stays_in_memory = client->durability == POLICY_MEMORY,
        .origin = client->session,
        .ticket = ++broker->ticket,
    };
    struct routed routed = { 0 };
    int kept = 0;

    if (MQTT_UNLIKELY(!journal_has_room(&broker->journal)) && needs_store(client, publish, route)) {
        broker->stats.store_refused++;
        turn_away(client, publish, "the store of the broker is full");
        return;
    }
    if (MQTT_UNLIKELY(publish->retain)) {
        allowance_answers_for(client->session, &publication);
        kept = shared_retain(broker->options.shared, &publication, &broker->limits);
    }
    if (MQTT_UNLIKELY(kept > 0))
        journal_touch_shared(broker);
    route_publish(broker, route, &publication, now_ms, &routed);
    publication_fini(&publication, &broker->messages);
    if (journal_has_moved(broker, &broker->journal.entered))
        journal_press(client);
    if (publish->qos == MQTT_QOS_2)
        journal_received(client->session, publish->packet_id);
    if (MQTT_UNLIKELY(kept < 0 && publish->qos != MQTT_QOS_0))
        turn_away(client, publish, "no room to retain the message");
    else if (MQTT_UNLIKELY(routed.awaited > 0))
        publish_await(client, publish, &routed, publication.ticket);
    else
        publish_settle(client, publish, &routed);
}

/* Forwards MQTT 5 properties without those that concern this hop only. */
static void route_with_properties(struct client *client, const struct mqtt_publish *publish,
                                  struct route *route, uint64_t now_ms)
{
    MQTT_UNINITIALIZED uint8_t small[FORWARD_BYTES];
    uint8_t *memory = small;

    if (publish->properties.len == 0) {
        route_it(client, publish, route, (struct mqtt_span){ 0 }, now_ms);
        return;
    }
    if (publish->properties.len > sizeof(small)) {
        memory = malloc(publish->properties.len);
        if (memory == NULL) {
            refuse(client, publish, MQTT_QUOTA_EXCEEDED, "out of memory");
            return;
        }
    }
    size_t len = mqtt_publish_forwardable(publish->properties, memory);
    route_it(client, publish, route, (struct mqtt_span){ memory, len }, now_ms);
    if (memory != small)
        free(memory);
}

/* What it was told in CONNACK. Whether a grant allows it comes with the topic. */
static enum mqtt_status check_announced(const struct client *client,
                                        const struct mqtt_publish *publish)
{
    if (MQTT_LIKELY(!publish->retain && publish->qos == MQTT_QOS_0))
        return MQTT_OK;
    if (publish->retain && !client->may_retain)
        return MQTT_ERR_RETAIN; /* [MQTT-3.2.2-14] */
    if (publish->qos > client->maximum_qos)
        return MQTT_ERR_QOS_NOT_SUPPORTED; /* [MQTT-3.2.2-11] */
    return MQTT_OK;
}

/* From here on the topic is as the broker calls it. */
static bool enter_space(struct client *client, struct mqtt_publish *publish)
{
    struct mqtt_span topic = space_enter(client->session, publish->topic);

    if (MQTT_UNLIKELY(topic.len == 0)) {
        client_doom(client, MQTT_TOPIC_NAME_INVALID, "the topic is too long for its topic space");
        return false;
    }
    publish->topic = topic;
    return true;
}

enum mqtt_status on_publish(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    MQTT_UNINITIALIZED struct mqtt_publish publish;
    bool is_repeated;
    enum mqtt_status status =
        mqtt_publish_decode(client->version, frame->flags, frame->body, &publish);

    if (MQTT_UNLIKELY(status == MQTT_OK && publish.has_subscription_identifier))
        status = MQTT_ERR_SUBSCRIPTION_IDENTIFIER;
    if (MQTT_LIKELY(status == MQTT_OK))
        status = alias_resolve(client, &publish);
    if (MQTT_LIKELY(status == MQTT_OK))
        status = check_announced(client, &publish);
    if (MQTT_LIKELY(status == MQTT_OK))
        status = take_over_id(client, &publish, &is_repeated);
    if (MQTT_UNLIKELY(status != MQTT_OK))
        return status;
    if (!enter_space(client, &publish))
        return MQTT_OK;
    client->broker->journal.entered = journal_mark(client->broker);
    client->broker->stats.publish_received++;
    if (MQTT_UNLIKELY(client->pace != NULL))
        pace_charge(client, frame->len, now_ms);
    pressure_press(client, now_ms);
    if (MQTT_UNLIKELY(is_repeated)) {
        if (!publish_is_awaited(client, publish.packet_id))
            acknowledge(client, &publish, MQTT_SUCCESS, NULL);
        return MQTT_OK;
    }

    struct publish_permission permission = route_permit(client, publish.topic);
    if (MQTT_UNLIKELY(permission.route != NULL && permission.route->is_watched))
        watch_publish(client, &publish);
    if (MQTT_UNLIKELY(is_refused(client, &publish, &permission, now_ms)))
        return MQTT_OK;
    sensed_publish(client->session, &publish, permission.route, now_ms);
    route_with_properties(client, &publish, permission.route, now_ms);
    return MQTT_OK;
}

enum mqtt_status on_puback(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    struct mqtt_ack ack;
    enum mqtt_status status = mqtt_ack_decode(client->version, MQTT_PUBACK, frame->body, &ack);

    /* One that nobody awaits is what a lost connection leaves behind: ignored. */
    if (MQTT_LIKELY(status == MQTT_OK))
        session_on_puback(client->session, ack.packet_id, now_ms);
    return status;
}

enum mqtt_status on_pubrec(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    struct mqtt_ack ack;
    enum mqtt_status status = mqtt_ack_decode(client->version, MQTT_PUBREC, frame->body, &ack);

    if (status != MQTT_OK)
        return status;
    if (!session_on_pubrec(client->session, ack.packet_id, ack.reason, now_ms)
        && ack.reason < MQTT_UNSPECIFIED_ERROR)
        encode_ack(client, MQTT_PUBREL, ack.packet_id, MQTT_PACKET_IDENTIFIER_NOT_FOUND, NULL);
    return MQTT_OK;
}

enum mqtt_status on_pubrel(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    struct mqtt_ack ack;
    enum mqtt_status status = mqtt_ack_decode(client->version, MQTT_PUBREL, frame->body, &ack);

    (void)now_ms;
    if (status != MQTT_OK)
        return status;
    bool was_known = packet_ids_remove(&client->session->received, ack.packet_id);
    if (was_known)
        journal_forget_received(client->session, ack.packet_id);
    /* Were it released here and not on disk, the id's next message would be taken for this one. */
    if (client->session->number != 0)
        journal_hold(client);
    /* [MQTT-4.3.3-11] always answered; a client whose PUBCOMP was lost asks again. */
    encode_ack(client, MQTT_PUBCOMP, ack.packet_id,
               was_known ? MQTT_SUCCESS : MQTT_PACKET_IDENTIFIER_NOT_FOUND, NULL);
    return MQTT_OK;
}

enum mqtt_status on_pubcomp(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    struct mqtt_ack ack;
    enum mqtt_status status = mqtt_ack_decode(client->version, MQTT_PUBCOMP, frame->body, &ack);

    if (status == MQTT_OK)
        session_on_pubcomp(client->session, ack.packet_id, now_ms);
    return status;
}
