/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/base64.h"

#include "base/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- in lines ---- */

static int decode_lines(const char *text, uint8_t *out, size_t *out_len)
{
    return base64_decode_lines(span_of(text), out, out_len);
}

static void what_is_written_in_lines_is_read(void **state)
{
    struct test_random random = { 7 };
    uint8_t bytes[300];
    uint8_t back[420];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)test_random_next(&random);
        char *text = base64_encode_lines((struct mqtt_span){ bytes, i });
        assert_non_null(text);
        for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
            assert_in_range(strcspn(line, "\n"), 1, 64);
        assert_int_equal(decode_lines(text, back, &len), 0);
        assert_int_equal(len, i);
        assert_memory_equal(back, bytes, i);
        free(text);
    }
}

static const struct {
    const char *text;
    const char *bytes; /* NULL: refused */
} rows[] = {
    /* RFC 4648, section 10. */
    { "", "" },
    { "Zg==", "f" },
    { "Zm8=", "fo" },
    { "Zm9v", "foo" },
    { "Zm9vYg==", "foob" },
    { "Zm9vYmE=", "fooba" },
    { "Zm9vYmFy", "foobar" },
    { "Zm9vYmFy\n", "foobar" },
    { " Z m9\r\n\tvYmFy ", "foobar" },
    { "Zg", "f" },
    { "Zm8", "fo" },
    { "Zg=\n=", "f" },
    { "Z", NULL },
    { "Zm9vY", NULL },
    { "Zg=", NULL },
    { "Zg===", NULL },
    { "Zm8==", NULL },
    { "Zm9v=", NULL },
    { "Zg==Zg==", NULL },
    { "=", NULL },
    { "Zh==", NULL },
    { "Zm9=", NULL },
    { "Zm9-", NULL },
    { "Zm9_", NULL },
    { "Zm9v!", NULL },
    { "Zm9v\x80", NULL },
};

static void texts_in_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        uint8_t out[64];
        size_t len = 99;
        int error = decode_lines(rows[i].text, out, &len);
        assert_int_equal(error, rows[i].bytes == NULL ? -EBADMSG : 0);
        if (rows[i].bytes == NULL)
            continue;
        assert_int_equal(len, strlen(rows[i].bytes));
        assert_memory_equal(out, rows[i].bytes, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_examples),
        cmocka_unit_test(nothing_else_is_understood),
        cmocka_unit_test(what_is_written_in_lines_is_read),
        cmocka_unit_test(texts_in_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
