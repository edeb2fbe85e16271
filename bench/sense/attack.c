/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/attack_acts.h"

#include "bench/ground.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM      (UINT64_C(1) << 33) /* of chance, apart from those of devices and events */
#define PER_NETWORK 250u
#define DEFAULT_US  (10 * FLEET_MINUTE_US)
#define UNEVEN      0.1 /* how far two intervals differ */

#define attack_act_nothing    NULL
#define attack_censor_nothing NULL

static const struct attack_kind kinds[] = {
#define ATTACK(id, intensity, act, censor, amount, interval_s, aim, devices, verdict, ...) \
    { #id,        intensity,    attack_act_##act, attack_censor_##censor, amount,          \
      interval_s, ATTACK_##aim, devices,          ATTACK_##verdict,       __VA_ARGS__ },
#include "bench/sense/attacks.def"
#undef ATTACK
};

unsigned attack_count(void)
{
    return sizeof kinds / sizeof kinds[0];
}

const struct attack_kind *attack_at(unsigned index)
{
    return &kinds[index];
}

const struct attack_kind *attack_find(const char *id, const char *intensity)
{
    for (unsigned i = 0; i < attack_count(); i++)
        if (strcmp(kinds[i].id, id) == 0 && strcmp(kinds[i].intensity, intensity) == 0)
            return &kinds[i];
    return NULL;
}

/* Its share of the role that its first victim is of. */
static uint32_t choose_role(struct attack *attack, struct fleet *fleet, unsigned persona,
                            struct fleet_device **chosen)
{
    if (persona == 0 && fleet_choose(fleet, 0, &attack->random, chosen, 1) > 0)
        persona = persona_number(chosen[0]->persona);
    const double count = ceil(attack->kind->amount * fleet_devices_of(fleet, persona));
    return fleet_choose(fleet, persona, &attack->random, chosen, (uint32_t)count);
}

static uint32_t choose(struct attack *attack, struct fleet *fleet, const struct fleet_spec *spec,
                       struct fleet_device **chosen)
{
    const uint32_t most = spec->devices > 0 ? spec->devices : attack->kind->devices;

    if (attack->kind->aim == ATTACK_BY_ROLE && spec->devices == 0)
        return choose_role(attack, fleet, spec->persona, chosen);
    return fleet_choose(fleet, spec->persona, &attack->random, chosen, most);
}

/* At the broker, what spreads or keeps connections has an own place for each of them. */
static uint32_t strangers(const struct attack_kind *kind)
{
    return kind->act == attack_act_spread || kind->act == attack_act_keep ? (uint32_t)kind->amount
                                                                          : 1;
}

static void prepare(struct attack *attack, struct fleet *fleet, unsigned index, uint32_t which,
                    struct fleet_device *device)
{
    struct attack_victim *victim = &attack->victims[which];
    const uint32_t host = attack->kind->act == attack_act_keep ? 0 : which;

    victim->device = device;
    victim->first_us = victim->last_us = FLEET_NEVER;
    (void)snprintf(victim->client_id, sizeof victim->client_id, "client-%u-%u", index, which);
    (void)snprintf(victim->address, sizeof victim->address, "198.%u.%u.%u", 18 + index % 2,
                   (index / 2 * 8 + host / PER_NETWORK) % 256, host % PER_NETWORK + 1);
    victim->line = (struct fleet_speaker){ .sink = &fleet->sink,
                                           .address = victim->address,
                                           .client_id = victim->client_id,
                                           .origin = attack->origin,
                                           .sequence = &attack->sequence,
                                           .attack = true };
    victim->due_us = FLEET_NEVER;
    if (attack->kind->act == attack_act_spread)
        victim->due_us = attack->start_us + fleet_time_us(which * attack->kind->interval_s);
    else if (attack->kind->act != NULL)
        victim->due_us = attack->start_us + which * FLEET_SECOND_US / attack->count;
}

void attack_init(struct attack *attack, struct fleet *fleet, unsigned index)
{
    const struct fleet_spec *spec = &fleet->plan->attacks[index];
    struct fleet_device **chosen = calloc(fleet->device_count, sizeof *chosen);

    must(chosen != NULL, "memory for an attack");
    *attack = (struct attack){ .kind = attack_find(spec->name, spec->intensity),
                               .random = fleet_random_seeded(fleet->plan->seed, STREAM + index),
                               .start_us = fleet->plan->start_us + spec->at_us,
                               .origin = FLEET_DEVICES_MAX + index };
    attack->end_us = attack->start_us + (spec->for_us > 0 ? spec->for_us : DEFAULT_US);
    attack->count = attack->kind->aim == ATTACK_AT_BROKER ? strangers(attack->kind)
                                                          : choose(attack, fleet, spec, chosen);
    attack->victims = calloc(attack->count + 1, sizeof *attack->victims);
    must(attack->victims != NULL, "memory for an attack");
    for (uint32_t i = 0; i < attack->count; i++)
        prepare(attack, fleet, index, i, attack->kind->aim == ATTACK_AT_BROKER ? NULL : chosen[i]);
    free(chosen);
}

void attack_fini(struct attack *attack)
{
    free(attack->victims);
}

static uint32_t first_due(const struct attack *attack)
{
    uint32_t first = 0;

    for (uint32_t i = 1; i < attack->count; i++)
        if (attack->victims[i].due_us < attack->victims[first].due_us)
            first = i;
    return first;
}

int64_t attack_due_us(const struct attack *attack)
{
    if (attack->ended || attack->count == 0)
        return FLEET_NEVER;
    if (!attack->begun)
        return attack->start_us;
    const int64_t due_us = attack->victims[first_due(attack)].due_us;
    return due_us < attack->end_us ? due_us : attack->end_us;
}

static void begin(struct attack *attack)
{
    attack->begun = true;
    for (uint32_t i = 0; i < attack->count; i++)
        if (attack->kind->censor != NULL)
            attack->victims[i].device->attackers++;
}

static void end(struct attack *attack, struct fleet *fleet)
{
    attack->ended = true;
    for (uint32_t i = 0; i < attack->count; i++) {
        struct fleet_device *device = attack->victims[i].device;

        if (device != NULL)
            fleet_air_leave(&fleet->air, &device->speaker, true);
        if (attack->kind->censor != NULL)
            device->attackers--;
    }
}

void attack_do(struct attack *attack, struct fleet *fleet, int64_t now_us)
{
    struct attack_victim *victim = &attack->victims[first_due(attack)];

    if (!attack->begun)
        begin(attack);
    else if (now_us >= attack->end_us)
        end(attack, fleet);
    else {
        victim->due_us = attack->kind->act(attack, fleet, victim, now_us);
        victim->steps++;
    }
}

/* The victim of that name in an attack that goes on; NULL: it has none. */
static struct attack_victim *victim_of(const struct attack *attack,
                                       const struct fleet_device *device)
{
    if (!attack->begun || attack->ended || attack->kind->censor == NULL)
        return NULL;
    for (uint32_t i = 0; i < attack->count; i++)
        if (attack->victims[i].device == device)
            return &attack->victims[i];
    return NULL;
}

bool attack_look(void *context, const struct fleet_device *device, int64_t at_us,
                 struct fleet_message *message, bool *changed)
{
    struct fleet *fleet = context;
    bool published = true;

    for (unsigned i = 0; i < fleet->plan->attack_count; i++) {
        struct attack *attack = &fleet->attacks[i];
        struct attack_victim *victim = victim_of(attack, device);

        if (victim != NULL)
            published &= attack->kind->censor(attack, victim, at_us, message, changed);
    }
    return published;
}

void attack_touch(struct attack_victim *victim, int64_t now_us)
{
    if (victim->touched++ == 0)
        victim->first_us = now_us;
    victim->last_us = now_us;
}

void attack_dial(struct attack *attack, struct attack_victim *victim)
{
    const uint64_t place = (uint64_t)(victim - attack->victims);

    victim->line.stream =
        fleet_wire_stream(place + (uint64_t)victim->connections++ * attack->count, attack->origin);
}

int64_t attack_later_us(struct attack *attack, int64_t now_us, double interval_s)
{
    const double factor = fleet_random_between(&attack->random, 1 - UNEVEN, 1 + UNEVEN);

    return now_us + 1 + fleet_time_us(factor * interval_s);
}
