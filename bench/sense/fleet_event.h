/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a fleet without any attack, and must not alarm: fleet_events.def, one kind a row. */
#pragma once

#include "bench/sense/fleet.h"

struct fleet_event_kind {
    const char *name;
    void (*act)(struct fleet *fleet, struct fleet_event *event, struct fleet_device *device,
                int64_t now_us);
    bool in_turn;     /* over its duration; else all devices at its begin */
    double for_s;     /* its duration, unless the specification has one */
    uint32_t devices; /* how many it happens to, unless the specification says; 0: to all */
    const char *what;
};

struct fleet_event {
    const struct fleet_event_kind *kind;
    struct test_random random;
    int64_t start_us;
    int64_t end_us;
    struct fleet_device **devices;
    uint32_t count;
    uint32_t next; /* of devices */
};

unsigned fleet_event_count(void);
const struct fleet_event_kind *fleet_event_at(unsigned index);

/* NULL: there is none of that name. */
const struct fleet_event_kind *fleet_event_find(const char *name);

/* How many devices the event adds to the fleet: those are born by it. */
uint32_t fleet_event_newcomers(const struct fleet_spec *spec);

/* The index-th event of the plan, which is possible. The devices are there. */
void fleet_event_init(struct fleet_event *event, struct fleet *fleet, unsigned index);
void fleet_event_fini(struct fleet_event *event);
int64_t fleet_event_due_us(const struct fleet_event *event);
void fleet_event_act(struct fleet_event *event, struct fleet *fleet, int64_t now_us);
void fleet_event_truth(const struct fleet_event *event, FILE *out);
