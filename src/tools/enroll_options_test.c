/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 16
#define PIN       "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static const struct {
    const char *server;
    const char *host; /* NULL: refused */
    uint16_t port;
} servers[] = {
    { "broker", "broker", 8884 },
    { "broker:1", "broker", 1 },
    { "192.0.2.1:65535", "192.0.2.1", 65535 },
    { "::1", "::1", 8884 },
    { "2001:db8::1", "2001:db8::1", 8884 },
    { "[::1]", "::1", 8884 },
    { "[::1]:9", "::1", 9 },
    { "", NULL, 0 },
    { ":1", NULL, 0 },
    { "broker:", NULL, 0 },
    { "broker:0", NULL, 0 },
    { "broker:65536", NULL, 0 },
    { "broker:1x", NULL, 0 },
    { "[::1", NULL, 0 },
    { "[::1]x", NULL, 0 },
    { "[]:1", NULL, 0 },
    { "https://broker", NULL, 0 },
    { "broker/x", NULL, 0 },
};

static void places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        char host[ENROLL_HOST_SIZE] = "";
        uint16_t port = 0;
        bool is_good = enroll_options_split(servers[i].server, host, &port);
        assert_int_equal(is_good, servers[i].host != NULL);
        if (!is_good)
            continue;
        assert_string_equal(host, servers[i].host);
        assert_int_equal(port, servers[i].port);
    }
}

/* Words as a process has them: to be written to. */
static bool parse(const char *line, char words[256], struct enroll_options *out)
{
    char *argv[WORDS_MAX] = { NULL };
    int argc = 0;

    (void)snprintf(words, 256, "%s", line);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    return enroll_options_parse(argc, argv, out);
}

static void good_lines(void **state)
{
    char words[256];
    struct enroll_options o;

    (void)state;
    assert_true(
        parse("enroll --server b:1 --ca-sha256 " PIN " --name lamp --token SECRET", words, &o));
    assert_string_equal(o.token, "SECRET");
    assert_string_equal(o.name, "lamp");
    assert_int_equal(o.enrolment_port, 1);
    /* Nobody sees it in the list of processes any more. */
    for (size_t i = 0; i + 6 < sizeof(words); i++)
        assert_memory_not_equal(words + i, "SECRET", 6);
    enroll_options_fini(&o);
    assert_true(parse("enroll --renew --as lamp --watch --force", words, &o));
    assert_true(o.renew && o.watch && o.force);
    enroll_options_fini(&o);
    assert_true(parse("enroll --help", words, &o));
    assert_true(o.help);
    enroll_options_fini(&o);
}

static void bad_lines(void **state)
{
    static const char *const lines[] = {
        "enroll",
        "enroll --server b",
        "enroll --server b --name lamp",
        "enroll --server b --name lamp --ca-sha256 00",
        "enroll --server b --name lamp --ca-sha256 " PIN " --cafile f",
        "enroll --server b --name lamp --cafile f --token a --token-file b",
        "enroll --server b:x --name lamp --cafile f",
        "enroll --server b --name lamp --cafile f --watch",
        "enroll --server b --name lamp --cafile f --port 0",
        "enroll --server b --name lamp --cafile f more",
        "enroll --server b --name lamp --cafile f --colour",
        "enroll --server b --name lamp --cafile",
        "enroll --renew --token a",
        "enroll --renew --name lamp",
    };
    char words[256];
    struct enroll_options o;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_false(parse(lines[i], words, &o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(good_lines),
        cmocka_unit_test(bad_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
