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

static size_t live(const struct outbox_pools *pools)
{
    return pool_live(pools->small) + pool_live(pools->middle) + pool_live(pools->large);
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
    assert_int_equal(live(&pools), 0);
    outbox_pools_fini(&pools);
}

static void a_packet_lies_in_one_piece(void **state)
{
    static const size_t lens[] = { 1,
                                   OUTBOX_SMALL_BYTES,
                                   OUTBOX_SMALL_BYTES + 1,
                                   OUTBOX_MIDDLE_BYTES,
                                   OUTBOX_MIDDLE_BYTES + 1,
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

/* A little takes little, and so does what is next to little. */
static void chunks_grow(void **state)
{
    struct outbox_pools pools;
    struct outbox outbox = { 0 };
    size_t position = 0;

    (void)state;
    assert_int_equal(outbox_pools_init(&pools), 0);
    put(&outbox, &pools, 1, &position);
    assert_int_equal(pools.bytes, OUTBOX_SMALL_BYTES);
    put(&outbox, &pools, OUTBOX_SMALL_BYTES, &position);
    assert_int_equal(pools.bytes, OUTBOX_SMALL_BYTES + OUTBOX_MIDDLE_BYTES);
    put(&outbox, &pools, OUTBOX_MIDDLE_BYTES, &position);
    assert_int_equal(pools.bytes, OUTBOX_SMALL_BYTES + OUTBOX_MIDDLE_BYTES + OUTBOX_LARGE_BYTES);
    outbox_clear(&outbox, &pools);
    put(&outbox, &pools, OUTBOX_SMALL_BYTES + 1, &position);
    assert_int_equal(pools.bytes, OUTBOX_MIDDLE_BYTES);
    outbox_clear(&outbox, &pools);
    assert_int_equal(pools.bytes, 0);
    assert_int_equal(live(&pools), 0);
    outbox_pools_fini(&pools);
}

/* ---- what is held ---- */

static void take(struct outbox *outbox, struct outbox_pools *pools, size_t len, size_t *taken)
{
    outbox_consume(outbox, pools, len);
    *taken += len;
}

/* What may be taken is what tells that it stands there, and no byte more. */
static void assert_ready(const struct outbox *outbox, size_t position, size_t len)
{
    struct mqtt_span spans[8];
    size_t count = outbox_peek(outbox, spans, MQTT_ARRAY_LEN(spans));
    size_t seen = 0;

    assert_int_equal(outbox_ready(outbox), len);
    for (size_t i = 0; i < count; i++)
        seen += spans[i].len;
    assert_true(seen == len || (count == MQTT_ARRAY_LEN(spans) && seen < len));
    assert_front(outbox, position);
}

static void held_bytes_are_not_seen(void **state)
{
    struct outbox_pools pools;
    struct outbox outbox = { 0 };
    size_t written = 0;
    size_t taken = 0;

    (void)state;
    assert_int_equal(outbox_pools_init(&pools), 0);
    put(&outbox, &pools, 10, &written);
    outbox.is_held = true;
    put(&outbox, &pools, 20, &written);
    put(&outbox, &pools, 5000, &written);
    assert_int_equal(outbox.bytes, 5030);
    assert_int_equal(outbox.held_bytes, 5020);
    assert_ready(&outbox, taken, 10);
    take(&outbox, &pools, 4, &taken);
    assert_ready(&outbox, taken, 6);
    take(&outbox, &pools, 6, &taken);
    assert_ready(&outbox, taken, 0);
    outbox.held_bytes = 3000; /* some of it may go now */
    assert_ready(&outbox, taken, 2020);
    take(&outbox, &pools, 2020, &taken);
    outbox_let_go(&outbox);
    assert_false(outbox.is_held);
    assert_ready(&outbox, taken, 3000);
    put(&outbox, &pools, 1, &written); /* nor is what comes later held */
    assert_ready(&outbox, taken, 3001);
    outbox_clear(&outbox, &pools);
    assert_int_equal(live(&pools), 0);
    outbox_pools_fini(&pools);
}

/* Bytes that stay, before those that are held, on either side of every border of a chunk. */
static void held_bytes_go_and_the_others_stay(void **state)
{
    static const size_t stays[] = { 0,
                                    1,
                                    OUTBOX_SMALL_BYTES - 1,
                                    OUTBOX_SMALL_BYTES,
                                    OUTBOX_SMALL_BYTES + 1,
                                    OUTBOX_SMALL_BYTES + OUTBOX_MIDDLE_BYTES,
                                    OUTBOX_SMALL_BYTES + OUTBOX_MIDDLE_BYTES + 1,
                                    OUTBOX_SMALL_BYTES + OUTBOX_MIDDLE_BYTES + OUTBOX_LARGE_BYTES,
                                    OUTBOX_SMALL_BYTES + OUTBOX_MIDDLE_BYTES + OUTBOX_LARGE_BYTES
                                        + 1 };
    struct outbox_pools pools;

    (void)state;
    assert_int_equal(outbox_pools_init(&pools), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(stays); i++) {
        struct outbox outbox = { 0 };
        size_t written = 0;
        size_t taken = 0;

        while (written < stays[i])
            put(&outbox, &pools, stays[i] - written < 100 ? stays[i] - written : 100, &written);
        outbox.is_held = true;
        for (unsigned k = 0; k < 500; k++)
            put(&outbox, &pools, 100, &written);
        put(&outbox, &pools, 40000, &written); /* one that no pool has */
        outbox_drop_held(&outbox, &pools);
        assert_false(outbox.is_held);
        assert_int_equal(outbox.held_bytes, 0);
        assert_ready(&outbox, taken, stays[i]);
        written = stays[i];
        put(&outbox, &pools, 50, &written); /* goes where the held ones began */
        assert_ready(&outbox, taken, written);
        take(&outbox, &pools, written, &taken);
        assert_null(outbox.first);
        assert_int_equal(live(&pools), 0);
    }
    outbox_pools_fini(&pools);
}

/* What the outbox is to be: the first byte that was not taken, the first that is held, the end. */
struct model {
    size_t taken;
    size_t held_from; /* == written: nothing is */
    size_t written;
    bool is_held;
};

static void step(struct outbox *outbox, struct outbox_pools *pools, struct model *model,
                 struct test_random *random)
{
    size_t ready = model->held_from - model->taken;

    switch (test_random_below(random, 9)) {
    case 0:
        outbox->is_held = model->is_held = true;
        break;
    case 1:
        outbox_let_go(outbox);
        model->held_from = model->written;
        model->is_held = false;
        break;
    case 2:
        if (test_random_below(random, 4) == 0) {
            outbox_drop_held(outbox, pools);
            model->written = model->held_from;
            model->is_held = false;
        }
        break;
    case 3: /* a part of what is held may go: what gates do */
        model->held_from += test_random_below(random, model->written - model->held_from + 1);
        outbox->held_bytes = (uint32_t)(model->written - model->held_from);
        break;
    case 4:
    case 5:
        take(outbox, pools, test_random_below(random, ready + 1), &model->taken);
        break;
    default:
        put(outbox, pools,
            1 + test_random_below(random, test_random_below(random, 40) == 0 ? 40000 : 300),
            &model->written);
        if (!model->is_held)
            model->held_from = model->written;
    }
}

static void holding_is_as_its_model(void **state)
{
    struct test_random random = { .state = 77 };
    struct outbox_pools pools;

    (void)state;
    assert_int_equal(outbox_pools_init(&pools), 0);
    for (unsigned round = 0; round < 30; round++) {
        struct outbox outbox = { 0 };
        struct model model = { 0 };

        for (unsigned i = 0; i < 300; i++) {
            step(&outbox, &pools, &model, &random);
            assert_int_equal(outbox.bytes, model.written - model.taken);
            assert_int_equal(outbox.held_bytes, model.written - model.held_from);
            assert_int_equal(outbox.is_held, model.is_held);
            assert_ready(&outbox, model.taken, model.held_from - model.taken);
        }
        outbox_clear(&outbox, &pools);
        assert_false(outbox.is_held);
        assert_int_equal(live(&pools), 0);
    }
    outbox_pools_fini(&pools);
}

/* Nobody writes so much here: that it had come is said. */
static void there_is_a_most_that_waits(void **state)
{
    struct outbox_pools pools;
    struct outbox outbox = { .bytes = OUTBOX_MOST_BYTES - 1 };

    (void)state;
    assert_int_equal(outbox_pools_init(&pools), 0);
    assert_non_null(outbox_reserve(&outbox, &pools, 10));
    outbox_commit(&outbox, 10);
    assert_non_null(outbox_reserve(&outbox, &pools, 10)); /* in the chunk that is there */
    assert_null(outbox_reserve(&outbox, &pools, OUTBOX_LARGE_BYTES));
    outbox_clear(&outbox, &pools);
    outbox_pools_fini(&pools);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_went_in),
        cmocka_unit_test(a_packet_lies_in_one_piece),
        cmocka_unit_test(chunks_grow),
        cmocka_unit_test(held_bytes_are_not_seen),
        cmocka_unit_test(held_bytes_go_and_the_others_stay),
        cmocka_unit_test(holding_is_as_its_model),
        cmocka_unit_test(there_is_a_most_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
