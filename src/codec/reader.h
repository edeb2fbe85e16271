/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded reader over the body of one received packet.
 *
 * The only code in the tree that moves a pointer through bytes a peer sent.
 * The first failure sticks: later reads change nothing and return zero values,
 * so that a decoder reads its fields top to bottom and asks once, at the end,
 * whether they were all there. A reader borrows its bytes, every span it returns
 * points into them. Readers do not allocate.
 *
 * Inline for a broker; where the compiler prefers small code, reader.c has the one
 * copy that is called. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "codec/status.h"
#include "codec/utf8.h"

#define MQTT_VARINT_MAX 268435455u /* 2^28 - 1, four bytes on the wire */

struct mqtt_reader {
    const uint8_t *at;
    const uint8_t *end;
    enum mqtt_status status; /* first failure, MQTT_OK until then */
};

MQTT_INLINED struct mqtt_reader mqtt_reader_over(struct mqtt_span body)
{
    /* NULL stands for no bytes; arithmetic on it is undefined. */
    const uint8_t *end = body.len > 0 ? body.data + body.len : body.data;
    return (struct mqtt_reader){ .at = body.data, .end = end, .status = MQTT_OK };
}

/* Bytes not yet read. */
MQTT_INLINED size_t mqtt_reader_left(const struct mqtt_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* Records a failure the reader cannot see for itself. The first one wins. */
MQTT_INLINED void mqtt_reader_fail(struct mqtt_reader *r, enum mqtt_status why)
{
    if (r->status == MQTT_OK)
        r->status = why;
}

/* May the next `len` bytes be read? If they are not there, the reader fails. The
 * one bounds check of the codec. */
MQTT_INLINED bool mqtt_reader_has(struct mqtt_reader *r, size_t len)
{
    if (MQTT_LIKELY(r->status == MQTT_OK && len <= mqtt_reader_left(r)))
        return true;
    mqtt_reader_fail(r, MQTT_ERR_TRUNCATED);
    return false;
}

inline uint8_t mqtt_read_u8(struct mqtt_reader *r)
{
    return mqtt_reader_has(r, 1) ? *r->at++ : 0;
}

inline uint16_t mqtt_read_u16(struct mqtt_reader *r)
{
    if (!mqtt_reader_has(r, 2))
        return 0;
    const uint8_t *b = r->at;
    r->at += 2;
    return (uint16_t)(b[0] << 8 | b[1]);
}

/* Never 0: that fails. [MQTT-2.2.1-3] [MQTT-2.2.1-4] */
inline uint16_t mqtt_read_packet_id(struct mqtt_reader *r)
{
    uint16_t packet_id = mqtt_read_u16(r);

    if (packet_id == 0)
        mqtt_reader_fail(r, MQTT_ERR_PACKET_ID_ZERO);
    return packet_id;
}

uint32_t mqtt_read_u32(struct mqtt_reader *r);
uint32_t mqtt_read_varint(struct mqtt_reader *r); /* 0..MQTT_VARINT_MAX [MQTT-1.5.5-1] */

inline struct mqtt_span mqtt_read_bytes(struct mqtt_reader *r, size_t len)
{
    if (!mqtt_reader_has(r, len))
        return (struct mqtt_span){ NULL, 0 };
    const uint8_t *b = r->at;
    r->at += len;
    return (struct mqtt_span){ b, len };
}

/* Two-byte length, then data. */
inline struct mqtt_span mqtt_read_binary(struct mqtt_reader *r)
{
    size_t left = mqtt_reader_left(r);
    size_t len = r->status == MQTT_OK && left >= 2 ? (size_t)(r->at[0] << 8 | r->at[1]) : left;
    if (!mqtt_reader_has(r, len + 2))
        return (struct mqtt_span){ NULL, 0 };
    struct mqtt_span data = { r->at + 2, len };
    r->at += 2 + len;
    return data;
}

/* Two-byte length, then text. [MQTT-1.5.4-1] [MQTT-1.5.4-2] */
inline struct mqtt_span mqtt_read_utf8(struct mqtt_reader *r)
{
    struct mqtt_span text = mqtt_read_binary(r);

    if (MQTT_LIKELY(mqtt_utf8_is_valid(text)))
        return text;
    mqtt_reader_fail(r, MQTT_ERR_UTF8);
    return (struct mqtt_span){ NULL, 0 };
}

/* All that is left; never fails. */
inline struct mqtt_span mqtt_read_rest(struct mqtt_reader *r)
{
    struct mqtt_span rest = { r->at, r->status == MQTT_OK ? mqtt_reader_left(r) : 0 };
    r->at = r->status == MQTT_OK ? r->end : r->at;
    return rest;
}

/* The verdict: the first failure, MQTT_ERR_TRAILING if bytes remain, or MQTT_OK. */
MQTT_NODISCARD inline enum mqtt_status mqtt_reader_finish(const struct mqtt_reader *r)
{
    if (r->status == MQTT_OK && r->at != r->end)
        return MQTT_ERR_TRAILING;
    return r->status;
}
