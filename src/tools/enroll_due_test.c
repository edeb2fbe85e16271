/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll_due.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAY_S 86400

static const struct enroll_due ninety_days = { 0, 90 * DAY_S };

static void a_third_is_left(void **state)
{
    (void)state;
    assert_false(enroll_due_is(&ninety_days, 0));
    assert_false(enroll_due_is(&ninety_days, 60 * DAY_S - 1));
    assert_true(enroll_due_is(&ninety_days, 60 * DAY_S));
    assert_true(enroll_due_is(&ninety_days, 91 * DAY_S));
}

static void nobody_comes_at_the_same_moment(void **state)
{
    struct test_random random = { 11 };
    int64_t least = INT64_MAX;
    int64_t most = 0;

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        int64_t wait_s = enroll_due_wait_s(&ninety_days, 0, (uint32_t)test_random_next(&random));
        assert_in_range(wait_s, 54 * DAY_S, 66 * DAY_S);
        least = wait_s < least ? wait_s : least;
        most = wait_s > most ? wait_s : most;
    }
    assert_true(least < 55 * DAY_S && most > 65 * DAY_S);
}

/* Even at its latest it is before the end, as long as it is not late already. */
static void there_is_time_left(void **state)
{
    (void)state;
    for (int64_t now_s = 0; now_s < 60 * DAY_S; now_s += DAY_S) {
        int64_t latest = now_s + enroll_due_wait_s(&ninety_days, now_s, 2000);
        assert_true(latest < ninety_days.not_after_s - 20 * DAY_S);
    }
    assert_int_equal(enroll_due_wait_s(&ninety_days, 80 * DAY_S, 2000), ENROLL_DUE_LEAST_WAIT_S);
    assert_int_equal(enroll_due_wait_s(&ninety_days, 99 * DAY_S, 0), ENROLL_DUE_LEAST_WAIT_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_third_is_left),
        cmocka_unit_test(nobody_comes_at_the_same_moment),
        cmocka_unit_test(there_is_time_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
