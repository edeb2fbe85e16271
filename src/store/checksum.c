/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checksum.h"

#include <string.h>

/* Seven kilobytes of tables are not for a processor of the kind that has an instruction for it. */
#ifdef __x86_64__
#define SLICES 1
#else
#define SLICES 8
#endif

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "eight bytes are taken as one little-endian number");

static const uint32_t table[SLICES][256] = {
#include "store/crc32c.def"
#if SLICES > 1
#include "store/crc32c_slices.def"
#endif
};

/* As many bytes at once as there are tables: each by the one that knows how many bytes still follow it. */
static uint32_t some_bytes(uint32_t crc, const uint8_t *at)
{
    uint64_t some = 0;
    memcpy(&some, at, SLICES);
    some ^= crc;
    uint32_t result = SLICES < sizeof(crc) ? crc >> (8 * SLICES % 32) : 0;
    for (size_t i = 0; i < SLICES; i++)
        result ^= table[SLICES - 1 - i][some >> (8 * i) & 0xff];
    return result;
}

uint32_t checksum_crc32c_portable(uint32_t before, struct mqtt_span bytes)
{
    uint32_t crc = ~before;
    size_t i = 0;
    for (; bytes.len - i >= SLICES; i += SLICES)
        crc = some_bytes(crc, bytes.data + i);
    for (; i < bytes.len; i++)
        crc = crc >> 8 ^ table[0][(crc ^ bytes.data[i]) & 0xff];
    return ~crc;
}

uint32_t checksum_crc32c(uint32_t before, struct mqtt_span bytes)
{
    checksum_function fast = checksum_of_processor();
    return fast != NULL ? fast(before, bytes) : checksum_crc32c_portable(before, bytes);
}
