/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/reader.h"

#include "codec/utf8.h"

struct mqtt_reader mqtt_reader_over(struct mqtt_span body)
{
    /* NULL stands for no bytes; arithmetic on it is undefined. */
    static const uint8_t nothing[1];
    const uint8_t *at = body.len > 0 ? body.data : nothing;

    return (struct mqtt_reader){ .at = at, .end = at + body.len, .status = MQTT_OK };
}

size_t mqtt_reader_left(const struct mqtt_reader *r)
{
    return (size_t)(r->end - r->at);
}

void mqtt_reader_fail(struct mqtt_reader *r, enum mqtt_status why)
{
    if (r->status == MQTT_OK)
        r->status = why;
}

/* The next `len` bytes, or NULL after a failure. */
static inline const uint8_t *take(struct mqtt_reader *r, size_t len)
{
    if (MQTT_UNLIKELY(r->status != MQTT_OK))
        return NULL;
    if (MQTT_UNLIKELY(len > mqtt_reader_left(r))) {
        r->status = MQTT_ERR_TRUNCATED;
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += len;
    return bytes;
}

uint8_t mqtt_read_u8(struct mqtt_reader *r)
{
    const uint8_t *b = take(r, 1);
    return b != NULL ? b[0] : 0;
}

uint16_t mqtt_read_u16(struct mqtt_reader *r)
{
    const uint8_t *b = take(r, 2);
    return b != NULL ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

uint32_t mqtt_read_u32(struct mqtt_reader *r)
{
    const uint8_t *b = take(r, 4);
    if (b == NULL)
        return 0;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint32_t mqtt_read_varint(struct mqtt_reader *r)
{
    struct mqtt_reader ahead = *r;
    uint32_t value = 0;

    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = mqtt_read_u8(&ahead);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte >= 0x80)
            continue;
        /* [MQTT-1.5.5-1] a last byte of zero adds nothing: not the shortest form. */
        if (byte == 0 && shift > 0)
            mqtt_reader_fail(&ahead, MQTT_ERR_VARINT);
        if (ahead.status != MQTT_OK) {
            r->status = ahead.status;
            return 0;
        }
        *r = ahead;
        return value;
    }
    mqtt_reader_fail(r, MQTT_ERR_VARINT);
    return 0;
}

struct mqtt_span mqtt_read_bytes(struct mqtt_reader *r, size_t len)
{
    const uint8_t *bytes = take(r, len);
    return (struct mqtt_span){ bytes, bytes != NULL ? len : 0 };
}

struct mqtt_span mqtt_read_binary(struct mqtt_reader *r)
{
    struct mqtt_reader ahead = *r;
    const uint8_t *prefix = take(&ahead, 2);
    size_t len = prefix != NULL ? (size_t)(prefix[0] << 8 | prefix[1]) : 0;
    const uint8_t *bytes = take(&ahead, len);

    if (MQTT_UNLIKELY(bytes == NULL)) {
        r->status = ahead.status;
        return (struct mqtt_span){ NULL, 0 };
    }
    r->at = ahead.at;
    return (struct mqtt_span){ bytes, len };
}

struct mqtt_span mqtt_read_utf8(struct mqtt_reader *r)
{
    const uint8_t *start = r->at;
    struct mqtt_span text = mqtt_read_binary(r);

    if (MQTT_UNLIKELY(!mqtt_utf8_is_valid(text))) {
        r->at = start;
        mqtt_reader_fail(r, MQTT_ERR_UTF8);
        return (struct mqtt_span){ NULL, 0 };
    }
    return text;
}

struct mqtt_span mqtt_read_rest(struct mqtt_reader *r)
{
    if (r->status != MQTT_OK)
        return (struct mqtt_span){ NULL, 0 };
    return mqtt_read_bytes(r, mqtt_reader_left(r));
}

enum mqtt_status mqtt_reader_finish(const struct mqtt_reader *r)
{
    if (r->status == MQTT_OK && r->at != r->end)
        return MQTT_ERR_TRAILING;
    return r->status;
}
