/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of one thread: descriptors, timers, messages from other threads.
 *
 * Owner: the thread that runs it; loop_post() and loop_stop() are thread-safe.
 * A turn: wait, read the clock once, descriptors, messages, timers, then the
 * end-of-turn hooks in the order they were added. Callbacks run on the loop's
 * thread and may watch, unwatch, arm, post and free what they like, the object
 * they were called for included. */
#pragma once

#include "base/attrs.h"
#include "base/list.h"
#include "base/timer_wheel.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* -ENOMEM or what the kernel said. */
MQTT_NODISCARD int loop_open(struct loop **out);

/* Everything was unwatched and disarmed before, messages were delivered
 * (loop_deliver). NULL is fine. */
void loop_close(struct loop *loop);

/* Turns until loop_stop(); a stop before the run counts. Returns 0 or what the
 * kernel said. */
MQTT_NODISCARD int loop_run(struct loop *loop);

/* One turn that waits at most `wait_ms`. */
MQTT_NODISCARD int loop_turn(struct loop *loop, uint64_t wait_ms);

/* Ends loop_run() after the current turn. Thread-safe. */
void loop_stop(struct loop *loop);

/* Monotonic milliseconds, as of this turn. */
uint64_t loop_now_ms(const struct loop *loop);

/* Monotonic nanoseconds, as of now: what happens later, on whichever thread, is not less. */
uint64_t loop_clock_ns(void);

/* ---- descriptors ---- */

#define LOOP_READABLE 1u
#define LOOP_WRITABLE 2u
/* The descriptor is shared by several loops: wake one of them. Only with a first
 * loop_watch(), interest cannot change later. */
#define LOOP_EXCLUSIVE 4u
/* Only in what is ready, with LOOP_READABLE, and not with LOOP_EXCLUSIVE: behind what can be read now nothing more will come. */
#define LOOP_ENDED 8u

struct loop_watch;

/* Level-triggered: called again next turn as long as it holds. `ready` is a set of
 * LOOP_READABLE, LOOP_WRITABLE and LOOP_ENDED; an error or hang-up counts as what was
 * asked for, so that the next read or write tells. */
typedef void (*loop_ready)(struct loop_watch *watch, unsigned ready);

/* In the caller's object; zero is not watched. The descriptor stays the caller's. */
struct loop_watch {
    loop_ready on_ready;
    int fd;
    unsigned interest;
};

/* -EEXIST, -ENOMEM, -ENOSPC, -EPERM as epoll_ctl says. */
MQTT_NODISCARD int loop_watch(struct loop *loop, struct loop_watch *watch, int fd,
                              unsigned interest, loop_ready on_ready);
/* No system call when nothing changes. 0 as interest waits for errors only. */
MQTT_NODISCARD int loop_watch_change(struct loop *loop, struct loop_watch *watch,
                                     unsigned interest);
/* The descriptor lives on. Not watched is fine. No event of this turn reaches the watch any more. */
void loop_unwatch(struct loop *loop, struct loop_watch *watch);
/* The same, and closes the descriptor, which nobody else has a copy of: then the kernel forgets it by
 * itself. Closes it also when it is not watched. */
void loop_close_watched(struct loop *loop, struct loop_watch *watch);

/* ---- timers: base/timer_wheel.h with the loop as the wheel ---- */

/* The callback's `context` is the loop. */
void loop_arm(struct loop *loop, struct wheel_timer *timer, uint64_t due_ms, wheel_callback fire);
void loop_cancel(struct loop *loop, struct wheel_timer *timer);

/* ---- messages ---- */

struct loop_message;
typedef void (*loop_deliver_function)(struct loop_message *message, struct loop *loop);

/* In the sender's object, which the receiver owns from loop_post() on. */
struct loop_message {
    struct loop_message *next;
    loop_deliver_function deliver;
};

/* Thread-safe, never fails, first in first out for each sender. However many
 * messages wait, the loop is woken once. */
void loop_post(struct loop *loop, struct loop_message *message, loop_deliver_function deliver);

/* Delivers what waits, now: for the end, when the loop does not turn any more. */
void loop_deliver(struct loop *loop);

/* ---- end of turn ---- */

struct loop_hook;
typedef void (*loop_hook_function)(struct loop_hook *hook);

struct loop_hook {
    struct list link;
    loop_hook_function at_end;
};

void loop_hook_add(struct loop *loop, struct loop_hook *hook, loop_hook_function at_end);
void loop_hook_remove(struct loop_hook *hook);

/* The next turn does not wait: there is more to do than this turn took on. */
void loop_turn_again(struct loop *loop);
