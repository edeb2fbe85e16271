/* SPDX-License-Identifier: Apache-2.0 */
/* Common cause: devices of a role that are surprised together are one event, not many.
 *
 * Once in a window the caller counts the devices that have SENSE_SURPRISED_BITS of evidence or more.
 * They are a group when there are three at least, and more than a fifth of those that are here, or
 * more than chance explains: their number is itself a counter with a model, and its evidence is an
 * e-detector like any other. The evidence of the single device is then measured against that of the
 * group: what it shares with the others is theirs together. */
#pragma once

#include "sense/feature.h"
#include "sense/rate.h"

#include <stdbool.h>
#include <stdint.h>

#define SENSE_GROUP_LEAST   3u
#define SENSE_FRESH_WINDOWS 12u /* since its evidence last grew, a device counts as surprised */

struct sense_group {
    struct sense_role_rate rate; /* of surprised devices in a window, as a part of those here */
    uint32_t windows;            /* learned from */
    float evidence;              /* bits, of closed windows */
    uint64_t told_ms; /* when it was told of last, while it is open; 0: not yet: crowd.h */
    uint16_t quiet;   /* windows since there was a group */
    bool open;        /* an event has been told and is not over */
};

/* One count of one window, of devices of one verdict. `learns`: the traffic is known to be good.
 * true: a group event begins. */
bool sense_group_count(struct sense_group *group, uint32_t surprised, uint32_t here, bool learns);

/* Whether so many of so many are a group now, before the window is over. */
bool sense_group_is(const struct sense_group *group, uint32_t surprised, uint32_t here);

/* What of a device's evidence is its own, in bits, when the middle one of its group has `common`. */
float sense_group_own(float evidence, float common);

void sense_group_rest(struct sense_group *group);
