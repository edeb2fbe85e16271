/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of what is kept on disk, as bytes: what the core hands to a store, what a store keeps
 * and gives back.
 *
 * What is kept is a set of things, each with a key and bytes. PUT sets a thing, whether it was
 * there or not; DROP takes it away. A thing may need a body: one that is there once for all who
 * need it, and that goes without being dropped when the last one that needs it has gone. Operations
 * stand one behind the other in a frame, which is kept whole or not at all.
 *
 * PUT:  u8 1, key u64, key of the body u64 (0: needs none), length u32, bytes
 * DROP: u8 2, key u64
 * All integers are little-endian. docs/store-format.md has the same for people. Any thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum journal_verb {
    JOURNAL_NONE = 0,
    JOURNAL_PUT = 1,
    JOURNAL_DROP = 2,
};

/* The upper four bits of a key. Things are given back in the order of their keys, so these are in
 * the order in which they are to be restored. */
enum journal_kind {
    JOURNAL_META = 0, /* of the store as a whole; number 1: journal_record.h */
    JOURNAL_SESSION = 1,
    JOURNAL_SUBSCRIPTION = 2,
    JOURNAL_WILL = 3,
    JOURNAL_RECEIVED = 4, /* packet identifier of a QoS 2 message that was taken over */
    JOURNAL_BODY = 5,     /* of messages: only ever needed by others */
    JOURNAL_DELIVERY = 6,
    JOURNAL_RETAINED = 7,
    JOURNAL_PARCEL = 8, /* from one shard to another */
    /* 9 to 15 are free: a version that does not know a kind keeps its things as they are. */
    JOURNAL_KINDS = 16,
};

#define JOURNAL_KIND_SHIFT  60u
#define JOURNAL_NUMBER_MASK ((UINT64_C(1) << JOURNAL_KIND_SHIFT) - 1)
#define JOURNAL_PUT_BYTES   21u /* and the bytes of the thing */
#define JOURNAL_DROP_BYTES  9u

static inline uint64_t journal_key(enum journal_kind kind, uint64_t number)
{
    return (uint64_t)kind << JOURNAL_KIND_SHIFT | (number & JOURNAL_NUMBER_MASK);
}

static inline enum journal_kind journal_kind_of(uint64_t key)
{
    return (enum journal_kind)(key >> JOURNAL_KIND_SHIFT);
}

static inline uint64_t journal_number_of(uint64_t key)
{
    return key & JOURNAL_NUMBER_MASK;
}

struct journal_op {
    enum journal_verb verb;
    uint64_t key;           /* not 0 */
    uint64_t body;          /* of PUT: key of the body it needs, of kind JOURNAL_BODY; 0: none */
    struct mqtt_span bytes; /* of PUT; borrowed from the frame */
};

/* Writes the head of a PUT, JOURNAL_PUT_BYTES; `len` bytes of the thing follow. Returns where. */
uint8_t *journal_put_head(uint8_t *at, uint64_t key, uint64_t body, uint32_t len);

/* Writes a DROP, JOURNAL_DROP_BYTES; returns where the next operation goes. */
uint8_t *journal_drop(uint8_t *at, uint64_t key);

/* Takes the next operation off the front of `frame`. 1: there it is; 0: `frame` is empty; -EBADMSG:
 * its bytes are no operation, and nothing behind them can be read. */
MQTT_NODISCARD int journal_op_next(struct mqtt_span *frame, struct journal_op *out);
