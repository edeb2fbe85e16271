/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/probe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void knows_what_is_near(void **state)
{
    static const struct {
        const char *address;
        enum tacit_probe_reach reach;
    } rows[] = {
        { "127.0.0.1", TACIT_PROBE_LOOPBACK },
        { "127.255.255.254", TACIT_PROBE_LOOPBACK },
        { "::1", TACIT_PROBE_LOOPBACK },
        { "::ffff:127.0.0.1", TACIT_PROBE_LOOPBACK },
        { "10.0.0.1", TACIT_PROBE_PRIVATE },
        { "10.255.255.255", TACIT_PROBE_PRIVATE },
        { "172.16.0.1", TACIT_PROBE_PRIVATE },
        { "172.31.255.255", TACIT_PROBE_PRIVATE },
        { "192.168.0.1", TACIT_PROBE_PRIVATE },
        { "fd00::1", TACIT_PROBE_PRIVATE },
        { "fc00::1", TACIT_PROBE_PRIVATE },
        { "::ffff:192.168.1.1", TACIT_PROBE_PRIVATE },
        { "172.15.255.255", TACIT_PROBE_PUBLIC },
        { "172.32.0.0", TACIT_PROBE_PUBLIC },
        { "192.167.255.255", TACIT_PROBE_PUBLIC },
        { "192.169.0.0", TACIT_PROBE_PUBLIC },
        { "11.0.0.0", TACIT_PROBE_PUBLIC },
        { "9.255.255.255", TACIT_PROBE_PUBLIC },
        { "128.0.0.1", TACIT_PROBE_PUBLIC },
        { "0.0.0.0", TACIT_PROBE_PUBLIC },
        { "169.254.169.254", TACIT_PROBE_PUBLIC },
        { "8.8.8.8", TACIT_PROBE_PUBLIC },
        { "::", TACIT_PROBE_PUBLIC },
        { "::2", TACIT_PROBE_PUBLIC },
        { "::ffff:8.8.8.8", TACIT_PROBE_PUBLIC },
        { "::ffff:172.32.0.1", TACIT_PROBE_PUBLIC },
        { "2001:db8::1", TACIT_PROBE_PUBLIC },
        { "fe00::1", TACIT_PROBE_PUBLIC },
        { "fb00::1", TACIT_PROBE_PUBLIC },
        { "localhost", TACIT_PROBE_PUBLIC },
        { "127.1", TACIT_PROBE_PUBLIC },
        { "", TACIT_PROBE_PUBLIC },
    };
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        assert_int_equal(tacit_probe_reach(rows[i].address), rows[i].reach);
}

static void resolves_digits_to_themselves(void **state)
{
    char address[TACIT_PROBE_ADDRESS_SIZE] = "untouched";
    char error[TACIT_PROBE_ERROR_SIZE];
    (void)state;
    assert_int_equal(tacit_probe_resolve("127.0.0.2", address, error), 0);
    assert_string_equal(address, "127.0.0.2");
    assert_int_equal(tacit_probe_resolve("::1", address, error), 0);
    assert_string_equal(address, "::1");
    assert_int_equal(tacit_probe_resolve("no host at all", address, error), -ENOENT);
    assert_string_equal(address, "::1");
    assert_non_null(strstr(error, "no host at all"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_is_near),
        cmocka_unit_test(resolves_digits_to_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
