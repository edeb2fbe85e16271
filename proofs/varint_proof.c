/* SPDX-License-Identifier: Apache-2.0 */
/* Claim: of all sequences of bytes, exactly the shortest forms of 0..MQTT_VARINT_MAX
 * are read as a variable byte integer, as their value, and written back in the
 * same bytes; what is unfinished is told from what is wrong. [MQTT-1.5.5-1]
 * Bound: none: what follows the last byte of an integer is not looked at, and no
 * integer goes beyond four. */
#include "codec/reader.h"
#include "codec/writer.h"
#include "proof.h"

struct drawn {
    uint8_t wire[5];
    size_t len;
    uint32_t value;
    bool ends; /* its last byte says so */
};

/* Bytes until one ends the integer, until four continue, or until they run out. */
static struct drawn draw(void)
{
    struct drawn d = { .len = 0 };

    while (d.len < 4 && !d.ends) {
        /* The last choice is that no byte follows. */
        unsigned byte = proof_choose(257);
        if (byte == 256)
            return d;
        d.wire[d.len] = (uint8_t)byte;
        d.value |= (byte & 0x7f) << (7 * d.len);
        d.len++;
        d.ends = byte < 0x80;
    }
    return d;
}

static void check_accepted(const struct drawn *d, const struct mqtt_reader *r, uint32_t value)
{
    uint8_t again[4];
    struct mqtt_writer w = mqtt_writer_over(again, sizeof(again));

    proof_check(value == d->value && r->at == d->wire + d->len);
    mqtt_write_varint(&w, value);
    proof_check(w.status == MQTT_OK);
    proof_check(span_equal(mqtt_writer_written(&w), (struct mqtt_span){ d->wire, d->len }));
    proof_check(mqtt_varint_size(value) == d->len);
}

static void varint_is_canonical(void)
{
    struct drawn d = draw();
    struct mqtt_reader r = mqtt_reader_over((struct mqtt_span){ d.wire, d.len });
    uint32_t value = mqtt_read_varint(&r);
    bool overlong = d.ends && d.len > 1 && d.wire[d.len - 1] == 0;

    if (d.ends && !overlong) {
        proof_check(r.status == MQTT_OK);
        check_accepted(&d, &r, value);
        return;
    }
    proof_check(value == 0);
    proof_check(r.status == (overlong || d.len == 4 ? MQTT_ERR_VARINT : MQTT_ERR_TRUNCATED));
}

PROOF(varint_is_canonical)
