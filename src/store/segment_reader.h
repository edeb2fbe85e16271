/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over the frames of one segment that lies in memory, and judges what is not whole: damage of
 * what had been confirmed, or the torn tail of what never was. Owner: one thread. */
#pragma once

#include "base/span.h"
#include "store/files.h"
#include "store/log_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_READER_NO_LIMIT UINT64_MAX

/* A file's content. */
struct segment_bytes {
    uint8_t *data; /* owned */
    size_t len;
    size_t room;
    bool is_blank;  /* nothing was read into it yet, and it is zero */
    bool has_holes; /* the disk refused parts of it, which are zero here */
    size_t hole;    /* offset of the first */
};

/* Reads `name`, at most its first `most` bytes, into `bytes`, which may hold another one's. -ENOMEM, or
 * what open() says. */
MQTT_NODISCARD int segment_bytes_load(const struct files *files, const char *name, uint64_t most,
                                      struct segment_bytes *bytes);
/* The mark of its frames, as its header says, or else its first frame; 0: neither is whole. */
uint64_t segment_bytes_mark(const struct segment_bytes *bytes);
void segment_bytes_fini(struct segment_bytes *bytes); /* zeroed is fine */

/* Begun by the caller: `bytes`, `mark`, `expected` and `limit` set, `at` the first frame. */
struct segment_reader {
    struct mqtt_span bytes; /* borrowed: the whole file */
    uint64_t mark;
    uint64_t expected; /* the next sequence */
    uint64_t limit;    /* first that does not count; all before it had been confirmed.
                          SEGMENT_READER_NO_LIMIT: the log ends in this segment */
    bool has_holes;    /* a tail that is not whole may be one that could not be read */
    size_t at;         /* behind the last frame */
    size_t frame_at;   /* of the frame that was found */
    /* The highest that a frame says was confirmed; looked up at the first gap. */
    bool is_witnessed;
    uint64_t witnessed;
};

enum segment_verdict {
    SEGMENT_END = 0, /* no more frames */
    SEGMENT_FRAME,
    SEGMENT_DAMAGE, /* go on: what is behind it follows */
    SEGMENT_TORN,   /* never confirmed; the end */
};

struct segment_step {
    struct log_head head; /* of SEGMENT_FRAME */
    struct mqtt_span ops;
    size_t offset;    /* of the frame, the damage, the torn tail */
    size_t bytes;     /* of the damage (0: unknown) or the tail */
    const char *what; /* the damage; static */
    bool is_at_end;   /* the damage: frames are missing behind all that could be found */
};

enum segment_verdict segment_reader_next(struct segment_reader *reader, struct segment_step *out);

/* The first frame of the segment if it is whole, with whatever mark. */
bool segment_reader_first_head(struct mqtt_span bytes, struct log_head *out);
