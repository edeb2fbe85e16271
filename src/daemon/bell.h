/* SPDX-License-Identifier: Apache-2.0 */
/* A lock, and the one thread that sleeps under it until it is told that there is something for it.
 *
 * To wake a thread costs who does it more than what it is told of, so it is done once, only when it
 * sleeps, and not before the lock is free: it would run against it. Thread-safe. */
#pragma once

#include "base/attrs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* How the thread sleeps. */
enum bell_sleep {
    BELL_AWAKE = 0, /* it will look by itself */
    BELL_DOZES,     /* it gathers: only what is urgent wakes it */
    BELL_SLEEPS,
};

enum bell_news {
    BELL_NOTHING = 0,
    BELL_SOMETHING,
    BELL_URGENT,
};

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rings;
    enum bell_sleep sleep; /* under the lock */
};

/* 0 or a negative errno. */
MQTT_NODISCARD int bell_init(struct bell *bell);
void bell_fini(struct bell *bell);

void bell_lock(struct bell *bell);
void bell_unlock(struct bell *bell, enum bell_news news);

/* The thread, with the lock, which is free meanwhile. Until it is woken, or until due_us by the monotonic
 * clock (0: there is no such time); then false. It may wake for nothing. */
bool bell_wait(struct bell *bell, enum bell_sleep sleep, uint64_t due_us);
