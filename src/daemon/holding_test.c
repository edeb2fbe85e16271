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
    enum hold_kind kind;

    (void)state;
    assert_non_null(holding);
    assert_false(holding_has(holding, "lamp", 0, &kind));
    assert_int_equal(holding_begin(holding, "lamp", HOLD_CLONE), 0);
    assert_true(holding_has(holding, "lamp", 0, &kind));
    assert_true(holding_has(holding, "lamp", 100, &kind));
    assert_false(holding_has(holding, "pump", 0, &kind));
    holding_settle(holding, "lamp", 7, 1000);
    assert_true(holding_has(holding, "lamp", 6, &kind));
    assert_false(holding_has(holding, "lamp", 7, &kind));
    holding_free(holding);
}

static void again_it_is_not_known(void **state)
{
    struct holding *holding = holding_new();
    enum hold_kind kind;

    (void)state;
    assert_non_null(holding);
    assert_int_equal(holding_begin(holding, "lamp", HOLD_CLONE), 0);
    holding_settle(holding, "lamp", 7, 1000);
    assert_int_equal(holding_begin(holding, "lamp", HOLD_CLONE), 0);
    assert_true(holding_has(holding, "lamp", 8, &kind));
    holding_free(holding);
}

static void what_is_long_settled_is_forgotten(void **state)
{
    struct holding *holding = holding_new();
    enum hold_kind kind;

    (void)state;
    assert_non_null(holding);
    assert_int_equal(holding_begin(holding, "lamp", HOLD_CLONE), 0);
    assert_int_equal(holding_begin(holding, "pump", HOLD_CLONE), 0);
    holding_settle(holding, "lamp", 7, 1000);
    holding_settle(holding, "pump", 8, 1000 + HOLDING_KEPT_MS);
    assert_true(holding_has(holding, "lamp", 6, &kind));
    holding_settle(holding, "pump", 9, 1001 + HOLDING_KEPT_MS);
    assert_false(holding_has(holding, "lamp", 6, &kind));
    holding_free(holding);
}

static void it_is_known_what_for(void **state)
{
    struct holding *holding = holding_new();
    enum hold_kind kind = HOLD_PARDON;

    (void)state;
    assert_non_null(holding);
    assert_int_equal(holding_begin(holding, "lamp", HOLD_BEHAVIOUR), 0);
    assert_true(holding_has(holding, "lamp", 0, &kind));
    assert_int_equal(kind, HOLD_BEHAVIOUR);
    assert_int_equal(holding_begin(holding, "lamp", HOLD_CLONE), 0);
    assert_int_equal(holding_begin(holding, "lamp", HOLD_BEHAVIOUR), 0);
    assert_true(holding_has(holding, "lamp", 0, &kind));
    assert_int_equal(kind, HOLD_CLONE);
    holding_settle(holding, "lamp", 7, 1000);
    assert_int_equal(holding_begin(holding, "lamp", HOLD_BEHAVIOUR), 0);
    assert_true(holding_has(holding, "lamp", 7, &kind));
    assert_int_equal(kind, HOLD_BEHAVIOUR);
    holding_free(holding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ruling_that_knows_decides),
        cmocka_unit_test(it_is_known_what_for),
        cmocka_unit_test(again_it_is_not_known),
        cmocka_unit_test(what_is_long_settled_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
