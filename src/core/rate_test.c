/* SPDX-License-Identifier: Apache-2.0 */
#include "core/rate.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct policy_rule grant_of(uint32_t messages, uint32_t seconds)
{
    return (struct policy_rule){ .terms = { .rate_messages = messages, .rate_seconds = seconds } };
}

static unsigned take_all(struct rates **rates, const struct policy_rule *grant, uint64_t now_ms)
{
    unsigned taken = 0;

    while (taken < 100000 && rates_take(rates, grant, now_ms))
        taken++;
    return taken;
}

static void starts_full_and_fills_evenly(void **state)
{
    (void)state;
    const struct policy_rule grant = grant_of(10, 1);
    struct rates *rates = NULL;
    uint64_t now_ms = 5000;

    assert_int_equal(take_all(&rates, &grant, now_ms), 10);
    assert_int_equal(take_all(&rates, &grant, now_ms + 99), 0);
    assert_int_equal(take_all(&rates, &grant, now_ms + 100), 1);
    assert_int_equal(take_all(&rates, &grant, now_ms + 600), 5);
    assert_int_equal(take_all(&rates, &grant, now_ms + 100000), 10);
    rates_clear(&rates);
    assert_null(rates);
}

/* Asked every millisecond, a slow bucket gives what it gives when asked once. */
static void loses_no_part_of_a_token(void **state)
{
    (void)state;
    static const struct {
        uint32_t messages, seconds;
        unsigned in_an_hour; /* after the first bucketful */
    } rows[] = { { 7, 60, 420 }, { 100, 3600, 100 }, { 1, 3600, 1 }, { 3, 7, 1542 } };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const struct policy_rule grant = grant_of(rows[i].messages, rows[i].seconds);
        struct rates *rates = NULL;
        unsigned taken = 0;

        assert_int_equal(take_all(&rates, &grant, 0), rows[i].messages);
        for (uint64_t now_ms = 1; now_ms <= 3600000; now_ms++)
            taken += rates_take(&rates, &grant, now_ms);
        assert_in_range(taken, rows[i].in_an_hour, rows[i].in_an_hour + 1);
        rates_clear(&rates);
    }
}

static void each_grant_has_its_own(void **state)
{
    (void)state;
    const struct policy_rule grants[3] = { grant_of(1, 1), grant_of(2, 1), grant_of(3, 1) };
    struct rates *rates = NULL;

    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(take_all(&rates, &grants[i], 0), i + 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(take_all(&rates, &grants[i], 1000), i + 1);
    rates_clear(&rates);
}

static void the_largest_rate_does_not_overflow(void **state)
{
    (void)state;
    const struct policy_rule grant = grant_of(UINT32_MAX, 1);
    struct rates *rates = NULL;

    assert_true(rates_take(&rates, &grant, 0));
    assert_true(rates_take(&rates, &grant, UINT64_MAX / 2));
    rates_clear(&rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_full_and_fills_evenly),
        cmocka_unit_test(loses_no_part_of_a_token),
        cmocka_unit_test(each_grant_has_its_own),
        cmocka_unit_test(the_largest_rate_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
