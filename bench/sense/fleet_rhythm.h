/* SPDX-License-Identifier: Apache-2.0 */
/* When a device reports: the part of fleet_device.h that is about time. */
#pragma once

#include "bench/sense/fleet_device.h"

/* Begins with the moment at which it is switched on. */
void fleet_rhythm_start(struct fleet_device *device, int64_t now_us);

/* After a report: when the next one is. */
void fleet_rhythm_next(struct fleet_device *device, int64_t now_us);

/* An activity begins, and the one after it is drawn. */
void fleet_rhythm_activity(struct fleet_device *device, int64_t now_us);
