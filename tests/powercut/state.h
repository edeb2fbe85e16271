/* SPDX-License-Identifier: Apache-2.0 */
/* What a store has to hold after some number of frames: every thing with a hash of its bytes and
 * of its body's. Aborts when out of memory. */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thing {
    uint64_t key;
    uint64_t body;  /* key; 0: none */
    uint64_t bytes; /* hash of them */
    uint64_t hash;  /* of key, bytes and body; of a body: 0 */
    uint32_t len;
    uint32_t users; /* of a body */
};

/* In the order of the keys. Zeroed is empty. */
struct state {
    struct thing *things;
    size_t count;
    size_t capacity;
    uint64_t sum;   /* of the hashes */
    uint64_t bytes; /* of all things */
    size_t bodies;  /* of `count` */
};

uint64_t state_hash_bytes(struct mqtt_span bytes);
uint64_t state_hash_thing(uint64_t key, uint64_t bytes_hash, uint64_t body_key, uint64_t body_hash);

const struct thing *state_find(const struct state *state, uint64_t key); /* NULL: none */

/* Behind all others, as it is: for a state that is read from a store. */
void state_add(struct state *state, const struct thing *thing);

/* The operations of one frame. Aborts on bytes that are none. */
void state_apply(struct state *state, struct mqtt_span ops);

void state_copy(const struct state *from, struct state *to); /* `to` is any state */
void state_fini(struct state *state);
