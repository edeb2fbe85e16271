/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/suback.h"

#include "codec/properties.h"
#include "codec/variant.h"

#define FAILURE_BEFORE_5 0x80

static const struct mqtt_field fields[] = {
    MQTT_FIELD(MQTT_PROP_REASON_STRING, struct mqtt_suback, reason_string),
};

static bool is_known(enum mqtt_version version, enum mqtt_packet_type type, uint8_t reason)
{
    if (mqtt_is_5(version))
        return mqtt_reason_is_allowed(reason, type) != 0;
    return reason <= MQTT_GRANTED_QOS_2 || reason == FAILURE_BEFORE_5;
}

static void read_reasons(struct mqtt_reader *r, enum mqtt_version version,
                         enum mqtt_packet_type type, struct mqtt_suback *suback)
{
    suback->reasons = mqtt_read_rest(r);
    if (suback->reasons.len == 0)
        mqtt_reader_fail(r, MQTT_ERR_REASON_MISSING);
    for (size_t i = 0; i < suback->reasons.len; i++) {
        if (!is_known(version, type, suback->reasons.data[i]))
            mqtt_reader_fail(r, MQTT_ERR_REASON);
    }
}

enum mqtt_status mqtt_suback_decode(enum mqtt_version version, enum mqtt_packet_type type,
                                    struct mqtt_span body, struct mqtt_suback *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    struct mqtt_suback suback = { .packet_id = mqtt_read_packet_id(&r) };

    if (mqtt_is_5(version)) {
        suback.properties = mqtt_properties_read(&r, type);
        mqtt_properties_take(suback.properties, fields, MQTT_ARRAY_LEN(fields), &suback);
    }
    if (mqtt_is_5(version) || type == MQTT_SUBACK)
        read_reasons(&r, version, type, &suback);

    enum mqtt_status status = mqtt_reader_finish(&r);
    if (status == MQTT_OK)
        *out = suback;
    return status;
}

void mqtt_suback_encode(struct mqtt_writer *w, enum mqtt_version version,
                        enum mqtt_packet_type type, const struct mqtt_suback *suback)
{
    uint8_t *packet = mqtt_packet_begin(w, (uint8_t)((unsigned)type << 4));

    if (suback->packet_id == 0)
        mqtt_writer_fail(w, MQTT_ERR_PACKET_ID_ZERO);
    mqtt_write_u16(w, suback->packet_id);
    if (mqtt_is_5(version)) {
        mqtt_write_block(w, suback->properties);
        mqtt_write_bytes(w, suback->reasons);
    } else if (type == MQTT_SUBACK) {
        /* [MQTT-3.9.3-2] one failure code only. */
        for (size_t i = 0; i < suback->reasons.len; i++) {
            uint8_t reason = suback->reasons.data[i];
            mqtt_write_u8(w, reason < FAILURE_BEFORE_5 ? reason : FAILURE_BEFORE_5);
        }
    }
    mqtt_packet_end(w, packet);
}
