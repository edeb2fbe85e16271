/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* content type "t", expiry 7, correlation "c", subscription 5, user property k: v */
static const uint8_t block[] = "\x03\x00\x01t\x02\x00\x00\x00\x07\x09\x00\x01"
                               "c\x0b\x05\x26\x00\x01k\x00\x01v";

static struct tacit_message sample(void)
{
    return (struct tacit_message){
        .topic = TACIT_LITERAL("a/b"),
        .payload = TACIT_LITERAL("{\"x\":1}"),
        .qos = 1,
        .retain = true,
        .has_expiry = true,
        .expiry_s = 7,
        .content_type = TACIT_LITERAL("t"),
        .correlation = TACIT_LITERAL("c"),
        .properties = { block, sizeof(block) - 1 },
    };
}

static void check(const char *format, const struct tacit_message *message, const char *expected)
{
    char *text = NULL;
    size_t len = 0;
    struct format_input input = { .message = message, .received = { 1700000000, 123456789 } };
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    format_print(file, format, &input);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void prints_each_letter(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        const char *expected;
    } rows[] = {
        { "%t|%p|%l|%q|%r", "a/b|{\"x\":1}|7|1|1" },
        { "%x %X", "7b2278223a317d 7B2278223A317D" },
        { "%C %D %E %S %P [%R][%F]", "t c 7 5 k:v [][]" },
        { "%U", "1700000000.123456789" },
        { "%I", "2023-11-14T22:13:20.123456+0000" },
        { "@Y-@m-@d@@", "2023-11-14@" },
        { "a\\tb\\n\\\\%%", "a\tb\n\\%" },
        { "%j",
          "{\"tst\":\"2023-11-14T22:13:20.123456+0000\",\"topic\":\"a/b\",\"qos\":1,\"retain\":1,"
          "\"payloadlen\":7,\"payload\":\"{\\\"x\\\":1}\",\"properties\":{\"content-type\":\"t\","
          "\"message-expiry-interval\":7,\"correlation-data\":\"c\",\"subscription-identifiers\":["
          "5],"
          "\"user-properties\":[{\"name\":\"k\",\"value\":\"v\"}]}}" },
    };
    struct tacit_message message = sample();
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        check(rows[i].format, &message, rows[i].expected);
}

static void json_holds_json_and_bytes(void **state)
{
    (void)state;
    struct tacit_message message = sample();
    message.properties.len = 0;
    check("%J", &message,
          "{\"tst\":\"2023-11-14T22:13:20.123456+0000\",\"topic\":\"a/b\",\"qos\":1,\"retain\":1,"
          "\"payloadlen\":7,\"payload\":{\"x\":1}}");
    message.payload = (struct tacit_bytes){ "\xff\x00", 2 };
    check("%j", &message,
          "{\"tst\":\"2023-11-14T22:13:20.123456+0000\",\"topic\":\"a/b\",\"qos\":1,\"retain\":1,"
          "\"payloadlen\":2,\"payload_hex\":\"ff00\"}");
}

static void knows_what_it_does_not_know(void **state)
{
    (void)state;
    static const char *const bad[] = { "%", "%z", "a %\xc3\xa4", "\\", "\\q", "@" };
    const char *place;
    assert_true(format_is_valid("%t %% @H \\n", &place));
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_false(format_is_valid(bad[i], &place));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_each_letter),
        cmocka_unit_test(json_holds_json_and_bytes),
        cmocka_unit_test(knows_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
