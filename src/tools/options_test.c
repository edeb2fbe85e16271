/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 64

/* Splits at blanks into words of their own, as a shell hands them over. */
static bool parse(struct options *out, enum option_command command, const char *line)
{
    static char copy[256];
    char *words[WORDS_MAX] = { copy };
    int count = 1;
    assert_true(strlen(line) < sizeof(copy) - 2);
    copy[0] = '\0';
    memcpy(copy + 1, line, strlen(line) + 1);
    for (char *word = strtok(copy + 1, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    return options_parse(out, command, count, words);
}

static void takes_mosquittos_letters(void **state)
{
    (void)state;
    struct options options;
    assert_true(parse(&options, OPTION_PUB,
                      "-h broker -p 8884 -t a/b -m text -q 2 -r -i me -k 30 -u user -V 311 -d "
                      "--cafile ca.pem --cert c.pem --key c.key --repeat 3 --repeat-delay 0.25"));
    assert_string_equal(options.host, "broker");
    assert_int_equal(options.port, 8884);
    assert_string_equal(options.topics.item[0], "a/b");
    assert_string_equal(options.message, "text");
    assert_int_equal(options.qos, 2);
    assert_true(options.retain && options.debug);
    assert_string_equal(options.client_id, "me");
    assert_int_equal(options.keep_alive_s, 30);
    assert_string_equal(options.user_name, "user");
    assert_int_equal(options.version, 4);
    assert_string_equal(options.key_file, "c.key");
    assert_int_equal(options.repeat, 3);
    assert_int_equal(options.repeat_delay_ms, 250);
    assert_true(parse(&options, OPTION_SUB, "-t a -t b -T c -C 5 -W 10 -v c"));
    assert_int_equal(options.topics.count, 3);
    assert_int_equal(options.filters_out.count, 1);
    assert_int_equal(options.count, 5);
    assert_int_equal(options.timeout_s, 10);
}

static void takes_topic_and_message_without_letters(void **state)
{
    (void)state;
    struct options options;
    assert_true(parse(&options, OPTION_PUB, "a/b text"));
    assert_string_equal(options.topics.item[0], "a/b");
    assert_string_equal(options.message, "text");
    assert_true(parse(&options, OPTION_BENCH, "p2p --pairs 7"));
    assert_string_equal(options.scenario, "p2p");
    assert_int_equal(options.pairs, 7);
}

static void takes_properties(void **state)
{
    (void)state;
    struct options options;
    struct tacit_message message = { 0 };
    assert_true(parse(&options, OPTION_PUB,
                      "t m -D publish user-property k v -D PUBLISH message-expiry-interval 9 "
                      "-D will will-delay-interval 4 -D connect user-property x y "
                      "-D publish payload-format-indicator 1"));
    property_option_apply(&options.properties.publish, &message);
    assert_int_equal(message.user_property_count, 1);
    assert_memory_equal(message.user_properties[0].value.data, "v", 1);
    assert_true(message.has_expiry && message.payload_is_utf8);
    assert_int_equal(message.expiry_s, 9);
    assert_int_equal(options.properties.will_delay_s, 4);
    assert_int_equal(options.properties.connect_pairs.count, 1);
}

static void hides_a_password_that_was_typed(void **state)
{
    (void)state;
    struct options options;
    char password[] = "secret";
    char name[] = "-P";
    char *words[] = { name, name, password };
    assert_true(options_parse(&options, OPTION_SUB, 3, words));
    assert_string_equal(options.password, "secret");
    assert_string_equal(password, "******");
    free((char *)(uintptr_t)options.password);
}

static void refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const struct {
        enum option_command command;
        const char *line;
    } rows[] = {
        { OPTION_PUB, "--nonsense" },
        { OPTION_PUB, "-C 1" }, /* sub's */
        { OPTION_SUB, "-m x" }, /* pub's */
        { OPTION_PUB, "-q 3" },
        { OPTION_PUB, "-q" },
        { OPTION_PUB, "-p 65536" },
        { OPTION_PUB, "-p -1" },
        { OPTION_PUB, "-p 1x" },
        { OPTION_PUB, "-V 6" },
        { OPTION_PUB, "--repeat-delay nan" },
        { OPTION_PUB, "t m extra" },
        { OPTION_PUB, "-D publish user-property k" },
        { OPTION_PUB, "-D publish nonsense 1" },
        { OPTION_PUB, "-D publish payload-format-indicator 2" },
        { OPTION_PUB, "-D connect content-type x" },
        { OPTION_SUB, "-D subscribe subscription-identifier 268435456" },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct options options = { .port = 1234, .quiet = true };
        if (parse(&options, rows[i].command, rows[i].line))
            fail_msg("%s was accepted", rows[i].line);
        assert_int_equal(options.port, 1234); /* untouched */
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_mosquittos_letters),
        cmocka_unit_test(takes_topic_and_message_without_letters),
        cmocka_unit_test(takes_properties),
        cmocka_unit_test(hides_a_password_that_was_typed),
        cmocka_unit_test(refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
