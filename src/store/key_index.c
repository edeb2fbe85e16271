/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key_index.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES_LEAST 1024u

_Static_assert(sizeof(struct key_index_entry) == 32, "two to a cache line");

/* Keys count up, and peers do not choose them; this spreads what they have in common. */
static size_t home_of(const struct key_index *index, uint64_t key)
{
    key ^= key >> 32;
    key *= UINT64_C(0x9e3779b97f4a7c15);
    key ^= key >> 29;
    key *= UINT64_C(0xbf58476d1ce4e5b9);
    return (size_t)(key ^ key >> 32) & index->mask;
}

void key_index_fini(struct key_index *index)
{
    free(index->table);
    *index = (struct key_index){ 0 };
}

static void move_all(const struct key_index *from, struct key_index *to)
{
    for (size_t i = 0; from->table != NULL && i <= from->mask; i++) {
        if (from->table[i].key == 0)
            continue;
        size_t at = home_of(to, from->table[i].key);
        while (to->table[at].key != 0)
            at = (at + 1) & to->mask;
        to->table[at] = from->table[i];
    }
}

int key_index_reserve(struct key_index *index, size_t more)
{
    size_t entries = index->table != NULL ? index->mask + 1 : 0;
    if (more > SIZE_MAX / 8 / sizeof(struct key_index_entry) - index->count)
        return -ENOMEM;
    size_t wanted = index->count + more;
    if (wanted <= entries / 4 * 3)
        return 0;
    size_t larger = entries != 0 ? entries : ENTRIES_LEAST;
    while (wanted > larger / 4 * 3)
        larger *= 2;
    struct key_index grown = { .mask = larger - 1, .count = index->count };
    grown.table = calloc(larger, sizeof(*grown.table));
    if (grown.table == NULL)
        return -ENOMEM;
    move_all(index, &grown);
    free(index->table);
    *index = grown;
    return 0;
}

void key_index_prefetch(const struct key_index *index, uint64_t key)
{
    if (index->table != NULL)
        __builtin_prefetch(&index->table[home_of(index, key)]);
}

struct key_index_entry *key_index_find(const struct key_index *index, uint64_t key)
{
    if (index->table == NULL)
        return NULL;
    for (size_t at = home_of(index, key);; at = (at + 1) & index->mask) {
        if (index->table[at].key == key)
            return &index->table[at];
        if (index->table[at].key == 0)
            return NULL;
    }
}

struct key_index_entry *key_index_place(struct key_index *index, uint64_t key)
{
    size_t at = home_of(index, key);
    while (index->table[at].key != 0) {
        if (index->table[at].key == key)
            return &index->table[at];
        at = (at + 1) & index->mask;
    }
    index->table[at] = (struct key_index_entry){ .key = key };
    index->count++;
    return &index->table[at];
}

/* No tombstones: those behind that could stand in the hole move into it. */
void key_index_remove(struct key_index *index, struct key_index_entry *entry)
{
    size_t hole = (size_t)(entry - index->table);
    for (size_t at = (hole + 1) & index->mask; index->table[at].key != 0;
         at = (at + 1) & index->mask) {
        size_t from_home = (at - home_of(index, index->table[at].key)) & index->mask;
        if (from_home < ((at - hole) & index->mask))
            continue;
        index->table[hole] = index->table[at];
        hole = at;
    }
    index->table[hole] = (struct key_index_entry){ 0 };
    index->count--;
}
