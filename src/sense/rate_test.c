/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/rate.h"

#include "base/testing.h"
#include "sense/bits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WINDOWS 20000u

static const struct sense_role_rate nothing = { { 0, 0 }, 0 };

/* Poisson, by counting how many waits fit in. */
static unsigned poisson(struct test_random *random, float mean)
{
    unsigned count = 0;
    double left = (double)mean;

    for (;;) {
        left += log((double)(test_random_below(random, 1u << 30) + 1) / (double)(1u << 30));
        if (left <= 0)
            return count;
        count++;
    }
}

/* Two e-values are worth 1 on average, or less, when the counts are as expected. */
static void evidence_for_what_is_usual_is_worth_nothing(void **state)
{
    (void)state;
    const float means[] = { 0.01f, 0.3f, 2, 10 };

    for (unsigned m = 0; m < sizeof(means) / sizeof(means[0]); m++) {
        struct test_random random = { 77 };
        struct sense_expected expected = { means[m], 1e6f, 1 };
        double more = 0;
        double less = 0;
        for (unsigned i = 0; i < WINDOWS; i++) {
            float count = (float)poisson(&random, means[m]);
            more += exp2((double)sense_rate_more(&expected, count));
            less += exp2((double)sense_rate_less(&expected, count));
        }
        assert_true(more / WINDOWS < 1.1);
        assert_true(less / WINDOWS < 1.1);
    }
}

static void more_is_more(void **state)
{
    (void)state;
    struct sense_expected expected = { 5, 1000, 1 };

    for (float count = 0; count < 1000; count++) {
        assert_true(sense_rate_more(&expected, count + 1) >= sense_rate_more(&expected, count));
        assert_true(sense_rate_less(&expected, count + 1) <= sense_rate_less(&expected, count));
    }
    assert_true(sense_rate_more(&expected, 0) < 0);
    assert_true(sense_rate_less(&expected, 10) < 0);
}

static void a_device_becomes_its_own(void **state)
{
    (void)state;
    const struct sense_role_rate role = { { 5, 5 }, 1 };
    const struct sense_rate own = { 1, 1 };

    struct sense_expected first = sense_rate_expect(&own, 0, &role);
    struct sense_expected later = sense_rate_expect(&own, 10000, &role);
    assert_true(first.mean > 4.9f && first.mean < 5.1f);
    assert_true(later.mean < 1.1f);
    /* Devices that lie far apart say little about a new one. */
    const struct sense_role_rate mixed = { { 5, 50 }, 25 };
    assert_true(sense_rate_expect(&own, 10, &mixed).mean < sense_rate_expect(&own, 10, &role).mean);
}

static void what_never_was_is_evidence_at_once(void **state)
{
    (void)state;
    const struct sense_rate own = { 0, 0 };
    struct sense_expected expected = sense_rate_expect(&own, 17280, &nothing);

    assert_true(sense_rate_more(&expected, 1) > 5);
    assert_true(sense_rate_more(&expected, 0) > -0.1f);
}

static void a_cap_holds(void **state)
{
    (void)state;
    struct sense_rate rate = { 10, 1 };

    for (unsigned i = 0; i < 1000; i++)
        sense_rate_learn(&rate, 1000, 0.5f, 1e-5f);
    assert_true(rate.mean < 10.2f);
    sense_rate_learn(&rate, 1000, 0.5f, 0);
    assert_true(rate.mean > 100);
}

static void numbers_stay_numbers(void **state)
{
    (void)state;
    const float odd[] = { 0, 1e-30f, 1, 65535, 1e30f };

    for (unsigned a = 0; a < 5; a++)
        for (unsigned b = 0; b < 5; b++)
            for (unsigned c = 0; c < 5; c++) {
                const struct sense_rate own = { odd[a], odd[b] };
                const struct sense_role_rate role = { { odd[b], odd[c] }, odd[a] };
                struct sense_expected expected = sense_rate_expect(&own, odd[c], &role);
                assert_true(isfinite(expected.mean) && expected.mean > 0);
                assert_true(isfinite(expected.shape) && expected.shape > 0);
                assert_true(isfinite(sense_rate_more(&expected, odd[b])));
                assert_true(isfinite(sense_rate_less(&expected, odd[b])));
                assert_true(isfinite(sense_rate_usual(&expected, 8)));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_for_what_is_usual_is_worth_nothing),
        cmocka_unit_test(more_is_more),
        cmocka_unit_test(a_device_becomes_its_own),
        cmocka_unit_test(what_never_was_is_evidence_at_once),
        cmocka_unit_test(a_cap_holds),
        cmocka_unit_test(numbers_stay_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
