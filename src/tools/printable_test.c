/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/printable.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What comes out; the caller frees it. */
static char *shown(const char *bytes, size_t len, size_t width)
{
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    assert_non_null(file);
    printable_pad(file, (struct mqtt_span){ (const uint8_t *)bytes, len }, width);
    assert_int_equal(fclose(file), 0);
    return out;
}

static void what_stays_and_what_does_not(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        { "", "" },
        { "home/k\xc3\xbc"
          "che/\xe2\x82\xac/\xf0\x9f\x94\xa5",
          "home/k\xc3\xbc"
          "che/\xe2\x82\xac/\xf0\x9f\x94\xa5" },
        { "a\nb\x1b[2J\x7f", "a\\x0ab\\x1b[2J\\x7f" },
        { "\xc2\x9b"
          "1m",
          "\\xc2\\x9b1m" }, /* C1: a CSI in one character */
        { "\xe2\x80\xae"
          "txt",
          "\\xe2\\x80\\xaetxt" }, /* right to left from here */
        { "\xe2\x81\xa6x", "\\xe2\\x81\\xa6x" },
        { "\xff\xc3", "\\xff\\xc3" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* a surrogate */
        { "\xf0\x9f\x94", "\\xf0\\x9f\\x94" }, /* cut off */
        { "\xc0\x80", "\\xc0\\x80" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        /* A heap block of the exact size, so that a read beyond its end is noticed. */
        size_t len = strlen(rows[i].text);
        char *copy = malloc(len + (len == 0));
        assert_non_null(copy);
        memcpy(copy, rows[i].text, len);
        char *out = shown(copy, len, 0);
        assert_string_equal(out, rows[i].expected);
        free(out);
        free(copy);
    }
}

static void columns_are_characters(void **state)
{
    (void)state;
    char *out = shown("k\xc3\xbc", 3, 4);
    assert_string_equal(out, "k\xc3\xbc  ");
    free(out);
    out = shown("\n", 1, 5);
    assert_string_equal(out, "\\x0a ");
    free(out);
    out = shown("longer", 6, 3);
    assert_string_equal(out, "longer");
    free(out);
}

static void a_zero_byte_is_shown(void **state)
{
    (void)state;
    char *out = shown("a\0b", 3, 0);
    assert_string_equal(out, "a\\x00b");
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stays_and_what_does_not),
        cmocka_unit_test(columns_are_characters),
        cmocka_unit_test(a_zero_byte_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
