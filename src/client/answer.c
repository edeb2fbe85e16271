/* SPDX-License-Identifier: Apache-2.0 */
#include "client/answer.h"

#include "codec/properties.h"

static const struct mqtt_field texts[] = {
    MQTT_FIELD(MQTT_PROP_REASON_STRING, struct tacit_event, reason_string),
    MQTT_FIELD(MQTT_PROP_SERVER_REFERENCE, struct tacit_event, server_reference),
    MQTT_FIELD(MQTT_PROP_RESPONSE_INFORMATION, struct tacit_event, response_information),
    MQTT_FIELD(MQTT_PROP_ASSIGNED_CLIENT_ID, struct tacit_event, assigned_client_id),
};

/* Of what follows the packet identifier or the flags. */
static bool has_reason(bool is_5, enum mqtt_packet_type type, size_t left)
{
    if (type == MQTT_CONNACK || type == MQTT_SUBACK)
        return true;
    /* Reason 0 may be left out, and the properties after it. */
    return is_5 && (left > 0 || type == MQTT_UNSUBACK);
}

/* Return codes of 3.1.1 are 0..5 and, of a subscription, 0..2 and 0x80. */
static bool is_known(bool is_5, enum mqtt_packet_type type, uint8_t reason)
{
    if (is_5)
        return mqtt_reason_is_allowed(reason, type)
               && !(type == MQTT_DISCONNECT && reason == MQTT_DISCONNECT_WITH_WILL);
    return reason <= (type == MQTT_CONNACK ? 5 : MQTT_GRANTED_QOS_2)
           || (type == MQTT_SUBACK && reason == MQTT_UNSPECIFIED_ERROR);
}

static void read_properties(struct mqtt_reader *r, enum mqtt_packet_type type,
                            struct tacit_answer *answer)
{
    struct mqtt_property p;
    answer->properties = mqtt_properties_read(r, type);
    if (type == MQTT_DISCONNECT
        && mqtt_properties_find(answer->properties, MQTT_PROP_SESSION_EXPIRY, &p))
        mqtt_reader_fail(r, MQTT_ERR_SERVER_SESSION_EXPIRY); /* [MQTT-3.14.2-2] */
}

enum mqtt_status tacit_answer_decode(const struct tacit_client *client,
                                     const struct mqtt_frame *frame, struct tacit_answer *out,
                                     struct tacit_event *out_event)
{
    struct mqtt_reader r = mqtt_reader_over(frame->body);
    enum mqtt_packet_type type = frame->type;
    bool is_5 = tacit_is_5(client);
    bool reason_is_last = type == MQTT_SUBACK || type == MQTT_UNSUBACK;
    *out = (struct tacit_answer){ 0 };

    if (type == MQTT_CONNACK)
        out->flags = mqtt_read_u8(&r);
    else if (type != MQTT_DISCONNECT)
        out->packet_id = mqtt_read_packet_id(&r);
    if (is_5 && reason_is_last)
        read_properties(&r, type, out);
    if (has_reason(is_5, type, mqtt_reader_left(&r))) {
        out->reason = mqtt_read_u8(&r);
        if (!is_known(is_5, type, out->reason))
            mqtt_reader_fail(&r, MQTT_ERR_REASON);
    }
    if (is_5 && !reason_is_last && (type == MQTT_CONNACK || mqtt_reader_left(&r) > 0))
        read_properties(&r, type, out);
    if (is_5)
        mqtt_properties_take(out->properties, texts, MQTT_ARRAY_LEN(texts), out_event);
    return mqtt_reader_finish(&r);
}
