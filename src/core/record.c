/* SPDX-License-Identifier: Apache-2.0 */
#include "core/record.h"

#include <stdlib.h>

uint8_t *record_reserve(struct record *record, size_t len)
{
    if (record->failed)
        return NULL;
    if (record->len + len > record->capacity) {
        size_t capacity = record->capacity > 0 ? record->capacity : 1024;
        while (capacity < record->len + len)
            capacity *= 2;
        uint8_t *bigger = realloc(record->bytes, capacity);
        if (bigger == NULL) {
            record->failed = true;
            return NULL;
        }
        record->bytes = bigger;
        record->capacity = capacity;
    }
    uint8_t *at = record->bytes + record->len;
    record->len += len;
    return at;
}

static void put_number(struct record *record, uint64_t value, unsigned bytes)
{
    uint8_t *at = record_reserve(record, bytes);

    for (unsigned i = 0; at != NULL && i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

void record_put_u8(struct record *record, uint8_t value)
{
    put_number(record, value, 1);
}

void record_put_u16(struct record *record, uint16_t value)
{
    put_number(record, value, 2);
}

void record_put_u32(struct record *record, uint32_t value)
{
    put_number(record, value, 4);
}

void record_put_u64(struct record *record, uint64_t value)
{
    put_number(record, value, 8);
}

void record_put_span(struct record *record, struct mqtt_span span)
{
    record_put_u32(record, (uint32_t)span.len);
    uint8_t *at = record_reserve(record, span.len);
    if (at != NULL && span.len > 0)
        memcpy(at, span.data, span.len);
}

void record_patch_u32(struct record *record, size_t at, uint32_t value)
{
    for (unsigned i = 0; !record->failed && i < 4; i++)
        record->bytes[at + i] = (uint8_t)(value >> (24 - 8 * i));
}

void record_reset(struct record *record)
{
    record->len = 0;
    record->failed = false;
}

void record_fini(struct record *record)
{
    free(record->bytes);
    *record = (struct record){ 0 };
}

uint64_t record_take_u64(struct mqtt_reader *r)
{
    uint64_t high = mqtt_read_u32(r);

    return high << 32 | mqtt_read_u32(r);
}

struct mqtt_span record_take_span(struct mqtt_reader *r)
{
    return mqtt_read_bytes(r, mqtt_read_u32(r));
}
