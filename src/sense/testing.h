/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: simulated devices of one role, trained through its phases. */
#pragma once

#include "base/testing.h"
#include "sense/bits.h"
#include "sense/device.h"
#include "sense/evidence.h"
#include "sense/role.h"

#define FLEET_DEVICES 8u
#define FLEET_TOPIC   0x1234567u

/* How a simulated device publishes. */
struct test_habit {
    float per_window; /* messages, on average */
    bool is_clock;    /* at equal distances */
    float burst;      /* in one window of 20, so many times as much; 0: never */
};

struct test_fleet {
    struct sense_role role;
    struct sense_device devices[FLEET_DEVICES];
    struct test_random random;
    uint64_t now_ms;
    struct test_habit habit;
};

static inline float test_unit(struct test_random *random)
{
    return ((float)test_random_below(random, 1u << 20) + 0.5f) / (float)(1u << 20);
}

static inline void test_message(struct sense_device *device, uint64_t now_ms, uint32_t bytes)
{
    const struct sense_publish publish = { .topic = FLEET_TOPIC, .bytes = bytes };

    (void)sense_on_publish(device, now_ms, &publish);
}

/* The messages of one window, at times in their order. */
static inline void test_window(struct test_fleet *fleet, struct sense_device *device)
{
    uint64_t at = fleet->now_ms;
    uint64_t end = at + SENSE_WINDOW_MS;
    float rate = fleet->habit.per_window;

    if (fleet->habit.burst > 0 && test_random_below(&fleet->random, 20) == 0)
        rate *= fleet->habit.burst;
    float distance = (float)SENSE_WINDOW_MS / rate;
    for (;;) {
        float part =
            fleet->habit.is_clock ? 1.0f : -sense_log2(test_unit(&fleet->random)) * 0.6931f;
        at += (uint64_t)(distance * part) + 1;
        if (at >= end)
            return;
        test_message(device, at, 40 + (uint32_t)test_random_below(&fleet->random, 8));
    }
}

/* Runs windows of all devices. Returns how many alarms there were; one stands until it is over. */
static inline unsigned test_run(struct test_fleet *fleet, unsigned windows)
{
    unsigned alarms = 0;

    for (unsigned n = 0; n < windows; n++) {
        for (unsigned i = 0; i < FLEET_DEVICES; i++)
            test_window(fleet, &fleet->devices[i]);
        fleet->now_ms += SENSE_WINDOW_MS;
        for (unsigned i = 0; i < FLEET_DEVICES; i++) {
            struct sense_device *device = &fleet->devices[i];
            struct sense_standing standing;
            if (!sense_device_look(&fleet->role, device, fleet->now_ms, &standing))
                continue;
            if (sense_standing_verdict(&standing) != SENSE_QUIET && !device->alarmed) {
                device->alarmed = true;
                alarms++;
            }
        }
    }
    return alarms;
}

static inline void test_rest(struct test_fleet *fleet)
{
    for (unsigned i = 0; i < FLEET_DEVICES; i++) {
        sense_device_rest(&fleet->devices[i]);
        sense_device_expect(&fleet->devices[i], fleet->now_ms);
    }
}

/* A fleet that has learned for so many windows in each phase, and watches. */
static inline struct test_fleet *test_fleet_new(struct test_habit habit, unsigned windows)
{
    struct test_fleet *fleet = calloc(1, sizeof(*fleet));

    if (fleet == NULL)
        abort();
    fleet->random.state = 0x5eed;
    fleet->habit = habit;
    fleet->now_ms = 1000;
    sense_role_init(&fleet->role);
    test_rest(fleet);
    for (int phase = SENSE_LEARN; phase < SENSE_WATCH; phase++) {
        sense_role_enter(&fleet->role, (enum sense_phase)phase);
        (void)test_run(fleet, windows);
        test_rest(fleet);
    }
    sense_role_enter(&fleet->role, SENSE_WATCH);
    return fleet;
}
