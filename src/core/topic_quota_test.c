/* SPDX-License-Identifier: Apache-2.0 */
#include "core/topic_quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t hash_of(uint64_t i)
{
    return i * UINT64_C(0x9E3779B97F4A7C15);
}

static void serves_as_many_as_it_may_and_those_for_ever(void **state)
{
    (void)state;
    struct topic_quota *quota = topic_quota_new(1000);

    assert_non_null(quota);
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(topic_quota_admit(quota, hash_of(i))); /* the hash 0 among them */
    for (uint64_t i = 1000; i < 2000; i++)
        assert_false(topic_quota_admit(quota, hash_of(i)));
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(topic_quota_admit(quota, hash_of(i)));
    topic_quota_free(quota);
    topic_quota_free(NULL);
}

static void hashes_that_share_a_slot(void **state)
{
    (void)state;
    struct topic_quota *quota = topic_quota_new(64);

    assert_non_null(quota);
    for (uint64_t i = 1; i <= 64; i++)
        assert_true(topic_quota_admit(quota, i << 40));
    for (uint64_t i = 1; i <= 64; i++)
        assert_true(topic_quota_admit(quota, i << 40));
    assert_false(topic_quota_admit(quota, 65ull << 40));
    topic_quota_free(quota);
}

static void tells_once_that_it_is_full(void **state)
{
    (void)state;
    struct topic_quota *quota = topic_quota_new(1);

    assert_non_null(quota);
    assert_true(topic_quota_admit(quota, 7));
    assert_false(topic_quota_tell_full(quota));
    assert_false(topic_quota_admit(quota, 8));
    assert_true(topic_quota_tell_full(quota));
    assert_false(topic_quota_admit(quota, 8));
    assert_false(topic_quota_tell_full(quota));
    topic_quota_set(quota, 2);
    assert_true(topic_quota_admit(quota, 8));
    assert_false(topic_quota_tell_full(quota));
    topic_quota_free(quota);
}

static void a_lower_bound_keeps_what_was_served(void **state)
{
    (void)state;
    struct topic_quota *quota = topic_quota_new(10);

    assert_non_null(quota);
    for (uint64_t i = 1; i <= 5; i++)
        assert_true(topic_quota_admit(quota, i));
    topic_quota_set(quota, 2);
    assert_true(topic_quota_admit(quota, 5));
    assert_false(topic_quota_admit(quota, 6));
    topic_quota_free(quota);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_as_many_as_it_may_and_those_for_ever),
        cmocka_unit_test(hashes_that_share_a_slot),
        cmocka_unit_test(tells_once_that_it_is_full),
        cmocka_unit_test(a_lower_bound_keeps_what_was_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
