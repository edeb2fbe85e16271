/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/portrait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct portrait of(const char *address)
{
    static const struct tls_peer peer = { .serial = "0a1b" };
    const struct connection_facts facts = { .address = address, .peer = &peer };
    struct portrait portrait;

    portrait_take(&portrait, &facts, 77);
    assert_string_equal(portrait.address, address);
    assert_string_equal(portrait.serial, "0a1b");
    assert_int_equal(portrait.since_s, 77);
    return portrait;
}

static void the_place_is_without_what_changes(void **state)
{
    static const char *const rows[][2] = {
        { "192.0.2.1:40000", "192.0.2.1" },
        { "[2001:db8:1:2:3:4:5:6]:40000", "2001:db8:1:2::" },
        { "[2001:db8:1:2::9]:1", "2001:db8:1:2::" },
        { "[fe80::1%eth0]:40000", "fe80::" },
        { "[::1]:40000", "::" },
        { "[nonsense", "nonsense" },
        { "unix", "unix" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        assert_string_equal(of(rows[i][0]).place, rows[i][1]);
}

static void it_is_read_back(void **state)
{
    const struct portrait portrait = of("192.0.2.1:40000");
    struct portrait copy = { .since_s = 0 };

    (void)state;
    assert_false(portrait_read((struct mqtt_span){ 0 }, &copy));
    assert_false(portrait_read((struct mqtt_span){ (const uint8_t *)&portrait, 5 }, &copy));
    assert_true(
        portrait_read((struct mqtt_span){ (const uint8_t *)&portrait, sizeof(portrait) }, &copy));
    assert_string_equal(copy.address, portrait.address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_is_without_what_changes),
        cmocka_unit_test(it_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
