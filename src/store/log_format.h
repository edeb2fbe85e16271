/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a log's files, as docs/store-format.md describes them. Any thread. */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_FORMAT_BLOCK_BYTES  4096u
#define LOG_FORMAT_HEADER_BYTES 60u
#define LOG_FORMAT_HEAD_BYTES   52u /* of a frame */
#define LOG_FORMAT_NAME_BYTES   24u /* of a file, with its NUL */

/* No sequence and no number of a segment is higher: at a million a second it takes 146,000 years. */
#define LOG_FORMAT_MOST (UINT64_C(1) << 62)

#define LOG_FORMAT_COPY 1u /* flag of a frame: written by housekeeping */

/* Where the first frame of a segment begins. */
#define LOG_FORMAT_FIRST_FRAME LOG_FORMAT_BLOCK_BYTES

struct log_header {
    uint32_t version;
    uint32_t blocks_before;  /* that the segment before this one has frames in; 0: unknown */
    uint64_t number;         /* of the segment, from 1 */
    uint64_t first_sequence; /* all before it had been confirmed when this was written */
    uint64_t oldest;         /* number of the oldest segment that is still needed */
    uint64_t mark;           /* random: begins every frame of this segment and of no other */
    int64_t created_ms;      /* wall-clock milliseconds since 1970 */
};

struct log_head {
    uint32_t length; /* of the operations */
    uint64_t mark;
    uint64_t sequence;
    uint64_t confirmed; /* highest sequence that was, when this frame was written */
    uint64_t oldest;    /* number of the oldest segment that was still needed then */
    uint32_t flags;
    uint32_t ops_check;
};

enum log_header_verdict {
    LOG_HEADER_BAD = 0, /* check sum or magic are wrong */
    LOG_HEADER_NEWER,   /* only `version` is set */
    LOG_HEADER_GOOD,
};

void log_format_write_header(const struct log_header *header, uint8_t out[LOG_FORMAT_HEADER_BYTES]);
enum log_header_verdict log_format_read_header(const uint8_t in[LOG_FORMAT_HEADER_BYTES],
                                               struct log_header *out);

void log_format_write_head(const struct log_head *head, uint8_t out[LOG_FORMAT_HEAD_BYTES]);
/* False: that is no head of a frame, or not a whole one. */
bool log_format_read_head(const uint8_t in[LOG_FORMAT_HEAD_BYTES], struct log_head *out);

void log_format_segment_name(uint64_t number, char out[LOG_FORMAT_NAME_BYTES]);
void log_format_spare_name(uint64_t number, char out[LOG_FORMAT_NAME_BYTES]);
/* The number that the name says; 0: it is no such name. */
uint64_t log_format_segment_number(const char *name);
uint64_t log_format_spare_number(const char *name);

static inline uint64_t log_format_round_up(uint64_t bytes)
{
    return (bytes + LOG_FORMAT_BLOCK_BYTES - 1) / LOG_FORMAT_BLOCK_BYTES * LOG_FORMAT_BLOCK_BYTES;
}
