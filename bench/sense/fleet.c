/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet.h"

#include "bench/ground.h"
#include "bench/sense/attack.h"
#include "bench/sense/fleet_event.h"

#include <stdlib.h>

static unsigned shares(const struct fleet_plan *plan, unsigned below)
{
    unsigned sum = 0;

    for (unsigned number = plan->first_persona; number < below; number++)
        sum += persona_at(number)->share;
    return sum;
}

/* How many devices a persona has; by shares, the sum of all is what was asked for. */
static uint32_t count_of(const struct fleet_plan *plan, unsigned number)
{
    const uint64_t all = shares(plan, plan->last_persona + 1);

    if (plan->each > 0)
        return plan->each;
    return (uint32_t)(plan->devices * (uint64_t)shares(plan, number + 1) / all
                      - plan->devices * (uint64_t)shares(plan, number) / all);
}

static uint32_t all_devices(const struct fleet_plan *plan)
{
    uint32_t count = 0;

    for (unsigned number = plan->first_persona; number <= plan->last_persona; number++)
        count += count_of(plan, number);
    for (unsigned i = 0; i < plan->event_count; i++)
        count += fleet_event_newcomers(&plan->events[i]);
    return count;
}

static bool is_of_plan(const struct fleet_plan *plan, unsigned persona)
{
    return persona == 0 || (persona >= plan->first_persona && persona <= plan->last_persona);
}

/* NULL: that can happen to the fleet of the plan, if there is such a thing at all. */
static const char *complaint_of_spec(const struct fleet_plan *plan, const struct fleet_spec *spec,
                                     bool exists)
{
    if (!exists)
        return "there is no such event, or no such attack of this intensity";
    if (!is_of_plan(plan, spec->persona))
        return "an event or an attack is for a persona that is not in the fleet";
    if (spec->at_us >= plan->end_us - plan->start_us)
        return "an event or an attack begins after the end";
    return NULL;
}

static const char *complaint_of(const struct fleet_plan *plan)
{
    const char *complaint = NULL;

    for (unsigned i = 0; i < plan->event_count && complaint == NULL; i++) {
        const struct fleet_spec *spec = &plan->events[i];

        complaint = complaint_of_spec(
            plan, spec, fleet_event_find(spec->name) != NULL && spec->intensity[0] == '\0');
    }
    for (unsigned i = 0; i < plan->attack_count && complaint == NULL; i++) {
        const struct fleet_spec *spec = &plan->attacks[i];

        complaint = complaint_of_spec(plan, spec, attack_find(spec->name, spec->intensity) != NULL);
    }
    if (complaint == NULL && (all_devices(plan) == 0 || all_devices(plan) > FLEET_DEVICES_MAX))
        complaint = "there are too many devices, or none";
    return complaint;
}

static void add(struct fleet *fleet, unsigned persona, unsigned number, int64_t at_us)
{
    const struct fleet_birth birth = { fleet->device_count, fleet->plan->seed, at_us };

    fleet_device_init(&fleet->devices[fleet->device_count++], persona_at(persona), number, &birth,
                      &fleet->sink);
}

/* They count on from those that are there: of one persona, or of one after another. */
static void add_newcomers(struct fleet *fleet, const struct fleet_spec *spec)
{
    const unsigned personas = fleet->plan->last_persona - fleet->plan->first_persona + 1;
    const uint32_t count = fleet_event_newcomers(spec);

    for (uint32_t i = 0; i < count; i++) {
        const unsigned persona =
            spec->persona > 0 ? spec->persona : fleet->plan->first_persona + i % personas;

        add(fleet, persona, 1 + fleet_devices_of(fleet, persona),
            fleet->plan->start_us + spec->at_us);
    }
}

static void add_devices(struct fleet *fleet)
{
    const struct fleet_plan *plan = fleet->plan;

    for (unsigned persona = plan->first_persona; persona <= plan->last_persona; persona++)
        for (uint32_t i = 0; i < count_of(plan, persona); i++)
            add(fleet, persona, i + 1, plan->start_us);
    for (unsigned i = 0; i < plan->event_count; i++)
        add_newcomers(fleet, &plan->events[i]);
}

/* Something is to happen, but to nobody. */
static bool has_idle(const struct fleet *fleet)
{
    bool idle = false;

    for (unsigned i = 0; i < fleet->plan->event_count; i++)
        idle |= fleet->events[i].count == 0;
    for (unsigned i = 0; i < fleet->plan->attack_count; i++)
        idle |= fleet->attacks[i].count == 0;
    return idle;
}

bool fleet_init(struct fleet *fleet, const struct fleet_plan *plan, FILE *out,
                const char **out_complaint)
{
    const char *complaint = complaint_of(plan);

    if (complaint != NULL) {
        *out_complaint = complaint;
        return false;
    }
    const uint32_t count = all_devices(plan);
    *fleet = (struct fleet){ .plan = plan,
                             .devices = calloc(count, sizeof *fleet->devices),
                             .events = calloc(plan->event_count + 1, sizeof *fleet->events),
                             .attacks = calloc(plan->attack_count + 1, sizeof *fleet->attacks) };
    must(fleet->devices != NULL && fleet->events != NULL && fleet->attacks != NULL,
         "memory for the fleet");
    fleet_sink_init(&fleet->sink, out);
    fleet->sink.from_us = plan->from_us;
    fleet_agenda_init(&fleet->agenda, count + plan->event_count + plan->attack_count);
    fleet->air.sink = &fleet->sink;
    add_devices(fleet);
    for (unsigned i = 0; i < plan->event_count; i++)
        fleet_event_init(&fleet->events[i], fleet, i);
    for (unsigned i = 0; i < plan->attack_count; i++)
        attack_init(&fleet->attacks[i], fleet, i);
    if (has_idle(fleet)) {
        fleet_fini(fleet);
        *out_complaint = "an event or an attack finds no device; say which persona";
        return false;
    }
    return true;
}

void fleet_fini(struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->plan->event_count; i++)
        fleet_event_fini(&fleet->events[i]);
    for (unsigned i = 0; i < fleet->plan->attack_count; i++)
        attack_fini(&fleet->attacks[i]);
    fleet_agenda_fini(&fleet->agenda);
    fleet_air_fini(&fleet->air);
    fleet_sink_fini(&fleet->sink);
    free(fleet->devices);
    free(fleet->events);
    free(fleet->attacks);
}

static int64_t due_us(const struct fleet *fleet, uint32_t actor)
{
    const uint32_t events = fleet->device_count;
    const uint32_t attacks = events + fleet->plan->event_count;

    if (actor < events)
        return fleet_device_due_us(&fleet->devices[actor]);
    return actor < attacks ? fleet_event_due_us(&fleet->events[actor - events])
                           : attack_due_us(&fleet->attacks[actor - attacks]);
}

static void act(struct fleet *fleet, uint32_t actor, int64_t now_us)
{
    const struct fleet_censor censor = { attack_look, fleet };
    const uint32_t events = fleet->device_count;
    const uint32_t attacks = events + fleet->plan->event_count;

    if (actor < events)
        fleet_device_act(&fleet->devices[actor], &fleet->air, &censor, now_us);
    else if (actor < attacks)
        fleet_event_act(&fleet->events[actor - events], fleet, now_us);
    else
        attack_do(&fleet->attacks[actor - attacks], fleet, now_us);
}

void fleet_wake(struct fleet *fleet, const struct fleet_device *device)
{
    const uint32_t actor = (uint32_t)(device - fleet->devices);

    fleet_agenda_set(&fleet->agenda, actor, due_us(fleet, actor));
}

void fleet_run(struct fleet *fleet)
{
    must(fputs(fleet_row_head, fleet->sink.out) >= 0, "writing the trace");
    for (uint32_t actor = 0; actor < fleet->agenda.actors; actor++)
        fleet_agenda_set(&fleet->agenda, actor, due_us(fleet, actor));
    for (;;) {
        const uint32_t actor = fleet_agenda_first(&fleet->agenda);
        const int64_t now_us = fleet->agenda.at_us[actor];

        if (now_us >= fleet->plan->end_us)
            break;
        fleet_sink_flush(&fleet->sink, now_us);
        act(fleet, actor, now_us);
        fleet_agenda_set(&fleet->agenda, actor, due_us(fleet, actor));
    }
    fleet_sink_flush(&fleet->sink, fleet->plan->end_us);
}

/* What is shown of the fleet, to count device-days by. */
static void put_fleet(const struct fleet *fleet, FILE *out)
{
    const struct fleet_plan *plan = fleet->plan;
    const double from_s = fleet_time_s(plan->from_us > 0 ? plan->from_us : plan->start_us);
    const double to_s = fleet_time_s(plan->end_us);
    const char *comma = "";

    fprintf(out,
            "{\"fleet\":{\"seed\":%llu,\"from\":%.6f,\"to\":%.6f,\"devices\":%u,"
            "\"device_days\":%.3f,\"personas\":{",
            (unsigned long long)plan->seed, from_s, to_s, fleet->device_count,
            fleet->device_count * (to_s - from_s) / fleet_time_s(FLEET_DAY_US));
    for (unsigned number = plan->first_persona; number <= plan->last_persona; number++) {
        fprintf(out, "%s\"%s\":%u", comma, persona_at(number)->name,
                fleet_devices_of(fleet, number));
        comma = ",";
    }
    fputs("}}}\n", out);
}

void fleet_truth(const struct fleet *fleet, FILE *out)
{
    put_fleet(fleet, out);
    for (unsigned i = 0; i < fleet->plan->event_count; i++)
        fleet_event_truth(&fleet->events[i], out);
    for (unsigned i = 0; i < fleet->plan->attack_count; i++)
        attack_truth(&fleet->attacks[i], out);
}

uint32_t fleet_devices_of(const struct fleet *fleet, unsigned persona)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < fleet->device_count; i++)
        count += persona_number(fleet->devices[i].persona) == persona;
    return count;
}

static bool is_wanted(const struct fleet_device *device, unsigned persona)
{
    if (persona > 0)
        return persona_number(device->persona) == persona;
    return device->persona->link.stay == PERSONA_STAYS
           && device->persona->hears.ear != PERSONA_WIDE;
}

/* As dealt from a shuffled pack: each may be the one that takes the place. */
uint32_t fleet_choose(struct fleet *fleet, unsigned persona, struct test_random *random,
                      struct fleet_device **out, uint32_t most)
{
    uint32_t seen = 0;

    for (uint32_t i = 0; i < fleet->device_count; i++) {
        if (!is_wanted(&fleet->devices[i], persona))
            continue;
        const size_t place = seen < most ? seen : test_random_below(random, seen + 1);
        seen++;
        if (place < most)
            out[place] = &fleet->devices[i];
    }
    return seen < most ? seen : most;
}
