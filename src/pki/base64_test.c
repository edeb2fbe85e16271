/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/base64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* RFC 4648, section 10. */
static void the_standards_examples(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
        const char *url;
    } rows[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "fooba", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xfb\xff\xfe", "+//+", "-__-" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char text[BASE64_SIZE(6)];
        uint8_t bytes[6];
        size_t len = 99;

        base64_encode(BASE64_STANDARD, span_of(rows[i].bytes), text);
        assert_string_equal(text, rows[i].text);
        base64_encode(BASE64_URL, span_of(rows[i].bytes), text);
        assert_string_equal(text, rows[i].url);
        assert_int_equal(
            base64_decode(BASE64_STANDARD, span_of(rows[i].text), bytes, sizeof(bytes), &len), 0);
        assert_true(span_equal((struct mqtt_span){ bytes, len }, span_of(rows[i].bytes)));
        assert_int_equal(
            base64_decode(BASE64_URL, span_of(rows[i].url), bytes, sizeof(bytes), &len), 0);
        assert_true(span_equal((struct mqtt_span){ bytes, len }, span_of(rows[i].bytes)));
    }
}

static void nothing_else_is_understood(void **state)
{
    static const struct {
        enum base64_alphabet alphabet;
        const char *text;
    } rows[] = {
        { BASE64_STANDARD, "Zg" },   { BASE64_STANDARD, "Zg=" },   { BASE64_STANDARD, "Zh==" },
        { BASE64_STANDARD, "Zm9=" }, { BASE64_STANDARD, "=" },     { BASE64_STANDARD, "====" },
        { BASE64_STANDARD, "Z===" }, { BASE64_STANDARD, "Zm 9" },  { BASE64_STANDARD, "-__-" },
        { BASE64_STANDARD, "Z=g=" }, { BASE64_URL, "Zg==" },       { BASE64_URL, "Z" },
        { BASE64_URL, "Zh" },        { BASE64_URL, "Zm9" },        { BASE64_URL, "+//+" },
        { BASE64_URL, "Zm9v\n" },    { BASE64_URL, "Zm9vYmFyYg" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        uint8_t bytes[6];
        size_t len = 99;

        assert_int_equal(
            base64_decode(rows[i].alphabet, span_of(rows[i].text), bytes, sizeof(bytes), &len),
            -EBADMSG);
        assert_int_equal(len, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_examples),
        cmocka_unit_test(nothing_else_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
