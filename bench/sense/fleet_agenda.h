/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts when: each actor, 0 to actors - 1, has one next moment. Owner: one thread. Ends the
 * program where there is no memory. */
#pragma once

#include "bench/sense/fleet_time.h"

struct fleet_agenda {
    int64_t *at_us;  /* of each actor */
    uint32_t *heap;  /* actors; the first acts first, of one moment the smaller number */
    uint32_t *place; /* where in the heap each actor is */
    uint32_t actors;
};

/* Nobody acts yet. There is one actor or more. */
void fleet_agenda_init(struct fleet_agenda *agenda, uint32_t actors);
void fleet_agenda_fini(struct fleet_agenda *agenda);
void fleet_agenda_set(struct fleet_agenda *agenda, uint32_t actor, int64_t at_us);

/* Who acts next; his moment may be FLEET_NEVER. */
uint32_t fleet_agenda_first(const struct fleet_agenda *agenda);
