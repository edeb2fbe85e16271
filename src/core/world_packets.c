/* SPDX-License-Identifier: Apache-2.0 */
/* The shorthands of world.h: packets made and taken. */
#include "core/world.h"

#include "codec/ack.h"
#include "codec/connack.h"
#include "codec/properties.h"
#include "codec/suback.h"
#include "codec/subscribe.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "world: %s\n", what);
    abort();
}

bool world_take(struct world_peer *peer, struct mqtt_frame *out)
{
    struct mqtt_span rest;

    if (world_is_silent(peer))
        return false;
    rest = (struct mqtt_span){ peer->inbox + peer->parsed, peer->len - peer->parsed };
    if (mqtt_frame_decode(rest, INBOX_BYTES, out) != MQTT_OK)
        return false;
    peer->parsed += out->len;
    return true;
}

static void send_written(struct world_peer *peer, const struct mqtt_writer *w)
{
    must(w->status == MQTT_OK, "packet does not fit");
    world_send(peer, mqtt_writer_written(w));
    world_run(peer->world);
}

static void put_number(struct mqtt_writer *w, uint8_t id, enum mqtt_property_type type,
                       uint32_t number)
{
    const struct mqtt_property property = { .id = id, .type = type, .number = number };

    if (number != 0)
        mqtt_property_write(w, &property);
}

void world_begin(struct world_peer *peer, const struct world_connect *how)
{
    uint8_t packet[1024];
    uint8_t block[64];
    uint8_t will_block[16];
    struct mqtt_connect connect = {
        .version = peer->version,
        .clean_start = !how->resume,
        .keep_alive_s = how->keep_alive_s,
        .client_id = span_of(how->client_id),
    };
    struct mqtt_writer w = mqtt_writer_over(block, sizeof(block));

    put_number(&w, MQTT_PROP_SESSION_EXPIRY, MQTT_PROPERTY_U32, how->expiry_s);
    put_number(&w, MQTT_PROP_RECEIVE_MAXIMUM, MQTT_PROPERTY_U16, how->receive_maximum);
    put_number(&w, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, MQTT_PROPERTY_U16, how->alias_maximum);
    put_number(&w, MQTT_PROP_MAXIMUM_PACKET_SIZE, MQTT_PROPERTY_U32, how->maximum_packet);
    if (peer->version == MQTT_VERSION_5)
        connect.properties = mqtt_writer_written(&w);
    if (how->will_topic != NULL) {
        connect.has_will = true;
        connect.will.topic = span_of(how->will_topic);
        connect.will.payload = span_of("gone");
        w = mqtt_writer_over(will_block, sizeof(will_block));
        put_number(&w, MQTT_PROP_WILL_DELAY, MQTT_PROPERTY_U32, how->will_delay_s);
        if (peer->version == MQTT_VERSION_5)
            connect.will.properties = mqtt_writer_written(&w);
    }
    w = mqtt_writer_over(packet, sizeof(packet));
    mqtt_connect_encode(&w, &connect);
    send_written(peer, &w);
}

bool world_take_connack(struct world_peer *peer, uint8_t *out_reason)
{
    struct mqtt_connack connack = { 0 };
    struct mqtt_frame frame;

    must(world_take(peer, &frame) && frame.type == MQTT_CONNACK, "no CONNACK");
    must(mqtt_connack_decode(peer->version, frame.body, &connack) == MQTT_OK, "CONNACK");
    if (out_reason != NULL)
        *out_reason = connack.reason;
    else
        must(connack.reason == 0, "CONNECT was refused");
    return connack.session_present;
}

bool world_connect(struct world_peer *peer, const struct world_connect *how, uint8_t *out_reason)
{
    world_begin(peer, how);
    return world_take_connack(peer, out_reason);
}

struct world_peer *world_come(struct world *world, const char *client_id, bool resume,
                              uint32_t expiry_s)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);
    const struct world_connect how = { .client_id = client_id,
                                       .resume = resume,
                                       .expiry_s = expiry_s };

    must(world_connect(peer, &how, NULL) == resume, "is there a session?");
    return peer;
}

struct world_peer *world_come_as(struct world *world, enum mqtt_version version,
                                 const struct world_connect *how)
{
    struct world_peer *peer = world_open(world, version);

    world_connect(peer, how, NULL);
    return peer;
}

void world_leave_subscribers(struct world *world, const char *topic, enum mqtt_qos qos,
                             uint32_t expiry_s)
{
    char id[16];

    for (unsigned i = 0; i < 8; i++) {
        snprintf(id, sizeof(id), "sub-%u", i);
        struct world_peer *peer = world_come(world, id, false, expiry_s);
        must(world_subscribe(peer, topic, qos) == qos, "the QoS of a subscription");
        world_break(peer);
    }
}

void world_send_subscribe(struct world_peer *peer, const char *filter, enum mqtt_qos qos)
{
    uint8_t packet[1024];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    const struct mqtt_subscription entry = { .filter = span_of(filter), .qos = qos };

    mqtt_subscribe_encode(&w, peer->version, 1, (struct mqtt_span){ 0 }, &entry, 1);
    send_written(peer, &w);
}

void world_send_unsubscribe(struct world_peer *peer, const char *filter)
{
    uint8_t packet[1024];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    const struct mqtt_span entry = span_of(filter);

    mqtt_unsubscribe_encode(&w, peer->version, 2, (struct mqtt_span){ 0 }, &entry, 1);
    send_written(peer, &w);
}

uint8_t world_subscribe(struct world_peer *peer, const char *filter, enum mqtt_qos qos)
{
    struct mqtt_suback suback = { 0 };
    struct mqtt_frame frame;

    world_send_subscribe(peer, filter, qos);
    must(world_take(peer, &frame) && frame.type == MQTT_SUBACK, "no SUBACK");
    must(mqtt_suback_decode(peer->version, MQTT_SUBACK, frame.body, &suback) == MQTT_OK, "SUBACK");
    return suback.reasons.data[0];
}

void world_publish(struct world_peer *peer, const char *topic, const char *payload,
                   enum mqtt_qos qos, uint16_t packet_id, bool retain)
{
    uint8_t packet[16384];
    const struct mqtt_publish_out publish = {
        .qos = qos,
        .retain = retain,
        .packet_id = packet_id,
        .topic = span_of(topic),
        .payload = span_of(payload),
    };

    must(mqtt_publish_size(peer->version, &publish) <= sizeof(packet), "PUBLISH");
    uint8_t *end = mqtt_publish_write(packet, peer->version, &publish, NULL);
    world_send(peer, (struct mqtt_span){ packet, (size_t)(end - packet) });
    world_run(peer->world);
}

uint8_t world_publish_acked(struct world_peer *peer, const char *topic, uint16_t packet_id)
{
    world_publish(peer, topic, "message", MQTT_QOS_1, packet_id, false);
    return world_take_ack(peer, MQTT_PUBACK);
}

void world_ack(struct world_peer *peer, enum mqtt_packet_type type, uint16_t packet_id)
{
    uint8_t packet[8];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    const struct mqtt_ack ack = { .packet_id = packet_id };

    mqtt_ack_encode(&w, peer->version, type, &ack);
    send_written(peer, &w);
}

uint8_t world_take_ack(struct world_peer *peer, enum mqtt_packet_type type)
{
    struct mqtt_frame frame = { 0 };
    struct mqtt_ack ack = { 0 };

    must(world_take(peer, &frame) && frame.type == type, "no such acknowledgement");
    must(mqtt_ack_decode(peer->version, type, frame.body, &ack) == MQTT_OK, "acknowledgement");
    return ack.reason;
}

bool world_is_silent(const struct world_peer *peer)
{
    return peer->parsed == peer->len;
}

bool world_take_publish(struct world_peer *peer, struct mqtt_publish *out)
{
    struct mqtt_frame frame;
    size_t before = peer->parsed;

    if (!world_take(peer, &frame))
        return false;
    if (frame.type == MQTT_PUBLISH
        && mqtt_publish_decode(peer->version, frame.flags, frame.body, out) == MQTT_OK)
        return true;
    peer->parsed = before;
    return false;
}

bool world_expect(struct world_peer *peer, enum mqtt_packet_type type)
{
    struct mqtt_frame frame;

    return world_take(peer, &frame) && frame.type == type;
}
