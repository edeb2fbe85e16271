/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"

#include "base/testing.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_as_printf(uint64_t number)
{
    char expected[DECIMAL_DIGITS_MAX + 1];
    char text[DECIMAL_DIGITS_MAX + 1];
    int len = snprintf(expected, sizeof(expected), "%" PRIu64, number);

    memset(text, 'x', sizeof(text));
    assert_ptr_equal(decimal_put(text, number), text + len);
    assert_memory_equal(text, expected, (size_t)len);
    assert_int_equal(text[len], 'x');
}

static void numbers_are_written_as_printf_does(void **state)
{
    struct test_random random = { .state = 3 };

    (void)state;
    assert_as_printf(0);
    assert_as_printf(UINT64_MAX);
    for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
        assert_as_printf(power - 1);
        assert_as_printf(power);
        assert_as_printf(test_random_below(&random, power) + power);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(numbers_are_written_as_printf_does) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
