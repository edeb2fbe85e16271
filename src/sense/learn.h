/* SPDX-License-Identifier: Apache-2.0 */
/* Learning from a window that is over. Internal to this layer. */
#pragma once

#include "sense/device.h"
#include "sense/role.h"
#include "sense/score.h"

#include <stdbool.h>

/* Nothing happened in it. */
bool sense_learn_is_empty(const struct sense_window *window);

/* Means and widths of the device; of the role too while the phase is SENSE_LEARN. */
void sense_learn_window(struct sense_role *role, struct sense_device *device,
                        const struct sense_score *score);

/* What has been usual lately, from windows of any kind; and the most of it until the role watches. */
void sense_learn_lately(struct sense_role *role, struct sense_device *device);

/* A window in which the device was not connected: of its connects alone. */
void sense_learn_absence(struct sense_role *role, struct sense_device *device);

/* The oddness of the window into the tails of the role, and its point into the trees. */
void sense_learn_shape(struct sense_role *role, struct sense_device *device,
                       const struct sense_score *score);
