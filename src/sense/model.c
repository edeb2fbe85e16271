/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/model.h"

#include <string.h>

#define MOST 1e12f

/* False also for what is no number. */
static bool is_within(float x, float low)
{
    return x >= low && x <= MOST;
}

static bool rate_is_sound(const struct sense_rate *rate)
{
    return is_within(rate->mean, 0) && is_within(rate->variance, 0);
}

bool sense_rate_is_sound(const struct sense_role_rate *rate)
{
    return rate_is_sound(&rate->all) && is_within(rate->apart, 0);
}

static bool location_is_sound(const struct sense_location *location)
{
    return is_within(location->middle, -MOST) && is_within(location->width, 0);
}

static bool value_is_sound(const struct sense_value *value)
{
    return is_within(value->last, -MOST) && is_within(value->width, 0)
           && is_within(value->sum, -MOST);
}

bool sense_device_is_sound(const struct sense_device *device)
{
    bool is_sound = location_is_sound(&device->interval) && location_is_sound(&device->size)
                    && location_is_sound(&device->bytes) && is_within(device->joint, -MOST)
                    && is_within(device->drift, -MOST);

    for (unsigned i = 0; i < SENSE_COUNTERS; i++)
        is_sound = is_sound && rate_is_sound(&device->rates[i]);
    for (unsigned i = 0; i < SENSE_LATELY; i++)
        is_sound = is_sound && is_within(device->lately[i], 0) && is_within(device->busiest[i], 0);
    for (unsigned i = 0; i < SENSE_VALUE_SLOTS; i++)
        is_sound = is_sound && value_is_sound(&device->values[i]);
    return is_sound;
}

static bool tail_is_sound(const struct sense_tail *tail)
{
    bool is_sound = is_within(tail->slope, -MOST) && is_within(tail->top, -MOST);

    for (unsigned i = 0; i < SENSE_TAIL_BINS; i++)
        is_sound = is_sound && is_within(tail->bits[i], -MOST);
    return is_sound;
}

/* False also for what is no number. */
static bool is_same(float a, float b)
{
    return a <= b && a >= b;
}

/* Where they split is the same in every process: only the leaves were learned. */
static bool trees_are_sound(const struct sense_trees *trees)
{
    struct sense_trees blank;
    bool is_sound = true;

    sense_trees_init(&blank);
    for (unsigned tree = 0; tree < SENSE_TREES; tree++)
        for (unsigned at = 0; at < SENSE_TREE_NODES; at++)
            is_sound = is_sound && is_same(trees->split[tree][at], blank.split[tree][at])
                       && trees->dimension[tree][at] == blank.dimension[tree][at];
    return is_sound;
}

static bool rhythm_is_sound(const struct sense_rhythm *rhythm)
{
    bool is_sound = true;

    for (unsigned i = 0; i < SENSE_PAUSES; i++)
        is_sound = is_sound && is_within(rhythm->bits[i], 0);
    return is_sound;
}

bool sense_role_is_sound(const struct sense_role *role)
{
    bool is_sound = (unsigned)role->phase <= SENSE_WATCH
                    && (role->features & ~SENSE_ALL_FEATURES) == 0
                    && location_is_sound(&role->keepalive) && location_is_sound(&role->backlog)
                    && trees_are_sound(&role->trees) && rhythm_is_sound(&role->rhythm);

    for (unsigned i = 0; i < SENSE_COUNTERS; i++)
        is_sound = is_sound && sense_rate_is_sound(&role->rates[i]);
    for (unsigned i = 0; i < SENSE_LATELY; i++)
        is_sound = is_sound && is_within(role->busiest[i], 0) && is_within(role->clumps[i], 0);
    for (unsigned i = 0; i < SENSE_DIMENSIONS; i++)
        is_sound = is_sound && location_is_sound(&role->usual[i]);
    for (unsigned i = 0; i < SENSE_TAILS; i++)
        is_sound = is_sound && tail_is_sound(&role->tails[i]);
    return is_sound;
}

void sense_device_keepsake(const struct sense_device *device, struct sense_device *out)
{
    *out = *device;
    sense_device_rest(out);
    memset(&out->window, 0, sizeof(out->window));
}

void sense_device_portray(const struct sense_device *device, struct sense_device *out)
{
    uint16_t evidence[SENSE_FEATURES];

    memcpy(evidence, device->evidence, sizeof(evidence));
    sense_device_keepsake(device, out);
    memcpy(out->evidence, evidence, sizeof(evidence));
}
