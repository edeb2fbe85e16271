/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/bar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS UINT64_C(1000000)
#define NOW_S  INT64_C(1800000000)
#define DAY_MS UINT64_C(86400000)

static struct bar *opened(uint64_t first_s, uint64_t longest_s, uint64_t blocks)
{
    struct limits limits = limits_default();

    limits.source_block_s = first_s;
    limits.source_block_longest_s = longest_s;
    limits.source_blocks = blocks;
    struct bar *bar = bar_new(&(struct siphash_key){ 1, 2 }, &limits);
    assert_non_null(bar);
    return bar;
}

static struct barred_place place(unsigned number)
{
    return (struct barred_place){
        .bytes = { 10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number }, .len = 4
    };
}

static struct bar_now at(uint64_t ms)
{
    return (struct bar_now){ NOW_MS + ms, NOW_S + (int64_t)(ms / 1000) };
}

/* For how many seconds; 0: it is not. */
static int64_t begin(struct bar *bar, unsigned number, uint64_t ms)
{
    const struct barred_place who = place(number);
    const struct bar_now now = at(ms);
    int64_t until_s = 0;

    return bar_begin(bar, &who, &now, false, &until_s) == BAR_BEGUN ? until_s - now.s : 0;
}

static bool has(struct bar *bar, unsigned number, uint64_t ms)
{
    const struct barred_place who = place(number);

    return bar_has(bar, &who, NOW_MS + ms);
}

static void it_ends_by_itself_and_is_the_addresss_own(void **state)
{
    struct bar *bar = opened(60, 3600, 4096);

    (void)state;
    assert_false(has(bar, 1, 0));
    assert_int_equal(begin(bar, 1, 0), 60);
    assert_true(has(bar, 1, 0));
    assert_true(has(bar, 1, 59999));
    assert_false(has(bar, 1, 60000));
    assert_false(has(bar, 2, 0));
    bar_free(bar);
    bar_free(NULL);
}

/* limits.source_block_s, limits.source_block_longest_s */
static void each_time_within_a_day_is_twice_as_long(void **state)
{
    static const int64_t seconds[] = { 60, 120, 240, 480, 960, 1920, 3600, 3600 };
    struct bar *bar = opened(60, 3600, 4096);
    uint64_t ms = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        assert_int_equal(begin(bar, 1, ms), seconds[i]);
        assert_int_equal(begin(bar, 1, ms + 1000), 0); /* already */
        ms += (uint64_t)seconds[i] * 1000 + 5000;
    }
    ms += DAY_MS;
    assert_int_equal(begin(bar, 1, ms), 60);
    bar_free(bar);
}

static void other_limits_count_from_then_on(void **state)
{
    struct bar *bar = opened(60, 3600, 4096);
    struct limits limits = limits_default();

    (void)state;
    limits.source_block_s = 100;
    limits.source_block_longest_s = 30; /* the smaller one counts */
    bar_set_limits(bar, &limits);
    assert_int_equal(begin(bar, 1, 0), 30);
    bar_free(bar);
}

static void a_dry_run_changes_nothing(void **state)
{
    struct bar *bar = opened(60, 3600, 4096);
    const struct barred_place who = place(1);
    const struct bar_now now = at(0);
    uint64_t version = bar_version(bar);
    int64_t until_s = 0;

    (void)state;
    assert_int_equal(bar_begin(bar, &who, &now, true, &until_s), BAR_BEGUN);
    assert_int_equal(until_s, NOW_S + 60);
    assert_false(has(bar, 1, 0));
    assert_int_equal(bar_version(bar), version);
    bar_free(bar);
}

static void who_is_pardoned_is_free_for_so_long(void **state)
{
    struct bar *bar = opened(60, 3600, 4096);
    const struct barred_place who = place(1);
    struct bar_now now = at(1000);
    int64_t until_s = 0;

    (void)state;
    assert_int_equal(begin(bar, 1, 0), 60);
    assert_true(bar_pardon(bar, &who, 100, &now));
    assert_false(has(bar, 1, 1000));
    assert_int_equal(bar_begin(bar, &who, &now, false, &until_s), BAR_PARDONED);
    assert_false(bar_pardon(bar, &who, 100, &now));
    assert_int_equal(begin(bar, 1, 102000), 60); /* as if it was the first time */
    bar_free(bar);
}

static void those_that_are_blocked_are_listed(void **state)
{
    struct bar *bar = opened(60, 3600, 4096);
    const struct barred_place free_one = place(3);
    const struct bar_now now = at(0);
    uint64_t version = bar_version(bar);
    size_t count = 0;

    (void)state;
    assert_int_equal(begin(bar, 1, 0), 60);
    assert_int_equal(begin(bar, 2, 30000), 60);
    assert_false(bar_pardon(bar, &free_one, 100, &now));
    assert_int_not_equal(bar_version(bar), version);
    struct barred *all = bar_list(bar, NOW_MS + 30000, &count);
    assert_non_null(all);
    assert_int_equal(count, 2);
    free(all);
    all = bar_list(bar, NOW_MS + 60000, &count);
    assert_non_null(all);
    assert_int_equal(count, 1);
    assert_int_equal(all[0].place.bytes[3], 2);
    assert_int_equal(all[0].since_s, NOW_S + 30);
    assert_int_equal(all[0].until_s, NOW_S + 90);
    assert_int_equal(all[0].times, 1);
    free(all);
    bar_free(bar);
}

/* limits.source_blocks */
static void of_too_many_the_one_that_ends_first_goes(void **state)
{
    struct bar *bar = opened(60, 3600, 8);
    unsigned left = 0;

    (void)state;
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(begin(bar, i, i * 1000), 60);
    assert_false(has(bar, 0, 9000));
    for (unsigned i = 1; i < 9; i++)
        left += has(bar, i, 9000);
    assert_int_equal(left, 8);
    bar_free(bar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_by_itself_and_is_the_addresss_own),
        cmocka_unit_test(each_time_within_a_day_is_twice_as_long),
        cmocka_unit_test(other_limits_count_from_then_on),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(who_is_pardoned_is_free_for_so_long),
        cmocka_unit_test(those_that_are_blocked_are_listed),
        cmocka_unit_test(of_too_many_the_one_that_ends_first_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
