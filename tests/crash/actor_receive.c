/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ack.h"
#include "codec/connack.h"
#include "codec/disconnect.h"
#include "codec/frame.h"
#include "codec/publish.h"
#include "codec/reader.h"
#include "codec/suback.h"
#include "codec/writer.h"
#include "crash/actor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_MOST  (4u * 1024u * 1024u)
#define PAYLOAD_HEAD 8u

/* ---- payloads: who, how long, and bytes that follow from it ---- */

static uint8_t filler(uint32_t id, uint32_t at)
{
    return (uint8_t)(id * 31u + at * 7u);
}

size_t actor_payload_write(uint8_t *out, uint32_t id, uint32_t len)
{
    struct mqtt_writer w = mqtt_writer_over(out, len);

    if (len == 0)
        return 0;
    mqtt_write_u32(&w, id);
    mqtt_write_u32(&w, len);
    for (uint32_t at = PAYLOAD_HEAD; at < len; at++)
        out[at] = filler(id, at);
    return len;
}

/* False: it is not as it was sent. */
static bool read_payload(struct mqtt_span payload, uint32_t *out_id)
{
    struct mqtt_reader r = mqtt_reader_over(payload);
    uint32_t id = mqtt_read_u32(&r);

    if (mqtt_read_u32(&r) != payload.len || r.status != MQTT_OK)
        return false;
    for (uint32_t at = PAYLOAD_HEAD; at < payload.len; at++)
        if (payload.data[at] != filler(id, at))
            return false;
    *out_id = id;
    return true;
}

static void wrong(const struct actor *actor, const char *what, unsigned detail)
{
    report_fault(&actor->model->place, FAULT_WRONG, "client-%u: %s (0x%02x)", actor->number, what,
                 detail);
}

/* ---- messages ---- */

static unsigned topic_number(struct mqtt_span name)
{
    unsigned topic = 0;

    while (topic < MODEL_TOPICS && !span_equal(name, span_of(model_topic(topic))))
        topic++;
    return topic;
}

static void take(struct actor *actor, struct arrival *arrival, const struct mqtt_publish *publish)
{
    struct publication *p = NULL;

    if (publish->qos == MQTT_QOS_2 && actor->received[publish->packet_id] != 0) {
        arrival->id = actor->received[publish->packet_id];
        model_repeated(actor->model, arrival);
    } else if (publish->payload.len > 0) {
        p = model_arrived(actor->model, arrival, broker_now_us() / 1000);
    }
    if (publish->qos == MQTT_QOS_2) {
        actor->unreleased += actor->received[publish->packet_id] == 0;
        /* An empty message that clears a topic has no name; any that is not 0 will do. */
        actor->received[publish->packet_id] = arrival->id > 0 ? arrival->id : UINT32_MAX;
        actor_answer(actor, MQTT_PUBREC, publish->packet_id, NULL);
    } else if (publish->qos == MQTT_QOS_1) {
        actor_answer(actor, MQTT_PUBACK, publish->packet_id, arrival->is_retained ? NULL : p);
    }
}

static void on_publish(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_publish publish;
    struct arrival arrival = { .actor = actor->number };

    if (mqtt_publish_decode(actor->version, frame->flags, frame->body, &publish) != MQTT_OK) {
        wrong(actor, "a PUBLISH that cannot be read", frame->flags);
        return;
    }
    arrival.topic = topic_number(publish.topic);
    arrival.qos = publish.qos;
    arrival.len = (uint32_t)publish.payload.len;
    arrival.is_duplicate = publish.duplicate;
    arrival.is_retained = publish.retain;
    arrival.packet_id = publish.packet_id;
    if (publish.payload.len > 0 && !read_payload(publish.payload, &arrival.id))
        wrong(actor, "a message that was damaged", publish.packet_id);
    else
        take(actor, &arrival, &publish);
}

/* ---- answers ---- */

/* [MQTT-4.6.0-2] [MQTT-4.6.0-3] In the order of the messages. */
static void check_order(const struct actor *actor, const struct slot *slot)
{
    for (unsigned i = 0; i < ACTOR_SLOTS; i++) {
        const struct slot *other = &actor->slots[i];
        if (other->state == SLOT_PUBLISHED && other->order < slot->order
            && other->publication->qos == slot->publication->qos)
            report_fault(&actor->model->place, FAULT_REORDERED,
                         "message %u of client-%u, QoS %u, was acknowledged before message %u",
                         slot->publication->id, actor->number, slot->publication->qos,
                         other->publication->id);
    }
}

static void on_ack(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_ack ack;

    if (mqtt_ack_decode(actor->version, frame->type, frame->body, &ack) != MQTT_OK
        || (frame->type != MQTT_PUBREL && (ack.packet_id == 0 || ack.packet_id > ACTOR_SLOTS))) {
        wrong(actor, "an acknowledgement of what was not sent", (unsigned)frame->type);
        return;
    }
    if (frame->type == MQTT_PUBREL) {
        actor->unreleased -= actor->received[ack.packet_id] != 0;
        actor->received[ack.packet_id] = 0;
        actor_answer(actor, MQTT_PUBCOMP, ack.packet_id, NULL);
        return;
    }
    struct slot *slot = &actor->slots[ack.packet_id - 1];
    bool is_expected = slot->state == SLOT_PUBLISHED
                           ? frame->type != MQTT_PUBCOMP
                           : slot->state == SLOT_RECEIVED && frame->type != MQTT_PUBACK;
    if (!is_expected || (ack.reason >= 0x80 && frame->type != MQTT_PUBCOMP)) {
        wrong(actor, "an acknowledgement that does not fit", ack.reason);
        return;
    }
    /* These two are said only when everything before them is on disk. */
    if (frame->type != MQTT_PUBACK)
        actor_settle(actor, slot->index);
    if (slot->state == SLOT_PUBLISHED) {
        check_order(actor, slot);
        model_acknowledged(actor->model, slot->publication);
    }
    slot->state = frame->type == MQTT_PUBREC ? SLOT_RECEIVED : SLOT_FREE;
    if (frame->type == MQTT_PUBREC)
        actor_answer(actor, MQTT_PUBREL, ack.packet_id, NULL);
}

static void on_suback(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_suback suback;
    struct request *request = NULL;

    if (mqtt_suback_decode(actor->version, frame->type, frame->body, &suback) == MQTT_OK)
        for (unsigned i = 0; i < ACTOR_REQUESTS; i++)
            if (actor->requests[i].packet_id == suback.packet_id)
                request = &actor->requests[i];
    if (request == NULL) {
        wrong(actor, "an answer to what was not asked", (unsigned)frame->type);
        return;
    }
    if (suback.reasons.len > 0 && suback.reasons.data[0] >= 0x80)
        wrong(actor, "a subscription was refused", suback.reasons.data[0]);
    model_subscription(actor->model, actor->number, request->filter, request->possible);
    request->packet_id = 0;
}

static void on_connack(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_connack connack;

    if (mqtt_connack_decode(actor->version, frame->body, &connack) != MQTT_OK)
        wrong(actor, "a CONNACK that cannot be read", 0);
    else if (connack.reason != 0)
        wrong(actor, "CONNECT was refused", connack.reason);
    else if (actor->phase != ACTOR_CONNECTING)
        wrong(actor, "CONNACK twice", 0);
    else
        actor_connack(actor, connack.session_present);
}

static void on_disconnect(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_disconnect disconnect;

    if (mqtt_disconnect_decode(actor->version, true, frame->body, &disconnect) != MQTT_OK)
        wrong(actor, "a DISCONNECT that cannot be read", 0);
    else if (!actor->model->place.report->is_gentle
             || disconnect.reason != MQTT_SERVER_SHUTTING_DOWN)
        wrong(actor, "the broker says good-bye", disconnect.reason);
}

static void on_frame(struct actor *actor, const struct mqtt_frame *frame)
{
    switch (frame->type) {
    case MQTT_CONNACK:
        on_connack(actor, frame);
        return;
    case MQTT_PUBLISH:
        on_publish(actor, frame);
        return;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        on_ack(actor, frame);
        return;
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        on_suback(actor, frame);
        return;
    case MQTT_PINGRESP:
        actor->awaits_pong = false;
        return;
    case MQTT_DISCONNECT:
        on_disconnect(actor, frame);
        return;
    case MQTT_RESERVED:
    case MQTT_CONNECT:
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
    case MQTT_PINGREQ:
    case MQTT_AUTH:
    case MQTT_PACKET_TYPE_COUNT:
        wrong(actor, "a packet that a server does not send", (unsigned)frame->type);
        return;
    }
}

/* ---- bytes in ---- */

static void handle_all(struct actor *actor)
{
    struct bytes *in = &actor->in;
    size_t at = 0;

    /* The connection may end in the middle, by what it said. */
    while (actor->fd >= 0) {
        struct mqtt_frame frame;
        struct mqtt_span rest = { in->data + at, in->len - at };
        enum mqtt_status status = mqtt_frame_decode(rest, PACKET_MOST, &frame);
        if (status != MQTT_OK) {
            if (status != MQTT_PENDING)
                wrong(actor, "bytes that are no packet", (unsigned)status);
            break;
        }
        at += frame.len;
        on_frame(actor, &frame);
    }
    if (actor->fd < 0)
        return;
    in->len -= at;
    memmove(in->data, in->data + at, in->len);
}

void actor_read(struct actor *actor)
{
    while (actor->fd >= 0) {
        struct bytes *in = &actor->in;
        if (in->room - in->len < 65536) {
            in->room += 131072;
            in->data = realloc(in->data, in->room);
            if (in->data == NULL)
                abort(); /* a test may */
        }
        ssize_t got = recv(actor->fd, in->data + in->len, in->room - in->len, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            actor_gone(actor);
            return;
        }
        in->len += (size_t)got;
        handle_all(actor);
    }
}
