/* SPDX-License-Identifier: Apache-2.0 */
/* Hierarchical timer wheel with millisecond resolution and no clock.
 *
 * Owner: one thread. Arming and cancelling cost O(1); timers are intrusive and
 * never allocated here. A timer fires in the first wheel_advance() whose now_ms
 * is at or after its due time, never earlier; timers due at different times fire
 * in order of their due times. A due time in the past counts as now, and within an
 * advance now is the time advanced to. A callback may arm or cancel any timer, and
 * may free the object that holds the firing one; a timer that a callback arms
 * waits for the next advance even when it is due, so that every advance ends. */
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_SLOTS  64
#define WHEEL_LEVELS 6
#define WHEEL_NEVER  UINT64_MAX

struct wheel_timer;
typedef void (*wheel_callback)(struct wheel_timer *timer, void *context, uint64_t now_ms);

/* Zero is a valid, unarmed timer. */
struct wheel_timer {
    struct list link;
    uint64_t due_ms;
    wheel_callback fire;
};

struct timer_wheel {
    uint64_t now_ms;
    uint64_t target_ms; /* of the advance that runs */
    bool advancing;
    uint64_t occupied[WHEEL_LEVELS]; /* bit per slot */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct list beyond;       /* due after the span of the last level, 2^36 ms: two years */
    uint64_t beyond_first_ms; /* none of them is due earlier */
    struct list late;         /* armed by a callback for a time up to target_ms */
    void *context;            /* handed to every callback */
};

void wheel_init(struct timer_wheel *wheel, uint64_t now_ms, void *context);

/* Arms `timer`, or moves it if it is armed. A due time in the past fires at the
 * next advance (see above); WHEEL_NEVER cancels. */
void wheel_arm(struct timer_wheel *wheel, struct wheel_timer *timer, uint64_t due_ms,
               wheel_callback fire);
void wheel_cancel(struct timer_wheel *wheel, struct wheel_timer *timer);
bool wheel_is_armed(const struct wheel_timer *timer);

/* Fires all that is due up to and including now_ms. */
void wheel_advance(struct timer_wheel *wheel, uint64_t now_ms);

/* A time at or before the earliest due time and never later, WHEEL_NEVER if
 * nothing is armed. Advancing to it and asking again converges. */
uint64_t wheel_next_ms(const struct timer_wheel *wheel);
