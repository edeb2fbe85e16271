/* SPDX-License-Identifier: Apache-2.0 */
#include "client/inbound.h"

#include "client/handlers.h"
#include "client/outbound.h"

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
static tacit_packet_handler *const handlers[TACIT_CLIENT_STATE_COUNT][MQTT_PACKET_TYPE_COUNT] = {
    [TACIT_CLIENT_CONNECTING] = {
        [MQTT_CONNACK] = tacit_on_connack,
    },
    [TACIT_CLIENT_ONLINE] = {
        [MQTT_PUBLISH] = tacit_on_publish,
        [MQTT_PUBACK] = tacit_on_answer,
        [MQTT_PUBREC] = tacit_on_answer,
        [MQTT_PUBREL] = tacit_on_pubrel,
        [MQTT_PUBCOMP] = tacit_on_answer,
        [MQTT_SUBACK] = tacit_on_suback,
        [MQTT_UNSUBACK] = tacit_on_suback,
        [MQTT_PINGRESP] = tacit_on_pingresp,
        [MQTT_DISCONNECT] = tacit_on_disconnect,
    },
};

static bool dispatch(struct tacit_client *client, const struct mqtt_frame *frame,
                     struct tacit_event *out_event)
{
    tacit_packet_handler *handler = handlers[client->state][frame->type];
    if (handler == NULL)
        return tacit_refuse(client, MQTT_PROTOCOL_ERROR, out_event);
    return handler(client, frame, out_event);
}

static struct mqtt_span unread(const struct tacit_client *client)
{
    const struct tacit_receive_buffer *receive = &client->receive;
    return (struct mqtt_span){ receive->memory + receive->at, receive->len - receive->at };
}

static uint32_t fixed_header_bytes(const uint8_t *packet)
{
    uint32_t bytes = 1;
    while ((packet[bytes++] & 0x80) != 0) {
    }
    return bytes;
}

/* Hands out the part of a big PUBLISH that lies in the buffer. The head is decoded
 * anew each time, which spares the memory to remember it. */
static bool hand_out_piece(struct tacit_client *client, struct tacit_event *out_event)
{
    struct tacit_receive_buffer *receive = &client->receive;
    struct mqtt_publish publish;
    uint32_t header = fixed_header_bytes(receive->memory);
    uint32_t end = receive->head_bytes + (receive->total - receive->offset);
    if (receive->len < end)
        end = receive->len;
    struct mqtt_frame frame = { .type = MQTT_PUBLISH,
                                .flags = receive->memory[0] & 0x0f,
                                .body = { receive->memory + header, end - header } };
    if (tacit_open_publish(client, &frame, &publish, out_event))
        return true;

    bool discard = receive->discard;
    out_event->offset = receive->offset;
    out_event->total = receive->total;
    receive->offset += (uint32_t)publish.payload.len;
    receive->at = end;
    if (receive->offset == receive->total) {
        receive->head_bytes = 0;
        tacit_acknowledge(client, &publish);
    }
    if (!discard)
        tacit_take_message(&publish, out_event);
    return !discard;
}

/* The buffer is full and the packet is not over: its payload comes in pieces. */
static bool begin_pieces(struct tacit_client *client, uint32_t packet_bytes,
                         struct tacit_event *out_event)
{
    struct tacit_receive_buffer *receive = &client->receive;
    struct mqtt_publish publish;
    uint32_t header = fixed_header_bytes(receive->memory);
    struct mqtt_frame frame = { .type = MQTT_PUBLISH,
                                .flags = receive->memory[0] & 0x0f,
                                .body = { receive->memory + header, receive->len - header } };
    if (tacit_open_publish(client, &frame, &publish, out_event))
        return true;
    uint32_t head = receive->len - (uint32_t)publish.payload.len;
    if (head >= receive->size)
        return tacit_refuse(client, MQTT_PACKET_TOO_LARGE, out_event);
    receive->head_bytes = head;
    receive->offset = 0;
    receive->total = packet_bytes - head;
    receive->discard =
        publish.qos == MQTT_QOS_2 && tacit_inbound_is_known(client, publish.packet_id);
    return hand_out_piece(client, out_event);
}

static bool is_stuck(const struct tacit_client *client)
{
    return client->receive.at == 0 && client->receive.len == client->receive.size;
}

/* Room for the answer that any packet may need. */
static bool may_answer(struct tacit_client *client)
{
    if (tacit_send_room(client) < TACIT_SEND_RESERVE)
        (void)tacit_flush(client);
    return tacit_send_room(client) >= TACIT_SEND_RESERVE;
}

bool tacit_handle_received(struct tacit_client *client, struct tacit_event *out_event)
{
    struct tacit_receive_buffer *receive = &client->receive;
    uint32_t limit = tacit_or(client->config->limits.maximum_packet_bytes, receive->size);
    bool event = false;
    while (!event && receive->at < receive->len && may_answer(client)) {
        if (receive->head_bytes > 0) {
            event = hand_out_piece(client, out_event);
            continue;
        }
        struct mqtt_frame frame;
        enum mqtt_status status = mqtt_frame_decode(unread(client), limit, &frame);
        if (status == MQTT_PENDING && is_stuck(client)) {
            if (receive->memory[0] >> 4 != MQTT_PUBLISH || client->state != TACIT_CLIENT_ONLINE)
                return tacit_refuse(client, MQTT_PACKET_TOO_LARGE, out_event);
            return begin_pieces(client, (uint32_t)frame.len, out_event);
        }
        if (status == MQTT_PENDING)
            return false;
        if (status != MQTT_OK)
            return tacit_refuse_status(client, status, out_event);
        receive->at += (uint32_t)frame.len;
        event = dispatch(client, &frame, out_event);
    }
    return event;
}

int tacit_receive_more(struct tacit_client *client)
{
    const struct tacit_transport *transport = &client->config->transport;
    struct tacit_receive_buffer *receive = &client->receive;
    /* What is unread moves to the front, behind the head of a packet in pieces. */
    if (receive->at != receive->head_bytes) {
        memmove(receive->memory + receive->head_bytes, receive->memory + receive->at,
                receive->len - receive->at);
        receive->len -= receive->at - receive->head_bytes;
        receive->at = receive->head_bytes;
    }
    if (receive->len == receive->size)
        return 0;
    int got = transport->receive(transport->context, receive->memory + receive->len,
                                 receive->size - receive->len);
    if (got > 0) {
        receive->len += (uint32_t)got;
        client->received_ms = client->now_ms;
        client->statistics.received_bytes += (uint32_t)got;
    }
    return got;
}
