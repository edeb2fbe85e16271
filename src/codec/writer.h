/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded writer into the caller's memory, the mirror of reader.h.
 *
 * The first write that does not fit sticks: later writes change nothing. An
 * encoder writes one whole packet, fixed header included; if it does not fit or
 * its fields cannot be expressed, the writer stands where it stood before. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "codec/status.h"

struct mqtt_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    enum mqtt_status status; /* MQTT_OK, or MQTT_ERR_NO_SPACE and such */
};

struct mqtt_writer mqtt_writer_over(void *memory, size_t len);
struct mqtt_span mqtt_writer_written(const struct mqtt_writer *w);

void mqtt_write_u8(struct mqtt_writer *w, uint8_t value);
void mqtt_write_u16(struct mqtt_writer *w, uint16_t value);
void mqtt_write_u32(struct mqtt_writer *w, uint32_t value);
void mqtt_write_varint(struct mqtt_writer *w, uint32_t value); /* <= MQTT_VARINT_MAX */
void mqtt_write_bytes(struct mqtt_writer *w, struct mqtt_span bytes);
void mqtt_write_binary(struct mqtt_writer *w,
                       struct mqtt_span data); /* <= 65535 bytes; UTF-8 too */

/* Records a failure the writer cannot see for itself. The first one wins. */
void mqtt_writer_fail(struct mqtt_writer *w, enum mqtt_status why);

/* Property length and block, as mqtt_properties_read takes them. */
void mqtt_write_block(struct mqtt_writer *w, struct mqtt_span block);

/* A packet of any length: begin writes the first byte and room for the shortest
 * remaining length, end fills it in and moves the body where a longer one is
 * needed. `packet` is what begin returned. After a failure in between, end takes
 * the writer back to `packet`. */
uint8_t *mqtt_packet_begin(struct mqtt_writer *w, uint8_t first_byte);
void mqtt_packet_end(struct mqtt_writer *w, uint8_t *packet);

/* Bytes that a variable byte integer takes: 1..4. */
size_t mqtt_varint_size(uint32_t value);
