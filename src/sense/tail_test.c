/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/tail.h"

#include "base/testing.h"
#include "sense/bits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define VALUES 4000u

static float unit(struct test_random *random)
{
    return ((float)test_random_below(random, 1u << 20) + 0.5f) / (float)(1u << 20);
}

/* Oddness that falls off by one bit each step. */
static float draw(struct test_random *random)
{
    return -sense_log2(unit(random));
}

static void chances_are_what_was_counted(void **state)
{
    (void)state;
    struct sense_tail tail = { .total = 0 };
    struct test_random random = { 3 };
    unsigned beyond[4] = { 0 };

    for (unsigned i = 0; i < VALUES; i++)
        sense_tail_see(&tail, draw(&random));
    sense_tail_settle(&tail);
    for (unsigned i = 0; i < 100000; i++) {
        float surprise = sense_tail_surprise(&tail, draw(&random));
        for (unsigned bits = 0; bits < 4; bits++)
            beyond[bits] += surprise >= (float)(3 * bits + 3) ? 1 : 0;
    }
    /* A surprise of n bits comes in at most one value of 2^n, give or take what chance does. */
    for (unsigned bits = 0; bits < 4; bits++)
        assert_true((float)beyond[bits] <= 1.5f * 100000 * sense_exp2(-(float)(3 * bits + 3)) + 5);
}

static void beyond_what_was_seen_it_goes_on(void **state)
{
    (void)state;
    struct sense_tail tail = { .total = 0 };
    float before = 0;

    assert_true(sense_tail_surprise(&tail, 30) <= 0);
    for (unsigned i = 0; i < VALUES; i++)
        sense_tail_see(&tail, (float)(i % 7));
    sense_tail_settle(&tail);
    for (float oddness = 0; oddness < 64; oddness += 0.25f) {
        float surprise = sense_tail_surprise(&tail, oddness);
        assert_true(surprise >= before);
        before = surprise;
    }
    assert_true(before > 30);
}

static void a_location_is_found(void **state)
{
    (void)state;
    struct sense_location location = { 0, 0 };
    struct test_random random = { 9 };

    for (unsigned i = 0; i < VALUES; i++)
        sense_location_learn(&location, 7 + unit(&random), 1.0f / (float)(i + 1));
    assert_true(fabsf(location.middle - 7.5f) < 0.1f);
    assert_true(fabsf(location.width - 0.25f) < 0.05f);
    /* One wild value moves it by no more than four widths could. */
    sense_location_learn(&location, 1e30f, 0.01f);
    assert_true(fabsf(location.middle - 7.5f) < 0.15f);
    float width = location.width;
    sense_location_follow(&location, 7.4f, 0.1f);
    assert_true(width <= location.width && width >= location.width);
}

static void numbers_stay_numbers(void **state)
{
    (void)state;
    struct sense_location location = { 0, 0 };
    const float odd[] = { NAN, INFINITY, -INFINITY, 0, 1e38f };

    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        sense_location_learn(&location, odd[i], 0.5f);
        assert_true(isfinite(location.middle) && isfinite(location.width));
        assert_true(isfinite(sense_location_away(&location, odd[i], 0.1f)));
        assert_true(isfinite(sense_oddness(odd[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chances_are_what_was_counted),
        cmocka_unit_test(beyond_what_was_seen_it_goes_on),
        cmocka_unit_test(a_location_is_found),
        cmocka_unit_test(numbers_stay_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
