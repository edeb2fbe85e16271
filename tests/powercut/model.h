/* SPDX-License-Identifier: Apache-2.0 */
/* The judge: knows every frame that was given to the store, and which of them were confirmed, and
 * says what is wrong with a store that was opened again. */
#pragma once

#include "powercut/state.h"
#include "store/store.h"

struct model_frame {
    struct store_frame frame;
    uint8_t *ops;
    uint64_t sum; /* of the state after it */
    size_t count;
    size_t bodies;
};

/* Zeroed is an empty store. */
struct model {
    struct state base; /* what the last opening has found */
    struct state now;  /* and all frames since */
    struct model_frame **frames;
    size_t given;
    size_t confirmed; /* of those */
    size_t written;   /* of those: not confirmed perhaps, but handed to the system */
    size_t capacity;
};

/* The operations were applied to `now` already; takes `ops`, of malloc(). Borrowed until
 * model_settle(). */
struct store_frame *model_give(struct model *model, uint8_t *ops, size_t len);

/* The next frame is confirmed. False: it is not the next one. */
bool model_confirm(struct model *model, const struct store_frame *frame);

struct verdict {
    size_t survived; /* frames, if nothing is wrong */
    uint64_t lost;
    uint64_t duplicated; /* came back after they had been dropped, or were never there */
    uint64_t reordered;
};

/* `found` holds all things but bodies, `bodies` is their number. At least `least` frames have to
 * be there. */
struct verdict model_judge(const struct model *model, const struct state *found, size_t bodies,
                           size_t least);

/* The first `survived` frames are all that there ever was. */
void model_settle(struct model *model, size_t survived);

void model_fini(struct model *model);
