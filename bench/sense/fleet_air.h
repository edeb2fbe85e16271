/* SPDX-License-Identifier: Apache-2.0 */
/* Who hears what: a broker, as far as a trace shows it. Subscriptions are by persona, for topics are:
 * site/PERSONA/NUMBER/... Owner: one thread. Ends the program where there is no memory. */
#pragma once

#include "bench/sense/fleet_wire.h"

#define FLEET_EVERYBODY UINT32_MAX /* the personas that `#` subscribes to */

struct fleet_listener {
    const struct fleet_speaker *speaker; /* borrowed until it leaves; its stream is the newest */
    const bool *up;                      /* whether it is connected, borrowed alike */
    uint32_t personas;                   /* bit n - 1: it hears persona n */
    bool attack;                         /* what it hears by this is an attack's */
};

struct fleet_air {
    struct fleet_sink *sink; /* borrowed */
    struct fleet_listener *listeners;
    unsigned count;
    unsigned room;
};

void fleet_air_fini(struct fleet_air *air);

/* From now on; it may listen to more by another call. */
void fleet_air_listen(struct fleet_air *air, const struct fleet_listener *listener);

/* Ends those of its subscriptions that an attack made, or those that none did. */
void fleet_air_leave(struct fleet_air *air, const struct fleet_speaker *speaker, bool attack);

/* Publishes, and delivers to all that hear this persona. */
void fleet_air_publish(struct fleet_air *air, unsigned persona, const struct fleet_speaker *speaker,
                       int64_t at_us, const struct fleet_message *message);
