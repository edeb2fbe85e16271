/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes on their way to one connection: filled by the core, drained by net/ once
 * a loop turn.
 *
 * Owner: the shard. A chain of chunks from the shard's pools; an empty outbox owns
 * none. A packet lies in one chunk. The first is small, the second of middle size, as a turn that
 * sends to many has a little for each; a large one holds as much as one TLS record, so that a record
 * costs no copying. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_SMALL_BYTES  2016u
#define OUTBOX_MIDDLE_BYTES 8160u
#define OUTBOX_LARGE_BYTES  16384u

struct pool;

struct outbox_chunk {
    struct outbox_chunk *next;
    uint32_t capacity; /* one of the three, or one longer packet */
    uint32_t begin;    /* first byte not yet taken */
    uint32_t end;      /* one past the last byte written */
    uint32_t reserved;
    uint8_t bytes[];
};

/* The chunks' pools, one for each shard. */
struct outbox_pools {
    struct pool *small;
    struct pool *middle;
    struct pool *large;
    uint64_t bytes; /* of all chunks that are in use */
};

MQTT_NODISCARD int outbox_pools_init(struct outbox_pools *pools);
void outbox_pools_fini(struct outbox_pools *pools);

/* Gives back memory that was not in use since the last call. For a timer. */
void outbox_pools_trim(struct outbox_pools *pools);

/* From so many bytes on it takes nothing more: far above what any limit lets wait. */
#define OUTBOX_MOST_BYTES (UINT32_C(1) << 31)

/* Zero is empty. */
struct outbox {
    struct outbox_chunk *first;
    struct outbox_chunk *last;
    uint32_t bytes;      /* waiting */
    uint32_t held_bytes; /* of them, the last ones, which are not to be taken yet */
    bool is_held;        /* what is appended is not to be taken yet */
};

/* How many bytes may be taken. */
static inline size_t outbox_ready(const struct outbox *outbox)
{
    return outbox->bytes - outbox->held_bytes;
}

/* Room for `len` contiguous bytes (of one packet) at the end, or NULL: out of memory, or full. What was
 * written there is appended by outbox_commit. */
MQTT_HOT uint8_t *outbox_reserve(struct outbox *outbox, struct outbox_pools *pools, size_t len);
MQTT_HOT void outbox_commit(struct outbox *outbox, size_t len);

/* The bytes at the front that may be taken, for the edge to send; at most `max` spans are filled.
 * Returns how many were. */
size_t outbox_peek(const struct outbox *outbox, struct mqtt_span *spans, size_t max);

/* Drops `len` bytes from the front, giving chunks back. */
void outbox_consume(struct outbox *outbox, struct outbox_pools *pools, size_t len);

/* Everything may be taken, and what is appended. */
void outbox_let_go(struct outbox *outbox);

/* Drops what may not be taken. */
void outbox_drop_held(struct outbox *outbox, struct outbox_pools *pools);

void outbox_clear(struct outbox *outbox, struct outbox_pools *pools);
