/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this directory share: bytes in heap blocks of exactly their
 * size, so that AddressSanitizer traps the first byte read or written past them,
 * and rows of refusals. */
#pragma once

#include "base/attrs.h"
#include "codec/frame.h"
#include "codec/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A string literal as bytes and length, two initialisers. */
#define WIRE(literal) (literal), sizeof(literal) - 1

static inline struct mqtt_span wire_copy(const void *bytes, size_t len)
{
    if (len == 0)
        return (struct mqtt_span){ NULL, 0 };
    uint8_t *block = malloc(len);
    if (block == NULL)
        abort();
    memcpy(block, bytes, len);
    return (struct mqtt_span){ block, len };
}

static inline void wire_free(struct mqtt_span block)
{
    free((void *)(uintptr_t)block.data);
}

static inline void expect_status(const char *name, enum mqtt_status got, enum mqtt_status want)
{
    if (got != want)
        fail_msg("%s: \"%s\" instead of \"%s\"", name, mqtt_status_text(got),
                 mqtt_status_text(want));
}

static inline void expect_text(struct mqtt_span got, const char *want)
{
    if (!span_equal(got, span_of(want)))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)got.len, (const char *)got.data, want);
}

/* Decodes a body into something of the decoder's own. `variant` is the version, or
 * whatever the decoder under test wants to know. */
typedef enum mqtt_status (*wire_decoder)(unsigned variant, struct mqtt_span body);

struct wire_case {
    const char *name; /* starts with the statement's id where it has one */
    unsigned variant;
    const char *bytes;
    size_t len;
    enum mqtt_status want;
};

static inline void expect_cases(wire_decoder decode, const struct wire_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mqtt_span body = wire_copy(cases[i].bytes, cases[i].len);
        expect_status(cases[i].name, decode(cases[i].variant, body), cases[i].want);
        wire_free(body);
    }
}

/* Each proper prefix of `body` is refused as truncated, except those whose length
 * is in `valid`, a bit mask, which are whole packets themselves. */
static inline void expect_truncations(wire_decoder decode, unsigned variant, struct mqtt_span body,
                                      uint64_t valid)
{
    for (size_t len = 0; len < body.len; len++) {
        struct mqtt_span prefix = wire_copy(body.data, len);
        bool is_whole = len < 64 && (valid >> len & 1) != 0;
        enum mqtt_status status = decode(variant, prefix);
        if (is_whole != (status == MQTT_OK))
            fail_msg("first %zu of %zu bytes: \"%s\"", len, body.len, mqtt_status_text(status));
        wire_free(prefix);
    }
    expect_status("whole", decode(variant, body), MQTT_OK);
}

typedef void (*wire_encoder)(struct mqtt_writer *w, const void *what);

/* The packet that `encode` writes, in a block of its size (wire_free). In any
 * smaller block the encoder fails and leaves the writer where it stood. */
static inline struct mqtt_span wire_encode(wire_encoder encode, const void *what)
{
    size_t room = 0;

    for (;;) {
        uint8_t *block = room > 0 ? malloc(room) : NULL;
        struct mqtt_writer w = mqtt_writer_over(block, room);
        encode(&w, what);
        if (w.status == MQTT_OK) {
            assert_int_equal(mqtt_writer_written(&w).len, room);
            return (struct mqtt_span){ block, room };
        }
        expect_status("encode", w.status, MQTT_ERR_NO_SPACE);
        assert_true(w.at == w.start);
        free(block);
        room++;
        if (room > 100000)
            fail_msg("packet never fits");
    }
}

/* The frame of a whole packet. */
static inline struct mqtt_frame wire_frame(struct mqtt_span packet, enum mqtt_packet_type type)
{
    struct mqtt_frame frame = { 0 };

    expect_status("frame", mqtt_frame_decode(packet, packet.len, &frame), MQTT_OK);
    assert_int_equal(frame.type, type);
    assert_int_equal(frame.len, packet.len);
    return frame;
}
