/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timer_wheel.h"

#include "base/attrs.h"
#include "base/invariant.h"

#define SLOT_BITS 6 /* WHEEL_SLOTS is 2^6 */
#define SPAN_BITS (SLOT_BITS * WHEEL_LEVELS)

/* A timer stands on the level of the highest group of six bits in which its due time
 * differs from now, in the slot that this group of its due time names. So all
 * timers of a level share the higher bits of now, come after all timers of the
 * levels below, and stay where they are until now reaches the start of their slot. */

_Static_assert(WHEEL_SLOTS == 1 << SLOT_BITS, "a slot number is one group of bits");

void wheel_init(struct timer_wheel *wheel, uint64_t now_ms, void *context)
{
    *wheel = (struct timer_wheel){ .now_ms = now_ms, .context = context };
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    }
    list_init(&wheel->beyond);
    list_init(&wheel->late);
}

static unsigned slot_of(uint64_t due_ms, unsigned level)
{
    return (unsigned)(due_ms >> (SLOT_BITS * level)) & (WHEEL_SLOTS - 1);
}

/* WHEEL_LEVELS: beyond. */
static unsigned level_of(const struct timer_wheel *wheel, uint64_t due_ms)
{
    uint64_t difference = due_ms ^ wheel->now_ms;
    if (difference >> SPAN_BITS != 0)
        return WHEEL_LEVELS;
    if (difference < WHEEL_SLOTS)
        return 0;
    return (unsigned)(63 - __builtin_clzll(difference)) / SLOT_BITS;
}

static void place_beyond(struct timer_wheel *wheel, struct wheel_timer *timer)
{
    if (list_is_empty(&wheel->beyond) || timer->due_ms < wheel->beyond_first_ms)
        wheel->beyond_first_ms = timer->due_ms;
    list_push_back(&wheel->beyond, &timer->link);
}

/* due_ms is not before now. */
static void place(struct timer_wheel *wheel, struct wheel_timer *timer)
{
    unsigned level = level_of(wheel, timer->due_ms);
    if (level == WHEEL_LEVELS) {
        place_beyond(wheel, timer);
        return;
    }
    unsigned slot = slot_of(timer->due_ms, level);
    list_push_back(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

static void clear_if_empty(struct timer_wheel *wheel, unsigned level, unsigned slot)
{
    if (list_is_empty(&wheel->slots[level][slot]))
        wheel->occupied[level] &= ~(UINT64_C(1) << slot);
}

bool wheel_is_armed(const struct wheel_timer *timer)
{
    return list_is_linked(&timer->link);
}

void wheel_cancel(struct timer_wheel *wheel, struct wheel_timer *timer)
{
    if (!wheel_is_armed(timer))
        return;
    list_unlink(&timer->link);
    unsigned level = level_of(wheel, timer->due_ms);
    if (level < WHEEL_LEVELS)
        clear_if_empty(wheel, level, slot_of(timer->due_ms, level));
}

void wheel_arm(struct timer_wheel *wheel, struct wheel_timer *timer, uint64_t due_ms,
               wheel_callback fire)
{
    wheel_cancel(wheel, timer);
    if (due_ms == WHEEL_NEVER)
        return;
    timer->fire = fire;
    if (wheel->advancing && due_ms <= wheel->target_ms) {
        timer->due_ms = wheel->target_ms;
        list_push_back(&wheel->late, &timer->link);
        return;
    }
    timer->due_ms = due_ms > wheel->now_ms ? due_ms : wheel->now_ms;
    place(wheel, timer);
}

static void place_all(struct timer_wheel *wheel, struct list *timers)
{
    struct list *link = list_take_first(timers);
    while (link != NULL) {
        place(wheel, MQTT_CONTAINER_OF(link, struct wheel_timer, link));
        link = list_take_first(timers);
    }
}

/* The lowest occupied level, WHEEL_LEVELS if only `beyond` may hold something. */
static unsigned first_level(const struct timer_wheel *wheel)
{
    unsigned level = 0;
    while (level < WHEEL_LEVELS && wheel->occupied[level] == 0)
        level++;
    return level;
}

/* Start of the first occupied slot, or of the span in which `beyond` may be due. */
static uint64_t next_event(const struct timer_wheel *wheel)
{
    unsigned level = first_level(wheel);
    if (level < WHEEL_LEVELS) {
        unsigned shift = SLOT_BITS * level;
        uint64_t slot = (uint64_t)__builtin_ctzll(wheel->occupied[level]);
        uint64_t above = wheel->now_ms >> (shift + SLOT_BITS) << (shift + SLOT_BITS);
        return above | slot << shift;
    }
    if (list_is_empty(&wheel->beyond))
        return WHEEL_NEVER;
    return wheel->beyond_first_ms >> SPAN_BITS << SPAN_BITS;
}

static void fire_slot(struct timer_wheel *wheel, unsigned slot)
{
    struct list *timers = &wheel->slots[0][slot];
    struct list *link = list_take_first(timers);
    while (link != NULL) {
        struct wheel_timer *timer = MQTT_CONTAINER_OF(link, struct wheel_timer, link);
        timer->fire(timer, wheel->context, wheel->target_ms);
        link = list_take_first(timers);
    }
    clear_if_empty(wheel, 0, slot);
}

/* Takes the slot's list away first: placed again, a timer of `beyond` may land in
 * `beyond`. */
static void cascade(struct timer_wheel *wheel, struct list *timers)
{
    struct list taken;
    list_init(&taken);
    struct list *link = list_take_first(timers);
    while (link != NULL) {
        list_push_back(&taken, link);
        link = list_take_first(timers);
    }
    place_all(wheel, &taken);
}

/* Moves to the next event, at event_ms, and does it. */
static void step(struct timer_wheel *wheel, uint64_t event_ms)
{
    unsigned level = first_level(wheel);
    wheel->now_ms = event_ms;
    if (level == WHEEL_LEVELS) {
        cascade(wheel, &wheel->beyond);
        return;
    }
    unsigned slot = slot_of(event_ms, level);
    if (level == 0) {
        fire_slot(wheel, slot);
        return;
    }
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    cascade(wheel, &wheel->slots[level][slot]);
}

void wheel_advance(struct timer_wheel *wheel, uint64_t now_ms)
{
    MQTT_INVARIANT(!wheel->advancing);
    wheel->target_ms = now_ms > wheel->now_ms ? now_ms : wheel->now_ms;
    wheel->advancing = true;
    uint64_t event_ms = next_event(wheel);
    while (event_ms <= wheel->target_ms && event_ms != WHEEL_NEVER) {
        step(wheel, event_ms);
        event_ms = next_event(wheel);
    }
    wheel->advancing = false;
    wheel->now_ms = wheel->target_ms;
    place_all(wheel, &wheel->late);
}

uint64_t wheel_next_ms(const struct timer_wheel *wheel)
{
    uint64_t event_ms = next_event(wheel);
    if (!list_is_empty(&wheel->late) && wheel->target_ms < event_ms)
        return wheel->target_ms;
    return event_ms;
}
