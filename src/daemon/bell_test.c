/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/bell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#define LONG_MS  60000 /* a test that has to wait for this has failed */
#define SHORT_MS 20

/* One thread sleeps, the test tells it something. */
struct stand {
    struct bell bell;
    enum bell_sleep how;
    uint64_t due_ms;
    bool is_down; /* under the lock: it sleeps, or is about to */
    bool was_woken;
    pthread_t thread;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void *sleep_once(void *context)
{
    struct stand *stand = context;

    bell_lock(&stand->bell);
    stand->is_down = true;
    stand->was_woken = bell_wait(&stand->bell, stand->how, stand->due_ms * 1000);
    bell_unlock(&stand->bell, BELL_NOTHING);
    return NULL;
}

/* With the lock, so that the thread is in bell_wait() by then. */
static void lock_when_down(struct stand *stand)
{
    const struct timespec pause = { .tv_nsec = 1000000 };

    bell_lock(&stand->bell);
    while (!stand->is_down) {
        bell_unlock(&stand->bell, BELL_NOTHING);
        (void)nanosleep(&pause, NULL);
        bell_lock(&stand->bell);
    }
}

static bool is_woken_by(enum bell_sleep how, enum bell_news news, uint64_t for_ms)
{
    struct stand stand = { .how = how, .due_ms = now_ms() + for_ms };

    assert_int_equal(bell_init(&stand.bell), 0);
    assert_int_equal(pthread_create(&stand.thread, NULL, sleep_once, &stand), 0);
    lock_when_down(&stand);
    bell_unlock(&stand.bell, news);
    assert_int_equal(pthread_join(stand.thread, NULL), 0);
    bell_fini(&stand.bell);
    return stand.was_woken;
}

static void who_sleeps_is_woken_by_anything(void **state)
{
    (void)state;
    assert_true(is_woken_by(BELL_SLEEPS, BELL_SOMETHING, LONG_MS));
    assert_true(is_woken_by(BELL_SLEEPS, BELL_URGENT, LONG_MS));
}

static void who_dozes_is_woken_by_what_is_urgent(void **state)
{
    (void)state;
    assert_true(is_woken_by(BELL_DOZES, BELL_URGENT, LONG_MS));
    assert_false(is_woken_by(BELL_DOZES, BELL_SOMETHING, SHORT_MS));
}

static void nothing_wakes_nobody(void **state)
{
    (void)state;
    assert_false(is_woken_by(BELL_SLEEPS, BELL_NOTHING, SHORT_MS));
    assert_false(is_woken_by(BELL_DOZES, BELL_NOTHING, SHORT_MS));
}

static void it_is_woken_once(void **state)
{
    struct stand stand = { .how = BELL_SLEEPS, .due_ms = now_ms() + LONG_MS };

    (void)state;
    assert_int_equal(bell_init(&stand.bell), 0);
    assert_int_equal(pthread_create(&stand.thread, NULL, sleep_once, &stand), 0);
    lock_when_down(&stand);
    assert_int_equal(stand.bell.sleep, BELL_SLEEPS);
    bell_unlock(&stand.bell, BELL_SOMETHING);
    bell_lock(&stand.bell);
    assert_int_equal(stand.bell.sleep, BELL_AWAKE);
    bell_unlock(&stand.bell, BELL_SOMETHING);
    assert_int_equal(pthread_join(stand.thread, NULL), 0);
    bell_fini(&stand.bell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_sleeps_is_woken_by_anything),
        cmocka_unit_test(who_dozes_is_woken_by_what_is_urgent),
        cmocka_unit_test(nothing_wakes_nobody),
        cmocka_unit_test(it_is_woken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
