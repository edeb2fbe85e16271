/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a snapshot file; docs/store-format.md has them as a table. Integers are
 * little-endian. Pure functions. */
#pragma once

#include <stdint.h>

#define SNAPSHOT_FORMAT_MAGIC         "TACITSNP"
#define SNAPSHOT_FORMAT_HEADER_BYTES  28
#define SNAPSHOT_FORMAT_FRAME_BYTES   8           /* length and check sum before each record */
#define SNAPSHOT_FORMAT_TRAILER_BYTES 20          /* begins where a frame would */
#define SNAPSHOT_FORMAT_TRAILER_MARK  0xffffffffu /* where a frame has its length */

struct snapshot_header {
    uint32_t version;
    int64_t created_ms;
};

struct snapshot_frame {
    uint32_t record_bytes;
    uint32_t check; /* CRC-32C of the length as stored and the record */
};

struct snapshot_trailer {
    uint64_t record_count;
    uint32_t frames_check; /* CRC-32C of all frames in their order */
};

void snapshot_format_write_header(const struct snapshot_header *header,
                                  uint8_t out[SNAPSHOT_FORMAT_HEADER_BYTES]);
void snapshot_format_write_frame(const struct snapshot_frame *frame,
                                 uint8_t out[SNAPSHOT_FORMAT_FRAME_BYTES]);
void snapshot_format_write_trailer(const struct snapshot_trailer *trailer,
                                   uint8_t out[SNAPSHOT_FORMAT_TRAILER_BYTES]);

/* What is wrong, as a static text, or NULL with *out filled. */
const char *snapshot_format_read_header(const uint8_t in[SNAPSHOT_FORMAT_HEADER_BYTES],
                                        struct snapshot_header *out);
const char *snapshot_format_read_trailer(const uint8_t in[SNAPSHOT_FORMAT_TRAILER_BYTES],
                                         struct snapshot_trailer *out);

/* Cannot fail: the frame is checked with its record. */
struct snapshot_frame snapshot_format_read_frame(const uint8_t in[SNAPSHOT_FORMAT_FRAME_BYTES]);

/* The check sum that belongs into the frame of these bytes. */
uint32_t snapshot_format_record_check(const uint8_t *record, uint32_t record_bytes);
