/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded reader over the body of one received packet.
 *
 * The only code in the tree that moves a pointer through bytes a peer sent.
 * The first failure sticks: later reads change nothing and return zero values,
 * so that a decoder reads its fields top to bottom and asks once, at the end,
 * whether they were all there. A reader borrows its bytes, every span it returns
 * points into them. Readers do not allocate. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "codec/status.h"

#define MQTT_VARINT_MAX 268435455u /* 2^28 - 1, four bytes on the wire */

struct mqtt_reader {
    const uint8_t *at;
    const uint8_t *end;
    enum mqtt_status status; /* first failure, MQTT_OK until then */
};

struct mqtt_reader mqtt_reader_over(struct mqtt_span body);
size_t mqtt_reader_left(const struct mqtt_reader *r); /* bytes not yet read */

uint8_t mqtt_read_u8(struct mqtt_reader *r);
uint16_t mqtt_read_u16(struct mqtt_reader *r);
uint32_t mqtt_read_u32(struct mqtt_reader *r);
uint32_t mqtt_read_varint(struct mqtt_reader *r); /* 0..MQTT_VARINT_MAX [MQTT-1.5.5-1] */
struct mqtt_span mqtt_read_bytes(struct mqtt_reader *r, size_t len);
struct mqtt_span mqtt_read_binary(struct mqtt_reader *r); /* two-byte length, then data */
struct mqtt_span mqtt_read_utf8(struct mqtt_reader *r);   /* [MQTT-1.5.4-1] [MQTT-1.5.4-2] */
struct mqtt_span mqtt_read_rest(struct mqtt_reader *r);   /* never fails */

/* Records a failure the reader cannot see for itself. The first one wins. */
void mqtt_reader_fail(struct mqtt_reader *r, enum mqtt_status why);

/* The verdict: the first failure, MQTT_ERR_TRAILING if bytes remain, or MQTT_OK. */
MQTT_NODISCARD enum mqtt_status mqtt_reader_finish(const struct mqtt_reader *r);
