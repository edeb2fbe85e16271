/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include "base/invariant.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Enough that a busy turn amortises its system call and that much gathers for one receiver; few enough that
 * their sockets are in the cache yet when they are answered. */
#define BATCH_EVENTS 256

struct loop {
    int epoll_fd;
    bool turn_again;
    uint64_t now_ms;
    int event_count; /* of the running batch */
    int event_index; /* the one being dispatched */
    struct loop_watch wake;
    struct list hooks;
    struct timer_wheel wheel;
    struct epoll_event events[BATCH_EVENTS];
    /* Written by other threads: on cache lines of their own. */
    _Alignas(64) _Atomic(struct loop_message *) mailbox; /* newest first */
    atomic_bool stop;
};

uint64_t loop_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t clock_ms(void)
{
    return loop_clock_ns() / 1000000;
}

static void on_wake(struct loop_watch *watch, unsigned ready)
{
    (void)ready;
    uint64_t count;
    /* Nothing to read is fine: the messages are looked for in every turn anyway. */
    ssize_t got = read(watch->fd, &count, sizeof(count));
    (void)got;
}

static void wake(struct loop *loop)
{
    const uint64_t one = 1;
    /* Fails only when the counter is full, and then the loop is awake. */
    ssize_t put = write(loop->wake.fd, &one, sizeof(one));
    (void)put;
}

int loop_open(struct loop **out)
{
    int error;
    int fd;
    struct loop *loop = aligned_alloc(64, (sizeof(*loop) + 63) / 64 * 64);
    if (loop == NULL)
        return -ENOMEM;
    *loop = (struct loop){ .now_ms = clock_ms() };
    list_init(&loop->hooks);
    wheel_init(&loop->wheel, loop->now_ms, loop);

    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        error = -errno;
        goto fail_epoll;
    }
    fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        error = -errno;
        goto fail_eventfd;
    }
    error = loop_watch(loop, &loop->wake, fd, LOOP_READABLE, on_wake);
    if (error < 0)
        goto fail_watch;
    *out = loop;
    return 0;

fail_watch:
    close(fd);
fail_eventfd:
    close(loop->epoll_fd);
fail_epoll:
    free(loop);
    return error;
}

void loop_close(struct loop *loop)
{
    if (loop == NULL)
        return;
    MQTT_INVARIANT(atomic_load(&loop->mailbox) == NULL);
    close(loop->wake.fd);
    close(loop->epoll_fd);
    free(loop);
}

/* ---- descriptors ---- */

static uint32_t epoll_bits(unsigned interest)
{
    uint32_t bits = 0;
    if ((interest & LOOP_READABLE) != 0)
        bits |= EPOLLIN;
    if ((interest & LOOP_WRITABLE) != 0)
        bits |= EPOLLOUT;
    /* The kernel does not take both. */
    if ((interest & LOOP_EXCLUSIVE) != 0)
        bits |= EPOLLEXCLUSIVE;
    else if ((interest & LOOP_READABLE) != 0)
        bits |= EPOLLRDHUP;
    return bits;
}

int loop_watch(struct loop *loop, struct loop_watch *watch, int fd, unsigned interest,
               loop_ready on_ready)
{
    struct epoll_event event = { .events = epoll_bits(interest), .data = { .ptr = watch } };
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    *watch = (struct loop_watch){ .on_ready = on_ready, .fd = fd, .interest = interest };
    return 0;
}

int loop_watch_change(struct loop *loop, struct loop_watch *watch, unsigned interest)
{
    MQTT_INVARIANT(watch->on_ready != NULL);
    if (watch->interest == interest)
        return 0;
    struct epoll_event event = { .events = epoll_bits(interest), .data = { .ptr = watch } };
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
        return -errno;
    watch->interest = interest;
    return 0;
}

/* What has been reported of it, and not been told yet, is nobody's. */
static void forget(struct loop *loop, struct loop_watch *watch)
{
    watch->on_ready = NULL;
    for (int i = loop->event_index; i < loop->event_count; i++) {
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
    }
}

void loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
    if (watch->on_ready == NULL)
        return;
    /* Cannot fail for a descriptor that was added and is still open. */
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    forget(loop, watch);
}

void loop_close_watched(struct loop *loop, struct loop_watch *watch)
{
    if (watch->on_ready != NULL)
        forget(loop, watch);
    close(watch->fd);
}

static unsigned ready_set(uint32_t bits, unsigned interest)
{
    unsigned asked = interest & (LOOP_READABLE | LOOP_WRITABLE);
    unsigned ready = 0;
    if ((bits & EPOLLIN) != 0)
        ready |= LOOP_READABLE;
    if ((bits & EPOLLRDHUP) != 0)
        ready |= LOOP_READABLE | LOOP_ENDED;
    if ((bits & EPOLLOUT) != 0)
        ready |= LOOP_WRITABLE;
    if ((bits & (EPOLLERR | EPOLLHUP)) != 0)
        ready |= asked != 0 ? asked : LOOP_READABLE;
    return ready;
}

static void dispatch(struct loop *loop, int count)
{
    loop->event_count = count;
    for (loop->event_index = 0; loop->event_index < count; loop->event_index++) {
        const struct epoll_event *event = &loop->events[loop->event_index];
        struct loop_watch *watch = event->data.ptr;
        if (watch != NULL)
            watch->on_ready(watch, ready_set(event->events, watch->interest));
    }
    loop->event_count = 0;
    loop->event_index = 0;
}

/* ---- messages ---- */

void loop_post(struct loop *loop, struct loop_message *message, loop_deliver_function deliver)
{
    message->deliver = deliver;
    struct loop_message *newest = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
    do {
        message->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->mailbox, &newest, message,
                                                    memory_order_release, memory_order_relaxed));
    /* Whoever finds the box empty wakes; the others ride along. */
    if (newest == NULL)
        wake(loop);
}

static struct loop_message *oldest_first(struct loop_message *newest)
{
    struct loop_message *oldest = NULL;
    while (newest != NULL) {
        struct loop_message *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

static void deliver_waiting(struct loop *loop)
{
    if (atomic_load_explicit(&loop->mailbox, memory_order_relaxed) == NULL)
        return;
    struct loop_message *message =
        oldest_first(atomic_exchange_explicit(&loop->mailbox, NULL, memory_order_acquire));
    while (message != NULL) {
        struct loop_message *next = message->next;
        message->deliver(message, loop);
        message = next;
    }
}

void loop_deliver(struct loop *loop)
{
    while (atomic_load_explicit(&loop->mailbox, memory_order_relaxed) != NULL)
        deliver_waiting(loop);
}

/* ---- timers and hooks ---- */

void loop_arm(struct loop *loop, struct wheel_timer *timer, uint64_t due_ms, wheel_callback fire)
{
    wheel_arm(&loop->wheel, timer, due_ms, fire);
}

void loop_cancel(struct loop *loop, struct wheel_timer *timer)
{
    wheel_cancel(&loop->wheel, timer);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

void loop_hook_add(struct loop *loop, struct loop_hook *hook, loop_hook_function at_end)
{
    hook->at_end = at_end;
    list_push_back(&loop->hooks, &hook->link);
}

void loop_hook_remove(struct loop_hook *hook)
{
    list_unlink(&hook->link);
}

void loop_turn_again(struct loop *loop)
{
    loop->turn_again = true;
}

static void run_hooks(struct loop *loop)
{
    list_for_each_safe (link, following, &loop->hooks) {
        struct loop_hook *hook = MQTT_CONTAINER_OF(link, struct loop_hook, link);
        hook->at_end(hook);
    }
}

/* ---- turns ---- */

static int wait_time_ms(struct loop *loop, uint64_t wait_ms)
{
    bool again = loop->turn_again;
    loop->turn_again = false;
    if (again || atomic_load_explicit(&loop->stop, memory_order_relaxed))
        return 0;
    uint64_t next_ms = wheel_next_ms(&loop->wheel);
    if (next_ms != WHEEL_NEVER) {
        uint64_t until_ms = next_ms > loop->now_ms ? next_ms - loop->now_ms : 0;
        if (until_ms < wait_ms)
            wait_ms = until_ms;
    }
    if (wait_ms == WHEEL_NEVER)
        return -1;
    return wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
}

int loop_turn(struct loop *loop, uint64_t wait_ms)
{
    int count = epoll_wait(loop->epoll_fd, loop->events, BATCH_EVENTS, wait_time_ms(loop, wait_ms));
    if (count < 0 && errno != EINTR)
        return -errno;
    loop->now_ms = clock_ms();
    dispatch(loop, count > 0 ? count : 0);
    deliver_waiting(loop);
    wheel_advance(&loop->wheel, loop->now_ms);
    run_hooks(loop);
    return 0;
}

/* Nobody cancels a thread of ours. The C library cannot know that: once there are two threads it
 * takes two locked instructions for each call that may wait, to let the thread be cancelled at once
 * meanwhile, unless that is allowed already. With cancelling disabled it never happens. */
static void forgo_cancelling(void)
{
    int before;
    if (pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before) == 0)
        /* NOLINTNEXTLINE(cert-pos47-c,concurrency-thread-canceltype-asynchronous): it is disabled */
        (void)pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
}

int loop_run(struct loop *loop)
{
    forgo_cancelling();
    while (!atomic_load_explicit(&loop->stop, memory_order_acquire)) {
        int error = loop_turn(loop, WHEEL_NEVER);
        if (error < 0)
            return error;
    }
    return 0;
}

void loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->stop, true, memory_order_release);
    wake(loop);
}
