/* SPDX-License-Identifier: Apache-2.0 */
/* What lives in the store: where each thing lies, which bodies are needed, and how much of each
 * segment that is. Follows the operations of one frame after the other. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "core/journal_op.h"
#include "store/key_index.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one segment. */
struct living_slot {
    uint64_t bytes;      /* of the operations that live in it */
    uint64_t emptied_at; /* sequence of the frame with which `bytes` became 0 last; 0: never */
};

struct living {
    struct key_index index;
    struct living_slot *slots;
    size_t slot_count;
    /* Bodies whose count of those who need them came to 0 in this frame. */
    uint64_t *idle;
    size_t idle_count;
    size_t idle_room;
    uint64_t bytes;  /* of all that lives */
    uint64_t things; /* bodies included */
    uint64_t died;   /* bytes that have ceased to live, but those that housekeeping copied */
    /* The log is read again. Then a body may be seen long before those who need it, as
     * housekeeping had put it before them: none is let go before living_settle(). */
    bool replays;
    /* The highest sequence ever applied. Frames up to it that are applied once more must not let go
     * of a body in the middle, which those behind still need. */
    uint64_t applied;
    uint64_t highest[JOURNAL_KINDS]; /* while it replays: highest number of a key */
};

/* The operations of one frame, and where they are. */
struct living_frame {
    struct mqtt_span ops;
    uint32_t slot;
    uint32_t offset; /* of the first operation in the file */
    uint64_t sequence;
    bool is_copy;
};

void living_fini(struct living *living); /* zeroed is fine */

/* There are `count` slots at least. -ENOMEM. */
MQTT_NODISCARD int living_reserve_slots(struct living *living, size_t count);

/* Makes room for what living_apply() of these operations needs. -EBADMSG: they are not a series of
 * whole operations; -ENOMEM. */
MQTT_NODISCARD int living_reserve(struct living *living, struct mqtt_span ops);

/* After living_reserve() of the same operations. Frames that were applied before may be again, from
 * any one of them on to the last. */
void living_apply(struct living *living, const struct living_frame *frame);

/* Ends the replay: lets go of things whose body is not there, and of bodies that nobody needs.
 * Returns the number of the former. */
uint64_t living_settle(struct living *living);

/* Lets go of everything in that segment. Returns how many things that was. */
uint64_t living_forget(struct living *living, uint32_t slot, uint64_t sequence);

/* Whether the operation there is the one that counts for its key. */
bool living_is_here(const struct living *living, uint64_t key, uint32_t slot, uint32_t offset);
