/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/reader.h"

uint32_t mqtt_read_u32(struct mqtt_reader *r)
{
    uint32_t high = mqtt_read_u16(r);
    uint32_t low = mqtt_read_u16(r);

    return r->status == MQTT_OK ? high << 16 | low : 0;
}

uint32_t mqtt_read_varint(struct mqtt_reader *r)
{
    uint32_t value = 0;

    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = mqtt_read_u8(r);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte >= 0x80)
            continue;
        /* [MQTT-1.5.5-1] a last byte of zero adds nothing: not the shortest form. */
        if (byte == 0 && shift > 0)
            mqtt_reader_fail(r, MQTT_ERR_VARINT);
        return r->status == MQTT_OK ? value : 0;
    }
    mqtt_reader_fail(r, MQTT_ERR_VARINT);
    return 0;
}
