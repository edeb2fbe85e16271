/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void three_of_few_are_a_group(void **state)
{
    (void)state;
    struct sense_group group = { .windows = 0 };

    assert_false(sense_group_is(&group, 2, 4));
    assert_true(sense_group_is(&group, 3, 14));
    assert_false(sense_group_is(&group, 3, 100));
}

/* Fifty of a thousand are far below a fifth, and no chance. */
static void few_of_many_are_a_group(void **state)
{
    (void)state;
    struct sense_group group = { .windows = 0 };

    assert_true(sense_group_is(&group, 50, 1000));
    assert_true(sense_group_is(&group, 30, 1000));
    assert_false(sense_group_is(&group, 6, 1000));
}

static void a_group_is_told_once(void **state)
{
    (void)state;
    struct sense_group group = { .windows = 0 };
    unsigned told = 0;

    for (unsigned i = 0; i < 100; i++)
        told += sense_group_count(&group, 5, 14, false) ? 1 : 0;
    assert_int_equal(told, 1);
    for (unsigned i = 0; i < 100; i++)
        told += sense_group_count(&group, 0, 14, false) ? 1 : 0;
    assert_false(group.open);
    told += sense_group_count(&group, 5, 14, false) ? 1 : 0;
    assert_int_equal(told, 2);
}

static void what_is_usual_of_a_role_is_no_group(void **state)
{
    (void)state;
    struct sense_group group = { .windows = 0 };

    for (unsigned i = 0; i < 5000; i++)
        (void)sense_group_count(&group, i % 2 == 0 ? 12 : 8, 100, true);
    for (unsigned i = 0; i < 500; i++)
        assert_false(sense_group_count(&group, i % 2 == 0 ? 12 : 8, 100, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_of_few_are_a_group),
        cmocka_unit_test(few_of_many_are_a_group),
        cmocka_unit_test(a_group_is_told_once),
        cmocka_unit_test(what_is_usual_of_a_role_is_no_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
