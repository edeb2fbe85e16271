/* SPDX-License-Identifier: Apache-2.0 */
/* Where bytes are written to. What does not fit is counted only, so that a sink without memory
 * measures, and the length says at the end whether all of it fitted. */
#pragma once

#include <tacit/transport.h>

struct tacit_sink {
    uint8_t *memory;
    size_t len;  /* written, or what would have been */
    size_t size; /* of the memory */
};

void tacit_put(struct tacit_sink *sink, const void *data, size_t len);

/* Most significant byte first; `bytes` 0..4. */
void tacit_put_number(struct tacit_sink *sink, uint32_t number, unsigned bytes);

/* 1 to 4 bytes, MQTT 5.0 section 1.5.5. */
void tacit_put_varint(struct tacit_sink *sink, uint32_t number);

/* Two bytes of length, then the bytes, at most 65,535. */
void tacit_put_string(struct tacit_sink *sink, const struct tacit_bytes *string);

/* Around bytes whose length is to stand before them as a varint: begin returns what end wants. */
size_t tacit_put_begin(struct tacit_sink *sink);
void tacit_put_end(struct tacit_sink *sink, size_t begin);
