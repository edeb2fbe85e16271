/* SPDX-License-Identifier: Apache-2.0 */
/* The judge must see what it is there to see. */
#include "tools/bench_connection.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void tells_loss_from_disorder_and_duplication(void **state)
{
    (void)state;
    static const struct {
        uint64_t sequence[6];
        unsigned count;
        struct bench_counts counts;
    } rows[] = {
        { { 0, 1, 2, 3 }, 4, { .delivered = 4 } },
        { { 0, 1, 3 }, 3, { .delivered = 3, .lost = 1 } },
        { { 0, 2, 1, 3 }, 4, { .delivered = 4, .reordered = 1 } },
        { { 0, 0, 1 }, 3, { .delivered = 2, .duplicated = 1 } },
        { { 1, 0, 0 }, 3, { .delivered = 2, .reordered = 1, .duplicated = 1 } },
        { { 5, 200, 5 }, 3, { .delivered = 2, .lost = 199, .duplicated = 1 } },
        { { 0, 63, 1, 1 }, 4, { .delivered = 3, .lost = 61, .reordered = 1, .duplicated = 1 } },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct bench_stream stream = { 0 };
        struct bench_counts counts = { 0 };
        for (unsigned j = 0; j < rows[i].count; j++)
            bench_stream_take(&stream, rows[i].sequence[j], &counts);
        assert_memory_equal(&counts, &rows[i].counts, sizeof(counts));
    }
}

static void fills_in_sequence_and_identifier(void **state)
{
    (void)state;
    struct bench_connection connection = { .version = MQTT_VERSION_5 };
    bench_connection_prepare(&connection, "t", MQTT_QOS_1, 0x01020304, 9, 16);
    bench_connection_publish(&connection);
    bench_connection_publish(&connection);
    static const uint8_t expected[] = {
        0x32, 22, 0, 1, 't', 0, 1, 0, 4, 3, 2, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0x32, 22, 0, 1, 't', 0, 2, 0, 4, 3, 2, 1, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    };
    assert_int_equal(connection.out.len, sizeof(expected));
    assert_memory_equal(connection.out.memory, expected, sizeof(expected));
    connection.sent = UINT16_MAX - 1;
    bench_connection_publish(&connection);
    bench_connection_publish(&connection); /* identifier 0 does not exist */
    assert_memory_equal(connection.out.memory + 2 * 24 + 5, "\xff\xff", 2);
    assert_memory_equal(connection.out.memory + 3 * 24 + 5, "\x00\x01", 2);
    bench_connection_fini(&connection);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_loss_from_disorder_and_duplication),
        cmocka_unit_test(fills_in_sequence_and_identifier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
