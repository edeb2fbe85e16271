/* SPDX-License-Identifier: Apache-2.0 */
#include "core/outbox.h"

#include "base/pool.h"
#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Bytes that tell where in the stream they stand. */
static uint8_t byte_at(size_t position)
{
    return (uint8_t)(position * 31 + (position >> 8));
}

static void put(struct outbox *outbox, struct outbox_pools *pools, size_t len, size_t *position)
{
    uint8_t *at = outbox_reserve(outbox, pools, len);

    assert_non_null(at);
    for (size_t i = 0; i < len; i++)
        at[i] = byte_at((*position)++);
    outbox_commit(outbox, len);
}

static void assert_front(const struct outbox *outbox, size_t position)
{
    struct mqtt_span spans[8];
    size_t count = outbox_peek(outbox, spans, MQTT_ARRAY_LEN(spans));

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < spans[i].len; k++)
            assert_int_equal(spans[i].data[k], byte_at(position++));
}

static void gives_back_what_went_in(void **state)
{
    struct test_random random = { .state = 9 };
    struct outbox_pools pools;
    struct outbox outbox = { 0 };
    size_t written = 0;
    size_t taken = 0;

    (void)state;
    assert_int_equal(outbox_pools_init(&pools), 0);
    for (unsigned i = 0; i < 3000; i++) {
        if (test_random_below(&random, 2) == 0)
            put(&outbox, &pools, 1 + test_random_below(&random, i % 50 == 0 ? 40000 : 300),
                &written);
        size_t len = test_random_below(&random, outbox.bytes + 1);
        if (test_random_below(&random, 3) == 0) {
            outbox_consume(&outbox, &pools, len);
            taken += len;
        }
        assert_int_equal(outbox.bytes, written - taken);
        assert_front(&outbox, taken);
    }
    outbox_consume(&outbox, &pools, outbox.bytes);
    assert_null(outbox.first); /* an empty outbox owns nothing */
    assert_int_equal(pool_live(pools.small) + pool_live(pools.large), 0);
    outbox_pools_fini(&pools);
}

static void a_packet_lies_in_one_piece(void **state)
{
    static const size_t lens[] = { 1,
                                   OUTBOX_SMALL_BYTES,
                                   OUTBOX_SMALL_BYTES + 1,
                                   OUTBOX_LARGE_BYTES,
                                   OUTBOX_LARGE_BYTES + 1,
                                   1000000 };
    struct outbox_pools pools;

    (void)state;
    assert_int_equal(outbox_pools_init(&pools), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(lens); i++) {
        struct outbox outbox = { 0 };
        struct mqtt_span spans[2];
        size_t position = 0;

        put(&outbox, &pools, lens[i], &position);
        assert_int_equal(outbox_peek(&outbox, spans, 2), 1);
        assert_int_equal(spans[0].len, lens[i]);
        outbox_clear(&outbox, &pools);
        assert_int_equal(outbox.bytes, 0);
    }
    outbox_pools_fini(&pools);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_went_in),
        cmocka_unit_test(a_packet_lies_in_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
