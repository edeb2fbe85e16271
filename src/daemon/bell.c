/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/bell.h"

#include <time.h>

static int init_rings(pthread_cond_t *rings)
{
    pthread_condattr_t attributes;
    int status = pthread_condattr_init(&attributes);

    if (status != 0)
        return -status;
    status = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (status == 0)
        status = pthread_cond_init(rings, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return -status;
}

int bell_init(struct bell *bell)
{
    int status = -pthread_mutex_init(&bell->lock, NULL);

    if (status != 0)
        return status;
    bell->sleep = BELL_AWAKE;
    status = init_rings(&bell->rings);
    if (status != 0)
        (void)pthread_mutex_destroy(&bell->lock);
    return status;
}

void bell_fini(struct bell *bell)
{
    (void)pthread_cond_destroy(&bell->rings);
    (void)pthread_mutex_destroy(&bell->lock);
}

void bell_lock(struct bell *bell)
{
    pthread_mutex_lock(&bell->lock);
}

void bell_unlock(struct bell *bell, enum bell_news news)
{
    bool wakes = (news == BELL_URGENT && bell->sleep != BELL_AWAKE)
                 || (news == BELL_SOMETHING && bell->sleep == BELL_SLEEPS);

    if (wakes)
        bell->sleep = BELL_AWAKE; /* once is enough */
    pthread_mutex_unlock(&bell->lock);
    if (wakes)
        pthread_cond_signal(&bell->rings);
}

bool bell_wait(struct bell *bell, enum bell_sleep sleep, uint64_t due_us)
{
    const struct timespec due = {
        .tv_sec = (time_t)(due_us / 1000000),
        .tv_nsec = (long)(due_us % 1000000) * 1000,
    };

    bell->sleep = sleep;
    int status = due_us == 0 ? pthread_cond_wait(&bell->rings, &bell->lock)
                             : pthread_cond_timedwait(&bell->rings, &bell->lock, &due);
    bell->sleep = BELL_AWAKE;
    return status == 0;
}
