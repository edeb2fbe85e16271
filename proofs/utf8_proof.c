/* SPDX-License-Identifier: Apache-2.0 */
/* Claim: a text is accepted if and only if it is a sequence of the encodings of
 * code points other than 0 and the surrogates. [MQTT-1.5.4-1] [MQTT-1.5.4-2]
 * Bound: every code point; every sequence of one to three bytes; every four bytes
 * that start like a character of four; all other four bytes by classes of bytes
 * that the rules treat alike; every two bytes anywhere in up to 16 plain ones, for
 * the path that reads eight bytes at a time. */
#include "codec/utf8.h"
#include "proof.h"

/* Writes a code point as the standard's bit pattern has it; returns its length. */
static size_t encode(uint32_t point, uint8_t *out)
{
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };

    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (uint8_t)(marks[len] | point);
    return len;
}

static bool is_text_point(uint32_t point)
{
    return point != 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

/* The oracle: takes the pattern apart and asks whether the number it stands for
 * would be encoded in the same bytes. */
static bool is_valid(const uint8_t *bytes, size_t len)
{
    size_t at = 0;

    while (at < len) {
        uint8_t again[4];
        uint8_t lead = bytes[at];
        size_t want = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        uint32_t point = want == 1 ? lead : lead & (0x7fu >> want);

        if (want > len - at)
            return false;
        for (size_t i = 1; i < want; i++)
            point = point << 6 | (bytes[at + i] & 0x3f);
        if (!is_text_point(point) || encode(point, again) != want
            || memcmp(again, bytes + at, want) != 0)
            return false;
        at += want;
    }
    return true;
}

static void check(const uint8_t *bytes, size_t len)
{
    proof_check(mqtt_utf8_is_valid((struct mqtt_span){ bytes, len }) == is_valid(bytes, len));
}

static void every_code_point(void)
{
    uint8_t bytes[4];
    uint32_t point = proof_choose(0x110000);
    size_t len = encode(point, bytes);

    proof_check(mqtt_utf8_is_valid((struct mqtt_span){ bytes, len }) == is_text_point(point));
}

static void every_short_sequence(void)
{
    uint8_t bytes[3];
    size_t len = 1 + proof_choose(3);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)proof_choose(256);
    check(bytes, len);
}

static void every_long_character(void)
{
    uint8_t bytes[4] = { (uint8_t)(0xf0 + proof_choose(16)) };

    bytes[1] = (uint8_t)proof_choose(256);
    /* Leads beyond F4 are wrong whatever follows; the last bytes only matter as
     * continuations, whose edges are in the classes. */
    unsigned fully = bytes[0] <= 0xf4 ? 256 : 1;
    bytes[2] = (uint8_t)proof_choose(fully);
    bytes[3] = (uint8_t)proof_choose(fully);
    check(bytes, 4);
}

static void four_bytes_by_classes(void)
{
    static const uint8_t edges[] = { 0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                     0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                     0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff };
    uint8_t bytes[4];

    for (size_t i = 0; i < 4; i++)
        bytes[i] = edges[proof_choose(sizeof(edges))];
    check(bytes, 4);
}

static void two_bytes_anywhere(void)
{
    uint8_t bytes[18];
    size_t before = proof_choose(17);
    size_t after = proof_choose(17 - (unsigned)before);

    memset(bytes, 'x', sizeof(bytes));
    bytes[before] = (uint8_t)proof_choose(256);
    bytes[before + 1] = (uint8_t)proof_choose(256);
    check(bytes, before + 2 + after);
}

static void text_is_what_can_be_encoded(void)
{
    switch (proof_choose(5)) {
    case 0:
        every_code_point();
        break;
    case 1:
        every_short_sequence();
        break;
    case 2:
        every_long_character();
        break;
    case 3:
        four_bytes_by_classes();
        break;
    default:
        two_bytes_anywhere();
        break;
    }
}

PROOF(text_is_what_can_be_encoded)
