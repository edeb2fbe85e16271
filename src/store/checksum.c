/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checksum.h"

static const uint32_t table[256] = {
#include "store/crc32c.def"
};

uint32_t checksum_crc32c(uint32_t before, struct mqtt_span bytes)
{
    uint32_t crc = ~before;
    for (size_t i = 0; i < bytes.len; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes.data[i]) & 0xff];
    return ~crc;
}
