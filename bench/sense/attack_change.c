/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/attack_acts.h"

#include <math.h>

#define SCATTER 2.0 /* deviation of values that are false */

/* Rounded by chance, so that the mean of small messages grows by the factor as well. */
static void grow(struct fleet_message *message, double factor, struct test_random *random)
{
    message->bytes = (uint32_t)(message->bytes * factor + fleet_random_unit(random));
}

ATTACK_CENSOR(inflate)
{
    if (!fleet_random_is(&attack->random, attack->kind->interval_s))
        return true;
    attack_touch(victim, at_us);
    grow(message, attack->kind->amount, &attack->random);
    *changed = true;
    return true;
}

/* With an act besides it nothing of the device's own comes through: the act is in its place. */
ATTACK_CENSOR(thin_out)
{
    const double share = attack->kind->act == NULL ? attack->kind->amount : 0;

    (void)message;
    (void)changed;
    if (fleet_random_is(&attack->random, share))
        return true;
    attack_touch(victim, at_us);
    return false;
}

ATTACK_CENSOR(falsify)
{
    const struct fleet_device *device = victim->device;
    const double value = attack->kind->amount + SCATTER * fleet_random_normal(&attack->random);

    attack_touch(victim, at_us);
    fleet_message_fill(message, device->persona->payload.form, message->bytes, value,
                       device->reports);
    *changed = true;
    return true;
}

ATTACK_CENSOR(ramp)
{
    attack_touch(victim, at_us);
    grow(message, pow(1 + attack->kind->amount, (double)(at_us - attack->start_us) / FLEET_HOUR_US),
         &attack->random);
    *changed = true;
    return true;
}

ATTACK_CENSOR(mimic)
{
    attack_touch(victim, at_us);
    fleet_message_scramble(message, message->bytes, &attack->random);
    *changed = true;
    return true;
}
