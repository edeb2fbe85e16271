/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 16

static int parse(const char *line, struct options *out, char *out_why)
{
    static char copy[256];
    static char program[] = "tacitd";
    char *words[WORDS_MAX] = { program };
    int count = 1;

    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    return options_parse(count, words, out, out_why);
}

static const struct {
    const char *line;
    const char *why;
} bad[] = {
    { "--confg x", "unknown option '--confg'; did you mean '--config'?" },
    { "start", "unknown option 'start'; try tacitd --help" },
    { "--config", "--config '': a value is missing" },
    { "--state=", "--state '': a value is missing" },
    { "--port 0", "--port '0': write a number from 1 to 65535" },
    { "--port 8883x", "--port '8883x': write a number from 1 to 65535" },
    { "--shards -1", "--shards '-1': write a number from 0 (one per processor) to 256" },
    { "--log-format xml", "--log-format 'xml': write text or json" },
    { "--check=yes", "--check 'yes': takes no value" },
};

static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        struct options options;
        char why[DIAGNOSTIC_BYTES] = "";
        assert_int_equal(parse(bad[i].line, &options, why), -EINVAL);
        assert_string_equal(why, bad[i].why);
    }
}

static void understood(void **state)
{
    struct options options;
    char why[DIAGNOSTIC_BYTES];

    (void)state;
    assert_int_equal(parse("", &options, why), 0);
    assert_int_equal(options.wish, OPTIONS_RUN);
    assert_null(options.config);
    assert_int_equal(options.overrides.shards, -1);
    assert_int_equal(options.overrides.log_format, -1);
    assert_int_equal(
        parse("--config=f --state d -p 1883 --shards 2 --log-format json --check", &options, why),
        0);
    assert_int_equal(options.wish, OPTIONS_CHECK);
    assert_string_equal(options.config, "f");
    assert_string_equal(options.overrides.state, "d");
    assert_int_equal(options.overrides.port, 1883);
    assert_int_equal(options.overrides.shards, 2);
    assert_int_equal(options.overrides.log_format, CONFIG_LOG_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
