/* SPDX-License-Identifier: Apache-2.0 */
#include "client/inbound.h"

#include "client/handlers.h"
#include "client/outbound.h"
#include "codec/reader.h"

#include <string.h>

bool tacit_refuse(struct tacit_client *client, uint8_t reason, struct tacit_event *out_event)
{
    return tacit_go_down(client, TACIT_MALFORMED, reason, out_event);
}

bool tacit_refuse_status(struct tacit_client *client, enum mqtt_status status,
                         struct tacit_event *out_event)
{
    return tacit_refuse(client, mqtt_status_reason(status), out_event);
}

/* An empty cell is a protocol error. */
static tacit_packet_handler *const handlers[MQTT_PACKET_TYPE_COUNT] = {
    [MQTT_CONNACK] = tacit_on_connack, /* not online; the others only then */
    [MQTT_PUBLISH] = tacit_on_publish,       [MQTT_PUBACK] = tacit_on_answer,
    [MQTT_PUBREC] = tacit_on_answer,         [MQTT_PUBREL] = TACIT_ON_PUBREL,
    [MQTT_PUBCOMP] = tacit_on_answer,        [MQTT_SUBACK] = tacit_on_suback,
    [MQTT_UNSUBACK] = tacit_on_suback,       [MQTT_PINGRESP] = tacit_on_pingresp,
    [MQTT_DISCONNECT] = TACIT_ON_DISCONNECT,
};

static bool dispatch(struct tacit_client *client, const struct mqtt_frame *frame,
                     struct tacit_event *out_event)
{
    tacit_packet_handler *handler = handlers[frame->type];
    bool is_online = client->state == TACIT_CLIENT_ONLINE;
    if (handler == NULL || is_online == (frame->type == MQTT_CONNACK))
        return tacit_refuse(client, MQTT_PROTOCOL_ERROR, out_event);
    return handler(client, frame, out_event);
}

static struct mqtt_span unread(const struct tacit_client *client)
{
    const struct tacit_receive_buffer *receive = &client->receive;
    return (struct mqtt_span){ receive->memory + receive->at, receive->len - receive->at };
}

/* The head, and what lies in the buffer of the payload, as if that were the packet. Returns the
 * length of the whole one. */
static MQTT_NOINLINE uint32_t find_piece(const struct tacit_receive_buffer *receive,
                                         struct mqtt_frame *out)
{
    struct mqtt_reader r = mqtt_reader_over((struct mqtt_span){ receive->memory, receive->len });
    *out = (struct mqtt_frame){ .type = MQTT_PUBLISH, .flags = mqtt_read_u8(&r) & 0x0f };
    uint32_t body_len = mqtt_read_varint(&r);
    uint32_t packet_len = (uint32_t)(r.at - receive->memory) + body_len;
    uint32_t end = packet_len - receive->offset;
    if (receive->len < end)
        end = receive->len;
    out->body = (struct mqtt_span){ r.at, (size_t)(receive->memory + end - r.at) };
    return packet_len;
}

/* Takes the part that lies in the buffer of a PUBLISH which does not fit it, the first
 * part or a later one. The head is decoded anew each time, which spares the memory to
 * remember it. */
static bool take_piece(struct tacit_client *client, struct tacit_event *out_event)
{
    struct tacit_receive_buffer *receive = &client->receive;
    struct mqtt_frame frame;
    struct mqtt_publish publish;
    uint32_t packet_len = find_piece(receive, &frame);
    if (tacit_open_publish(client, &frame, &publish, out_event))
        return true;

    uint32_t end = (uint32_t)(frame.body.data - receive->memory) + (uint32_t)frame.body.len;
    uint32_t piece_len = (uint32_t)publish.payload.len;
    if (receive->head_bytes == 0) {
        receive->head_bytes = end - piece_len;
        client->discards = tacit_is_duplicate(client, &publish);
    }
    if (receive->head_bytes >= tacit_limits(client)->receive_bytes)
        return tacit_refuse(client, MQTT_PACKET_TOO_LARGE, out_event);
    out_event->offset = receive->offset;
    out_event->total = packet_len - receive->head_bytes;
    receive->at = end;
    receive->offset += piece_len;
    bool is_last = receive->offset == out_event->total;
    if (is_last) {
        receive->head_bytes = 0;
        receive->offset = 0;
    }
    return tacit_hand_out(client, &publish, is_last, client->discards, out_event);
}

static bool is_stuck(const struct tacit_client *client)
{
    return client->receive.at == 0 && client->receive.len == tacit_limits(client)->receive_bytes;
}

/* Room for the answer that any packet may need. */
static bool may_answer(struct tacit_client *client)
{
    if (tacit_send_room(client) < TACIT_SEND_RESERVE)
        (void)tacit_flush(client);
    return tacit_send_room(client) >= TACIT_SEND_RESERVE;
}

/* One packet, or a piece of one. True: *out_event is filled; false with *out_wait:
 * more bytes are needed. */
static bool take_packet(struct tacit_client *client, struct tacit_event *out_event, bool *out_wait)
{
    struct tacit_receive_buffer *receive = &client->receive;
    const struct tacit_limits *limits = tacit_limits(client);
    struct mqtt_frame frame;
    if (receive->head_bytes > 0)
        return take_piece(client, out_event);
    enum mqtt_status status = mqtt_frame_decode(
        unread(client), tacit_or(limits->maximum_packet_bytes, limits->receive_bytes), &frame);
    *out_wait = status == MQTT_PENDING && !is_stuck(client);
    if (*out_wait)
        return false;
    if (status == MQTT_OK) {
        receive->at += (uint32_t)frame.len;
        return dispatch(client, &frame, out_event);
    }
    if (status != MQTT_PENDING)
        return tacit_refuse_status(client, status, out_event);
    if (receive->memory[0] >> 4 != MQTT_PUBLISH || client->state != TACIT_CLIENT_ONLINE)
        return tacit_refuse(client, MQTT_PACKET_TOO_LARGE, out_event);
    return take_piece(client, out_event);
}

bool tacit_handle_received(struct tacit_client *client, struct tacit_event *out_event)
{
    bool event = false;
    bool wait = false;
    while (!event && !wait && client->receive.at < client->receive.len && may_answer(client)) {
        /* What an uneventful packet left there. */
        memset(out_event, 0, sizeof(*out_event));
        event = take_packet(client, out_event, &wait);
    }
    return event;
}

int tacit_receive_more(struct tacit_client *client)
{
    const struct tacit_transport *transport = &client->config->transport;
    struct tacit_receive_buffer *receive = &client->receive;
    uint32_t size = tacit_limits(client)->receive_bytes;
    /* What is unread moves to the front, behind the head of a packet in pieces. */
    if (receive->at != receive->head_bytes) {
        memmove(receive->memory + receive->head_bytes, receive->memory + receive->at,
                receive->len - receive->at);
        receive->len -= receive->at - receive->head_bytes;
        receive->at = receive->head_bytes;
    }
    if (receive->len == size)
        return 0;
    int got =
        transport->receive(transport->context, receive->memory + receive->len, size - receive->len);
    if (got > 0) {
        receive->len += (uint32_t)got;
        client->clock.received_ago_ms = 0;
    }
    return got;
}
