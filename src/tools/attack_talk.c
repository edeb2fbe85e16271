/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_link.h"

#include "codec/ack.h"
#include "codec/disconnect.h"
#include "codec/publish.h"
#include "codec/suback.h"
#include "codec/subscribe.h"

#include <tacit/posix.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBSCRIBE_BYTES 2048
#define FIRST_FAILURE   0x80
#define SOON_MS         300

static uint16_t next_packet_id(struct attack_link *link)
{
    link->packet_id = (uint16_t)(link->packet_id % UINT16_MAX + 1);
    return link->packet_id;
}

bool attack_link_ping(struct attack_link *link, uint32_t timeout_ms)
{
    uint8_t memory[2];
    struct mqtt_frame frame;
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    mqtt_ping_encode(&w, MQTT_PINGREQ);
    return attack_link_send(link, memory, sizeof(memory))
           && attack_link_await(link, MQTT_PINGRESP, timeout_ms, &frame);
}

bool attack_link_subscribe(struct attack_link *link, const char *filter, enum mqtt_qos qos)
{
    uint8_t memory[SUBSCRIBE_BYTES];
    struct mqtt_suback suback;
    struct mqtt_frame frame;
    const struct mqtt_subscription entry = { .filter = span_of(filter), .qos = qos };
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    link->reason = FIRST_FAILURE;
    mqtt_subscribe_encode(&w, link->version, next_packet_id(link), (struct mqtt_span){ 0 }, &entry,
                          1);
    struct mqtt_span packet = mqtt_writer_written(&w);
    if (!attack_link_send(link, packet.data, packet.len)
        || !attack_link_await(link, MQTT_SUBACK, ATTACK_ANSWER_MS, &frame)
        || mqtt_suback_decode(link->version, MQTT_SUBACK, frame.body, &suback) != MQTT_OK
        || suback.reasons.len != 1)
        return false;
    link->reason = suback.reasons.data[0];
    (void)snprintf(link->said, sizeof(link->said), "SUBACK 0x%02x", link->reason);
    return link->reason < FIRST_FAILURE;
}

bool attack_link_is_served(struct attack_link *link, const char *filter, bool *out_is_heard)
{
    uint8_t memory[SUBSCRIBE_BYTES];
    struct mqtt_frame frame;
    const struct mqtt_subscription entry = { .filter = span_of(filter), .qos = MQTT_QOS_0 };
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    mqtt_subscribe_encode(&w, link->version, next_packet_id(link), (struct mqtt_span){ 0 }, &entry,
                          1);
    mqtt_ping_encode(&w, MQTT_PINGREQ);
    struct mqtt_span packets = mqtt_writer_written(&w);
    bool goes_on = attack_link_send(link, packets.data, packets.len);
    bool is_served = false;
    *out_is_heard = false;
    while (goes_on && !*out_is_heard && attack_link_take(link, ATTACK_ANSWER_MS, &frame)) {
        is_served = is_served || frame.type == MQTT_SUBACK;
        *out_is_heard = frame.type == MQTT_PINGRESP;
    }
    /* Some answer the ping first. */
    if (*out_is_heard && !is_served)
        is_served = attack_link_await(link, MQTT_SUBACK, SOON_MS, &frame);
    return is_served && !link->is_over;
}

static bool take_puback(struct attack_link *link, uint16_t packet_id)
{
    struct mqtt_ack ack = { 0 };
    struct mqtt_frame frame;

    link->reason = FIRST_FAILURE;
    while (ack.packet_id != packet_id)
        if (!attack_link_await(link, MQTT_PUBACK, ATTACK_ANSWER_MS, &frame)
            || mqtt_ack_decode(link->version, MQTT_PUBACK, frame.body, &ack) != MQTT_OK)
            return false;
    link->reason = ack.reason;
    (void)snprintf(link->said, sizeof(link->said), "PUBACK 0x%02x", link->reason);
    return ack.reason < FIRST_FAILURE;
}

bool attack_link_publish(struct attack_link *link, const struct attack_message *message)
{
    uint16_t packet_id = message->qos > MQTT_QOS_0 ? next_packet_id(link) : 0;
    const struct mqtt_publish_out publish = {
        .qos = message->qos,
        .retain = message->retain,
        .packet_id = packet_id,
        .topic = span_of(message->topic),
        .payload = { message->payload, message->len },
    };
    size_t size = mqtt_publish_size(link->version, &publish);
    uint8_t *packet = malloc(size);

    if (packet == NULL)
        return false;
    (void)mqtt_publish_write(packet, link->version, &publish, NULL);
    bool is_sent = attack_link_send(link, packet, size);
    free(packet);
    if (!is_sent || message->qos == MQTT_QOS_0)
        return is_sent;
    return take_puback(link, packet_id);
}

bool attack_link_hears(struct attack_link *link, const char *payload, uint32_t timeout_ms)
{
    struct mqtt_frame frame;
    struct mqtt_publish publish;
    uint64_t end_ms = tacit_posix_now_ms() + timeout_ms;
    uint64_t now_ms = end_ms - timeout_ms;

    for (; now_ms < end_ms; now_ms = tacit_posix_now_ms()) {
        if (!attack_link_await(link, MQTT_PUBLISH, (uint32_t)(end_ms - now_ms), &frame))
            return false;
        if (mqtt_publish_decode(link->version, frame.flags, frame.body, &publish) == MQTT_OK
            && (payload == NULL || span_equal(publish.payload, span_of(payload))))
            return true;
    }
    return false;
}
