/* SPDX-License-Identifier: Apache-2.0 */
/* The disk of a world confirms, and its processes die: contract in world.h. */
#include "core/world.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "world: %s\n", what);
    abort();
}

/* ---- crashes ---- */

struct reading {
    struct restoring *restoring;
    uint64_t highest[JOURNAL_KINDS];
};

static void find_highest(void *context, const struct journal_thing *thing)
{
    struct reading *reading = context;
    enum journal_kind kind = journal_kind_of(thing->key);

    if (journal_number_of(thing->key) > reading->highest[kind])
        reading->highest[kind] = journal_number_of(thing->key);
    if (thing->body_key != 0 && journal_number_of(thing->body_key) > reading->highest[JOURNAL_BODY])
        reading->highest[JOURNAL_BODY] = journal_number_of(thing->body_key);
}

static void take_thing(void *context, const struct journal_thing *thing)
{
    const struct reading *reading = context;

    must(restoring_take(reading->restoring, thing) == 0, "a thing that makes no sense");
}

static void restore(struct world *world)
{
    struct reading reading = { 0 };
    uint64_t most = 0;

    world_disk_each(&world->disk, find_highest, &reading);
    for (unsigned kind = JOURNAL_SUBSCRIPTION; kind < JOURNAL_KINDS; kind++)
        if (kind != JOURNAL_RECEIVED && kind != JOURNAL_WILL && reading.highest[kind] > most)
            most = reading.highest[kind];
    const struct restoring_options options = {
        .brokers = world->brokers,
        .count = world->shards,
        .shared = world->shared,
        .highest_session = reading.highest[JOURNAL_SESSION],
        .highest = most,
        .highest_retained = reading.highest[JOURNAL_RETAINED],
        .wall_ms = (int64_t)world->now_ms + world->wall_offset_ms,
        .now_ms = world->now_ms,
    };
    reading.restoring = restoring_begin(&options);
    must(reading.restoring != NULL, "out of memory");
    world_disk_each(&world->disk, take_thing, &reading);
    restoring_end(reading.restoring);
}

void world_crash(struct world *world, size_t spared, unsigned shards)
{
    size_t stays = world->confirmed + spared;
    unsigned events[EVENT_KIND_COUNT];

    for (unsigned i = 0; i < world->shards; i++)
        broker_abandon(world->brokers[i]);
    memcpy(events, world->events, sizeof(events));
    world_close_brokers(world);
    memcpy(world->events, events, sizeof(events)); /* nobody has seen the end */
    world_disk_cut(&world->disk, stays < world->disk.count ? stays : world->disk.count);
    world->confirmed = world->disk.count;
    world->written = world->confirmed;
    world_open_brokers(world, shards);
    restore(world);
    world_run(world);
}

void world_restart(struct world *world, unsigned shards)
{
    for (unsigned i = 0; i < WORLD_PEERS; i++)
        if (world->peers[i].is_open)
            world_break(&world->peers[i]);
    world_confirm(world, SIZE_MAX);
    world_crash(world, 0, shards);
}

static void tell(struct world *world, struct journal_progress *progress)
{
    for (unsigned i = 0; i < world->shards; i++) {
        progress[i].state = world->disk_state;
        progress[i].confirmed_bytes = world->confirmed_bytes[i];
        broker_confirm(world->brokers[i], &progress[i], world->now_ms);
    }
}

void world_write(struct world *world, size_t frames)
{
    struct journal_progress progress[WORLD_SHARDS] = { 0 };

    if (world->written < world->confirmed)
        world->written = world->confirmed;
    for (; world->written < world->disk.count && frames > 0; frames--) {
        const struct world_frame *frame = &world->disk.frames[world->written++];

        if (frame->number > 0)
            progress[frame->shard].written = frame->number;
    }
    tell(world, progress);
}

void world_confirm_run(struct world *world)
{
    world_confirm(world, SIZE_MAX);
    world_run(world);
}

void world_confirm_all(struct world *world)
{
    while (world->confirmed < world->disk.count)
        world_confirm_run(world);
}

void world_confirm(struct world *world, size_t frames)
{
    struct journal_progress progress[WORLD_SHARDS] = { 0 };

    for (; world->confirmed < world->disk.count && frames > 0; frames--) {
        const struct world_frame *frame = &world->disk.frames[world->confirmed++];

        if (frame->number == 0)
            continue;
        progress[frame->shard].written = frame->number;
        progress[frame->shard].confirmed = frame->number;
        world->confirmed_bytes[frame->shard] += frame->len;
    }
    tell(world, progress);
}
