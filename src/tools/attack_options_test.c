/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 32

/* Splits at blanks into words of their own, as a shell hands them over. */
static int parse(struct attack_options *out, const char *line)
{
    static char copy[512];
    char *words[WORDS_MAX] = { copy };
    int count = 1;

    assert_true(strlen(line) < sizeof(copy) - 8);
    memcpy(copy, "attack", 7);
    memcpy(copy + 7, line, strlen(line) + 1);
    for (char *word = strtok(copy + 7, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    return attack_options_parse(count, words, out);
}

static void reads_targets(void **state)
{
    static const struct {
        const char *text, *host;
        uint32_t port;
    } rows[] = {
        { "localhost", "localhost", 7 },
        { "localhost:8883", "localhost", 8883 },
        { "127.0.0.1:1", "127.0.0.1", 1 },
        { "[::1]:8883", "::1", 8883 },
        { "[::1]", "::1", 7 },
        { "::1", "::1", 7 },
        { "fd00::12:8883", "fd00::12:8883", 7 },
    };
    static const char *const bad[] = { "",        ":8883", "a:",     "a:0",       "a:65536",
                                       "a:8883x", "[::1",  "[::1]x", "[::1]:",    "[]:1",
                                       "a:-1",    "-h:1",  "a: 1",   "[::1]:0x1", "a:+1" };
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char host[ATTACK_HOST_SIZE];
        uint32_t port = 7;
        assert_int_equal(attack_options_target(rows[i].text, host, &port), 0);
        assert_string_equal(host, rows[i].host);
        assert_int_equal(port, rows[i].port);
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        char host[ATTACK_HOST_SIZE] = "untouched";
        uint32_t port = 7;
        assert_int_equal(attack_options_target(bad[i], host, &port), -EINVAL);
        assert_string_equal(host, "untouched");
        assert_int_equal(port, 7);
    }
}

static void has_defaults(void **state)
{
    struct attack_options options;
    (void)state;
    assert_int_equal(parse(&options, "localhost"), 0);
    assert_int_equal(options.port, 8883);
    assert_int_equal(options.plain_port, 1883);
    assert_int_equal(options.patience_s, 30);
    assert_int_equal(options.rate, 50);
    assert_true(attack_options_has(&options, "connect-drip"));
    assert_int_equal(parse(&options, "localhost --plaintext"), 0);
    assert_int_equal(options.port, 1883);
}

static void takes_identities_and_commands(void **state)
{
    struct attack_options options;
    (void)state;
    assert_int_equal(parse(&options, "--cert a.crt --key a.key --second-as wall "
                                     "--second-username bob --second-password-file pw "
                                     "--topic a/b --restart-command make --i-own host host:1"),
                     0);
    assert_string_equal(options.first.certificate_file, "a.crt");
    assert_string_equal(options.first.key_file, "a.key");
    assert_string_equal(options.second.as, "wall");
    assert_string_equal(options.second.user_name, "bob");
    assert_string_equal(options.second.password_file, "pw");
    assert_null(options.second.certificate_file);
    assert_string_equal(options.restart_command, "make");
    assert_string_equal(options.i_own, "host");
    assert_string_equal(options.host, "host");
}

static void chooses_checks(void **state)
{
    struct attack_options options;
    (void)state;
    assert_int_equal(parse(&options, "h --only brute-force --only fat-connect"), 0);
    assert_true(attack_options_has(&options, "brute-force"));
    assert_true(attack_options_has(&options, "fat-connect"));
    assert_false(attack_options_has(&options, "connect-drip"));
    assert_int_equal(parse(&options, "h --skip brute-force"), 0);
    assert_false(attack_options_has(&options, "brute-force"));
    assert_true(attack_options_has(&options, "connect-drip"));
}

static void refuses_what_it_does_not_know(void **state)
{
    static const char *const lines[] = {
        "h --cert a.crt",
        "h --key a.key",
        "h --second-cert a.crt",
        "h --password-file f",
        "h --only nothing",
        "h --skip",
        "h --rate 0",
        "h --rate 1001",
        "h --rate ten",
        "h --patience 0",
        "h --patience 301",
        "h --plain-port 65536",
        "h --password secret",
        "h h",
        "h --topic a --topic b",
        "h --json=yes",
    };
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(lines); i++) {
        struct attack_options options;
        assert_int_equal(parse(&options, lines[i]), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_targets),
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(takes_identities_and_commands),
        cmocka_unit_test(chooses_checks),
        cmocka_unit_test(refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
