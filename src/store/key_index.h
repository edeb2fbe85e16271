/* SPDX-License-Identifier: Apache-2.0 */
/* Where each thing of the store lies, by its key: a hash table without chains that grows by
 * doubling. Owner: one thread. Pointers to entries are good until the next
 * key_index_reserve() or key_index_remove(). */
#pragma once

#include "base/attrs.h"

#include <stddef.h>
#include <stdint.h>

struct key_index_entry {
    uint64_t key; /* 0: free */
    /* Of a body: how many things need it. Else the key of the body it needs, 0: none. */
    uint64_t need;
    uint32_t slot;   /* of the segment it lies in */
    uint32_t offset; /* of its operation in the file */
    uint32_t bytes;  /* of its operation; 0: it is needed, but was not seen (yet) */
    uint32_t unused;
};

struct key_index {
    struct key_index_entry *table; /* NULL: nothing allocated */
    size_t mask;                   /* how many entries it has, less one */
    size_t count;
};

void key_index_fini(struct key_index *index); /* zeroed is fine */

/* So many keys more have room. -ENOMEM: as it was. */
MQTT_NODISCARD int key_index_reserve(struct key_index *index, size_t more);

/* NULL: not there. */
struct key_index_entry *key_index_find(const struct key_index *index, uint64_t key);

/* It will be looked for soon: memory is asked for its place in the meantime. */
void key_index_prefetch(const struct key_index *index, uint64_t key);

/* The entry of that key, all zero but for the key if it is new. There is room (reserve). */
struct key_index_entry *key_index_place(struct key_index *index, uint64_t key);

/* Others move: who walks over table[0..mask] looks at the same place again. */
void key_index_remove(struct key_index *index, struct key_index_entry *entry);
