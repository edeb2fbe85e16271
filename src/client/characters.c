/* SPDX-License-Identifier: Apache-2.0 */
#include "client/characters.h"

/* Four bytes at a time. */
#define ONES     UINT32_C(0x01010101)
#define HIGHS    UINT32_C(0x80808080)
#define PLUSES   (ONES * '+')
#define PLUS_BIT (ONES * ('+' ^ '#'))

_Static_assert(('+' ^ '#') == 0x08, "the wildcards differ in one bit");

/* Are all of them 0x01..0x7F and no wildcards? A zero byte borrows into its high bit; a byte that
 * is not zero and below 0x80 carries into it. */
static bool is_plain(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    uint32_t mark = ((word | PLUS_BIT) ^ PLUSES) + (HIGHS - ONES);
    return (((word - ONES) | word | ~mark) & HIGHS) == 0;
}

/* Bytes that follow the first one of a character beyond ASCII; 0 if there is no such one here.
 * RFC 3629, section 4: the code must not fit a shorter form, be a surrogate or exceed U+10FFFF. */
static size_t tail_len(const uint8_t *at, size_t left)
{
    unsigned first = at[0];
    size_t more = 1u + (first >= 0xe0) + (first >= 0xf0);
    uint32_t code = first & (0x3fu >> more);
    if (first < 0xc2 || first > 0xf4 || more > left)
        return 0;
    for (size_t i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    /* 2, 3 and 4 bytes say at least 0x80 (ensured above), 0x800 and 0x10000. */
    bool is_short = more > 1 && code < UINT32_C(1) << (5 * more + 1);
    return is_short || code >> 11 == 0xd800 >> 11 || code > 0x10ffff ? 0 : more;
}

static bool is_well_formed(const uint8_t *at, size_t len, bool has_wildcards)
{
    const uint8_t *end = len > 0 ? at + len : at; /* arithmetic on NULL is undefined */
    for (;; at++) {
        while (end - at >= 4 && is_plain(at))
            at += 4;
        if (at == end)
            return true;
        if (*at == 0 || (!has_wildcards && (*at == '+' || *at == '#')))
            return false;
        if (*at < 0x80)
            continue;
        size_t more = tail_len(at, (size_t)(end - at) - 1);
        if (more == 0)
            return false;
        at += more;
    }
}

bool tacit_is_text(const uint8_t *text, size_t len)
{
    return is_well_formed(text, len, true);
}

bool tacit_is_topic(const uint8_t *text, size_t len)
{
    return len > 0 && is_well_formed(text, len, false);
}
