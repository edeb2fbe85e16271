/* SPDX-License-Identifier: Apache-2.0 */
#include "core/encode.h"

#include "codec/ack.h"
#include "codec/disconnect.h"
#include "codec/properties.h"
#include "codec/suback.h"
#include "core/alias.h"
#include "core/client.h"
#include "core/sensed.h"
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

#define REASON_STRING_BYTES 200u /* longest that the broker sends */

/* Room for everything in a packet but its variable contents. */
#define PACKET_OVERHEAD_BYTES 32u

static uint32_t remaining_s(uint64_t expires_ms, uint64_t now_ms)
{
    return message_remaining_s(expires_ms, now_ms);
}

enum encoded encode_publish(struct client *client, struct wire *wire, uint64_t now_ms)
{
    struct mqtt_publish_out *out = &wire->packet;

    if (client->version == MQTT_VERSION_5) {
        if (wire->expires_ms != WHEEL_NEVER) {
            out->has_expiry = true; /* [MQTT-3.3.2-6] */
            out->expiry_s = remaining_s(wire->expires_ms, now_ms);
        }
        if (wire->identifiers != NULL) {
            out->subscription_identifiers = wire->identifiers->values;
            out->subscription_identifier_count = wire->identifiers->count;
        }
        if (client->topic_alias_maximum > 0)
            alias_for_outgoing(client, out);
    }

    size_t len = mqtt_publish_size(client->version, out);
    if (len > client->maximum_packet) {
        alias_forget_unsent(client, out);
        return ENCODED_TOO_LARGE; /* [MQTT-3.1.2-24] */
    }
    uint8_t *at = client_reserve(client, len);
    if (at == NULL)
        return ENCODED_NOT;
    mqtt_publish_write(at, client->version, out, NULL);
    client_written(client, len);
    client->broker->stats.publish_sent++;
    sensed_delivered(client, wire->is_echo);
    return ENCODED;
}

/* Appends what `w` holds to the outbox; false when it does not fit the client. */
static bool send_written(struct client *client, const struct mqtt_writer *w)
{
    struct mqtt_span packet = mqtt_writer_written(w);

    if (w->status != MQTT_OK || packet.len > client->maximum_packet)
        return false;
    uint8_t *at = client_reserve(client, packet.len);
    if (at == NULL)
        return true; /* the client is doomed: nothing more to try */
    memcpy(at, packet.data, packet.len);
    client_written(client, packet.len);
    return true;
}

/* A Reason String property in `memory`; empty for no text. */
static struct mqtt_span reason_string(uint8_t *memory, size_t len, const char *text)
{
    struct mqtt_writer w = mqtt_writer_over(memory, len);
    struct mqtt_property property = {
        .id = MQTT_PROP_REASON_STRING,
        .type = MQTT_PROPERTY_UTF8,
        .value = span_of(text),
    };

    if (text == NULL || property.value.len > REASON_STRING_BYTES)
        return (struct mqtt_span){ 0 };
    mqtt_property_write(&w, &property);
    return mqtt_writer_written(&w);
}

/* A function of its own: what it has on its stack is wiped when it is entered. */
MQTT_NOINLINE static void encode_ack_with_reason(struct client *client, enum mqtt_packet_type type,
                                                 uint16_t packet_id, uint8_t reason,
                                                 const char *text)
{
    uint8_t memory[REASON_STRING_BYTES + PACKET_OVERHEAD_BYTES];
    uint8_t packet[REASON_STRING_BYTES + 2 * PACKET_OVERHEAD_BYTES];
    struct mqtt_ack ack = { .packet_id = packet_id, .reason = reason };
    if (client->request_problem) /* [MQTT-3.1.2-29] */
        ack.properties = reason_string(memory, sizeof(memory), text);
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    mqtt_ack_encode(&w, client->version, type, &ack);
    if (send_written(client, &w))
        return;
    ack.properties = (struct mqtt_span){ 0 }; /* [MQTT-3.4.2-2] */
    w = mqtt_writer_over(packet, sizeof(packet));
    mqtt_ack_encode(&w, client->version, type, &ack);
    send_written(client, &w);
}

void encode_ack(struct client *client, enum mqtt_packet_type type, uint16_t packet_id,
                uint8_t reason, const char *text)
{
    if (MQTT_UNLIKELY(client->is_expelled))
        return;
    if (MQTT_UNLIKELY(client->version >= MQTT_VERSION_5 && reason != MQTT_SUCCESS)) {
        encode_ack_with_reason(client, type, packet_id, reason, text);
        return;
    }
    uint8_t *at = client_reserve(client, 4);
    if (at == NULL)
        return;
    /* [MQTT-3.6.1-1] PUBREL carries the flags 0010. */
    at[0] = (uint8_t)((unsigned)type << 4 | (type == MQTT_PUBREL ? 2u : 0u));
    at[1] = 2;
    at[2] = (uint8_t)(packet_id >> 8);
    at[3] = (uint8_t)packet_id;
    client_written(client, 4);
}

void encode_suback(struct client *client, enum mqtt_packet_type type, uint16_t packet_id,
                   struct mqtt_span reasons, const char *text)
{
    uint8_t memory[REASON_STRING_BYTES + PACKET_OVERHEAD_BYTES];
    size_t room = reasons.len + sizeof(memory) + PACKET_OVERHEAD_BYTES;

    if (client->is_expelled)
        return;
    uint8_t *packet = malloc(room);

    if (packet == NULL) {
        client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
        return;
    }
    struct mqtt_suback suback = { .packet_id = packet_id, .reasons = reasons };
    if (client->version == MQTT_VERSION_5 && client->request_problem)
        suback.properties = reason_string(memory, sizeof(memory), text);
    struct mqtt_writer w = mqtt_writer_over(packet, room);
    mqtt_suback_encode(&w, client->version, type, &suback);
    if (!send_written(client, &w)) {
        suback.properties = (struct mqtt_span){ 0 }; /* [MQTT-3.9.2-1] */
        w = mqtt_writer_over(packet, room);
        mqtt_suback_encode(&w, client->version, type, &suback);
        send_written(client, &w);
    }
    free(packet);
}

void encode_connack(struct client *client, const struct mqtt_connack *connack, const char *text)
{
    uint8_t memory[REASON_STRING_BYTES + PACKET_OVERHEAD_BYTES];
    struct mqtt_span reason = { 0 };
    struct mqtt_connack whole = *connack;
    size_t room;
    uint8_t *bytes;

    if (client->version == MQTT_VERSION_5)
        reason = reason_string(memory, sizeof(memory), text);
    room = connack->properties.len + reason.len;
    bytes = malloc(2 * room + PACKET_OVERHEAD_BYTES);
    if (bytes == NULL) {
        client_doom(client, 0, "out of memory");
        return;
    }
    if (connack->properties.len > 0)
        memcpy(bytes, connack->properties.data, connack->properties.len);
    if (reason.len > 0)
        memcpy(bytes + connack->properties.len, reason.data, reason.len);
    whole.properties = (struct mqtt_span){ bytes, room };
    struct mqtt_writer w = mqtt_writer_over(bytes + room, room + PACKET_OVERHEAD_BYTES);
    mqtt_connack_encode(&w, client->version, &whole);
    if (!send_written(client, &w)) {
        w = mqtt_writer_over(bytes + room, room + PACKET_OVERHEAD_BYTES);
        mqtt_connack_encode(&w, client->version, connack); /* [MQTT-3.2.2-19] */
        /* [MQTT-3.2.0-1] Nothing may come instead of it, not even DISCONNECT. */
        if (!send_written(client, &w))
            client_doom(client, 0, "CONNACK is larger than the client takes");
    }
    free(bytes);
}

void encode_disconnect(struct client *client, uint8_t reason, const char *text,
                       const char *server_reference)
{
    uint8_t memory[2 * (REASON_STRING_BYTES + PACKET_OVERHEAD_BYTES)];
    uint8_t packet[sizeof(memory) + PACKET_OVERHEAD_BYTES];
    struct mqtt_disconnect disconnect = { .reason = reason };
    struct mqtt_span block = reason_string(memory, sizeof(memory), text);
    struct mqtt_span reference = span_of(server_reference);

    if (reference.len > 0 && reference.len <= REASON_STRING_BYTES) {
        struct mqtt_writer w = mqtt_writer_over(memory + block.len, sizeof(memory) - block.len);
        struct mqtt_property property = {
            .id = MQTT_PROP_SERVER_REFERENCE,
            .type = MQTT_PROPERTY_UTF8,
            .value = reference,
        };
        mqtt_property_write(&w, &property);
        block = (struct mqtt_span){ memory, block.len + mqtt_writer_written(&w).len };
    }
    disconnect.properties = block;
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    mqtt_disconnect_encode(&w, MQTT_VERSION_5, &disconnect);
    if (send_written(client, &w))
        return;
    disconnect.properties = (struct mqtt_span){ 0 }; /* [MQTT-3.14.2-3] */
    w = mqtt_writer_over(packet, sizeof(packet));
    mqtt_disconnect_encode(&w, MQTT_VERSION_5, &disconnect);
    send_written(client, &w);
}

void encode_auth(struct client *client, uint8_t reason, struct mqtt_span method,
                 struct mqtt_span data)
{
    size_t room = method.len + data.len + PACKET_OVERHEAD_BYTES;
    uint8_t *bytes = malloc(2 * room);
    struct mqtt_auth auth = { .reason = reason };
    struct mqtt_property property = {
        .id = MQTT_PROP_AUTHENTICATION_METHOD,
        .type = MQTT_PROPERTY_UTF8,
        .value = method,
    };

    if (bytes == NULL) {
        client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
        return;
    }
    struct mqtt_writer block = mqtt_writer_over(bytes, room);
    mqtt_property_write(&block, &property);
    if (data.len > 0) {
        property.id = MQTT_PROP_AUTHENTICATION_DATA;
        property.type = MQTT_PROPERTY_BINARY;
        property.value = data;
        mqtt_property_write(&block, &property);
    }
    auth.properties = mqtt_writer_written(&block);
    struct mqtt_writer w = mqtt_writer_over(bytes + room, room);
    mqtt_auth_encode(&w, &auth);
    if (!send_written(client, &w))
        client_doom(client, MQTT_PACKET_TOO_LARGE, "authentication data does not fit");
    free(bytes);
}

void encode_pingresp(struct client *client)
{
    uint8_t *at = client_reserve(client, 2);

    if (at == NULL)
        return;
    at[0] = MQTT_PINGRESP << 4;
    at[1] = 0;
    client_written(client, 2);
}
