/* SPDX-License-Identifier: Apache-2.0 */
#include "config/anchors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_first_time_counts(void **state)
{
    struct anchors anchors;
    int64_t first_s = 0;
    (void)state;
    anchors_init(&anchors);
    assert_int_equal(anchors_first(&anchors, "a", 100, &first_s), 0);
    assert_int_equal(first_s, 100);
    assert_int_equal(anchors_first(&anchors, "b", 150, &first_s), 0);
    assert_int_equal(first_s, 150);
    assert_int_equal(anchors_first(&anchors, "a", 200, &first_s), 0);
    assert_int_equal(first_s, 100);
    anchors_fini(&anchors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_time_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
