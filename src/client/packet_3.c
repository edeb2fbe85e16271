/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of 3.1.1 and 3.1 alone, which have no properties and, but for PUBLISH, one length each. */
#include "client/characters.h"
#include "client/packet.h"
#include "client/retry.h"

static uint32_t two_bytes(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

enum {
    FLAGS_QOS = 0x06,
    FLAG_DUPLICATE = 0x08,
};

static uint8_t read_publish(struct tacit_client *client, struct tacit_packet *p)
{
    struct tacit_message *message = &client->event->message;
    const uint8_t *topic = p->at + 2;
    size_t left = (size_t)(p->end - p->at);
    uint8_t flags = p->flags & (FLAG_DUPLICATE | FLAGS_QOS);
    message->qos = p->flags >> 1 & 3;
    message->retain = p->flags & 1;
    message->duplicate = p->flags >> 3;
    /* [MQTT-3.3.1-4] [MQTT-3.3.1-2]; MQTT 3.1 only says what the flag means with QoS > 0. */
    if (message->qos == 3 || (flags == FLAG_DUPLICATE && !mqtt_is_3_1(tacit_version(client)))
        || left < 2)
        return MQTT_MALFORMED_PACKET;
    message->topic.data = topic;
    message->topic.len = two_bytes(p->at);
    size_t head = 2 + message->topic.len + (message->qos > 0 ? 2 : 0);
    if (head > left || !tacit_is_topic(topic, message->topic.len))
        return MQTT_MALFORMED_PACKET;
    const uint8_t *payload = p->at + head;
    message->payload.data = payload;
    message->payload.len = left - head;
    if (message->qos == 0)
        return 0;
    p->packet_id = (uint16_t)two_bytes(payload - 2);
    return p->packet_id == 0 ? MQTT_PROTOCOL_ERROR : 0; /* [MQTT-2.3.1-1] */
}

/* Bytes of the other bodies. */
static const uint8_t lengths[] = {
    [MQTT_CONNACK] = 2, [MQTT_PUBACK] = 2, [MQTT_PUBREC] = 2,   [MQTT_PUBREL] = 2,
    [MQTT_PUBCOMP] = 2, [MQTT_SUBACK] = 3, [MQTT_UNSUBACK] = 2, [MQTT_PINGRESP] = 0,
};

uint8_t tacit_packet_read_3(struct tacit_client *client, struct tacit_packet *p)
{
    const uint8_t *at = p->at;
    if (p->type == MQTT_PUBLISH)
        return read_publish(client, p);
    if (p->type >= sizeof(lengths) || p->end - at != lengths[p->type])
        return MQTT_MALFORMED_PACKET;
    if (p->type == MQTT_PINGRESP)
        return 0;
    if (p->type == MQTT_CONNACK) {
        p->flags = at[0];
        p->reason = tacit_reason_of_return_code(at[1]);
        return at[1] > 5 ? MQTT_PROTOCOL_ERROR : 0;
    }
    p->packet_id = (uint16_t)two_bytes(at);
    /* [MQTT-3.9.3-2] */
    if (p->type == MQTT_SUBACK)
        p->reason = at[2];
    return p->packet_id == 0 || (p->reason > 2 && p->reason != 0x80) ? MQTT_PROTOCOL_ERROR : 0;
}
