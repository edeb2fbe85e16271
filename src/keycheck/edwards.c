/* SPDX-License-Identifier: Apache-2.0 */
#include "keycheck/edwards.h"

#include "base/attrs.h"
#include "keycheck/bits.h"

#include <string.h>

#define BYTES_25519 32
#define BYTES_448   57
#define SIGN        0x80

/* 2^255 - 19 and 2^448 - 2^224 - 1, less one each: the y of the point of order 2. */
static const uint8_t minus_one_25519[BYTES_25519] = {
    0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
};
static const uint8_t minus_one_448[BYTES_448] = {
    0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00,
};

/* The two y of the four points of order 8: 2 y^2 = 1 - d y^4. */
static const uint8_t order_8[2][BYTES_25519] = {
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
      0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
      0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
      0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
      0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
};

static int compare(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = len; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* 0 and 1: the points of order 4, and the neutral one. */
static bool is_0_or_1(const uint8_t *y, size_t len)
{
    uint8_t rest = y[0] & 0xfe;

    for (size_t i = 1; i < len; i++)
        rest |= y[i];
    return rest == 0;
}

static enum keycheck_fault check_randomness(const uint8_t *y, size_t len, size_t bits)
{
    struct mqtt_span number = { y, len };

    if (bits_are_lopsided(number, bits, 0))
        return KEYCHECK_LOPSIDED;
    return bits_repeat(number) ? KEYCHECK_PATTERN : KEYCHECK_FINE;
}

enum keycheck_fault edwards_check_25519(struct mqtt_span key)
{
    uint8_t y[BYTES_25519];

    if (key.len != sizeof(y))
        return KEYCHECK_ENCODING;
    memcpy(y, key.data, sizeof(y));
    y[sizeof(y) - 1] &= (uint8_t)~SIGN;
    int above = compare(y, minus_one_25519, sizeof(y));
    if (above > 0)
        return KEYCHECK_ENCODING;
    if (above == 0 || is_0_or_1(y, sizeof(y)) || memcmp(y, order_8[0], sizeof(y)) == 0
        || memcmp(y, order_8[1], sizeof(y)) == 0)
        return KEYCHECK_SMALL_ORDER;
    return check_randomness(y, sizeof(y), 255);
}

enum keycheck_fault edwards_check_448(struct mqtt_span key)
{
    uint8_t y[BYTES_448];

    if (key.len != sizeof(y))
        return KEYCHECK_ENCODING;
    memcpy(y, key.data, sizeof(y));
    y[sizeof(y) - 1] &= (uint8_t)~SIGN;
    int above = compare(y, minus_one_448, sizeof(y));
    if (above > 0)
        return KEYCHECK_ENCODING;
    if (above == 0 || is_0_or_1(y, sizeof(y)))
        return KEYCHECK_SMALL_ORDER;
    return check_randomness(y, sizeof(y), 448);
}
