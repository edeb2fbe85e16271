/* SPDX-License-Identifier: Apache-2.0 */
/* Models that come from a file: are they such as learning could have made? Whatever else such a
 * file says, a model that is sound makes no function of this layer do what it must not. */
#pragma once

#include "sense/device.h"
#include "sense/group.h"
#include "sense/role.h"
#include "sense/source.h"

#include <stdbool.h>

/* Another one whenever the bytes of a model, or what they mean, are not what they were. */
#define SENSE_MODEL_VERSION 5u

bool sense_device_is_sound(const struct sense_device *device);
bool sense_role_is_sound(const struct sense_role *role);
bool sense_rate_is_sound(const struct sense_role_rate *rate);

/* What may be kept of a device: what was learned, nothing of what happens now. */
void sense_device_keepsake(const struct sense_device *device, struct sense_device *out);

/* The same with the evidence that there is, for whoever wants to look at it elsewhere. */
void sense_device_portray(const struct sense_device *device, struct sense_device *out);
