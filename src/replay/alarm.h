/* SPDX-License-Identifier: Apache-2.0 */
/* From evidence to what is told: of a source, of a device, or of many devices at once. */
#pragma once

#include "replay/replay.h"

/* Counts against a source, looks at it, and tells if it is time. */
void alarm_count_source(struct replay *replay, struct mqtt_span address,
                        enum sense_source_feature feature);

/* Looks at a device, and tells if it is time. */
void alarm_look(struct replay *replay, struct fleet_device *device);

/* Once in a window: how many are surprised together. */
void alarm_count_groups(struct replay *replay);

/* At each tick: tells of devices that are surprised together. */
void alarm_watch_groups(struct replay *replay);
