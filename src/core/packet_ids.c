/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet_ids.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define FIRST_SLOTS 8u

static bool is_at_home(const struct packet_ids *ids, uint32_t at)
{
    return (ids->slots[at] & ids->mask) == at;
}

/* The place of `id`, or the free place where it would stand. */
static uint32_t place_of(const struct packet_ids *ids, uint16_t id)
{
    uint32_t at = id & ids->mask;

    while (ids->slots[at] != 0 && ids->slots[at] != id)
        at = (at + 1) & ids->mask;
    return at;
}

bool packet_ids_has(const struct packet_ids *ids, uint16_t id)
{
    return ids->slots != NULL && ids->slots[place_of(ids, id)] == id;
}

static void put(struct packet_ids *ids, uint16_t id)
{
    uint32_t at = place_of(ids, id);

    ids->slots[at] = id;
    ids->count++;
    if (!is_at_home(ids, at))
        ids->displaced++;
}

static int grow(struct packet_ids *ids)
{
    uint32_t slots = ids->slots != NULL ? 2 * (ids->mask + 1) : FIRST_SLOTS;
    struct packet_ids bigger = {
        .slots = calloc(slots, sizeof(*bigger.slots)),
        .mask = slots - 1,
    };

    if (bigger.slots == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; ids->slots != NULL && i <= ids->mask; i++)
        if (ids->slots[i] != 0)
            put(&bigger, ids->slots[i]);
    free(ids->slots);
    *ids = bigger;
    return 0;
}

int packet_ids_add(struct packet_ids *ids, uint16_t id)
{
    /* At most three quarters full, so that probing stays short and ends. */
    if (ids->slots == NULL || ids->count >= (ids->mask + 1) / 4 * 3) {
        int error = grow(ids);
        if (error < 0)
            return error;
    }
    put(ids, id);
    return 0;
}

/* Closes the gap at `hole` by moving back what probing had pushed past it; where nothing was, there is
 * nothing to look for. */
static void close_gap(struct packet_ids *ids, uint32_t hole)
{
    for (uint32_t at = (hole + 1) & ids->mask; ids->displaced > 0 && ids->slots[at] != 0;
         at = (at + 1) & ids->mask) {
        uint32_t home = ids->slots[at] & ids->mask;
        if (((at - home) & ids->mask) < ((at - hole) & ids->mask))
            continue;
        /* What stands at home is not farther from it than the hole is: it was displaced. */
        ids->slots[hole] = ids->slots[at];
        ids->slots[at] = 0;
        if (is_at_home(ids, hole))
            ids->displaced--;
        hole = at;
    }
}

bool packet_ids_remove(struct packet_ids *ids, uint16_t id)
{
    if (!packet_ids_has(ids, id))
        return false;
    uint32_t at = place_of(ids, id);
    if (!is_at_home(ids, at))
        ids->displaced--;
    ids->slots[at] = 0;
    ids->count--;
    close_gap(ids, at);
    return true;
}

void packet_ids_clear(struct packet_ids *ids)
{
    free(ids->slots);
    *ids = (struct packet_ids){ 0 };
}

void packet_ids_each(const struct packet_ids *ids, void (*visit)(void *context, uint16_t id),
                     void *context)
{
    for (uint32_t i = 0; ids->slots != NULL && i <= ids->mask; i++)
        if (ids->slots[i] != 0)
            visit(context, ids->slots[i]);
}
