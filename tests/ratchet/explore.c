/* SPDX-License-Identifier: Apache-2.0 */
#include "ratchet/explore.h"

#include "base/siphash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 16u
#define KEY_BYTES 48u

/* What of a world counts, and how many steps are left. */
struct key {
    uint8_t bytes[KEY_BYTES];
};

struct entry {
    struct key key; /* first byte 0: free */
    struct explore_result result;
};

struct table {
    struct entry *entries;
    size_t size; /* a power of two */
    size_t count;
};

/* ---- one name for all worlds that are alike ---- */

struct names {
    const struct world *world;
    const struct ratchet_step *steps[NAMES_MAX];
    unsigned count;
    struct key key;
    unsigned len;
};

static void put(struct names *names, unsigned value)
{
    names->key.bytes[names->len++] = (uint8_t)value;
}

static void put_step(struct names *names, const struct ratchet_step *step, bool counts)
{
    unsigned i = 0;

    while (counts && i < names->count
           && memcmp(names->steps[i]->secret, step->secret, RATCHET_KEY_BYTES) != 0)
        i++;
    if (counts && i == names->count)
        names->steps[names->count++] = step;
    put(names, counts ? i + 1 : 0);
}

/* Only whether it is the run's, and whether it came before what the record has, counts. */
static void put_arrival(struct names *names, const struct ratchet_arrival *arrival)
{
    const struct world *world = names->world;
    const struct ratchet_arrival *last = &world->record.arrival;
    unsigned rank = 0;

    if (arrival->run == world->run)
        rank = last->run != world->run || arrival->order > last->order ? 3
               : arrival->order == last->order                         ? 2
                                                                       : 1;
    put(names, rank);
}

static void put_line(struct names *names, const struct line *line)
{
    bool counts = line->stage != STAGE_NONE && line->stage != STAGE_DONE;

    put(names, line->stage);
    put_step(names, &line->from, counts);
    put(names, counts && line->is_after_copy);
    if (counts)
        put_arrival(names, &line->arrival);
}

/* Those that are on the way and later than the record, in the order in which they came. */
static unsigned order_of(const struct world *world)
{
    const struct line *lines[2 * DEVICES];
    unsigned order = 0;

    for (unsigned i = 0; i < DEVICES; i++) {
        lines[2 * i] = &world->devices[i].line;
        lines[2 * i + 1] = &world->devices[i].stray;
    }
    for (unsigned i = 0; i < 2 * DEVICES; i++) {
        for (unsigned j = 0; j < i; j++)
            order = order << 1
                    | (lines[i]->stage != STAGE_NONE && lines[j]->stage != STAGE_NONE
                       && lines[i]->arrival.order < lines[j]->arrival.order);
    }
    return order;
}

static struct key key_of(const struct world *world, unsigned depth)
{
    struct names names = { .world = world };
    const struct ratchet_record *record = &world->record;

    put(&names, depth + 1);
    put_step(&names, &record->base, record->has_base);
    put_step(&names, &record->next, record->has_next);
    put(&names, record->arrival.run == world->run);
    put(&names, order_of(world));
    for (unsigned i = 0; i < DEVICES; i++) {
        const struct device *device = &world->devices[i];
        put_step(&names, &device->stored, device->exists);
        put(&names, device->was_let_in);
        put_line(&names, &device->line);
        put_line(&names, &device->stray);
    }
    return names.key;
}

/* ---- what is known already ---- */

static struct entry *find(const struct table *table, const struct key *key)
{
    const struct siphash_key fixed = { 3, 4 };
    size_t i = siphash(&fixed, (struct mqtt_span){ key->bytes, KEY_BYTES });

    for (i &= table->size - 1; table->entries[i].key.bytes[0] != 0; i = (i + 1) & (table->size - 1))
        if (memcmp(&table->entries[i].key, key, sizeof(*key)) == 0)
            break;
    return &table->entries[i];
}

static void table_grow(struct table *table)
{
    const struct table old = *table;

    table->size = old.size > 0 ? 2 * old.size : 1024;
    table->entries = calloc(table->size, sizeof(*table->entries));
    if (table->entries == NULL) {
        (void)fprintf(stderr, "out of memory\n");
        exit(2);
    }
    for (size_t i = 0; i < old.size; i++)
        if (old.entries[i].key.bytes[0] != 0)
            *find(table, &old.entries[i].key) = old.entries[i];
    free(old.entries);
}

static void remember(struct table *table, const struct key *key,
                     const struct explore_result *result)
{
    if (2 * table->count >= table->size)
        table_grow(table);
    *find(table, key) = (struct entry){ *key, *result };
    table->count++;
}

/* ---- what has to be true ---- */

/* Of two that connect from here on, one after the other, the second at the latest is noticed. */
static bool is_noticed(const struct world *world, unsigned first)
{
    struct world trial = *world;

    world_connect(&trial, first);
    world_connect(&trial, 1 - first);
    return trial.has_alarm;
}

static void look(const struct world *world, struct explore_result *result)
{
    struct world trial = *world;

    if (world->devices[COPY].exists) {
        bool both = world->devices[ORIGINAL].was_let_in && world->devices[COPY].was_let_in;
        result->missed += both || !is_noticed(world, ORIGINAL) || !is_noticed(world, COPY);
        return;
    }
    world_connect(&trial, ORIGINAL);
    result->false_alarms += trial.has_alarm || trial.devices[ORIGINAL].line.stage != STAGE_DONE;
}

/* ---- all orders ---- */

static struct explore_result walk(struct table *table, const struct world *world, unsigned depth);

static void add(struct explore_result *sum, const struct explore_result *part)
{
    sum->interleavings += part->interleavings;
    sum->missed += part->missed;
    sum->false_alarms += part->false_alarms;
}

static struct explore_result follow(struct table *table, const struct world *world, unsigned depth)
{
    if (!world->has_alarm)
        return walk(table, world, depth);
    return (struct explore_result){ .interleavings = 1,
                                    .false_alarms = !world->devices[COPY].exists };
}

static struct explore_result walk(struct table *table, const struct world *world, unsigned depth)
{
    const struct key key = key_of(world, depth);
    const struct entry *known = find(table, &key);
    struct explore_result result = { .interleavings = depth == 0 };

    if (known->key.bytes[0] != 0)
        return known->result;
    look(world, &result);
    for (unsigned i = 0; depth > 0 && i < VERB_COUNT * DEVICES; i++) {
        struct world next = *world;
        if (!world_step(&next, (enum verb)(i / DEVICES), i % DEVICES))
            continue;
        const struct explore_result part = follow(table, &next, depth - 1);
        add(&result, &part);
    }
    remember(table, &key, &result);
    return result;
}

struct explore_result explore(const struct world *first, unsigned depth)
{
    struct table table = { 0 };

    table_grow(&table);
    struct explore_result result = walk(&table, first, depth);
    result.worlds = table.count;
    free(table.entries);
    return result;
}
