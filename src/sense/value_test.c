/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool take(const char *text, float *out)
{
    size_t len = strlen(text);
    uint8_t *bytes = malloc(len + 1); /* exactly as long, so that a read beyond it shows */
    bool is_number;

    assert_non_null(bytes);
    memcpy(bytes, text, len);
    bytes = realloc(bytes, len > 0 ? len : 1);
    assert_non_null(bytes);
    is_number = sense_value_take((struct mqtt_span){ bytes, len }, out);
    free(bytes);
    return is_number;
}

static void numbers_are_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        { "0", 0 },         { "7", 7 },
        { "21.5", 21.5 },   { "-12.5", -12.5 },
        { "007", 7 },       { "0.001", 0.001 },
        { "-0.25", -0.25 }, { "12345678901234567890123456789012", 1.2345678901234568e31 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        float value = 99;
        assert_true(take(rows[i].text, &value));
        double away = (double)value - rows[i].value;
        double most = 1e-6 * (rows[i].value < 0 ? -rows[i].value : rows[i].value);
        assert_true(away <= most && away >= -most);
    }
}

static void all_else_is_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "-",
        ".",
        "1.",
        ".5",
        "--1",
        "+1",
        "1e3",
        " 1",
        "1 ",
        "1\n",
        "1.2.3",
        "nan",
        "inf",
        "0x10",
        "1,5",
        "{\"t\":21.5}",
        "\xff\x31",
        "-.5",
        "1-",
        "2026-11-28",
        "123456789012345678901234567890123",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        float value = 99;
        assert_false(take(rows[i], &value));
        assert_true(value > 98);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_numbers),
        cmocka_unit_test(all_else_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
