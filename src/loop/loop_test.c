/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *opened(void)
{
    struct loop *loop = NULL;
    assert_int_equal(loop_open(&loop), 0);
    return loop;
}

/* ---- descriptors ---- */

struct probe {
    struct loop_watch watch;
    struct loop *loop;
    struct probe *victim; /* unwatched by the callback */
    bool closes;          /* and closed */
    unsigned calls;
    unsigned ready;
};

static void on_probe(struct loop_watch *watch, unsigned ready)
{
    struct probe *probe = MQTT_CONTAINER_OF(watch, struct probe, watch);
    probe->calls++;
    probe->ready = ready;
    if (probe->victim != NULL && probe->closes)
        loop_close_watched(probe->loop, &probe->victim->watch);
    else if (probe->victim != NULL)
        loop_unwatch(probe->loop, &probe->victim->watch);
}

static void readable_is_reported_as_long_as_it_holds(void **state)
{
    (void)state;
    struct loop *loop = opened();
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct probe probe = { .loop = loop };
    assert_int_equal(loop_watch(loop, &probe.watch, ends[0], LOOP_READABLE, on_probe), 0);

    assert_int_equal(loop_turn(loop, 0), 0);
    assert_int_equal(probe.calls, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(loop_turn(loop, 1000), 0);
    assert_int_equal(loop_turn(loop, 1000), 0);
    assert_int_equal(probe.calls, 2);
    assert_int_equal(probe.ready, LOOP_READABLE);

    assert_int_equal(loop_watch_change(loop, &probe.watch, LOOP_READABLE | LOOP_WRITABLE), 0);
    assert_int_equal(loop_turn(loop, 1000), 0);
    assert_int_equal(probe.ready, LOOP_READABLE | LOOP_WRITABLE);

    assert_int_equal(loop_watch_change(loop, &probe.watch, 0), 0);
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_int_equal(probe.calls, 3);
    close(ends[1]); /* a hang-up comes through even so */
    assert_int_equal(loop_turn(loop, 1000), 0);
    assert_int_equal(probe.calls, 4);

    loop_unwatch(loop, &probe.watch);
    loop_unwatch(loop, &probe.watch);
    close(ends[0]);
    loop_close(loop);
}

static void an_end_is_told_with_what_is_before_it(void **state)
{
    (void)state;
    struct loop *loop = opened();
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct probe probe = { .loop = loop };
    assert_int_equal(loop_watch(loop, &probe.watch, ends[0], LOOP_READABLE, on_probe), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(loop_turn(loop, 1000), 0);
    assert_int_equal(probe.ready, LOOP_READABLE);
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    assert_int_equal(loop_turn(loop, 1000), 0);
    assert_int_equal(probe.ready, LOOP_READABLE | LOOP_ENDED);
    assert_int_equal(loop_watch_change(loop, &probe.watch, 0), 0);
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_int_equal(probe.calls, 2);
    loop_close_watched(loop, &probe.watch);
    close(ends[1]);
    loop_close(loop);
}

/* Two that are ready, each of which takes the other one away: one is called. */
struct rivals {
    struct loop *loop;
    int ends[2];
    struct probe a;
    struct probe b;
};

static void rivals_meet(struct rivals *rivals, bool closes)
{
    *rivals = (struct rivals){ .loop = opened() };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, rivals->ends), 0);
    rivals->a = (struct probe){ .loop = rivals->loop, .closes = closes, .victim = &rivals->b };
    rivals->b = (struct probe){ .loop = rivals->loop, .closes = closes, .victim = &rivals->a };
    assert_int_equal(
        loop_watch(rivals->loop, &rivals->a.watch, rivals->ends[0], LOOP_WRITABLE, on_probe), 0);
    assert_int_equal(
        loop_watch(rivals->loop, &rivals->b.watch, rivals->ends[1], LOOP_WRITABLE, on_probe), 0);
    assert_int_equal(loop_turn(rivals->loop, 1000), 0);
    assert_int_equal(rivals->a.calls + rivals->b.calls, 1);
}

static void unwatched_in_the_same_turn_is_not_called(void **state)
{
    (void)state;
    struct rivals rivals;
    rivals_meet(&rivals, false);
    loop_unwatch(rivals.loop, &rivals.a.watch);
    loop_unwatch(rivals.loop, &rivals.b.watch);
    close(rivals.ends[0]);
    close(rivals.ends[1]);
    loop_close(rivals.loop);
}

/* The other one is told nothing of it in this turn, and the kernel nothing in the next. */
static void closed_in_the_same_turn_is_not_called(void **state)
{
    (void)state;
    struct rivals rivals;
    rivals_meet(&rivals, true);
    struct probe *left = rivals.a.calls > 0 ? &rivals.a : &rivals.b;
    left->victim = NULL;
    assert_true(fcntl(left == &rivals.a ? rivals.ends[1] : rivals.ends[0], F_GETFD) < 0);
    assert_int_equal(loop_turn(rivals.loop, 1000), 0);
    assert_int_equal(rivals.a.calls + rivals.b.calls, 2);
    loop_close_watched(rivals.loop, &left->watch);
    assert_true(fcntl(rivals.ends[0], F_GETFD) < 0 && fcntl(rivals.ends[1], F_GETFD) < 0);
    loop_close(rivals.loop);
}

static void watching_a_bad_descriptor_is_refused(void **state)
{
    (void)state;
    struct loop *loop = opened();
    struct loop_watch watch = { 0 };
    assert_true(loop_watch(loop, &watch, -1, LOOP_READABLE, on_probe) < 0);
    loop_unwatch(loop, &watch);
    loop_close(loop);
}

/* ---- timers ---- */

struct alarm_clock {
    struct wheel_timer timer;
    struct loop *loop;
    uint64_t fired_ms;
};

static void on_alarm(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct alarm_clock *alarm_clock = MQTT_CONTAINER_OF(timer, struct alarm_clock, timer);
    alarm_clock->fired_ms = now_ms;
    assert_ptr_equal(context, alarm_clock->loop);
    loop_stop(alarm_clock->loop);
}

static void timer_wakes_the_loop_not_before_its_time(void **state)
{
    (void)state;
    struct loop *loop = opened();
    struct alarm_clock alarm_clock = { .loop = loop };
    uint64_t due_ms = loop_now_ms(loop) + 20;
    loop_arm(loop, &alarm_clock.timer, due_ms, on_alarm);
    assert_int_equal(loop_run(loop), 0);
    assert_true(alarm_clock.fired_ms >= due_ms);
    assert_true(alarm_clock.fired_ms < due_ms + 1000);
    loop_close(loop);
}

static void cancelled_timer_does_not_fire(void **state)
{
    (void)state;
    struct loop *loop = opened();
    struct alarm_clock early = { .loop = loop };
    struct alarm_clock late = { .loop = loop };
    loop_arm(loop, &early.timer, loop_now_ms(loop) + 1, on_alarm);
    loop_arm(loop, &late.timer, loop_now_ms(loop) + 10, on_alarm);
    loop_cancel(loop, &early.timer);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(early.fired_ms, 0);
    assert_true(late.fired_ms != 0);
    loop_close(loop);
}

/* ---- messages ---- */

#define SENDERS  3
#define MESSAGES 2000

struct letter {
    struct loop_message message;
    unsigned sender;
    unsigned number;
    unsigned *next_of; /* per sender, the receiver's count */
    unsigned *total;
};

static void on_letter(struct loop_message *message, struct loop *loop)
{
    struct letter *letter = MQTT_CONTAINER_OF(message, struct letter, message);
    assert_int_equal(letter->number, letter->next_of[letter->sender]);
    letter->next_of[letter->sender]++;
    if (++*letter->total == SENDERS * MESSAGES)
        loop_stop(loop);
    free(letter);
}

struct sender {
    struct loop *loop;
    unsigned number;
    unsigned *next_of;
    unsigned *total;
};

static void *send_letters(void *context)
{
    const struct sender *sender = context;
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct letter *letter = calloc(1, sizeof(*letter));
        if (letter == NULL)
            abort();
        *letter = (struct letter){ .sender = sender->number,
                                   .number = i,
                                   .next_of = sender->next_of,
                                   .total = sender->total };
        loop_post(sender->loop, &letter->message, on_letter);
    }
    return NULL;
}

static void messages_arrive_all_and_in_order_of_each_sender(void **state)
{
    (void)state;
    struct loop *loop = opened();
    unsigned next_of[SENDERS] = { 0 };
    unsigned total = 0;
    pthread_t threads[SENDERS];
    struct sender senders[SENDERS];
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ loop, i, next_of, &total };
        assert_int_equal(pthread_create(&threads[i], NULL, send_letters, &senders[i]), 0);
    }
    assert_int_equal(loop_run(loop), 0);
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(total, SENDERS * MESSAGES);
    loop_close(loop);
}

struct relay {
    struct loop_message message;
    unsigned left;
};

static void on_relay(struct loop_message *message, struct loop *loop)
{
    struct relay *relay = MQTT_CONTAINER_OF(message, struct relay, message);
    if (relay->left-- > 0)
        loop_post(loop, message, on_relay);
}

static void deliver_empties_the_mailbox(void **state)
{
    (void)state;
    struct loop *loop = opened();
    struct relay relay = { .left = 5 };
    loop_post(loop, &relay.message, on_relay);
    loop_deliver(loop);
    assert_int_equal(relay.left, UINT32_MAX);
    loop_close(loop);
}

/* ---- hooks ---- */

struct counter {
    struct loop_hook hook;
    struct loop *loop;
    unsigned turns;
    unsigned wanted;
};

static void on_turn(struct loop_hook *hook)
{
    struct counter *counter = MQTT_CONTAINER_OF(hook, struct counter, hook);
    if (++counter->turns < counter->wanted)
        loop_turn_again(counter->loop);
    else
        loop_stop(counter->loop);
}

static void hook_can_ask_for_another_turn_without_waiting(void **state)
{
    (void)state;
    struct loop *loop = opened();
    struct counter counter = { .loop = loop, .wanted = 5 };
    loop_hook_add(loop, &counter.hook, on_turn);
    loop_turn_again(loop);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(counter.turns, 5);
    loop_hook_remove(&counter.hook);
    loop_close(loop);
}

static void stop_before_the_run_counts(void **state)
{
    (void)state;
    struct loop *loop = opened();
    loop_stop(loop);
    assert_int_equal(loop_run(loop), 0);
    loop_close(loop);
    loop_close(NULL);
}

struct canceller {
    struct loop_message message;
    int state;
    int type;
};

static void on_look(struct loop_message *message, struct loop *loop)
{
    struct canceller *seen = MQTT_CONTAINER_OF(message, struct canceller, message);
    assert_int_equal(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &seen->state), 0);
    assert_int_equal(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &seen->type), 0);
    loop_stop(loop);
}

/* The type costs each system call something, and with the state as it is it means nothing. */
static void nobody_cancels_a_thread_that_runs_a_loop(void **state)
{
    (void)state;
    struct loop *loop = opened();
    struct canceller seen = { .state = PTHREAD_CANCEL_ENABLE, .type = PTHREAD_CANCEL_DEFERRED };
    loop_post(loop, &seen.message, on_look);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(seen.state, PTHREAD_CANCEL_DISABLE);
    assert_int_equal(seen.type, PTHREAD_CANCEL_ASYNCHRONOUS);
    loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readable_is_reported_as_long_as_it_holds),
        cmocka_unit_test(an_end_is_told_with_what_is_before_it),
        cmocka_unit_test(unwatched_in_the_same_turn_is_not_called),
        cmocka_unit_test(closed_in_the_same_turn_is_not_called),
        cmocka_unit_test(watching_a_bad_descriptor_is_refused),
        cmocka_unit_test(timer_wakes_the_loop_not_before_its_time),
        cmocka_unit_test(cancelled_timer_does_not_fire),
        cmocka_unit_test(messages_arrive_all_and_in_order_of_each_sender),
        cmocka_unit_test(deliver_empties_the_mailbox),
        cmocka_unit_test(hook_can_ask_for_another_turn_without_waiting),
        cmocka_unit_test(stop_before_the_run_counts),
        cmocka_unit_test(nobody_cancels_a_thread_that_runs_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
