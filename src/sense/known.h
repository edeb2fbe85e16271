/* SPDX-License-Identifier: Apache-2.0 */
/* What has been learned of one feature, for people: of a device, of its role, and what is expected. */
#pragma once

#include "sense/device.h"
#include "sense/feature.h"
#include "sense/role.h"

#include <stdbool.h>

/* Numbers are in the unit of the feature; of counters they are for a window. */
struct sense_known {
    bool has_own;   /* the device has a value of its own */
    bool has_role;  /* and its role has one */
    bool has_range; /* the usual range is known */
    float own;      /* mean, or what lies in the middle */
    float of_role;
    float weight;    /* of its own in what is expected, 0 to 1 */
    float low, high; /* the usual range, as things stand */
};

/* A device of which all bytes are zero is one that nobody has seen: what is expected of a new one. */
void sense_known_of(const struct sense_role *role, const struct sense_device *device,
                    enum sense_feature feature, struct sense_known *out);
