/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay.h"

#include "replay/alarm.h"
#include "replay/book.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS     1000u
#define UNKNOWN_MS  3600000u /* without an event of anybody: the trace has a hole */
#define EXPECTED_OF 5u       /* when so many less one, of so many trained devices, were heard */

struct replay *replay_new(void (*tell)(const struct replay *, const struct replay_alarm *, void *),
                          void *context)
{
    struct replay *replay = calloc(1, sizeof(*replay));

    if (replay == NULL)
        return NULL;
    sense_role_init(&replay->role);
    fleet_init(&replay->fleet);
    replay->sources.learns = true;
    replay->tell = tell;
    replay->context = context;
    return replay;
}

void replay_free(struct replay *replay)
{
    if (replay == NULL)
        return;
    fleet_fini(&replay->fleet);
    free(replay);
}

void replay_enter(struct replay *replay, enum sense_phase phase)
{
    sense_role_enter(&replay->role, phase);
    replay->sources.learns = phase == SENSE_LEARN;
}

struct replay_kept {
    struct sense_role role;
    struct sense_sources sources;
    struct sense_group groups[REPLAY_VERDICTS];
    struct fleet_device *devices;
    size_t count;
};

struct replay_kept *replay_keep(const struct replay *replay)
{
    struct replay_kept *kept = calloc(1, sizeof(*kept));

    if (kept == NULL)
        return NULL;
    kept->role = replay->role;
    kept->sources = replay->sources;
    memcpy(kept->groups, replay->groups, sizeof(kept->groups));
    kept->count = replay->fleet.count;
    kept->devices = fleet_keep(&replay->fleet);
    if (kept->devices != NULL || kept->count == 0)
        return kept;
    free(kept);
    return NULL;
}

void replay_return(struct replay *replay, const struct replay_kept *kept)
{
    replay->role = kept->role;
    replay->sources = kept->sources;
    memcpy(replay->groups, kept->groups, sizeof(replay->groups));
    fleet_return(&replay->fleet, kept->devices, kept->count);
}

void replay_kept_free(struct replay_kept *kept)
{
    if (kept != NULL)
        free(kept->devices);
    free(kept);
}

static void rest(struct replay *replay)
{
    fleet_rest(&replay->fleet);
    sense_sources_rest(&replay->sources);
    for (unsigned i = 0; i < REPLAY_VERDICTS; i++)
        sense_group_rest(&replay->groups[i]);
}

/* Devices that were trained and are not heard are missed, once it is clear that this is a capture
 * of the whole fleet, not of a part of it. */
static void expect_trained(struct replay *replay)
{
    struct fleet *fleet = &replay->fleet;
    size_t trained = 0;
    size_t heard = 0;

    if (replay->expects || replay->role.phase != SENSE_WATCH)
        return;
    for (size_t i = 0; i < fleet->count; i++) {
        trained += fleet->devices[i]->is_trained ? 1 : 0;
        heard += fleet->devices[i]->is_trained && fleet->devices[i]->in_run ? 1 : 0;
    }
    if (heard < 2 || heard * EXPECTED_OF < trained * (EXPECTED_OF - 1))
        return;
    replay->expects = true;
    for (size_t i = 0; i < fleet->count; i++) {
        struct fleet_device *device = fleet->devices[i];
        if (!device->is_trained || device->in_run || device->leaves)
            continue;
        device->in_run = true;
        sense_device_expect(&device->sense, replay->run_ms);
    }
}

static void tick(struct replay *replay)
{
    struct fleet *fleet = &replay->fleet;

    expect_trained(replay);
    for (size_t i = 0; i < fleet->count; i++)
        if (sense_device_is_due(&fleet->devices[i]->sense, replay->now_ms))
            alarm_look(replay, fleet->devices[i]);
    alarm_watch_groups(replay);
    if (replay->now_ms < replay->group_ms)
        return;
    replay->group_ms = replay->now_ms + SENSE_WINDOW_MS;
    alarm_count_groups(replay);
}

static void begin_run(struct replay *replay, const struct replay_event *event)
{
    rest(replay);
    replay->run = event->run;
    /* A moment that is 0 means none, everywhere. */
    replay->now_ms = replay->run_ms = event->time_ms + 1;
    replay->group_ms = replay->now_ms + SENSE_WINDOW_MS;
    replay->expects = false;
}

static void advance(struct replay *replay, uint64_t to_ms)
{
    uint64_t next = (replay->now_ms / TICK_MS + 1) * TICK_MS;

    while (next <= to_ms) {
        replay->now_ms = next;
        tick(replay);
        next += TICK_MS;
    }
    if (to_ms > replay->now_ms)
        replay->now_ms = to_ms;
}

void replay_run(struct replay *replay, const char *path, const struct trace *trace)
{
    replay->path = path;
    for (size_t i = 0; i < trace->count; i++) {
        const struct replay_event *event = &trace->events[i];
        bool begins = i == 0 || event->order != event[-1].order
                      || event->time_ms > event[-1].time_ms + UNKNOWN_MS;
        if (begins)
            begin_run(replay, event);
        advance(replay, event->time_ms + 1);
        struct fleet_device *device = book_event(replay, event);
        if (device != NULL)
            alarm_look(replay, device);
    }
}
