/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/identity_print.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void times(void **state)
{
    (void)state;
    char out[IDENTITY_PRINT_TIME_SIZE];
    assert_string_equal(identity_print_time(1798106445, out), "2026-12-24 10:00 UTC");
    assert_string_equal(identity_print_exact_time(1798106400, out), "2026-12-24 10:00 UTC");
    assert_string_equal(identity_print_exact_time(1798106445, out), "2026-12-24T10:00:45Z");
    assert_string_equal(identity_print_exact_time(253402300799, out), "9999-12-31T23:59:59Z");
    assert_string_equal(identity_print_time(INT64_MAX, out), "?");
}

static void what_a_terminal_can_take(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        { "", "" },
        { "a/b", "a/b" },
        { "caf\xc3\xa9", "caf\xc3\xa9" },
        { "a\nb\x1b[2J\x7f", "a?b?[2J?" },
        { "\xc2\x9b"
          "2J",
          "??2J" },
        { "\xff\xc3", "??" },
        { "caf\xc3\xa9 \xed\xa0\x80", "caf?? ???" },
    };
    char out[32];
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        assert_string_equal(identity_print_text(rows[i].text, out, sizeof(out)), rows[i].shown);
}

/* Every size: never beyond the end, and no character in halves. */
static void a_short_buffer(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const size_t lengths[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };
    for (size_t size = 1; size <= MQTT_ARRAY_LEN(lengths); size++) {
        char *out = malloc(size);
        assert_non_null(out);
        assert_int_equal(strlen(identity_print_text(text, out, size)), lengths[size - 1]);
        assert_memory_equal(out, text, lengths[size - 1]);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(what_a_terminal_can_take),
        cmocka_unit_test(a_short_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
