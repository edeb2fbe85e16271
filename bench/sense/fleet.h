/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated fleet: devices of several personas, what happens to all of them, and attacks. The same
 * plan writes the same bytes. There is no clock but the time of the trace.
 *
 * Owner: one thread. Ends the program where there is no memory or where the trace cannot be
 * written. */
#pragma once

#include "bench/sense/fleet_agenda.h"
#include "bench/sense/fleet_device.h"
#include "bench/sense/fleet_spec.h"

#define FLEET_HAPPENINGS_MAX 64u /* attacks, and as many events */

/* A midnight from Sunday to Monday: when a trace begins, unless the plan says. */
#define FLEET_MONDAY_US INT64_C(1767571200000000)

struct attack;
struct fleet_event;

struct fleet_plan {
    uint64_t seed;
    int64_t start_us; /* since 1970 */
    int64_t end_us;
    int64_t from_us;        /* rows before it are not written; 0: all are */
    unsigned first_persona; /* 1 to persona_count() */
    unsigned last_persona;
    uint32_t devices; /* divided among the personas by their shares */
    uint32_t each;    /* of each persona; 0: by the shares */
    unsigned event_count;
    unsigned attack_count;
    struct fleet_spec events[FLEET_HAPPENINGS_MAX];
    struct fleet_spec attacks[FLEET_HAPPENINGS_MAX];
};

struct fleet {
    const struct fleet_plan *plan; /* borrowed */
    struct fleet_sink sink;
    struct fleet_agenda agenda; /* devices, then events, then attacks */
    struct fleet_air air;
    struct fleet_device *devices;
    uint32_t device_count;
    struct fleet_event *events;
    struct attack *attacks;
};

/* Borrows the plan, and `out` until it is run. *out_complaint says what of the plan is impossible,
 * and false is returned; then there is nothing to end. */
bool fleet_init(struct fleet *fleet, const struct fleet_plan *plan, FILE *out,
                const char **out_complaint);
void fleet_fini(struct fleet *fleet);

/* Writes the whole trace, with its head. */
void fleet_run(struct fleet *fleet);

/* After the run: what really happened, one JSON object a line. */
void fleet_truth(const struct fleet *fleet, FILE *out);

/* The device has new plans: somebody else has changed it. */
void fleet_wake(struct fleet *fleet, const struct fleet_device *device);

/* Puts up to `most` devices of that persona into `out`, in the order of chance; returns how many.
 * Persona 0: of those that report by themselves and are no infrastructure. */
uint32_t fleet_choose(struct fleet *fleet, unsigned persona, struct test_random *random,
                      struct fleet_device **out, uint32_t most);
uint32_t fleet_devices_of(const struct fleet *fleet, unsigned persona);
