/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/identity_options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 24
#define ALLOWED   "state json role port days name deny-publish qos wildcards no-site "

/* Splits at blanks; the words live until the next call. */
static int parse(const char *line, struct identity_options *out)
{
    static char copy[1024];
    static char *words[WORDS_MAX + 1];
    int count = 0;
    assert_true(strlen(line) < sizeof(copy));
    memcpy(copy, line, strlen(line) + 1);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(count < WORDS_MAX);
        words[count++] = word;
    }
    words[count] = NULL;
    return identity_options_parse(count, words, "tacit test", ALLOWED, out);
}

static int set_state(void **state)
{
    (void)state;
    return setenv("TACIT_STATE", "/var/state of mine", 1);
}

static void what_is_given_is_understood(void **state)
{
    (void)state;
    struct identity_options o;
    assert_int_equal(parse("add lamp --role device --port=1883 --days 30 --json --name a --name b "
                           "--state /s extra",
                           &o),
                     0);
    assert_string_equal(o.role, "device");
    assert_int_equal(o.port, 1883);
    assert_int_equal(o.days, 30);
    assert_true(o.json && !o.help && !o.start);
    assert_int_equal(o.name_count, 2);
    assert_string_equal(o.names[1], "b");
    assert_string_equal(o.state, "/s");
    assert_false(o.state_is_default);
    assert_int_equal(o.operand_count, 2);
    assert_string_equal(o.operands[0], "lamp");
    assert_string_equal(o.operands[1], "extra");
}

static void a_longer_name_does_not_allow_the_shorter(void **state)
{
    (void)state;
    struct identity_options o;
    assert_int_equal(parse("x --deny-publish a/b", &o), 0);
    assert_string_equal(o.deny_publish, "a/b");
    assert_null(o.publish);
    assert_int_equal(parse("x --publish a/b", &o), -EINVAL);
}

static void what_is_not_given_is_none(void **state)
{
    (void)state;
    struct identity_options o;
    assert_int_equal(parse("list", &o), 0);
    assert_null(o.role);
    assert_int_equal(o.port, 0);
    assert_int_equal(o.operand_count, 0);
    assert_string_equal(o.state, "/var/state of mine");
    assert_true(o.state_is_default);
}

static void each_line_starts_anew(void **state)
{
    (void)state;
    struct identity_options o;
    assert_int_equal(parse("a b c -- --json", &o), 0);
    assert_int_equal(o.operand_count, 3);
    assert_false(o.json);
    assert_int_equal(parse("a --help", &o), 0);
    assert_true(o.help);
    assert_int_equal(o.operand_count, 0);
}

static void mistakes(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "add --bogus",   "add --role",       "add --tenant t", /* not of this command */
        "add --port 0",  "add --port 65536", "add --port -1",
        "add --port 1x", "add --days 3651",  "add --days 99999999999999999999",
        "add --state=",  "add -x",           "add --json=yes",
    };
    struct identity_options o;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_int_equal(parse(bad[i], &o), -EINVAL);
    /* And which of two would count? */
    assert_int_equal(parse("add --role a --role a", &o), -EINVAL);
}

static void flags_and_texts_without_any(void **state)
{
    (void)state;
    struct identity_options o;
    assert_int_equal(parse("add --qos= --wildcards --no-site", &o), 0);
    assert_string_equal(o.qos, "");
    assert_true(o.wildcards && o.no_site && !o.no_tenant);
    assert_int_equal(parse("add --wildcards=yes", &o), -EINVAL);
}

static void one_name_too_many(void **state)
{
    (void)state;
    char *words[2 + IDENTITY_OPTIONS_NAMES_MAX + 1];
    char word[] = "--name=x";
    char command[] = "add";
    struct identity_options o;
    words[0] = command;
    for (size_t i = 1; i < MQTT_ARRAY_LEN(words) - 1; i++)
        words[i] = word;
    words[MQTT_ARRAY_LEN(words) - 1] = NULL;
    int count = (int)MQTT_ARRAY_LEN(words) - 1;
    assert_int_equal(identity_options_parse(count, words, "tacit test", ALLOWED, &o), -EINVAL);
    words[count - 1] = NULL;
    assert_int_equal(identity_options_parse(count - 1, words, "tacit test", ALLOWED, &o), 0);
    assert_int_equal(o.name_count, IDENTITY_OPTIONS_NAMES_MAX);
}

/* What is printed for copying can be pasted into a shell, whatever the folder is called. */
static void the_state_for_a_shell(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *expected;
    } rows[] = {
        { "/s", " --state '/s'" },
        { "/a b;$(c)", " --state '/a b;$(c)'" },
        { "/it's", " --state '/it'\\''s'" },
    };
    char buffer[64];
    struct identity_options o = { 0 };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        memcpy(o.state, rows[i].folder, strlen(rows[i].folder) + 1);
        assert_string_equal(identity_options_state_argument(&o, buffer, sizeof(buffer)),
                            rows[i].expected);
    }
    o.state_is_default = true;
    assert_string_equal(identity_options_state_argument(&o, buffer, sizeof(buffer)), "");
}

/* Every size of buffer: never beyond its end. */
static void a_short_buffer(void **state)
{
    (void)state;
    struct identity_options o = { .state = "/it's a 'folder' with quotes" };
    for (size_t size = 0; size < 64; size++) {
        char *buffer = malloc(size > 0 ? size : 1);
        assert_true(strlen(identity_options_state_argument(&o, buffer, size)) < 64);
        free(buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_is_understood),
        cmocka_unit_test(a_longer_name_does_not_allow_the_shorter),
        cmocka_unit_test(what_is_not_given_is_none),
        cmocka_unit_test(each_line_starts_anew),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(flags_and_texts_without_any),
        cmocka_unit_test(one_name_too_many),
        cmocka_unit_test(the_state_for_a_shell),
        cmocka_unit_test(a_short_buffer),
    };
    return cmocka_run_group_tests(tests, set_state, NULL);
}
