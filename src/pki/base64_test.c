/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/base64.h"

#include "base/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int decode(const char *text, uint8_t *out, size_t *out_len)
{
    return base64_decode(span_of(text), out, out_len);
}

static void what_is_written_is_read(void **state)
{
    struct test_random random = { 7 };
    uint8_t bytes[300];
    uint8_t back[420];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)test_random_next(&random);
        char *text = base64_encode((struct mqtt_span){ bytes, i });
        assert_non_null(text);
        for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
            assert_in_range(strcspn(line, "\n"), 1, 64);
        assert_int_equal(decode(text, back, &len), 0);
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

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        uint8_t out[64];
        size_t len = 99;
        int error = decode(rows[i].text, out, &len);
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
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
