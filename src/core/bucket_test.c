/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bucket.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static unsigned take_all(struct bucket *bucket, const struct policy_rate *rate, uint64_t now_ms)
{
    unsigned taken = 0;

    while (taken < 100000 && bucket_take(bucket, rate, 1, now_ms))
        taken++;
    return taken;
}

static void starts_full_and_fills_evenly(void **state)
{
    (void)state;
    const struct policy_rate rate = { 10, 1 };
    struct bucket bucket = { 0 };

    assert_true(bucket_is_full(&bucket, 5000));
    assert_int_equal(take_all(&bucket, &rate, 5000), 10);
    assert_false(bucket_is_full(&bucket, 5999));
    assert_true(bucket_is_full(&bucket, 6000));
    assert_int_equal(take_all(&bucket, &rate, 5099), 0);
    assert_int_equal(take_all(&bucket, &rate, 5100), 1);
    assert_int_equal(take_all(&bucket, &rate, 5600), 5);
    assert_int_equal(take_all(&bucket, &rate, 105000), 10);
}

/* Asked every millisecond, a slow bucket gives what it gives when asked once. */
static void loses_no_part_of_a_token(void **state)
{
    (void)state;
    static const struct {
        struct policy_rate rate;
        unsigned in_an_hour; /* after the first bucketful */
    } rows[] = { { { 7, 60 }, 420 }, { { 100, 3600 }, 100 }, { { 1, 3600 }, 1 } };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct bucket bucket = { 0 };
        unsigned taken = 0;

        assert_int_equal(take_all(&bucket, &rows[i].rate, 0), rows[i].rate.count);
        for (uint64_t now_ms = 1; now_ms <= 3600000; now_ms++)
            taken += bucket_take(&bucket, &rows[i].rate, 1, now_ms);
        assert_in_range(taken, rows[i].in_an_hour, rows[i].in_an_hour + 1);
    }
}

static void takes_all_or_nothing(void **state)
{
    (void)state;
    const struct policy_rate rate = { 10, 1 };
    struct bucket bucket = { 0 };

    assert_true(bucket_take(&bucket, &rate, 7, 1000));
    assert_false(bucket_take(&bucket, &rate, 4, 1000));
    assert_true(bucket_take(&bucket, &rate, 3, 1000));
}

static void comes_to_owe_what_it_is_charged(void **state)
{
    (void)state;
    const struct policy_rate rate = { 10, 1 };
    struct bucket bucket = { 0 };

    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(bucket_charge(&bucket, &rate, 1, 1000), 0);
    assert_int_equal(bucket_charge(&bucket, &rate, 1, 1000), 100);
    assert_int_equal(bucket_charge(&bucket, &rate, 20, 1000), 2100);
    assert_false(bucket_take(&bucket, &rate, 1, 3099));
    assert_true(bucket_take(&bucket, &rate, 1, 3100));
}

static void never_owes_for_longer_than_it_says(void **state)
{
    (void)state;
    static const struct policy_rate rates[] = { { 1, 1 }, { 1, 3600 }, { 1000000000, 3600 } };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rates); i++) {
        struct bucket bucket = { 0 };

        for (unsigned round = 0; round < 3; round++)
            assert_in_range(bucket_charge(&bucket, &rates[i], UINT64_MAX, 1000), 1, BUCKET_OWES_MS);
        assert_true(bucket_take(&bucket, &rates[i], 1, 1000 + BUCKET_OWES_MS));
    }
}

static void without_a_bound_everything_is_there(void **state)
{
    (void)state;
    static const struct policy_rate rates[] = { { 0, 0 }, { 0, 1 }, { POLICY_NO_LIMIT, 1 } };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rates); i++) {
        struct bucket bucket = { 0 };

        assert_int_equal(take_all(&bucket, &rates[i], 1), 100000);
        assert_int_equal(bucket_charge(&bucket, &rates[i], 1000000, 1), 0);
        assert_true(bucket_is_full(&bucket, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_full_and_fills_evenly),
        cmocka_unit_test(loses_no_part_of_a_token),
        cmocka_unit_test(takes_all_or_nothing),
        cmocka_unit_test(comes_to_owe_what_it_is_charged),
        cmocka_unit_test(never_owes_for_longer_than_it_says),
        cmocka_unit_test(without_a_bound_everything_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
