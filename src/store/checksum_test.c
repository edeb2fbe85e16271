/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checksum.h"

#include "base/attrs.h"
#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Bit by bit, without the table. */
static uint32_t slow_crc32c(const uint8_t *bytes, size_t len)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static void published_values(void **state)
{
    (void)state;
    static const uint8_t zeros[32];
    uint8_t ones[32];
    memset(ones, 0xff, sizeof(ones));
    assert_int_equal(checksum_crc32c(0, span_of("123456789")), 0xe3069283u);
    assert_int_equal(checksum_crc32c(0, (struct mqtt_span){ zeros, 32 }), 0x8a9136aau);
    assert_int_equal(checksum_crc32c(0, (struct mqtt_span){ ones, 32 }), 0x62a8ab43u);
    assert_int_equal(checksum_crc32c(0, (struct mqtt_span){ 0 }), 0);
}

static void every_byte_value_agrees_with_the_definition(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        uint8_t bytes[3] = { (uint8_t)value, 0x5a, (uint8_t)(255 - value) };
        assert_int_equal(checksum_crc32c(0, (struct mqtt_span){ bytes, 3 }), slow_crc32c(bytes, 3));
    }
}

static void it_continues_where_it_stopped(void **state)
{
    (void)state;
    struct mqtt_span whole = span_of("a snapshot is there whole or not at all");
    uint32_t expected = checksum_crc32c(0, whole);
    for (size_t cut = 0; cut <= whole.len; cut++) {
        uint32_t first = checksum_crc32c(0, (struct mqtt_span){ whole.data, cut });
        struct mqtt_span rest = { whole.data + cut, whole.len - cut };
        assert_int_equal(checksum_crc32c(first, rest), expected);
    }
}

/* At every alignment and length, from every start. */
static void all_ways_agree(void **state)
{
    (void)state;
    struct test_random random = { .state = 42 };
    checksum_function fast = checksum_of_processor();
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)test_random_next(&random);
    for (size_t from = 0; from < 16; from++) {
        for (size_t len = 0; len <= sizeof(bytes) - from; len++) {
            struct mqtt_span span = { bytes + from, len };
            assert_int_equal(checksum_crc32c_portable(0, span), slow_crc32c(bytes + from, len));
            uint32_t before = (uint32_t)test_random_next(&random);
            uint32_t expected = checksum_crc32c_portable(before, span);
            assert_int_equal(checksum_crc32c(before, span), expected);
            if (fast != NULL)
                assert_int_equal(fast(before, span), expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(every_byte_value_agrees_with_the_definition),
        cmocka_unit_test(it_continues_where_it_stopped),
        cmocka_unit_test(all_ways_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
