/* SPDX-License-Identifier: Apache-2.0 */
#include "store/snapshot_format.h"

#include "store/checksum.h"

#include <stddef.h>
#include <string.h>

static uint8_t *put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
    return at + bytes;
}

static uint64_t get(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static uint32_t check_of(const uint8_t *bytes, size_t len)
{
    return checksum_crc32c(0, (struct mqtt_span){ bytes, len });
}

void snapshot_format_write_header(const struct snapshot_header *header,
                                  uint8_t out[SNAPSHOT_FORMAT_HEADER_BYTES])
{
    memcpy(out, SNAPSHOT_FORMAT_MAGIC, 8);
    uint8_t *at = put(out + 8, header->version, 4);
    at = put(at, 0, 4);
    at = put(at, (uint64_t)header->created_ms, 8);
    (void)put(at, check_of(out, 24), 4);
}

const char *snapshot_format_read_header(const uint8_t in[SNAPSHOT_FORMAT_HEADER_BYTES],
                                        struct snapshot_header *out)
{
    if (memcmp(in, SNAPSHOT_FORMAT_MAGIC, 8) != 0)
        return "this is not a snapshot of tacit";
    if (get(in + 24, 4) != check_of(in, 24))
        return "the header's check sum is wrong";
    out->version = (uint32_t)get(in + 8, 4);
    out->created_ms = (int64_t)get(in + 16, 8);
    return NULL;
}

void snapshot_format_write_frame(const struct snapshot_frame *frame,
                                 uint8_t out[SNAPSHOT_FORMAT_FRAME_BYTES])
{
    (void)put(put(out, frame->record_bytes, 4), frame->check, 4);
}

struct snapshot_frame snapshot_format_read_frame(const uint8_t in[SNAPSHOT_FORMAT_FRAME_BYTES])
{
    return (struct snapshot_frame){ .record_bytes = (uint32_t)get(in, 4),
                                    .check = (uint32_t)get(in + 4, 4) };
}

uint32_t snapshot_format_record_check(const uint8_t *record, uint32_t record_bytes)
{
    uint8_t length[4];
    (void)put(length, record_bytes, 4);
    return checksum_crc32c(check_of(length, sizeof(length)),
                           (struct mqtt_span){ record, record_bytes });
}

void snapshot_format_write_trailer(const struct snapshot_trailer *trailer,
                                   uint8_t out[SNAPSHOT_FORMAT_TRAILER_BYTES])
{
    uint8_t *at = put(out, SNAPSHOT_FORMAT_TRAILER_MARK, 4);
    at = put(at, trailer->record_count, 8);
    at = put(at, trailer->frames_check, 4);
    (void)put(at, check_of(out, 16), 4);
}

const char *snapshot_format_read_trailer(const uint8_t in[SNAPSHOT_FORMAT_TRAILER_BYTES],
                                         struct snapshot_trailer *out)
{
    if (get(in, 4) != SNAPSHOT_FORMAT_TRAILER_MARK || get(in + 16, 4) != check_of(in, 16))
        return "the trailer's check sum is wrong";
    out->record_count = get(in + 4, 8);
    out->frames_check = (uint32_t)get(in + 12, 4);
    return NULL;
}
