/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/attack_acts.h"

#include <stdio.h>

#define USUAL_KEEPALIVE_S 60

static void try_line(struct attack *attack, struct attack_victim *victim, int64_t now_us)
{
    attack_dial(attack, victim);
    attack_touch(victim, now_us);
    fleet_wire_connect(&victim->line, now_us, USUAL_KEEPALIVE_S, FLEET_REFUSED);
}

ATTACK_ACT(guess)
{
    (void)fleet;
    try_line(attack, victim, now_us);
    return attack_later_us(attack, now_us, attack->kind->interval_s);
}

/* Each address is another victim, since what it is written to is borrowed. */
ATTACK_ACT(spread)
{
    (void)fleet;
    try_line(attack, victim, now_us);
    return FLEET_NEVER;
}

ATTACK_ACT(claim)
{
    (void)fleet;
    victim->line.client_id = victim->device->id;
    try_line(attack, victim, now_us);
    return attack_later_us(attack, now_us, attack->kind->interval_s);
}

ATTACK_ACT(hold)
{
    (void)fleet;
    attack_dial(attack, victim);
    attack_touch(victim, now_us);
    fleet_wire_connect(&victim->line, now_us, (unsigned)attack->kind->amount, 0);
    return attack_later_us(attack, now_us, attack->kind->interval_s);
}

ATTACK_ACT(keep)
{
    (void)fleet;
    attack_touch(victim, now_us);
    if (victim->steps > 0)
        fleet_wire_ping(&victim->line, now_us);
    else {
        attack_dial(attack, victim);
        fleet_wire_connect(&victim->line, now_us, USUAL_KEEPALIVE_S, 0);
    }
    return now_us + fleet_time_us(attack->kind->interval_s);
}
