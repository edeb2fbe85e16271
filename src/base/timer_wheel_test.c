/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timer_wheel.h"

#include "base/attrs.h"
#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TIMERS 200
#define DAY_MS UINT64_C(86400000)

/* The wheel beside what it should do, kept the naive way: a due time per timer. */
struct alarm {
    struct wheel_timer timer;
    uint64_t due_ms; /* WHEEL_NEVER: not armed */
};

struct bench {
    struct timer_wheel wheel;
    struct test_random random;
    uint64_t now_ms;
    uint64_t last_due_ms; /* of this advance */
    size_t fired;
    bool rearm;
    struct alarm alarms[TIMERS];
};

static uint64_t random_delay(struct test_random *random)
{
    /* Spread over magnitudes, up to 2^39 ms: past the last level. */
    uint64_t limit = UINT64_C(1) << test_random_below(random, 40);
    return test_random_next(random) % limit;
}

static void on_alarm(struct wheel_timer *timer, void *context, uint64_t now_ms);

static void arm(struct bench *bench, struct alarm *alarm, uint64_t due_ms)
{
    alarm->due_ms = due_ms > bench->now_ms ? due_ms : bench->now_ms;
    wheel_arm(&bench->wheel, &alarm->timer, due_ms, on_alarm);
    assert_true(wheel_is_armed(&alarm->timer));
}

static void cancel(struct bench *bench, struct alarm *alarm)
{
    alarm->due_ms = WHEEL_NEVER;
    wheel_cancel(&bench->wheel, &alarm->timer);
    assert_false(wheel_is_armed(&alarm->timer));
}

static void on_alarm(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct bench *bench = context;
    struct alarm *alarm = MQTT_CONTAINER_OF(timer, struct alarm, timer);
    assert_true(now_ms == bench->now_ms);
    assert_true(alarm->due_ms <= now_ms);
    assert_true(alarm->due_ms >= bench->last_due_ms);
    bench->last_due_ms = alarm->due_ms;
    alarm->due_ms = WHEEL_NEVER;
    bench->fired++;
    if (!bench->rearm)
        return;
    struct alarm *other = &bench->alarms[test_random_below(&bench->random, TIMERS)];
    /* Strictly later: what is due within this advance waits for the next one. */
    if (test_random_below(&bench->random, 2) == 0)
        arm(bench, alarm, now_ms + 1 + random_delay(&bench->random));
    if (test_random_below(&bench->random, 4) == 0)
        cancel(bench, other);
    else if (test_random_below(&bench->random, 4) == 0)
        arm(bench, other, now_ms + 1 + random_delay(&bench->random));
}

static uint64_t earliest_due(const struct bench *bench)
{
    uint64_t earliest = WHEEL_NEVER;
    for (size_t i = 0; i < TIMERS; i++) {
        if (bench->alarms[i].due_ms < earliest)
            earliest = bench->alarms[i].due_ms;
    }
    return earliest;
}

static void advance(struct bench *bench, uint64_t to_ms)
{
    bench->now_ms = to_ms;
    bench->last_due_ms = 0;
    wheel_advance(&bench->wheel, to_ms);
    for (size_t i = 0; i < TIMERS; i++) {
        assert_true(bench->alarms[i].due_ms > to_ms);
        assert_int_equal(wheel_is_armed(&bench->alarms[i].timer),
                         bench->alarms[i].due_ms != WHEEL_NEVER);
    }
}

static struct bench *bench_new(uint64_t now_ms, uint64_t seed)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->random.state = seed;
    bench->now_ms = now_ms;
    wheel_init(&bench->wheel, now_ms, bench);
    for (size_t i = 0; i < TIMERS; i++)
        bench->alarms[i].due_ms = WHEEL_NEVER;
    return bench;
}

/* How far to go: sometimes to the millisecond of the next timer, or just short of it. */
static uint64_t next_stop(struct bench *bench)
{
    uint64_t earliest = earliest_due(bench);
    switch (test_random_below(&bench->random, 4)) {
    case 0:
        return earliest != WHEEL_NEVER ? earliest : bench->now_ms;
    case 1:
        return earliest != WHEEL_NEVER && earliest > bench->now_ms ? earliest - 1 : bench->now_ms;
    default:
        return bench->now_ms + random_delay(&bench->random);
    }
}

static void agrees_with_a_naive_one(void **state)
{
    (void)state;
    /* Starts near a wrap of every level as well. */
    static const uint64_t starts[] = { 0, 1, 63, (UINT64_C(1) << 36) - 2, 1795 * DAY_MS + 12345 };
    size_t fired = 0;
    for (size_t s = 0; s < MQTT_ARRAY_LEN(starts); s++) {
        struct bench *bench = bench_new(starts[s], s + 1);
        bench->rearm = s % 2 == 0;
        for (size_t step = 0; step < 4000; step++) {
            struct alarm *alarm = &bench->alarms[test_random_below(&bench->random, TIMERS)];
            if (test_random_below(&bench->random, 8) == 0)
                cancel(bench, alarm);
            else
                arm(bench, alarm, bench->now_ms + 1 + random_delay(&bench->random));
            uint64_t next_ms = wheel_next_ms(&bench->wheel);
            uint64_t earliest = earliest_due(bench);
            assert_true(next_ms <= earliest);
            assert_true(next_ms != WHEEL_NEVER || earliest == WHEEL_NEVER);
            if (step % 3 == 0)
                advance(bench, next_stop(bench));
        }
        fired += bench->fired;
        free(bench);
    }
    assert_true(fired > 5000);
}

/* As the loop does it: sleep until wheel_next_ms(), advance, ask again. */
static void following_next_ms_is_exact(void **state)
{
    (void)state;
    struct bench *bench = bench_new(1000, 99);
    for (size_t i = 0; i < TIMERS; i++)
        arm(bench, &bench->alarms[i], bench->now_ms + 1 + random_delay(&bench->random));
    size_t wakes = 0;
    uint64_t next_ms = wheel_next_ms(&bench->wheel);
    while (next_ms != WHEEL_NEVER) {
        assert_true(next_ms > bench->now_ms);
        assert_true(next_ms <= earliest_due(bench));
        advance(bench, next_ms);
        wakes++;
        next_ms = wheel_next_ms(&bench->wheel);
    }
    assert_int_equal(bench->fired, TIMERS);
    /* A wake for each timer, and at most one a level on the way to it, and a few
     * around the span of the wheel. */
    assert_true(wakes <= TIMERS * (WHEEL_LEVELS + 1) + 16);
    free(bench);
}

static void the_past_is_now(void **state)
{
    (void)state;
    struct bench *bench = bench_new(5000, 3);
    arm(bench, &bench->alarms[0], 10);
    assert_true(wheel_next_ms(&bench->wheel) == 5000);
    wheel_advance(&bench->wheel, 4000); /* a clock that went back changes nothing */
    assert_int_equal(bench->fired, 1);
    assert_true(bench->wheel.now_ms == 5000);
    free(bench);
}

/* The first of those beyond the wheel goes away; what is left keeps its time. */
static void beyond_the_wheel(void **state)
{
    (void)state;
    const uint64_t span_ms = UINT64_C(1) << 36;
    struct bench *bench = bench_new(7, 3);
    arm(bench, &bench->alarms[0], 2 * span_ms + 5);
    arm(bench, &bench->alarms[1], 9 * span_ms + 6);
    cancel(bench, &bench->alarms[0]);
    advance(bench, 4 * span_ms);
    cancel(bench, &bench->alarms[1]);
    assert_true(wheel_next_ms(&bench->wheel) == WHEEL_NEVER);
    advance(bench, 20 * span_ms);
    arm(bench, &bench->alarms[2], 30 * span_ms + 1);
    assert_true(wheel_next_ms(&bench->wheel) > bench->now_ms);
    advance(bench, 30 * span_ms);
    assert_int_equal(bench->fired, 0);
    advance(bench, 30 * span_ms + 1);
    assert_int_equal(bench->fired, 1);
    free(bench);
}

static void never_is_never(void **state)
{
    (void)state;
    struct bench *bench = bench_new(0, 3);
    assert_true(wheel_next_ms(&bench->wheel) == WHEEL_NEVER);
    wheel_advance(&bench->wheel, 1);
    arm(bench, &bench->alarms[0], 10);
    wheel_arm(&bench->wheel, &bench->alarms[0].timer, WHEEL_NEVER, on_alarm);
    assert_false(wheel_is_armed(&bench->alarms[0].timer));
    assert_true(wheel_next_ms(&bench->wheel) == WHEEL_NEVER);
    /* The last time there is. */
    bench->alarms[0].due_ms = WHEEL_NEVER - 1;
    wheel_arm(&bench->wheel, &bench->alarms[0].timer, WHEEL_NEVER - 1, on_alarm);
    bench->now_ms = WHEEL_NEVER;
    wheel_advance(&bench->wheel, WHEEL_NEVER);
    assert_int_equal(bench->fired, 1);
    free(bench);
}

struct ticker {
    struct wheel_timer timer;
    struct timer_wheel *wheel;
    uint64_t due_ms;
    unsigned ticks;
};

static void on_tick(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct ticker *ticker = MQTT_CONTAINER_OF(timer, struct ticker, timer);
    (void)context;
    (void)now_ms;
    ticker->ticks++;
    ticker->due_ms += 10;
    wheel_arm(ticker->wheel, timer, ticker->due_ms, on_tick);
}

/* A ticker far behind catches up one tick an advance; none of them hangs. */
static void what_a_callback_arms_waits(void **state)
{
    (void)state;
    struct timer_wheel wheel;
    wheel_init(&wheel, 0, NULL);
    struct ticker ticker = { .wheel = &wheel, .due_ms = 10 };
    wheel_arm(&wheel, &ticker.timer, 10, on_tick);
    wheel_advance(&wheel, 35);
    assert_int_equal(ticker.ticks, 1);
    assert_true(wheel_next_ms(&wheel) == 35);
    wheel_advance(&wheel, 35);
    wheel_advance(&wheel, 35);
    assert_int_equal(ticker.ticks, 3);
    assert_true(wheel_next_ms(&wheel) == 40);
    wheel_advance(&wheel, 39);
    assert_int_equal(ticker.ticks, 3);
    wheel_advance(&wheel, 40);
    assert_int_equal(ticker.ticks, 4);
    wheel_cancel(&wheel, &ticker.timer);
    assert_true(wheel_next_ms(&wheel) == WHEEL_NEVER);
}

struct chained {
    struct wheel_timer timer;
    struct wheel_timer *victim;
};

static void on_cancel_other(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct timer_wheel *wheel = context;
    struct chained *chained = MQTT_CONTAINER_OF(timer, struct chained, timer);
    (void)now_ms;
    wheel_cancel(wheel, chained->victim);
    free(chained);
}

/* Both are due in the same millisecond; the first takes the second with it, and frees
 * itself. */
static void a_callback_cancels_its_neighbour(void **state)
{
    (void)state;
    struct timer_wheel wheel;
    wheel_init(&wheel, 0, &wheel);
    struct chained *first = calloc(1, sizeof(*first));
    struct chained *second = calloc(1, sizeof(*second));
    assert_non_null(first);
    assert_non_null(second);
    first->victim = &second->timer;
    second->victim = &first->timer;
    wheel_arm(&wheel, &first->timer, 100, on_cancel_other);
    wheel_arm(&wheel, &second->timer, 100, on_cancel_other);
    wheel_advance(&wheel, 100);
    assert_false(wheel_is_armed(&second->timer));
    assert_true(wheel_next_ms(&wheel) == WHEEL_NEVER);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_naive_one),
        cmocka_unit_test(following_next_ms_is_exact),
        cmocka_unit_test(the_past_is_now),
        cmocka_unit_test(beyond_the_wheel),
        cmocka_unit_test(never_is_never),
        cmocka_unit_test(what_a_callback_arms_waits),
        cmocka_unit_test(a_callback_cancels_its_neighbour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
