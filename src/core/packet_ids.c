/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet_ids.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define FIRST_SLOTS 8u

static bool is_at_home(const struct packet_table *table, uint32_t at)
{
    return (table->slots[at] & table->mask) == at;
}

/* The place of `id`, or the free place where it would stand. */
static uint32_t place_of(const struct packet_table *table, uint16_t id)
{
    uint32_t at = id & table->mask;

    while (table->slots[at] != 0 && table->slots[at] != id)
        at = (at + 1) & table->mask;
    return at;
}

bool packet_ids_has(const struct packet_ids *ids, uint16_t id)
{
    return ids->table != NULL && ids->table->slots[place_of(ids->table, id)] == id;
}

uint16_t packet_ids_count(const struct packet_ids *ids)
{
    return ids->table != NULL ? ids->table->count : 0;
}

static void put(struct packet_table *table, uint16_t id)
{
    uint32_t at = place_of(table, id);

    table->slots[at] = id;
    table->count++;
    if (!is_at_home(table, at))
        table->displaced++;
}

static int grow(struct packet_ids *ids)
{
    const struct packet_table *before = ids->table;
    uint32_t slots = before != NULL ? 2 * (before->mask + 1) : FIRST_SLOTS;
    struct packet_table *bigger = calloc(1, sizeof(*bigger) + slots * sizeof(*bigger->slots));

    if (bigger == NULL)
        return -ENOMEM;
    bigger->mask = slots - 1;
    for (uint32_t i = 0; before != NULL && i <= before->mask; i++)
        if (before->slots[i] != 0)
            put(bigger, before->slots[i]);
    free(ids->table);
    ids->table = bigger;
    return 0;
}

int packet_ids_add(struct packet_ids *ids, uint16_t id)
{
    /* At most three quarters full, so that probing stays short and ends. */
    if (ids->table == NULL || ids->table->count >= (ids->table->mask + 1) / 4 * 3) {
        int error = grow(ids);
        if (error < 0)
            return error;
    }
    put(ids->table, id);
    return 0;
}

/* Closes the gap at `hole` by moving back what probing had pushed past it; where nothing was, there is
 * nothing to look for. */
static void close_gap(struct packet_table *table, uint32_t hole)
{
    for (uint32_t at = (hole + 1) & table->mask; table->displaced > 0 && table->slots[at] != 0;
         at = (at + 1) & table->mask) {
        uint32_t home = table->slots[at] & table->mask;
        if (((at - home) & table->mask) < ((at - hole) & table->mask))
            continue;
        /* What stands at home is not farther from it than the hole is: it was displaced. */
        table->slots[hole] = table->slots[at];
        table->slots[at] = 0;
        if (is_at_home(table, hole))
            table->displaced--;
        hole = at;
    }
}

bool packet_ids_remove(struct packet_ids *ids, uint16_t id)
{
    struct packet_table *table = ids->table;
    if (!packet_ids_has(ids, id))
        return false;
    uint32_t at = place_of(table, id);
    if (!is_at_home(table, at))
        table->displaced--;
    table->slots[at] = 0;
    table->count--;
    close_gap(table, at);
    return true;
}

void packet_ids_clear(struct packet_ids *ids)
{
    free(ids->table);
    *ids = (struct packet_ids){ 0 };
}

void packet_ids_each(const struct packet_ids *ids, void (*visit)(void *context, uint16_t id),
                     void *context)
{
    const struct packet_table *table = ids->table;
    for (uint32_t i = 0; table != NULL && i <= table->mask; i++)
        if (table->slots[i] != 0)
            visit(context, table->slots[i]);
}
