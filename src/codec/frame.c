/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/frame.h"

#include "codec/reader.h"

#define ANY_FLAGS 0xff

/* The flags each packet type must carry, MQTT 5.0 table 2-2. */
static const uint8_t flags_of[MQTT_PACKET_TYPE_COUNT] = {
    [MQTT_PUBLISH] = ANY_FLAGS,
    [MQTT_PUBREL] = 0x2,
    [MQTT_SUBSCRIBE] = 0x2,
    [MQTT_UNSUBSCRIBE] = 0x2,
};

static enum mqtt_status check_first_byte(uint8_t first)
{
    uint8_t flags = flags_of[first >> 4];

    if (first >> 4 == MQTT_RESERVED)
        return MQTT_ERR_PACKET_TYPE;
    /* [MQTT-2.1.3-1] */
    return flags == ANY_FLAGS || flags == (first & 0x0f) ? MQTT_OK : MQTT_ERR_FLAGS;
}

enum mqtt_status mqtt_frame_decode(struct mqtt_span bytes, size_t max_packet_bytes,
                                   struct mqtt_frame *out)
{
    struct mqtt_reader r = mqtt_reader_over(bytes);

    out->len = 0;
    if (bytes.len == 0)
        return MQTT_PENDING;

    uint8_t first = mqtt_read_u8(&r);
    enum mqtt_status status = check_first_byte(first);
    if (status != MQTT_OK)
        return status;

    uint32_t body_len = mqtt_read_varint(&r);
    if (r.status == MQTT_ERR_TRUNCATED)
        return MQTT_PENDING;
    if (r.status != MQTT_OK)
        return r.status;

    size_t header_len = bytes.len - mqtt_reader_left(&r);
    if (header_len + body_len > max_packet_bytes)
        return MQTT_ERR_TOO_LARGE;
    out->len = header_len + body_len;
    if (body_len > mqtt_reader_left(&r))
        return MQTT_PENDING;

    out->type = (enum mqtt_packet_type)(first >> 4);
    out->flags = first & 0x0f;
    out->body = mqtt_read_bytes(&r, body_len);
    return MQTT_OK;
}
