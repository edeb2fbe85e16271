/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sink.h"

#include <stdbool.h>
#include <string.h>

void tacit_put(struct tacit_sink *sink, const void *data, size_t len)
{
    size_t from = sink->len;
    sink->len += len;
    if (sink->len <= sink->size && len > 0)
        memmove(sink->memory + from, data, len); /* which is linked anyway */
}

void tacit_put_number(struct tacit_sink *sink, uint32_t number, unsigned bytes)
{
    for (unsigned shift = 8 * bytes; shift > 0;) {
        shift -= 8;
        if (sink->len < sink->size)
            sink->memory[sink->len] = (uint8_t)(number >> shift);
        sink->len++;
    }
}

void tacit_put_varint(struct tacit_sink *sink, uint32_t number)
{
    for (; number >= 0x80; number >>= 7)
        tacit_put_number(sink, number | 0x80, 1);
    tacit_put_number(sink, number, 1);
}

void tacit_put_string(struct tacit_sink *sink, const struct tacit_bytes *string)
{
    tacit_put_number(sink, (uint32_t)string->len, 2);
    tacit_put(sink, string->data, string->len);
}

/* Room for the shortest length is left; for a longer one what follows makes way. */
size_t tacit_put_begin(struct tacit_sink *sink)
{
    return ++sink->len;
}

void tacit_put_end(struct tacit_sink *sink, size_t begin)
{
    size_t len = sink->len - begin;
    size_t to = begin;
    for (size_t rest = len >> 7; rest > 0; rest >>= 7)
        to++;
    if (to + len <= sink->size)
        memmove(sink->memory + to, sink->memory + begin, len);
    sink->len = begin - 1;
    tacit_put_varint(sink, (uint32_t)len);
    sink->len += len;
}
