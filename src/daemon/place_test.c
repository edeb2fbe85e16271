/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *address;
    size_t len;
    const char *bytes;
} rows[] = {
    { "192.0.2.1:40000", 4, "\300\0\2\1" },
    { "192.0.2.1", 4, "\300\0\2\1" },
    { "[2001:db8:1:2:3:4:5:6]:40000", 8, "\x20\x01\x0d\xb8\0\1\0\2" },
    { "[fe80::1%eth0]:1", 8, "\xfe\x80\0\0\0\0\0\0" },
    { "unix", 0, "" },
    { "", 0, "" },
    { "[", 0, "" },
    { "[192.0.2.1]:1", 0, "" },
    { "2001:db8::1", 0, "" },
    { "[11111111111111111111111111111111111111111111111111111111111111111]:1", 0, "" },
};

static void a_place_is_an_address_or_a_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t place[PLACE_BYTES];
        assert_int_equal(place_of(rows[i].address, place), rows[i].len);
        assert_memory_equal(place, rows[i].bytes, rows[i].len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_an_address_or_a_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
