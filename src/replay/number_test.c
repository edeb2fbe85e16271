/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void times_are_read(void **state)
{
    (void)state;
    uint64_t ms = 0;

    assert_true(number_parse_epoch(span_of("1571608802.549637000"), &ms));
    assert_int_equal(ms, UINT64_C(1571608802549));
    assert_true(number_parse_epoch(span_of("7"), &ms));
    assert_int_equal(ms, 7000);
    assert_true(number_parse_date(span_of("2025-01-20T17:45:46.943Z"), &ms));
    assert_int_equal(ms, UINT64_C(1737395146943));
    assert_true(number_parse_date(span_of("1970-01-01T00:00:00"), &ms));
    assert_int_equal(ms, 0);
    assert_true(number_parse_date(span_of("2000-02-29T00:00:00Z"), &ms));
    assert_int_equal(ms, UINT64_C(951782400000));
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    const char *const epochs[] = { "", ".5", "1.", "1.5x", "-1", "1e3", "99999999999999999999" };
    const char *const dates[] = { "",
                                  "2025",
                                  "2025-13-01T00:00:00Z",
                                  "2025-01-01 00:00:00",
                                  "2025-01-01T00:00:00+1",
                                  "1969-01-01T00:00:00Z" };
    uint64_t ms = 42;

    for (unsigned i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++)
        assert_false(number_parse_epoch(span_of(epochs[i]), &ms));
    for (unsigned i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
        assert_false(number_parse_date(span_of(dates[i]), &ms));
    assert_int_equal(ms, 42);
}

static void values_are_read(void **state)
{
    (void)state;
    float value = 0;
    uint32_t whole = 0;

    assert_true(number_parse_hex(span_of("32372e3236"), &value)); /* "27.26" */
    assert_true(fabsf(value - 27.26f) < 1e-4f);
    assert_false(number_parse_hex(span_of("3237zz"), &value));
    assert_false(number_parse_hex(span_of("323"), &value));
    assert_true(number_parse(span_of("65535"), 65535, &whole));
    assert_false(number_parse(span_of("65536"), 65535, &whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(values_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
