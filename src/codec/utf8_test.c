/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/utf8.h"

#include "codec/wire_test.h"

struct text_case {
    const char *name;
    const char *bytes;
    size_t len;
    bool want;
};

static const struct text_case cases[] = {
    { "empty", WIRE(""), true },
    { "one byte", WIRE("a"), true },
    { "four bytes", WIRE("abcd"), true },
    { "seven bytes", WIRE("abcdefg"), true },
    { "eight bytes", WIRE("abcdefgh"), true },
    { "nine bytes", WIRE("abcdefghi"), true },
    { "control characters are ours to accept", WIRE("\x01\x1f\x7f\xc2\x80"), true },
    { "two-byte character", WIRE("gr\xc3\xbc\xc3\x9f"), true },
    { "three-byte character", WIRE("\xe2\x82\xac"), true },
    { "four-byte character", WIRE("\xf0\x9f\x98\x80"), true },
    { "non-character U+FFFF", WIRE("\xef\xbf\xbf"), true },
    { "first and last of each length", WIRE("\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"), true },
    { "U+10000 and U+10FFFF", WIRE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true },
    { "around the surrogates", WIRE("\xed\x9f\xbf\xee\x80\x80"), true },
    { "[MQTT-1.5.4-3] byte order mark", WIRE("\xef\xbb\xbf"), true },
    { "[MQTT-1.5.4-2] NUL alone", WIRE("\0"), false },
    { "[MQTT-1.5.4-2] NUL after eight", WIRE("abcdefgh\0"), false },
    { "[MQTT-1.5.4-2] NUL in the middle of eight", WIRE("abc\0defg"), false },
    { "[MQTT-1.5.4-2] NUL first of five", WIRE("\0abcd"), false },
    { "[MQTT-1.5.4-2] NUL after a long character", WIRE("\xc3\xbc\0"), false },
    { "[MQTT-1.5.4-1] surrogate U+D800", WIRE("\xed\xa0\x80"), false },
    { "[MQTT-1.5.4-1] surrogate U+DFFF", WIRE("\xed\xbf\xbf"), false },
    { "[MQTT-1.5.4-1] overlong slash", WIRE("\xc0\xaf"), false },
    { "[MQTT-1.5.4-1] overlong NUL", WIRE("\xc0\x80"), false },
    { "[MQTT-1.5.4-1] overlong, three bytes", WIRE("\xe0\x9f\xbf"), false },
    { "[MQTT-1.5.4-1] overlong, four bytes", WIRE("\xf0\x8f\xbf\xbf"), false },
    { "[MQTT-1.5.4-1] above U+10FFFF", WIRE("\xf4\x90\x80\x80"), false },
    { "[MQTT-1.5.4-1] lead byte F5", WIRE("\xf5\x80\x80\x80"), false },
    { "[MQTT-1.5.4-1] lead byte FF", WIRE("\xff"), false },
    { "[MQTT-1.5.4-1] lone continuation", WIRE("\x80"), false },
    { "[MQTT-1.5.4-1] continuation after eight", WIRE("abcdefgh\xbf"), false },
    { "[MQTT-1.5.4-1] cut in two", WIRE("\xc3"), false },
    { "[MQTT-1.5.4-1] cut in three", WIRE("a\xe2\x82"), false },
    { "[MQTT-1.5.4-1] cut in four", WIRE("\xf0\x9f\x98"), false },
    { "[MQTT-1.5.4-1] lead where a continuation belongs", WIRE("\xe2\xe2\x82\xac"), false },
    { "[MQTT-1.5.4-1] ASCII where a continuation belongs", WIRE("\xe2\x82z"), false },
};

static void judges_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct mqtt_span text = wire_copy(cases[i].bytes, cases[i].len);
        if (mqtt_utf8_is_valid(text) != cases[i].want)
            fail_msg("%s", cases[i].name);
        wire_free(text);
    }
}

/* The fast path reads eight bytes at a time: a bad byte must be found at every
 * place of texts of every length around that. */
static void finds_a_bad_byte_anywhere(void **state)
{
    static const char bad[] = { '\0', '\x80', '\xff' };
    char text[40];

    (void)state;
    for (size_t len = 1; len <= sizeof(text); len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t b = 0; b < sizeof(bad); b++) {
                memset(text, 'x', sizeof(text));
                text[at] = bad[b];
                struct mqtt_span span = wire_copy(text, len);
                assert_false(mqtt_utf8_is_valid(span));
                wire_free(span);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_texts),
        cmocka_unit_test(finds_a_bad_byte_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
