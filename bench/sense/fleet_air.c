/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_air.h"

#include "bench/ground.h"

#include <stdlib.h>

#define ROUTE_US 900 /* from the publisher to a subscriber */

void fleet_air_fini(struct fleet_air *air)
{
    free(air->listeners);
}

void fleet_air_listen(struct fleet_air *air, const struct fleet_listener *listener)
{
    if (air->count == air->room) {
        air->room = air->room > 0 ? 2 * air->room : 16;
        air->listeners = realloc(air->listeners, air->room * sizeof *air->listeners);
        must(air->listeners != NULL, "memory for listeners");
    }
    air->listeners[air->count++] = *listener;
}

void fleet_air_leave(struct fleet_air *air, const struct fleet_speaker *speaker, bool attack)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < air->count; i++)
        if (air->listeners[i].speaker != speaker || air->listeners[i].attack != attack)
            air->listeners[kept++] = air->listeners[i];
    air->count = kept;
}

static void deliver(const struct fleet_listener *listener, int64_t at_us, bool attack,
                    const struct fleet_message *message)
{
    struct fleet_speaker speaker = *listener->speaker;

    speaker.attack = attack || listener->attack;
    fleet_wire_deliver(&speaker, at_us + ROUTE_US + speaker.origin % 64, message);
}

void fleet_air_publish(struct fleet_air *air, unsigned persona, const struct fleet_speaker *speaker,
                       int64_t at_us, const struct fleet_message *message)
{
    fleet_wire_publish(speaker, at_us, message);
    for (unsigned i = 0; i < air->count; i++)
        if ((air->listeners[i].personas >> (persona - 1) & 1) != 0 && *air->listeners[i].up)
            deliver(&air->listeners[i], at_us, speaker->attack, message);
}
