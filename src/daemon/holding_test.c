/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/holding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_ruling_that_knows_decides(void **state)
{
    struct holding *holding = holding_new();

    (void)state;
    assert_non_null(holding);
    assert_false(holding_has(holding, "lamp", 0));
    assert_int_equal(holding_begin(holding, "lamp"), 0);
    assert_true(holding_has(holding, "lamp", 0));
    assert_true(holding_has(holding, "lamp", 100));
    assert_false(holding_has(holding, "pump", 0));
    holding_settle(holding, "lamp", 7, 1000);
    assert_true(holding_has(holding, "lamp", 6));
    assert_false(holding_has(holding, "lamp", 7));
    holding_free(holding);
}

static void again_it_is_not_known(void **state)
{
    struct holding *holding = holding_new();

    (void)state;
    assert_non_null(holding);
    assert_int_equal(holding_begin(holding, "lamp"), 0);
    holding_settle(holding, "lamp", 7, 1000);
    assert_int_equal(holding_begin(holding, "lamp"), 0);
    assert_true(holding_has(holding, "lamp", 8));
    holding_free(holding);
}

static void what_is_long_settled_is_forgotten(void **state)
{
    struct holding *holding = holding_new();

    (void)state;
    assert_non_null(holding);
    assert_int_equal(holding_begin(holding, "lamp"), 0);
    assert_int_equal(holding_begin(holding, "pump"), 0);
    holding_settle(holding, "lamp", 7, 1000);
    holding_settle(holding, "pump", 8, 1000 + HOLDING_KEPT_MS);
    assert_true(holding_has(holding, "lamp", 6));
    holding_settle(holding, "pump", 9, 1001 + HOLDING_KEPT_MS);
    assert_false(holding_has(holding, "lamp", 6));
    holding_free(holding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ruling_that_knows_decides),
        cmocka_unit_test(again_it_is_not_known),
        cmocka_unit_test(what_is_long_settled_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
