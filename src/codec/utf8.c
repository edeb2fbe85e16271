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
        while (is_plain(load(at))) {
            if (at == last)
                return true;
            at = (size_t)(last - at) > WORD ? at + WORD : last;
        }
        return false;
    }
    if (WORD > HALF && len >= HALF)
        return is_plain(load_half(at) | load_half(at + len - HALF) << (4 * WORD));
    for (size_t i = 0; i < len; i++) {
        if (at[i] == 0 || at[i] >= 0x80)
            return false;
    }
    return true;
}

/* Bytes of a character by its first byte, RFC 3629 section 4; 0: none begins so. */
static size_t announced_len(uint8_t byte)
{
    if (byte < 0x80)
        return byte != 0; /* [MQTT-1.5.4-2] */
    if (byte < 0xc2 || byte > 0xf4)
        return 0;
    return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/* Bytes of the character at `at`, or 0 if none is well-formed there: the code must not
 * fit a shorter form, be a surrogate or exceed U+10FFFF. */
static size_t character_len(const uint8_t *at, size_t left)
{
    size_t len = announced_len(at[0]);
    uint32_t code = at[0] & (0xffu >> (len + 1));

    if (len > left)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    bool is_overlong = (len == 3 && code < 0x800) || (len == 4 && code < 0x10000);
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    return is_overlong || is_surrogate || code > 0x10ffff ? 0 : len;
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
