/* SPDX-License-Identifier: Apache-2.0 */
/* The columns act and censor of attacks.def: see struct attack_kind. attack_source.c has what comes
 * from addresses of its own, attack_insert.c what is added in the name of devices, attack_change.c
 * what changes their reports. */
#pragma once

#include "bench/sense/attack.h"

#define ATTACK_ACT(name)                                                  \
    int64_t attack_act_##name(struct attack *attack, struct fleet *fleet, \
                              struct attack_victim *victim, int64_t now_us)
#define ATTACK_CENSOR(name)                                                                       \
    bool attack_censor_##name(struct attack *attack, struct attack_victim *victim, int64_t at_us, \
                              struct fleet_message *message, bool *changed)

/* From addresses of its own. `amount` is: */
ATTACK_ACT(guess);  /* of no use */
ATTACK_ACT(spread); /* addresses, each for one try */
ATTACK_ACT(hold);   /* the keep-alive that is asked for, in seconds */
ATTACK_ACT(keep);   /* connections that are kept open by pings */
ATTACK_ACT(claim);  /* of no use; a device's name is claimed */

/* In the name of devices. */
ATTACK_ACT(flood);          /* times the own rate, above 1 */
ATTACK_ACT(big);            /* bytes of each message */
ATTACK_ACT(odd);            /* of no use */
ATTACK_ACT(wildcard);       /* which filter: see attack_insert.c */
ATTACK_ACT(scan_subscribe); /* of no use */
ATTACK_ACT(scan_publish);   /* of no use */
ATTACK_ACT(new_topics);     /* times the own size */
ATTACK_ACT(bursts);         /* messages at once */
ATTACK_ACT(bot);            /* share of the role, 0 to 1 */
ATTACK_ACT(tempo);          /* factor of the own interval */

/* By a second holder of the device's key. */
ATTACK_ACT(take_over); /* how often, 0: again and again */
ATTACK_ACT(replace);   /* of no use */

/* Changes of what devices report. */
ATTACK_CENSOR(inflate);  /* factor of the size; interval_s: share of the messages */
ATTACK_CENSOR(thin_out); /* share that comes through */
ATTACK_CENSOR(falsify);  /* what the value becomes */
ATTACK_CENSOR(ramp);     /* growth of the size by the hour */
ATTACK_CENSOR(mimic);    /* of no use */

/* Something was done to the victim at that moment. */
void attack_touch(struct attack_victim *victim, int64_t now_us);

/* A connection of the attacker's own begins: from now on `line` is it. */
void attack_dial(struct attack *attack, struct attack_victim *victim);

/* When an act is due again: about `interval_s` later. */
int64_t attack_later_us(struct attack *attack, int64_t now_us, double interval_s);
