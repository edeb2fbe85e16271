/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

struct row {
    const char *text;
    int error;
    const char *shown; /* with port 1883 */
};

static const struct row rows[] = {
    { "127.0.0.1", 0, "127.0.0.1:1883" },
    { "255.10.9.100", 0, "255.10.9.100:1883" },
    { "0.0.0.0", 0, "0.0.0.0:1883" },
    { "::1", 0, "[::1]:1883" },
    { "2001:db8::1", 0, "[2001:db8::1]:1883" },
    { "::ffff:192.0.2.1", 0, "192.0.2.1:1883" },
    { NULL, 0, "[::]:1883" },
    { "", 0, "[::]:1883" },
    { "localhost", -EINVAL, NULL },
    { "127.0.0.256", -EINVAL, NULL },
    { "127.0.0.1:1883", -EINVAL, NULL },
    { "[::1]", -EINVAL, NULL },
};

static void numeric_addresses_are_read_and_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct address address = { .len = 77 };
        assert_int_equal(address_parse(rows[i].text, 1883, &address), rows[i].error);
        if (rows[i].error != 0) {
            assert_int_equal(address.len, 77);
            continue;
        }
        char text[ADDRESS_TEXT_BYTES];
        address_format(&address.raw, text);
        assert_string_equal(text, rows[i].shown);
        assert_int_equal(address_port(&address), 1883);
    }
}

static void a_port_is_shown_in_full(void **state)
{
    static const uint16_t ports[] = { 0, 9, 10, 99, 100, 9999, 10000, 65535 };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(ports); i++) {
        struct address address;
        char expected[ADDRESS_TEXT_BYTES];
        char text[ADDRESS_TEXT_BYTES];
        assert_int_equal(address_parse("192.0.2.1", ports[i], &address), 0);
        address_format(&address.raw, text);
        snprintf(expected, sizeof(expected), "192.0.2.1:%u", (unsigned)ports[i]);
        assert_string_equal(text, expected);
    }
}

static void unix_paths_have_a_bound(void **state)
{
    (void)state;
    char path[120];
    char text[ADDRESS_TEXT_BYTES];
    struct address address;
    memset(path, 'x', sizeof(path));
    path[108] = '\0';
    assert_int_equal(address_of_path(path, &address), -ENAMETOOLONG);
    path[107] = '\0';
    assert_int_equal(address_of_path(path, &address), 0);
    address_format(&address.raw, text);
    assert_string_equal(text, "unix");
    assert_int_equal(address_port(&address), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_addresses_are_read_and_shown),
        cmocka_unit_test(a_port_is_shown_in_full),
        cmocka_unit_test(unix_paths_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
