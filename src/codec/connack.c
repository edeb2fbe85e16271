/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/connack.h"

#include "codec/properties.h"
#include "codec/variant.h"

#define RETURN_CODE_MAX 5 /* of 3.1.1, section 3.2.2.3 */

static const struct mqtt_field fields[] = {
    MQTT_FIELD(MQTT_PROP_SESSION_EXPIRY, struct mqtt_connack, session_expiry_s),
    MQTT_FIELD(MQTT_PROP_RECEIVE_MAXIMUM, struct mqtt_connack, receive_maximum),
    MQTT_FIELD(MQTT_PROP_MAXIMUM_QOS, struct mqtt_connack, maximum_qos),
    MQTT_FIELD(MQTT_PROP_RETAIN_AVAILABLE, struct mqtt_connack, retain_available),
    MQTT_FIELD(MQTT_PROP_MAXIMUM_PACKET_SIZE, struct mqtt_connack, maximum_packet_size),
    MQTT_FIELD(MQTT_PROP_TOPIC_ALIAS_MAXIMUM, struct mqtt_connack, topic_alias_maximum),
    MQTT_FIELD(MQTT_PROP_WILDCARD_AVAILABLE, struct mqtt_connack, wildcard_available),
    MQTT_FIELD(MQTT_PROP_SUBSCRIPTION_IDENTIFIERS_AVAILABLE, struct mqtt_connack,
               subscription_identifiers_available),
    MQTT_FIELD(MQTT_PROP_SHARED_AVAILABLE, struct mqtt_connack, shared_available),
    MQTT_FIELD(MQTT_PROP_SERVER_KEEP_ALIVE, struct mqtt_connack, server_keep_alive_s),
    MQTT_FIELD(MQTT_PROP_ASSIGNED_CLIENT_ID, struct mqtt_connack, assigned_client_id),
    MQTT_FIELD(MQTT_PROP_REASON_STRING, struct mqtt_connack, reason_string),
    MQTT_FIELD(MQTT_PROP_RESPONSE_INFORMATION, struct mqtt_connack, response_information),
    MQTT_FIELD(MQTT_PROP_SERVER_REFERENCE, struct mqtt_connack, server_reference),
    MQTT_FIELD(MQTT_PROP_AUTHENTICATION_METHOD, struct mqtt_connack, authentication_method),
    MQTT_FIELD(MQTT_PROP_AUTHENTICATION_DATA, struct mqtt_connack, authentication_data),
};

static void read_properties(struct mqtt_reader *r, struct mqtt_connack *c)
{
    c->properties = mqtt_properties_read(r, MQTT_CONNACK);
    mqtt_properties_take(c->properties, fields, MQTT_ARRAY_LEN(fields), c);
}

static enum mqtt_status check(enum mqtt_version version, uint8_t flags, uint8_t reason)
{
    /* MQTT 3.1 has no session present flag and does not use the byte. */
    if (!mqtt_is_3_1(version) && (flags & 0xfe) != 0)
        return MQTT_ERR_CONNACK_FLAGS;
    bool known = mqtt_is_5(version) ? mqtt_reason_is_allowed(reason, MQTT_CONNACK) != 0
                                    : reason <= RETURN_CODE_MAX;
    if (!known)
        return MQTT_ERR_REASON;
    if (!mqtt_is_3_1(version) && flags != 0 && reason != 0)
        return MQTT_ERR_SESSION_PRESENT;
    return MQTT_OK;
}

enum mqtt_status mqtt_connack_decode(enum mqtt_version version, struct mqtt_span body,
                                     struct mqtt_connack *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    uint8_t flags = mqtt_read_u8(&r);
    uint8_t reason = mqtt_read_u8(&r);

    if (r.status == MQTT_OK)
        r.status = check(version, flags, reason);
    struct mqtt_connack c = {
        .session_present = !mqtt_is_3_1(version) && flags != 0,
        .reason = reason,
        .receive_maximum = UINT16_MAX,
        .maximum_qos = MQTT_QOS_2,
        .retain_available = true,
        .maximum_packet_size = UINT32_MAX,
        .wildcard_available = true,
        .subscription_identifiers_available = true,
        .shared_available = true,
        .server_keep_alive_s = UINT32_MAX,
    };
    if (mqtt_is_5(version))
        read_properties(&r, &c);

    enum mqtt_status status = mqtt_reader_finish(&r);
    if (status == MQTT_OK)
        *out = c;
    return status;
}

void mqtt_connack_encode(struct mqtt_writer *w, enum mqtt_version version,
                         const struct mqtt_connack *connack)
{
    uint8_t *packet = mqtt_packet_begin(w, MQTT_CONNACK << 4);
    bool session_present = connack->session_present && !mqtt_is_3_1(version);

    mqtt_write_u8(w, session_present ? 1 : 0);
    mqtt_write_u8(w, connack->reason);
    if (mqtt_is_5(version))
        mqtt_write_block(w, connack->properties);
    mqtt_packet_end(w, packet);
}

uint8_t mqtt_connack_return_code(uint8_t reason)
{
    switch (reason) {
    case MQTT_SUCCESS:
        return 0;
    case MQTT_UNSUPPORTED_PROTOCOL_VERSION:
        return 1;
    case MQTT_CLIENT_IDENTIFIER_NOT_VALID:
        return 2;
    /* Server unavailable: what may be over when the client tries again. */
    case MQTT_UNSPECIFIED_ERROR:
    case MQTT_IMPLEMENTATION_SPECIFIC_ERROR:
    case MQTT_SERVER_UNAVAILABLE:
    case MQTT_SERVER_BUSY:
    case MQTT_QUOTA_EXCEEDED:
    case MQTT_USE_ANOTHER_SERVER:
    case MQTT_SERVER_MOVED:
    case MQTT_CONNECTION_RATE_EXCEEDED:
        return 3;
    case MQTT_BAD_USER_NAME_OR_PASSWORD:
        return 4;
    /* Not authorised: it will be the same next time. */
    default:
        return 5;
    }
}
