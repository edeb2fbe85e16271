/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ack.h"

#include "codec/properties.h"
#include "codec/variant.h"

static const struct mqtt_field fields[] = {
    MQTT_FIELD(MQTT_PROP_REASON_STRING, struct mqtt_ack, reason_string),
};

enum mqtt_status mqtt_ack_decode(enum mqtt_version version, enum mqtt_packet_type type,
                                 struct mqtt_span body, struct mqtt_ack *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    uint16_t packet_id = mqtt_read_packet_id(&r);
    uint8_t reason = 0;
    struct mqtt_span properties = { NULL, 0 };

    /* Reason 0 may be left out, and the properties after it. */
    if (mqtt_is_5(version) && mqtt_reader_left(&r) > 0) {
        reason = mqtt_read_u8(&r);
        if (!mqtt_reason_is_allowed(reason, type))
            mqtt_reader_fail(&r, MQTT_ERR_REASON);
        if (mqtt_reader_left(&r) > 0)
            properties = mqtt_properties_read(&r, type);
    }

    enum mqtt_status status = mqtt_reader_finish(&r);
    if (status != MQTT_OK)
        return status;
    /* Not copied from a struct: the load of one whose two bytes were just written waits for them. */
    *out = (struct mqtt_ack){ .packet_id = packet_id, .reason = reason, .properties = properties };
    if (MQTT_SPEAKS_5 && properties.len > 0)
        mqtt_properties_take(properties, fields, MQTT_ARRAY_LEN(fields), out);
    return MQTT_OK;
}

void mqtt_ack_encode(struct mqtt_writer *w, enum mqtt_version version, enum mqtt_packet_type type,
                     const struct mqtt_ack *ack)
{
    unsigned flags = type == MQTT_PUBREL ? 0x2 : 0x0; /* [MQTT-3.6.1-1] */
    uint8_t *packet = mqtt_packet_begin(w, (uint8_t)((unsigned)type << 4 | flags));

    if (ack->packet_id == 0)
        mqtt_writer_fail(w, MQTT_ERR_PACKET_ID_ZERO);
    mqtt_write_u16(w, ack->packet_id);
    if (mqtt_is_5(version) && (ack->reason != 0 || ack->properties.len > 0)) {
        mqtt_write_u8(w, ack->reason);
        if (ack->properties.len > 0)
            mqtt_write_block(w, ack->properties);
    }
    mqtt_packet_end(w, packet);
}
