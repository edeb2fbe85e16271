/* SPDX-License-Identifier: Apache-2.0 */
#include "client/inbound.h"

#include "client/handlers.h"
#include "client/outbound.h"

#include <string.h>

void tacit_refuse(struct tacit_client *client, uint8_t reason)
{
    /* What was read of the packet. */
    memset(client->event, 0, sizeof(*client->event));
    tacit_go_down(client, TACIT_MALFORMED, reason);
}

/* Packets that a server may send, a bit for each type. */
#define KNOWN                                                                              \
    (1u << MQTT_CONNACK | 1u << MQTT_PUBLISH | 1u << MQTT_PUBACK | 1u << MQTT_PUBREC       \
     | (unsigned)MQTT_SPEAKS_QOS_2 << MQTT_PUBREL | 1u << MQTT_PUBCOMP | 1u << MQTT_SUBACK \
     | 1u << MQTT_UNSUBACK | 1u << MQTT_PINGRESP | (unsigned)MQTT_SPEAKS_5 << MQTT_DISCONNECT)

/* Is it legal now, by its first byte? 0 or the reason why it is not. */
static uint8_t judge_first_byte(const struct tacit_client *client,
                                const struct tacit_packet *packet)
{
    unsigned wanted = packet->type == MQTT_CONNACK ? TACIT_CLIENT_CONNECTING : TACIT_CLIENT_ONLINE;
    uint8_t flags = packet->type == MQTT_PUBREL ? 2 : 0;
    if ((KNOWN >> packet->type & 1) == 0 || client->state != wanted
        || (MQTT_SPEAKS_5 && packet->type == MQTT_DISCONNECT && !tacit_is_5(client)))
        return packet->type == MQTT_RESERVED ? MQTT_MALFORMED_PACKET : MQTT_PROTOCOL_ERROR;
    /* [MQTT-2.1.3-1] */
    return packet->type == MQTT_PUBLISH || packet->flags == flags ? 0 : MQTT_MALFORMED_PACKET;
}

static bool is_stuck(const struct tacit_client *client)
{
    return TACIT_LARGE_MESSAGES && client->receive.at == 0
           && client->receive.len == tacit_limits(client)->receive_bytes;
}

/* Room for the answer that any packet may need. */
static bool may_answer(struct tacit_client *client)
{
    if (tacit_send_room(client) < TACIT_SEND_RESERVE)
        (void)tacit_flush(client);
    return tacit_send_room(client) >= TACIT_SEND_RESERVE;
}

/* Of a packet that comes in pieces, the bytes in front of its payload; 0: there is none. */
static uint32_t continued_bytes(const struct tacit_client *client)
{
    return TACIT_LARGE_MESSAGES ? client->receive.head_bytes : 0;
}

/* Goes on to the next piece, or behind the last. False if there is no room for any. */
static bool book_piece(struct tacit_client *client, uint32_t head_bytes)
{
    struct tacit_receive_buffer *receive = &client->receive;
    struct tacit_event *event = client->event;
    event->offset = receive->offset;
    receive->offset += (uint32_t)event->message.payload.len;
    receive->head_bytes = head_bytes;
    if (receive->offset == event->total) {
        receive->head_bytes = 0;
        receive->offset = 0;
    }
    return receive->head_bytes < tacit_limits(client)->receive_bytes;
}

/* `packet` is a PUBLISH that was read, or the part of it that lies in the buffer: its payload is the
 * first piece then, or a later one. The head is read anew for each, which spares the memory to
 * remember it. Returns 0 or the reason code that refuses it. */
static uint8_t take_publish(struct tacit_client *client, const struct tacit_packet *packet,
                            uint32_t packet_len, const uint8_t *start)
{
    struct tacit_event *event = client->event;
    const uint8_t *payload = event->message.payload.data;
    uint32_t head_bytes = (uint32_t)(payload - start);
    uint8_t fault = tacit_judge_publish(client, packet);
    if (fault != 0)
        return fault;
    event->total = packet_len - head_bytes;
    if (TACIT_LARGE_MESSAGES && !book_piece(client, head_bytes))
        return MQTT_PACKET_TOO_LARGE;
    tacit_hand_out(client, packet);
    return 0;
}

/* Hands a packet other than PUBLISH, which was read, to whom it is for. */
static void dispatch(struct tacit_client *client, const struct tacit_packet *packet)
{
    switch (packet->type) {
    case MQTT_CONNACK:
        tacit_on_connack(client, packet);
        break;
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        tacit_on_suback(client, packet);
        break;
    case MQTT_PINGRESP:
        client->ping_sent = false;
        break;
    case MQTT_DISCONNECT:
        tacit_go_down(client, TACIT_REFUSED, packet->reason);
        break;
    case MQTT_PUBREL:
        if (MQTT_SPEAKS_QOS_2)
            tacit_on_pubrel(client, packet);
        break;
    default:
        tacit_on_answer(client, packet);
        break;
    }
}

/* Reads the body of a packet that begins at `start`, and leaves it behind. */
static uint8_t take_body(struct tacit_client *client, struct tacit_packet *packet,
                         uint32_t packet_len, const uint8_t *start)
{
    client->receive.at = (uint32_t)(packet->end - client->receive.memory);
    uint8_t fault = tacit_packet_read(client, packet);
    if (fault != 0)
        return fault;
    if (packet->type == MQTT_PUBLISH)
        return take_publish(client, packet, packet_len, start);
    dispatch(client, packet);
    return 0;
}

/* One packet, or a piece of one. Returns 0, TACIT_CUT_SHORT if more bytes are needed, or the reason
 * code that refuses it. */
static uint8_t take_packet(struct tacit_client *client)
{
    const struct tacit_receive_buffer *receive = &client->receive;
    bool is_continued = continued_bytes(client) > 0;
    const uint8_t *start = receive->memory + (is_continued ? 0 : receive->at);
    const uint8_t *end = receive->memory + receive->len;
    struct tacit_packet packet;
    uint32_t packet_len = tacit_packet_open(&packet, start, end);
    uint8_t fault = judge_first_byte(client, &packet);
    if (fault != 0 || packet.fault != 0)
        return fault != 0 ? fault : packet.fault;
    packet_len += (uint32_t)(packet.at - start);
    if (packet_len > tacit_longest_packet(tacit_limits(client)))
        return MQTT_PACKET_TOO_LARGE;
    if (!is_continued && packet_len > (size_t)(end - start)
        && (packet.type != MQTT_PUBLISH || !is_stuck(client)))
        return TACIT_CUT_SHORT;
    uint32_t left = packet_len - (TACIT_LARGE_MESSAGES ? receive->offset : 0);
    packet.end = start + tacit_lesser(left, (uint32_t)(end - start));
    return take_body(client, &packet, packet_len, start);
}

void tacit_handle_received(struct tacit_client *client)
{
    const struct tacit_receive_buffer *receive = &client->receive;
    while (!tacit_has_event(client) && receive->at < receive->len && may_answer(client)) {
        /* What an uneventful packet left there. */
        memset(client->event, 0, sizeof(*client->event));
        uint8_t fault = take_packet(client);
        if (fault == TACIT_CUT_SHORT && !is_stuck(client))
            return;
        if (fault != 0)
            tacit_refuse(client, fault == TACIT_CUT_SHORT ? MQTT_PACKET_TOO_LARGE : fault);
    }
}

int tacit_receive_more(struct tacit_client *client)
{
    const struct tacit_transport *transport = &client->config->transport;
    struct tacit_receive_buffer *receive = &client->receive;
    uint32_t size = tacit_limits(client)->receive_bytes;
    /* What is unread moves to the front, behind the head of a packet in pieces. */
    uint32_t front = continued_bytes(client);
    receive->len -= receive->at - front;
    memmove(receive->memory + front, receive->memory + receive->at, receive->len - front);
    receive->at = front;
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
