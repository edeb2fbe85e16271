/* SPDX-License-Identifier: Apache-2.0 */
/* Time of a trace: microseconds since 1970, and how long in microseconds. There is no clock. */
#pragma once

#include <stdint.h>

#define FLEET_NEVER     INT64_MAX
#define FLEET_SECOND_US INT64_C(1000000)
#define FLEET_MINUTE_US (60 * FLEET_SECOND_US)
#define FLEET_HOUR_US   (60 * FLEET_MINUTE_US)
#define FLEET_DAY_US    (24 * FLEET_HOUR_US)

static inline int64_t fleet_time_us(double seconds)
{
    return (int64_t)(seconds * (double)FLEET_SECOND_US);
}

static inline double fleet_time_s(int64_t us)
{
    return (double)us / (double)FLEET_SECOND_US;
}
