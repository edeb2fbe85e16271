/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/signals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

struct seen {
    struct loop *loop;
    int numbers[4];
    size_t count;
    size_t wanted;
};

static void on_signal(void *context, int number)
{
    struct seen *seen = context;
    seen->numbers[seen->count++] = number;
    if (seen->count == seen->wanted)
        loop_stop(seen->loop);
}

static void signals_come_as_events(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    assert_int_equal(loop_open(&loop), 0);
    struct seen seen = { .loop = loop, .wanted = 2 };
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
    struct signals *signals = NULL;
    assert_int_equal(signals_open(loop, numbers, 3, on_signal, &seen, &signals), 0);
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGTERM);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(seen.count, 2);
    assert_true((seen.numbers[0] == SIGHUP && seen.numbers[1] == SIGTERM)
                || (seen.numbers[0] == SIGTERM && seen.numbers[1] == SIGHUP));
    signals_close(signals);
    loop_close(loop);
}

static void an_impossible_signal_is_refused_and_leaves_the_mask(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    assert_int_equal(loop_open(&loop), 0);
    static const int numbers[] = { SIGTERM, 9999 };
    struct signals *signals = NULL;
    assert_int_equal(signals_open(loop, numbers, 2, on_signal, NULL, &signals), -EINVAL);
    assert_null(signals);
    sigset_t mask;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    assert_int_equal(sigismember(&mask, SIGTERM), 0);
    signals_close(NULL);
    loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_come_as_events),
        cmocka_unit_test(an_impossible_signal_is_refused_and_leaves_the_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
