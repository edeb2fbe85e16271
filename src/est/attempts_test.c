/* SPDX-License-Identifier: Apache-2.0 */
#include "est/attempts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct est_attempts *make(uint32_t sources, uint32_t failures, uint32_t failures_all)
{
    struct est_attempts *a =
        est_attempts_new(&(struct est_attempts_options){ sources, failures, failures_all });

    assert_non_null(a);
    return a;
}

static void a_source_has_a_few_and_gets_them_back(void **state)
{
    struct est_attempts *a = make(16, 3, 100);
    uint64_t now_ms = 1000;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(est_attempts_wait_s(a, "192.0.2.1", now_ms), 0);
        est_attempts_book(a, "192.0.2.1", now_ms);
    }
    assert_int_equal(est_attempts_wait_s(a, "192.0.2.1", now_ms), 6);
    assert_int_equal(est_attempts_wait_s(a, "192.0.2.1", now_ms + 5999), 1);
    assert_int_equal(est_attempts_wait_s(a, "192.0.2.1", now_ms + 6000), 0);
    est_attempts_book(a, "192.0.2.1", now_ms + 6000);
    assert_int_not_equal(est_attempts_wait_s(a, "192.0.2.1", now_ms + 6001), 0);
    /* In the end it is as if nothing had been. */
    assert_int_equal(est_attempts_wait_s(a, "192.0.2.1", now_ms + 60000), 0);
    assert_int_equal(est_attempts_count(a), 0);
    est_attempts_free(a);
}

static void others_are_unharmed(void **state)
{
    struct est_attempts *a = make(16, 3, 100);

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        est_attempts_book(a, "192.0.2.1", 5);
    assert_int_not_equal(est_attempts_wait_s(a, "192.0.2.1", 5), 0);
    assert_int_equal(est_attempts_wait_s(a, "192.0.2.2", 5), 0);
    assert_int_equal(est_attempts_wait_s(a, "2001:db8::1", 5), 0);
    assert_int_equal(est_attempts_count(a), 1);
    est_attempts_free(a);
}

static const struct {
    const char *one;
    const char *other;
    bool is_same;
} places[] = {
    { "192.0.2.1", "192.0.2.1", true },
    { "192.0.2.1", "192.0.2.2", false },
    { "192.0.2.1", "::ffff:192.0.2.1", true },
    { "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true },
    { "2001:db8:1:2::1", "2001:db8:1:3::1", false },
    { "2001:db8::1%eth0", "nobody", true }, /* no address at all */
    { "0.0.0.0", "::", false },
};

static void a_source_is_an_address_or_a_household(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct est_attempts *a = make(16, 1, 100);
        est_attempts_book(a, places[i].one, 0);
        assert_int_equal(est_attempts_wait_s(a, places[i].other, 0) != 0, places[i].is_same);
        est_attempts_free(a);
    }
}

/* A thousand addresses, a failure each: those are not heard any more, all others are. */
static void many_sources_together(void **state)
{
    struct est_attempts *a = make(4096, 10, 100);
    char address[32];

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(address, sizeof(address), "10.0.%u.%u", i / 256, i % 256);
        est_attempts_book(a, address, 0);
    }
    assert_int_equal(est_attempts_wait_s(a, "10.0.0.1", 0), 1);
    assert_int_equal(est_attempts_wait_s(a, "192.0.2.1", 0), 0);
    assert_int_equal(est_attempts_wait_s(a, "10.0.0.1", EST_ATTEMPTS_REFILL_ALL_MS), 0);
    est_attempts_free(a);
}

static void memory_is_bounded(void **state)
{
    struct est_attempts *a = make(16, 1, 1000000);
    char address[32];

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(address, sizeof(address), "10.0.%u.%u", i / 256, i % 256);
        est_attempts_book(a, address, 0);
        assert_in_range(est_attempts_count(a), 1, 16);
    }
    /* The one that failed longest ago is forgotten, not the last. */
    assert_int_equal(est_attempts_wait_s(a, "10.0.0.0", 0), 0);
    assert_int_not_equal(est_attempts_wait_s(a, address, 0), 0);
    est_attempts_free(a);
    est_attempts_free(NULL);
}

static void a_clock_that_goes_back(void **state)
{
    struct est_attempts *a = make(16, 1, 100);

    (void)state;
    est_attempts_book(a, "192.0.2.1", 100000);
    assert_int_not_equal(est_attempts_wait_s(a, "192.0.2.1", 5), 0);
    est_attempts_book(a, "192.0.2.1", 5);
    assert_int_not_equal(est_attempts_wait_s(a, "192.0.2.1", 5), 0);
    est_attempts_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_has_a_few_and_gets_them_back),
        cmocka_unit_test(others_are_unharmed),
        cmocka_unit_test(a_source_is_an_address_or_a_household),
        cmocka_unit_test(many_sources_together),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(a_clock_that_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
