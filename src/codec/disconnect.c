/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/disconnect.h"

#include "codec/properties.h"
#include "codec/variant.h"

/* The DISCONNECT reason codes that a client may send, MQTT 5.0 section 3.14.2.1. */
static bool client_may_send(uint8_t reason)
{
    switch (reason) {
    case MQTT_SUCCESS:
    case MQTT_DISCONNECT_WITH_WILL:
    case MQTT_UNSPECIFIED_ERROR:
    case MQTT_MALFORMED_PACKET:
    case MQTT_PROTOCOL_ERROR:
    case MQTT_IMPLEMENTATION_SPECIFIC_ERROR:
    case MQTT_BAD_AUTHENTICATION_METHOD:
    case MQTT_TOPIC_NAME_INVALID:
    case MQTT_RECEIVE_MAXIMUM_EXCEEDED:
    case MQTT_TOPIC_ALIAS_INVALID:
    case MQTT_PACKET_TOO_LARGE:
    case MQTT_MESSAGE_RATE_TOO_HIGH:
    case MQTT_QUOTA_EXCEEDED:
    case MQTT_ADMINISTRATIVE_ACTION:
    case MQTT_PAYLOAD_FORMAT_INVALID:
        return true;
    default:
        return false;
    }
}

/* [MQTT-3.14.2-1] */
static bool is_allowed(uint8_t reason, bool from_server)
{
    if (!mqtt_reason_is_allowed(reason, MQTT_DISCONNECT))
        return false;
    return from_server ? reason != MQTT_DISCONNECT_WITH_WILL : client_may_send(reason);
}

static const struct mqtt_field fields[] = {
    MQTT_FIELD(MQTT_PROP_SESSION_EXPIRY, struct mqtt_disconnect, session_expiry_s),
    MQTT_FIELD(MQTT_PROP_SERVER_REFERENCE, struct mqtt_disconnect, server_reference),
    MQTT_FIELD(MQTT_PROP_REASON_STRING, struct mqtt_disconnect, reason_string),
};

static void read_properties(struct mqtt_reader *r, bool from_server, struct mqtt_disconnect *d)
{
    struct mqtt_property p;

    d->properties = mqtt_properties_read(r, MQTT_DISCONNECT);
    mqtt_properties_take(d->properties, fields, MQTT_ARRAY_LEN(fields), d);
    d->has_session_expiry = mqtt_properties_find(d->properties, MQTT_PROP_SESSION_EXPIRY, &p);
    if (from_server && d->has_session_expiry)
        mqtt_reader_fail(r, MQTT_ERR_SERVER_SESSION_EXPIRY); /* [MQTT-3.14.2-2] */
    if (!from_server && mqtt_properties_find(d->properties, MQTT_PROP_SERVER_REFERENCE, &p))
        mqtt_reader_fail(r, MQTT_ERR_PROPERTY_NOT_ALLOWED);
}

enum mqtt_status mqtt_disconnect_decode(enum mqtt_version version, bool from_server,
                                        struct mqtt_span body, struct mqtt_disconnect *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    struct mqtt_disconnect d = { 0 };

    /* Reason 0 may be left out, and the properties after it. */
    if (mqtt_is_5(version) && mqtt_reader_left(&r) > 0) {
        d.reason = mqtt_read_u8(&r);
        if (!is_allowed(d.reason, from_server))
            mqtt_reader_fail(&r, MQTT_ERR_REASON);
        if (mqtt_reader_left(&r) > 0)
            read_properties(&r, from_server, &d);
    }

    enum mqtt_status status = mqtt_reader_finish(&r);
    if (status == MQTT_OK)
        *out = d;
    return status;
}

void mqtt_disconnect_encode(struct mqtt_writer *w, enum mqtt_version version,
                            const struct mqtt_disconnect *disconnect)
{
    uint8_t *packet = mqtt_packet_begin(w, MQTT_DISCONNECT << 4);
    bool has_properties = disconnect->properties.len > 0;

    if (mqtt_is_5(version) && (disconnect->reason != 0 || has_properties)) {
        mqtt_write_u8(w, disconnect->reason);
        if (has_properties)
            mqtt_write_block(w, disconnect->properties);
    }
    mqtt_packet_end(w, packet);
}

static void read_auth_properties(struct mqtt_reader *r, struct mqtt_auth *auth)
{
    bool has_method = false;
    struct mqtt_property p;

    auth->properties = mqtt_properties_read(r, MQTT_AUTH);
    struct mqtt_reader block = mqtt_reader_over(auth->properties);
    while (mqtt_properties_next(&block, &p)) {
        if (p.id == MQTT_PROP_AUTHENTICATION_METHOD) {
            has_method = true;
            auth->method = p.value;
        } else if (p.id == MQTT_PROP_AUTHENTICATION_DATA) {
            auth->data = p.value;
        } else if (p.id == MQTT_PROP_REASON_STRING) {
            auth->reason_string = p.value;
        }
    }
    if (!has_method)
        mqtt_reader_fail(r, MQTT_ERR_AUTHENTICATION_METHOD);
}

enum mqtt_status mqtt_auth_decode(struct mqtt_span body, struct mqtt_auth *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    struct mqtt_auth auth = { 0 };

    if (mqtt_reader_left(&r) > 0) {
        auth.reason = mqtt_read_u8(&r);
        if (!mqtt_reason_is_allowed(auth.reason, MQTT_AUTH))
            mqtt_reader_fail(&r, MQTT_ERR_REASON);
        read_auth_properties(&r, &auth);
    }

    enum mqtt_status status = mqtt_reader_finish(&r);
    if (status == MQTT_OK)
        *out = auth;
    return status;
}

void mqtt_auth_encode(struct mqtt_writer *w, const struct mqtt_auth *auth)
{
    uint8_t *packet = mqtt_packet_begin(w, MQTT_AUTH << 4);

    if (auth->reason != 0 || auth->properties.len > 0) {
        mqtt_write_u8(w, auth->reason);
        mqtt_write_block(w, auth->properties);
    }
    mqtt_packet_end(w, packet);
}

enum mqtt_status mqtt_ping_decode(struct mqtt_span body)
{
    return body.len == 0 ? MQTT_OK : MQTT_ERR_TRAILING;
}

void mqtt_ping_encode(struct mqtt_writer *w, enum mqtt_packet_type type)
{
    mqtt_packet_end(w, mqtt_packet_begin(w, (uint8_t)((unsigned)type << 4)));
}
