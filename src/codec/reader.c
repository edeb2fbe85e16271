/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/reader.h"

extern inline struct mqtt_reader mqtt_reader_over(struct mqtt_span body);
extern inline size_t mqtt_reader_left(const struct mqtt_reader *r);
extern inline void mqtt_reader_fail(struct mqtt_reader *r, enum mqtt_status why);
extern inline bool mqtt_reader_has(struct mqtt_reader *r, size_t len);
extern inline uint8_t mqtt_read_u8(struct mqtt_reader *r);
extern inline uint16_t mqtt_read_u16(struct mqtt_reader *r);
extern inline struct mqtt_span mqtt_read_bytes(struct mqtt_reader *r, size_t len);
extern inline struct mqtt_span mqtt_read_binary(struct mqtt_reader *r);
extern inline struct mqtt_span mqtt_read_utf8(struct mqtt_reader *r);
extern inline struct mqtt_span mqtt_read_rest(struct mqtt_reader *r);
extern inline enum mqtt_status mqtt_reader_finish(const struct mqtt_reader *r);
extern inline uint16_t mqtt_read_packet_id(struct mqtt_reader *r);

uint32_t mqtt_read_u32(struct mqtt_reader *r)
{
    uint32_t high = mqtt_read_u16(r);
    uint32_t low = mqtt_read_u16(r);

    return r->status == MQTT_OK ? high << 16 | low : 0;
}

uint32_t mqtt_read_varint(struct mqtt_reader *r)
{
    uint32_t value = 0;

    if (mqtt_reader_has(r, 1) && *r->at < 0x80)
        return *r->at++;
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
