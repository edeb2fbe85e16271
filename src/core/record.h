/* SPDX-License-Identifier: Apache-2.0 */
/* Growing byte buffer with a sticky failure, and its fields' mirror over a bounded
 * reader: how persist*.c spells its records. Big-endian. Private to the core. */
#pragma once

#include "base/span.h"
#include "codec/reader.h"

#include <stdbool.h>
#include <stdint.h>

/* Zero is empty. */
struct record {
    uint8_t *bytes;
    size_t len;
    size_t capacity;
    bool failed; /* out of memory */
};

/* Room for `len` more bytes, to be filled; NULL out of memory, which sticks. */
uint8_t *record_reserve(struct record *record, size_t len);

void record_put_u8(struct record *record, uint8_t value);
void record_put_u16(struct record *record, uint16_t value);
void record_put_u32(struct record *record, uint32_t value);
void record_put_u64(struct record *record, uint64_t value);
void record_put_span(struct record *record, struct mqtt_span span); /* u32 length first */
void record_patch_u32(struct record *record, size_t at, uint32_t value);
void record_reset(struct record *record); /* empty, memory kept */
void record_fini(struct record *record);

uint64_t record_take_u64(struct mqtt_reader *r);
struct mqtt_span record_take_span(struct mqtt_reader *r);
