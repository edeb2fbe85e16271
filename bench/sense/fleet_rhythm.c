/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_rhythm.h"

#define POISSON      1.0    /* jitter from which on intervals are exponential */
#define FIRST_US     300000 /* from the begin of an activity to its first report */
#define ALARM_FACTOR 10
#define SPREAD       0.5 /* of how long activities take */

static bool is_active(const struct fleet_device *device, int64_t now_us)
{
    return now_us < device->rhythm.active_until_us;
}

double fleet_device_interval_s(const struct fleet_device *device, int64_t now_us)
{
    const struct persona_rhythm *rhythm = &device->persona->rhythm;
    double interval = rhythm->idle_s;

    if (rhythm->active_s > 0 && is_active(device, now_us))
        interval = rhythm->active_s;
    if (interval <= 0)
        interval = fleet_time_s(FLEET_DAY_US) / rhythm->activities_per_day;
    if (now_us < device->rhythm.alarm_until_us)
        interval /= ALARM_FACTOR;
    return interval * device->pace;
}

/* One that only reports in activities is silent after one. */
static bool is_silent(const struct fleet_device *device, int64_t now_us)
{
    return device->persona->rhythm.idle_s <= 0 && !is_active(device, now_us);
}

void fleet_rhythm_next(struct fleet_device *device, int64_t now_us)
{
    struct fleet_rhythm *rhythm = &device->rhythm;
    const double jitter = device->persona->rhythm.jitter;
    const double interval = fleet_device_interval_s(device, now_us);

    if (is_silent(device, now_us)) {
        rhythm->report_us = FLEET_NEVER;
        return;
    }
    if (jitter >= POISSON) {
        rhythm->report_us =
            now_us + fleet_time_us(fleet_random_exponential(&device->random, interval)) + 1;
        return;
    }
    /* A clockwork does not drift by its jitter, but one that is far behind begins anew. */
    rhythm->nominal_us += fleet_time_us(interval);
    if (rhythm->nominal_us <= now_us - fleet_time_us(interval))
        rhythm->nominal_us = now_us + fleet_time_us(interval);
    rhythm->report_us = rhythm->nominal_us
                        + fleet_time_us(jitter * interval * fleet_random_normal(&device->random));
    if (rhythm->report_us <= now_us)
        rhythm->report_us = now_us + fleet_time_us(interval / 10) + 1;
}

/* Those that chance proposes at the rate of the likeliest hour, it takes as the hour is likely. */
static int64_t next_activity_us(struct fleet_device *device, int64_t now_us)
{
    const double per_s = persona_peak_per_s(device->persona);
    int64_t at_us = now_us;

    if (per_s <= 0)
        return FLEET_NEVER;
    do
        at_us += fleet_time_us(fleet_random_exponential(&device->random, 1 / per_s));
    while (!fleet_random_is(&device->random,
                            persona_likelihood(device->persona, at_us + device->clock_us)));
    return at_us;
}

void fleet_rhythm_activity(struct fleet_device *device, int64_t now_us)
{
    const double seconds =
        fleet_random_lognormal(&device->random, device->persona->rhythm.activity_s, SPREAD);

    device->rhythm.active_until_us = now_us + fleet_time_us(seconds);
    device->rhythm.activity_us = next_activity_us(device, device->rhythm.active_until_us);
    device->rhythm.nominal_us = device->rhythm.report_us = now_us + FIRST_US;
}

void fleet_rhythm_start(struct fleet_device *device, int64_t now_us)
{
    const double interval = fleet_device_interval_s(device, now_us);

    device->rhythm.activity_us = next_activity_us(device, now_us);
    device->rhythm.nominal_us =
        now_us + fleet_time_us(fleet_random_between(&device->random, 0.1, 1) * interval);
    device->rhythm.report_us = is_silent(device, now_us) ? FLEET_NEVER : device->rhythm.nominal_us;
}

void fleet_device_alarm(struct fleet_device *device, int64_t now_us, int64_t until_us)
{
    device->rhythm.alarm_until_us = until_us;
    device->rhythm.nominal_us = device->rhythm.report_us = now_us + FIRST_US;
}
