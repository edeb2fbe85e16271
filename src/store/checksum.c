/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checksum.h"

#include <string.h>

#define SLICES 8

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "eight bytes are taken as one little-endian number");

static const uint32_t table[SLICES][256] = {
#include "store/crc32c.def"
};

/* Eight bytes at once: each by the table that knows how many bytes still follow it. */
static uint32_t eight_bytes(uint32_t crc, const uint8_t *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof(eight));
    eight ^= crc;
    uint32_t result = 0;
    for (size_t i = 0; i < SLICES; i++)
        result ^= table[SLICES - 1 - i][eight >> (8 * i) & 0xff];
    return result;
}

uint32_t checksum_crc32c_portable(uint32_t before, struct mqtt_span bytes)
{
    uint32_t crc = ~before;
    size_t i = 0;
    for (; bytes.len - i >= SLICES; i += SLICES)
        crc = eight_bytes(crc, bytes.data + i);
    for (; i < bytes.len; i++)
        crc = crc >> 8 ^ table[0][(crc ^ bytes.data[i]) & 0xff];
    return ~crc;
}

uint32_t checksum_crc32c(uint32_t before, struct mqtt_span bytes)
{
    checksum_function fast = checksum_of_processor();
    return fast != NULL ? fast(before, bytes) : checksum_crc32c_portable(before, bytes);
}
