/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/blocked_list.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SHA        "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define TAG        "0123456789abcdef0123"
#define LONG       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 50 */
#define REASON_199 LONG LONG LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void lines(void **state)
{
    static const struct {
        const char *text;
        enum blocked_line_kind kind;
        const char *reason;
    } cases[] = {
        { "", BLOCKED_LINE_EMPTY, "" },
        { "  \t\r", BLOCKED_LINE_EMPTY, "" },
        { "# anything \x01\xff", BLOCKED_LINE_EMPTY, "" },
        { "  # likewise", BLOCKED_LINE_EMPTY, "" },
        { SHA, BLOCKED_LINE_KEY, "" },
        { "\t" SHA "  test key of a broker \r", BLOCKED_LINE_KEY, "test key of a broker" },
        { SHA " " REASON_199, BLOCKED_LINE_KEY, REASON_199 },
        { TAG, BLOCKED_LINE_MODULUS, "" },
        { TAG " weak", BLOCKED_LINE_MODULUS, "weak" },
        { "modulus-sha1:" TAG " weak", BLOCKED_LINE_MODULUS, "weak" },
        { SHA " " REASON_199 "a", BLOCKED_LINE_WRONG, NULL },
        { SHA " a\x01", BLOCKED_LINE_WRONG, NULL },
        { SHA " \xc3\xa4", BLOCKED_LINE_WRONG, NULL },
        { SHA "0", BLOCKED_LINE_WRONG, NULL },
        { "0" SHA, BLOCKED_LINE_WRONG, NULL },
        { "modulus-sha1:" SHA, BLOCKED_LINE_WRONG, NULL },
        { "modulus-sha1: " TAG, BLOCKED_LINE_WRONG, NULL },
        { "modulus-sha256:" TAG, BLOCKED_LINE_WRONG, NULL },
        { "0123456789abcdef012", BLOCKED_LINE_WRONG, NULL },
        { "0123456789abcdef012g", BLOCKED_LINE_WRONG, NULL },
        { "-----BEGIN CERTIFICATE-----", BLOCKED_LINE_WRONG, NULL },
    };
    struct blocked_line line;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        blocked_line_parse(span_of(cases[i].text), &line);
        if (line.kind != cases[i].kind)
            fail_msg("'%s': %d, not %d", cases[i].text, (int)line.kind, (int)cases[i].kind);
        assert_int_equal(line.why == NULL, line.kind != BLOCKED_LINE_WRONG);
        if (cases[i].reason != NULL)
            assert_string_equal(line.reason, cases[i].reason);
    }
    blocked_line_parse(span_of(TAG), &line);
    assert_memory_equal(line.id, "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23", BLOCKED_TAG_BYTES);
    blocked_line_parse(span_of(SHA), &line);
    assert_memory_equal(line.id, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
                        16);
    assert_memory_equal(line.id, line.id + 16, 16);
}

struct seen {
    size_t lines;
    size_t keys;
    size_t stop_at;
};

static int on_line(void *context, size_t number, const struct blocked_line *line)
{
    struct seen *seen = context;

    assert_int_equal(number, ++seen->lines);
    seen->keys += line->kind == BLOCKED_LINE_KEY;
    return number == seen->stop_at ? -7 : 0;
}

static void ends_of_lines(void **state)
{
    static const struct {
        const char *text;
        size_t lines;
        size_t keys;
    } cases[] = {
        { "", 0, 0 },
        { "\n", 1, 0 },
        { SHA, 1, 1 },
        { SHA "\n", 1, 1 },
        { "\n\n" SHA "\r\n#\n" SHA, 5, 2 },
        { SHA "\r\n" SHA " x\r\n", 2, 2 },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct seen seen = { 0 };
        size_t len = strlen(cases[i].text);
        uint8_t *exact = malloc(len > 0 ? len : 1);
        memcpy(exact, cases[i].text, len);
        assert_int_equal(blocked_list_read((struct mqtt_span){ exact, len }, on_line, &seen), 0);
        free(exact);
        assert_int_equal(seen.lines, cases[i].lines);
        assert_int_equal(seen.keys, cases[i].keys);
    }
    struct seen seen = { .stop_at = 2 };
    assert_int_equal(blocked_list_read(span_of("\n\n\n"), on_line, &seen), -7);
    assert_int_equal(seen.lines, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(ends_of_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
