/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/utf8.h"

#include "base/attrs.h"

/* A word of the machine at a time: a small one has small ones. */
#define WORD  sizeof(size_t)
#define ONES  (SIZE_MAX / 0xff)
#define HIGHS (ONES << 7)

static inline size_t load(const uint8_t *at)
{
    size_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* Half a big word, in its low half. */
#define HALF sizeof(uint32_t)

static inline size_t load_half(const uint8_t *at)
{
    uint32_t half;
    memcpy(&half, at, sizeof(half));
    return half;
}

/* Are all bytes of it 0x01..0x7F? A zero byte borrows into its high bit. */
static inline bool is_plain(size_t word)
{
    return (((word - ONES) | word) & HIGHS) == 0;
}

/* Is all of it 0x01..0x7F? The end is read twice instead of byte by byte. */
static inline bool is_plain_text(const uint8_t *at, size_t len)
{
    if (len >= WORD) {
        const uint8_t *last = at + len - WORD;
        for (; at < last; at += WORD) {
            if (!is_plain(load(at)))
                return false;
        }
        return is_plain(load(last));
    }
    if (WORD > HALF && len >= HALF)
        return is_plain(load_half(at) | load_half(at + len - HALF) << (4 * WORD));
    for (size_t i = 0; i < len; i++) {
        if (at[i] == 0 || at[i] >= 0x80)
            return false;
    }
    return true;
}

/* What may follow a lead byte, RFC 3629 section 4: the range of the second byte
 * shuts out overlong forms, surrogates and values above U+10FFFF. */
struct lead {
    uint8_t len; /* 0: not a lead byte */
    uint8_t second_min;
    uint8_t second_max;
};

static struct lead lead_of(uint8_t byte)
{
    if (byte < 0x80)
        return (struct lead){ byte != 0, 0, 0 }; /* [MQTT-1.5.4-2] */
    if (byte < 0xc2)
        return (struct lead){ 0, 0, 0 };
    if (byte < 0xe0)
        return (struct lead){ 2, 0x80, 0xbf };
    if (byte < 0xf0)
        return (struct lead){ 3, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf };
    if (byte < 0xf5)
        return (struct lead){ 4, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf };
    return (struct lead){ 0, 0, 0 };
}

/* Bytes of the character at `at`, or 0 if none is well-formed there. */
static size_t character_len(const uint8_t *at, size_t left)
{
    struct lead lead = lead_of(at[0]);

    if (lead.len == 0 || lead.len > left)
        return 0;
    if (lead.len == 1)
        return 1;
    if (at[1] < lead.second_min || at[1] > lead.second_max)
        return 0;
    for (size_t i = 2; i < lead.len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return lead.len;
}

bool mqtt_utf8_is_valid(struct mqtt_span text)
{
    if (MQTT_LIKELY(is_plain_text(text.data, text.len)))
        return true;

    const uint8_t *at = text.data;
    const uint8_t *end = at + text.len;
    while (at < end) {
        size_t len = character_len(at, (size_t)(end - at));
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}
