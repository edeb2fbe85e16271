/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_packets.h"

#include "broker_names.h"
#include "codec/connect.h"
#include "codec/disconnect.h"
#include "codec/properties.h"
#include "codec/subscribe.h"

#include <string.h>

/* What is said often stands first or twice. */
const char *const broker_topics[BROKER_TOPICS] = {
    "t", "t", "a/b", "a/b/c", "u/v", "$SYS/x", "devices/lamp/x", "devices/rock/x", "/", "acme/t",
};

static const char *a_filter(struct mqtt_reader *script)
{
    return SCRIPT_ONE_OF(script, "t", "#", "t", "#", "+", "a/#", "a/+", "+/b/#", "a/b/c",
                         "$share/g/t", "$share/g/a/#", "$share/h/#", "$share/g/+/b",
                         "devices/lamp/#", "devices/rock/+", "$SYS/#", "/", "u/v", "+/+", "a/#/b",
                         "");
}

static const char *a_topic(struct mqtt_reader *script)
{
    return script_text(script, broker_topics, BROKER_TOPICS);
}

static uint32_t some_seconds(struct mqtt_reader *script)
{
    static const uint32_t choices[] = { 0, 0, 1, 5, 60, 3600, UINT32_MAX - 1, UINT32_MAX };

    return choices[script_u8(script) % MQTT_ARRAY_LEN(choices)];
}

static void put(struct mqtt_writer *w, uint8_t id, uint32_t number)
{
    const struct mqtt_property property = { .id = id, .number = number };

    if (number != 0)
        mqtt_property_write(w, &property);
}

/* ---- CONNECT ---- */

static struct mqtt_span connect_properties(struct mqtt_reader *script, struct actor *actor,
                                           struct mqtt_writer block)
{
    uint8_t how = script_u8(script);

    put(&block, MQTT_PROP_SESSION_EXPIRY, some_seconds(script));
    if (how % 4 == 1) {
        actor->receive_maximum = (uint16_t)(1 + script_u8(script) % 4);
        put(&block, MQTT_PROP_RECEIVE_MAXIMUM, actor->receive_maximum);
    }
    if (how / 4 % 4 == 1) {
        actor->alias_maximum = script_u8(script) % (ACTOR_ALIAS + 1);
        put(&block, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, actor->alias_maximum);
    }
    if (how / 16 % 8 == 1) {
        actor->maximum_packet = 40 + script_u8(script);
        put(&block, MQTT_PROP_MAXIMUM_PACKET_SIZE, actor->maximum_packet);
    }
    if (how == 255) {
        const struct mqtt_property method = { .id = MQTT_PROP_AUTHENTICATION_METHOD,
                                              .value =
                                                  span_of(SCRIPT_ONE_OF(script, "echo", "none")) };
        mqtt_property_write(&block, &method);
    }
    return mqtt_writer_written(&block);
}

static struct mqtt_will a_will(struct mqtt_reader *script, enum mqtt_version version,
                               struct mqtt_writer block)
{
    uint8_t how = script_u8(script);
    struct mqtt_will will = { .qos = (enum mqtt_qos)(how % 3),
                              .retain = how / 3 % 2 != 0,
                              .topic = span_of(a_topic(script)),
                              .payload = span_of(how / 6 % 4 == 0 ? "" : "gone") };

    if (version == MQTT_VERSION_5) {
        put(&block, MQTT_PROP_WILL_DELAY, some_seconds(script));
        put(&block, MQTT_PROP_MESSAGE_EXPIRY, some_seconds(script));
        will.properties = mqtt_writer_written(&block);
    }
    return will;
}

void packet_connect(struct mqtt_reader *script, struct actor *actor, struct mqtt_writer *w)
{
    uint8_t block[128];
    uint8_t will_block[32];
    uint8_t how = script_u8(script);
    struct mqtt_connect connect = {
        .version = actor->peer->version,
        .clean_start = how % 2 != 0,
        .keep_alive_s = how / 2 % 4 == 1 ? 10 : 0,
        .client_id = span_of(SCRIPT_ONE_OF(script, "a", "b", "c", "d", "e", "lamp", "rock", "")),
        .has_will = how / 8 % 4 == 1,
    };

    actor->is_clean = connect.clean_start;
    if (connect.version == MQTT_VERSION_5)
        connect.properties =
            connect_properties(script, actor, mqtt_writer_over(block, sizeof(block)));
    if (connect.has_will)
        connect.will =
            a_will(script, connect.version, mqtt_writer_over(will_block, sizeof(will_block)));
    mqtt_connect_encode(w, &connect);
}

/* ---- what follows it ---- */

static uint16_t a_packet_id(struct mqtt_reader *script)
{
    return (uint16_t)(1 + script_u8(script) % 16);
}

void packet_subscribe(struct mqtt_reader *script, enum mqtt_version version, struct mqtt_writer *w)
{
    uint8_t block[8];
    struct mqtt_subscription entries[3] = { 0 };
    size_t count = 1 + script_u8(script) % MQTT_ARRAY_LEN(entries);
    struct mqtt_writer properties = mqtt_writer_over(block, sizeof(block));

    for (size_t i = 0; i < count; i++) {
        uint8_t how = script_u8(script);

        entries[i].filter = span_of(a_filter(script));
        entries[i].qos = (enum mqtt_qos)(how % 3);
        if (version != MQTT_VERSION_5)
            continue;
        entries[i].no_local = how / 3 % 4 == 1;
        entries[i].retain_as_published = how / 12 % 2 != 0;
        entries[i].retain_handling = how / 24 % 3;
    }
    if (version == MQTT_VERSION_5)
        put(&properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, script_u8(script) % 4);
    mqtt_subscribe_encode(w, version, a_packet_id(script), mqtt_writer_written(&properties),
                          entries, count);
}

void packet_subscribe_all(enum mqtt_version version, struct mqtt_writer *w)
{
    const struct mqtt_subscription entries[] = {
        { .filter = span_of("#"), .qos = MQTT_QOS_2 },
        { .filter = span_of("a/+"), .qos = MQTT_QOS_2 },
    };

    mqtt_subscribe_encode(w, version, 1, (struct mqtt_span){ 0 }, entries, MQTT_ARRAY_LEN(entries));
}

void packet_unsubscribe(struct mqtt_reader *script, enum mqtt_version version,
                        struct mqtt_writer *w)
{
    const struct mqtt_span filters[] = { span_of(a_filter(script)), span_of(a_filter(script)) };

    mqtt_unsubscribe_encode(w, version, a_packet_id(script), (struct mqtt_span){ 0 }, filters,
                            1 + script_u8(script) % MQTT_ARRAY_LEN(filters));
}

void packet_disconnect(struct mqtt_reader *script, enum mqtt_version version, struct mqtt_writer *w)
{
    uint8_t block[8];
    uint8_t how = script_u8(script);
    struct mqtt_writer properties = mqtt_writer_over(block, sizeof(block));
    struct mqtt_disconnect disconnect = { .reason = how % 4 == 1 ? 0x04 : 0 };

    if (how / 4 % 4 == 1)
        put(&properties, MQTT_PROP_SESSION_EXPIRY, some_seconds(script));
    if (version == MQTT_VERSION_5)
        disconnect.properties = mqtt_writer_written(&properties);
    mqtt_disconnect_encode(w, version, &disconnect);
}

void packet_auth(struct mqtt_reader *script, struct mqtt_writer *w)
{
    uint8_t block[64];
    struct mqtt_writer properties = mqtt_writer_over(block, sizeof(block));
    const struct mqtt_property method = { .id = MQTT_PROP_AUTHENTICATION_METHOD,
                                          .value = span_of("echo") };
    const struct mqtt_property data = { .id = MQTT_PROP_AUTHENTICATION_DATA,
                                        .value = span_of(SCRIPT_ONE_OF(script, "pong", "ping")) };
    struct mqtt_auth auth = { .reason = script_u8(script) % 2 == 0 ? 0x18 : 0x19 };

    mqtt_property_write(&properties, &method);
    mqtt_property_write(&properties, &data);
    auth.properties = mqtt_writer_written(&properties);
    mqtt_auth_encode(w, &auth);
}

struct mqtt_publish_out packet_publish(struct mqtt_reader *script, uint64_t marker,
                                       uint8_t payload[PAYLOAD_BYTES])
{
    uint8_t how = script_u8(script);
    struct mqtt_publish_out publish = {
        .qos = (enum mqtt_qos)(how % 3),
        .retain = how / 3 % 3 == 1,
        .topic = span_of(a_topic(script)),
        .payload = { payload, MARKER_BYTES + script_u8(script) },
        .has_expiry = how / 9 % 4 == 1,
        .expiry_s = 1 + script_u8(script) % 4u,
    };

    memset(payload, 'x', PAYLOAD_BYTES);
    memcpy(payload, &marker, MARKER_BYTES);
    if (how / 36 % 4 == 1)
        publish.topic_alias = script_u8(script) % 6;
    if (publish.qos != MQTT_QOS_0)
        publish.packet_id = a_packet_id(script);
    return publish;
}
