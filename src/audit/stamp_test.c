/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/stamp.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void times_are_written_and_read(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 951782400123, "2000-02-29T00:00:00.123Z" },
        { 1795831371500, "2026-11-28T02:02:51.500Z" },
        { 4107542399999, "2100-02-28T23:59:59.999Z" },
        { 4107542400000, "2100-03-01T00:00:00.000Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
        { -62167219200000, "0000-01-01T00:00:00.000Z" },
        { -2208988800000, "1900-01-01T00:00:00.000Z" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char text[AUDIT_STAMP_SIZE];
        int64_t ms = 0;
        assert_string_equal(audit_stamp_put(rows[i].ms, text), rows[i].text);
        assert_true(audit_stamp_get(span_of(rows[i].text), &ms));
        assert_int_equal(ms, rows[i].ms);
    }
}

static void what_is_outside_becomes_the_nearest(void **state)
{
    char text[AUDIT_STAMP_SIZE];

    (void)state;
    assert_string_equal(audit_stamp_put(INT64_MAX, text), "9999-12-31T00:00:00.000Z");
    assert_string_equal(audit_stamp_put(INT64_MIN, text), "0000-01-01T00:00:00.000Z");
}

static void other_texts_are_no_times(void **state)
{
    static const char *const texts[] = {
        "",
        "2026-11-28T02:02:51.500",
        "2026-11-28T02:02:51.500ZZ",
        "2026-11-28 02:02:51.500Z",
        "2026-02-29T02:02:51.500Z",
        "2026-13-01T02:02:51.500Z",
        "2026-00-01T02:02:51.500Z",
        "2026-01-00T02:02:51.500Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z",
        "2026-01-01T00:00:60.000Z",
        "2026-01-01T00:00:0x.000Z",
    };
    int64_t ms = 7;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(texts); i++)
        assert_false(audit_stamp_get(span_of(texts[i]), &ms));
    assert_int_equal(ms, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_and_read),
        cmocka_unit_test(what_is_outside_becomes_the_nearest),
        cmocka_unit_test(other_texts_are_no_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
