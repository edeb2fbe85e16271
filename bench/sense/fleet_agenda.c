/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_agenda.h"

#include "bench/ground.h"

#include <stdbool.h>
#include <stdlib.h>

void fleet_agenda_init(struct fleet_agenda *agenda, uint32_t actors)
{
    *agenda = (struct fleet_agenda){ .at_us = malloc(actors * sizeof *agenda->at_us),
                                     .heap = malloc(actors * sizeof *agenda->heap),
                                     .place = malloc(actors * sizeof *agenda->place),
                                     .actors = actors };
    must(agenda->at_us != NULL && agenda->heap != NULL && agenda->place != NULL,
         "memory for the agenda");
    for (uint32_t i = 0; i < actors; i++) {
        agenda->at_us[i] = FLEET_NEVER;
        agenda->heap[i] = agenda->place[i] = i;
    }
}

void fleet_agenda_fini(struct fleet_agenda *agenda)
{
    free(agenda->at_us);
    free(agenda->heap);
    free(agenda->place);
}

static bool earlier(const struct fleet_agenda *agenda, uint32_t a, uint32_t b)
{
    return agenda->at_us[a] != agenda->at_us[b] ? agenda->at_us[a] < agenda->at_us[b] : a < b;
}

static void put(struct fleet_agenda *agenda, uint32_t at, uint32_t actor)
{
    agenda->heap[at] = actor;
    agenda->place[actor] = at;
}

static uint32_t rise(struct fleet_agenda *agenda, uint32_t at, uint32_t actor)
{
    for (; at > 0 && earlier(agenda, actor, agenda->heap[(at - 1) / 2]); at = (at - 1) / 2)
        put(agenda, at, agenda->heap[(at - 1) / 2]);
    return at;
}

static uint32_t sink(struct fleet_agenda *agenda, uint32_t at, uint32_t actor)
{
    for (uint32_t child = 2 * at + 1; child < agenda->actors; child = 2 * at + 1) {
        if (child + 1 < agenda->actors
            && earlier(agenda, agenda->heap[child + 1], agenda->heap[child]))
            child++;
        if (!earlier(agenda, agenda->heap[child], actor))
            break;
        put(agenda, at, agenda->heap[child]);
        at = child;
    }
    return at;
}

void fleet_agenda_set(struct fleet_agenda *agenda, uint32_t actor, int64_t at_us)
{
    agenda->at_us[actor] = at_us;
    put(agenda, sink(agenda, rise(agenda, agenda->place[actor], actor), actor), actor);
}

uint32_t fleet_agenda_first(const struct fleet_agenda *agenda)
{
    return agenda->heap[0];
}
