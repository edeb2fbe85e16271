/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/connack.h"

#include "codec/properties.h"

#define RETURN_CODE_MAX 5 /* of 3.1.1, section 3.2.2.3 */

static void take_number(struct mqtt_connack *c, const struct mqtt_property *p)
{
    switch (p->id) {
    case MQTT_PROP_SESSION_EXPIRY:
        c->has_session_expiry = true;
        c->session_expiry_s = p->number;
        break;
    case MQTT_PROP_RECEIVE_MAXIMUM:
        c->receive_maximum = (uint16_t)p->number;
        break;
    case MQTT_PROP_MAXIMUM_QOS:
        c->maximum_qos = (enum mqtt_qos)p->number;
        break;
    case MQTT_PROP_RETAIN_AVAILABLE:
        c->retain_available = p->number != 0;
        break;
    case MQTT_PROP_MAXIMUM_PACKET_SIZE:
        c->maximum_packet_size = p->number;
        break;
    case MQTT_PROP_TOPIC_ALIAS_MAXIMUM:
        c->topic_alias_maximum = (uint16_t)p->number;
        break;
    case MQTT_PROP_WILDCARD_AVAILABLE:
        c->wildcard_available = p->number != 0;
        break;
    case MQTT_PROP_SUBSCRIPTION_IDENTIFIERS_AVAILABLE:
        c->subscription_identifiers_available = p->number != 0;
        break;
    case MQTT_PROP_SHARED_AVAILABLE:
        c->shared_available = p->number != 0;
        break;
    case MQTT_PROP_SERVER_KEEP_ALIVE:
        c->has_server_keep_alive = true;
        c->server_keep_alive_s = (uint16_t)p->number;
        break;
    default:
        break;
    }
}

static void take_text(struct mqtt_connack *c, const struct mqtt_property *p)
{
    switch (p->id) {
    case MQTT_PROP_ASSIGNED_CLIENT_ID:
        c->assigned_client_id = p->value;
        break;
    case MQTT_PROP_REASON_STRING:
        c->reason_string = p->value;
        break;
    case MQTT_PROP_RESPONSE_INFORMATION:
        c->response_information = p->value;
        break;
    case MQTT_PROP_SERVER_REFERENCE:
        c->server_reference = p->value;
        break;
    case MQTT_PROP_AUTHENTICATION_METHOD:
        c->authentication_method = p->value;
        break;
    case MQTT_PROP_AUTHENTICATION_DATA:
        c->authentication_data = p->value;
        break;
    default:
        break;
    }
}

static void read_properties(struct mqtt_reader *r, struct mqtt_connack *c)
{
    struct mqtt_property p;

    c->properties = mqtt_properties_read(r, MQTT_CONNACK);
    struct mqtt_reader block = mqtt_reader_over(c->properties);
    while (mqtt_properties_next(&block, &p)) {
        take_number(c, &p);
        take_text(c, &p);
    }
}

static enum mqtt_status check(enum mqtt_version version, uint8_t flags, uint8_t reason)
{
    /* MQTT 3.1 has no session present flag and does not use the byte. */
    if (version != MQTT_VERSION_3_1 && (flags & 0xfe) != 0)
        return MQTT_ERR_CONNACK_FLAGS;
    bool known = version == MQTT_VERSION_5 ? mqtt_reason_is_allowed(reason, MQTT_CONNACK) != 0
                                           : reason <= RETURN_CODE_MAX;
    if (!known)
        return MQTT_ERR_REASON;
    if (version != MQTT_VERSION_3_1 && flags != 0 && reason != 0)
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
        .session_present = version != MQTT_VERSION_3_1 && flags != 0,
        .reason = reason,
        .receive_maximum = UINT16_MAX,
        .maximum_qos = MQTT_QOS_2,
        .retain_available = true,
        .maximum_packet_size = UINT32_MAX,
        .wildcard_available = true,
        .subscription_identifiers_available = true,
        .shared_available = true,
    };
    if (version == MQTT_VERSION_5)
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
    bool session_present = connack->session_present && version != MQTT_VERSION_3_1;

    mqtt_write_u8(w, session_present ? 1 : 0);
    mqtt_write_u8(w, connack->reason);
    if (version == MQTT_VERSION_5)
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
