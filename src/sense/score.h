/* SPDX-License-Identifier: Apache-2.0 */
/* What one window says, feature by feature. Internal to this layer. */
#pragma once

#include "sense/device.h"
#include "sense/role.h"

#include <stdbool.h>
#include <stdint.h>

struct sense_score {
    float bits[SENSE_FEATURES];     /* evidence of this window; 0: it says nothing */
    float oddness[SENSE_FEATURES];  /* for the tails; negative: nothing was measured */
    float observed[SENSE_FEATURES]; /* in the unit of the feature */
    float drift;                    /* distance for SENSE_BYTES_DRIFT; below -8: none */
    float joint;                    /* rarity of the window in its role; negative: none */
};

#define SENSE_MISSED_OCTAVES 0.585f /* an interval of one and a half is one of two */
#define SENSE_RHYTHM_AFTER   16u    /* intervals, before which no rhythm is known */
#define SENSE_NEW_BELOW      120u   /* windows, ten minutes, in which a device is new */

/* Widths below which nothing is odd: of an interval, in octaves; of a message's size. */
float sense_interval_least(const struct sense_device *device);
#define SENSE_SIZE_LEAST  0.05f
#define SENSE_BYTES_LEAST 0.05f

/* What is expected of a counter of the device, as things stood lately. */
struct sense_expected sense_score_expect(const struct sense_role *role,
                                         const struct sense_device *device, unsigned counter);

/* The longest and the shortest interval that were learned, log2 of seconds. */
float sense_device_longest(const struct sense_device *device);
float sense_device_shortest(const struct sense_device *device);

/* Whether it reports at intervals that are nearly the same. */
bool sense_score_is_clockwork(const struct sense_device *device);

/* Whether its intervals vary so little that a report that is missing can be told from one that is late. */
bool sense_score_is_steady(const struct sense_device *device);

/* What a device is sent is its own doing only if it has asked for more than a topic or two that are new,
 * as for an update of its own; else it is that of who publishes: a command, an update, a flood by
 * another. */
bool sense_score_asks_for_more(const struct sense_device *device);

/* What needs no model: a third address that is the first again, and a wildcard in a role that has none. */
bool sense_score_is_rule(const struct sense_role *role, unsigned feature, float observed);

/* `is_over`: the window is complete, so that what is missing in it counts as well. */
void sense_score_window(const struct sense_role *role, const struct sense_device *device,
                        uint64_t now_ms, bool is_over, struct sense_score *out);

/* The window as a point for the trees. */
void sense_score_point(const struct sense_role *role, const struct sense_window *window,
                       float point[SENSE_DIMENSIONS]);

/* Where in the point the logarithms are that are not of counts. */
#define SENSE_POINT_BYTES    5u /* bytes of a window, plus 1 */
#define SENSE_POINT_SIZE     6u /* bytes of its biggest message */
#define SENSE_POINT_INTERVAL 7u /* seconds, its shortest interval */

/* What the point is made of: logarithms of counts, plus 1, and those. */
void sense_score_raw(const struct sense_window *window, float raw[SENSE_DIMENSIONS]);
