/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_event.h"

#include "bench/ground.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECES         60u
#define PIECE_BYTES    4096u
#define PIECE_US       500000
#define RESTART_LOW_S  20.0
#define RESTART_HIGH_S 60.0
#define GROWTH         1.1
#define STREAM         (UINT64_C(1) << 32) /* of chance, apart from those of devices */

static int64_t within_us(struct fleet_event *event, double low_s, double high_s)
{
    return fleet_time_us(fleet_random_between(&event->random, low_s, high_s));
}

static void lose(struct fleet *fleet, struct fleet_device *device, int64_t back_us)
{
    const bool stays = device->persona->link.stay == PERSONA_STAYS;

    /* What has no line now has none to lose, but one that looks for a line does not find it. */
    if (stays || device->link.up)
        fleet_device_lose(device, &fleet->air,
                          stays || back_us < device->rhythm.active_until_us ? back_us
                                                                            : FLEET_NEVER);
}

static void act_firmware(struct fleet *fleet, struct fleet_event *event,
                         struct fleet_device *device, int64_t now_us)
{
    struct fleet_message message;

    device->bulk *= GROWTH;
    if (!device->link.up)
        return;
    fleet_message_topic(&message, "site/%s/%04u/firmware", device->persona->name, device->number);
    fleet_wire_subscribe(&device->speaker, now_us, message.topic, true);
    for (unsigned i = 0; i < PIECES; i++) {
        fleet_message_scramble(&message, PIECE_BYTES, &event->random);
        fleet_wire_deliver(&device->speaker, now_us + (i + 1) * PIECE_US, &message);
    }
    /* It does nothing else meanwhile, and then starts anew. */
    lose(fleet, device,
         now_us + PIECES * PIECE_US + within_us(event, RESTART_LOW_S, RESTART_HIGH_S));
}

static void act_restart(struct fleet *fleet, struct fleet_event *event, struct fleet_device *device,
                        int64_t now_us)
{
    const double longest_s = fleet_time_s(event->end_us - event->start_us);

    lose(fleet, device, now_us + within_us(event, 1, longest_s > 2 ? longest_s : 2));
}

static void act_daylight(struct fleet *fleet, struct fleet_event *event,
                         struct fleet_device *device, int64_t now_us)
{
    (void)fleet;
    (void)event;
    (void)now_us;
    device->clock_us += FLEET_HOUR_US;
}

static void act_shift(struct fleet *fleet, struct fleet_event *event, struct fleet_device *device,
                      int64_t now_us)
{
    (void)fleet;
    (void)event;
    (void)now_us;
    if (device->persona->rhythm.profile == PERSONA_SHIFTS)
        device->clock_us += 16 * FLEET_HOUR_US;
}

static void act_alarm(struct fleet *fleet, struct fleet_event *event, struct fleet_device *device,
                      int64_t now_us)
{
    (void)fleet;
    fleet_device_alarm(device, now_us, event->end_us);
}

static void act_outage(struct fleet *fleet, struct fleet_event *event, struct fleet_device *device,
                       int64_t now_us)
{
    (void)now_us;
    lose(fleet, device, event->end_us + within_us(event, 0, 30));
}

/* The device is born at that moment, and does the rest itself. */
static void act_newcomer(struct fleet *fleet, struct fleet_event *event,
                         struct fleet_device *device, int64_t now_us)
{
    (void)fleet;
    (void)event;
    (void)device;
    (void)now_us;
}

static void act_clock(struct fleet *fleet, struct fleet_event *event, struct fleet_device *device,
                      int64_t now_us)
{
    const double half_s = fleet_device_interval_s(device, now_us) / 2;

    (void)fleet;
    if (device->rhythm.report_us == FLEET_NEVER)
        return;
    device->rhythm.nominal_us += within_us(event, -half_s, half_s);
    if (device->rhythm.nominal_us <= now_us)
        device->rhythm.nominal_us = now_us + 1;
    device->rhythm.report_us = device->rhythm.nominal_us;
}

static const struct fleet_event_kind kinds[] = {
#define EVENT(name, in_turn, for_s, devices, what) \
    { #name, act_##name, in_turn, for_s, devices, what },
#include "bench/sense/fleet_events.def"
#undef EVENT
};

unsigned fleet_event_count(void)
{
    return sizeof kinds / sizeof kinds[0];
}

const struct fleet_event_kind *fleet_event_at(unsigned index)
{
    return &kinds[index];
}

const struct fleet_event_kind *fleet_event_find(const char *name)
{
    for (unsigned i = 0; i < fleet_event_count(); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

uint32_t fleet_event_newcomers(const struct fleet_spec *spec)
{
    const struct fleet_event_kind *kind = fleet_event_find(spec->name);

    if (kind == NULL || kind->act != act_newcomer)
        return 0;
    return spec->devices > 0 ? spec->devices : kind->devices;
}

/* Those that the event made, which stand behind all others in the order of the plan. */
static void take_newcomers(struct fleet_event *event, struct fleet *fleet, unsigned index,
                           uint32_t count)
{
    uint32_t after = 0;

    for (unsigned i = index; i < fleet->plan->event_count; i++)
        after += fleet_event_newcomers(&fleet->plan->events[i]);
    for (uint32_t i = 0; i < count; i++)
        event->devices[i] = &fleet->devices[fleet->device_count - after + i];
    event->count = count;
}

void fleet_event_init(struct fleet_event *event, struct fleet *fleet, unsigned index)
{
    const struct fleet_spec *spec = &fleet->plan->events[index];
    const uint32_t newcomers = fleet_event_newcomers(spec);
    uint32_t most = spec->devices;

    *event =
        (struct fleet_event){ .kind = fleet_event_find(spec->name),
                              .random = fleet_random_seeded(fleet->plan->seed, STREAM + index),
                              .start_us = fleet->plan->start_us + spec->at_us,
                              .devices = malloc(fleet->device_count * sizeof *event->devices) };
    must(event->devices != NULL, "memory for an event");
    event->end_us =
        event->start_us + (spec->for_us > 0 ? spec->for_us : fleet_time_us(event->kind->for_s));
    if (most == 0)
        most = event->kind->devices > 0 ? event->kind->devices : fleet->device_count;
    if (newcomers > 0)
        take_newcomers(event, fleet, index, newcomers);
    else if (spec->persona == 0 && most == fleet->device_count)
        for (event->count = 0; event->count < most; event->count++)
            event->devices[event->count] = &fleet->devices[event->count];
    else
        event->count = fleet_choose(fleet, spec->persona, &event->random, event->devices, most);
}

void fleet_event_fini(struct fleet_event *event)
{
    free(event->devices);
}

int64_t fleet_event_due_us(const struct fleet_event *event)
{
    if (event->next == event->count)
        return FLEET_NEVER;
    if (!event->kind->in_turn)
        return event->start_us;
    return event->start_us + (event->end_us - event->start_us) * event->next / event->count;
}

void fleet_event_act(struct fleet_event *event, struct fleet *fleet, int64_t now_us)
{
    struct fleet_device *device = event->devices[event->next++];

    event->kind->act(fleet, event, device, now_us);
    fleet_wake(fleet, device);
}

void fleet_event_truth(const struct fleet_event *event, FILE *out)
{
    fprintf(out,
            "{\"event\":\"%s\",\"devices\":%u,\"from\":%.6f,\"to\":%.6f,\"verdict\":\"none\","
            "\"features\":[]}\n",
            event->kind->name, event->count, fleet_time_s(event->start_us),
            fleet_time_s(event->end_us));
}
