/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on a text is that of a decoder which computes the code points and
 * judges them as numbers. */
#include "codec/utf8.h"
#include "codec_promise.h"

/* Bytes that the shortest form of a code point takes. */
static size_t shortest(uint32_t point)
{
    if (point < 0x80)
        return 1;
    if (point < 0x800)
        return 2;
    return point < 0x10000 ? 3 : 4;
}

static size_t announced(uint8_t lead)
{
    if (lead >> 7 == 0)
        return 1;
    if (lead >> 5 == 0x6)
        return 2;
    if (lead >> 4 == 0xe)
        return 3;
    return lead >> 3 == 0x1e ? 4 : 0;
}

static bool is_valid(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t len = announced(data[at]);
        if (len == 0 || len > size - at)
            return false;
        uint32_t point = len == 1 ? data[at] : data[at] & (0x7fu >> len);
        for (size_t i = 1; i < len; i++) {
            if (data[at + i] >> 6 != 2)
                return false;
            point = point << 6 | (data[at + i] & 0x3f);
        }
        if (shortest(point) != len || point == 0 || point > 0x10ffff)
            return false;
        if (point >= 0xd800 && point <= 0xdfff)
            return false;
        at += len;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    promise(mqtt_utf8_is_valid((struct mqtt_span){ data, size }) == is_valid(data, size));
    return 0;
}
