/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet_ids.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool naive[65536];

static void count_member(void *context, uint16_t id)
{
    uint32_t *count = context;

    assert_true(naive[id]);
    (*count)++;
}

static void assert_same(const struct packet_ids *ids, uint32_t count)
{
    uint32_t visited = 0;

    assert_int_equal(packet_ids_count(ids), count);
    packet_ids_each(ids, count_member, &visited);
    assert_int_equal(visited, count);
}

/* Random additions and removals within `range` ids, from 1 on, against a table. */
static void agrees_with_a_table(uint32_t range, unsigned steps)
{
    struct test_random random = { .state = range };
    struct packet_ids ids = { 0 };
    uint32_t count = 0;

    memset(naive, 0, sizeof(naive));
    for (unsigned i = 0; i < steps; i++) {
        uint16_t id = (uint16_t)(1 + test_random_below(&random, range));

        assert_int_equal(packet_ids_has(&ids, id), naive[id]);
        if (naive[id]) {
            assert_true(packet_ids_remove(&ids, id));
            assert_false(packet_ids_remove(&ids, id));
        } else {
            assert_int_equal(packet_ids_add(&ids, id), 0);
        }
        naive[id] = !naive[id];
        count = naive[id] ? count + 1 : count - 1;
    }
    assert_same(&ids, count);
    packet_ids_clear(&ids);
    assert_same(&ids, 0);
}

static void agrees(void **state)
{
    static const uint32_t ranges[] = { 1, 7, 64, 1000, 65535 };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(ranges); i++)
        agrees_with_a_table(ranges[i], 200000);
}

static void count_displaced(const struct packet_ids *ids)
{
    const struct packet_table *table = ids->table;
    uint32_t displaced = 0;

    for (uint32_t at = 0; table != NULL && at <= table->mask; at++)
        displaced += table->slots[at] != 0 && (table->slots[at] & table->mask) != at;
    assert_int_equal(table != NULL ? table->displaced : 0, displaced);
}

static void those_out_of_place_are_counted(void **state)
{
    struct test_random random = { .state = 5 };
    struct packet_ids ids = { 0 };

    (void)state;
    for (unsigned i = 0; i < 50000; i++) {
        uint16_t id = (uint16_t)(1 + test_random_below(&random, 300));
        if (!packet_ids_remove(&ids, id))
            assert_int_equal(packet_ids_add(&ids, id), 0);
        count_displaced(&ids);
    }
    packet_ids_clear(&ids);
    /* As clients number them. */
    for (uint32_t id = 1; id <= 5000; id++) {
        assert_int_equal(packet_ids_add(&ids, (uint16_t)id), 0);
        assert_true(id <= 40 || packet_ids_remove(&ids, (uint16_t)(id - 40)));
        assert_int_equal(ids.table->displaced, 0);
    }
    packet_ids_clear(&ids);
}

static void holds_every_id(void **state)
{
    struct packet_ids ids = { 0 };

    (void)state;
    for (uint32_t id = 1; id <= UINT16_MAX; id++)
        assert_int_equal(packet_ids_add(&ids, (uint16_t)id), 0);
    for (uint32_t id = 1; id <= UINT16_MAX; id++)
        assert_true(packet_ids_remove(&ids, (uint16_t)id));
    assert_int_equal(packet_ids_count(&ids), 0);
    packet_ids_clear(&ids);
}

static void zero_is_empty(void **state)
{
    struct packet_ids ids = { 0 };

    (void)state;
    assert_false(packet_ids_has(&ids, 1));
    assert_false(packet_ids_remove(&ids, 1));
    packet_ids_clear(&ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(those_out_of_place_are_counted),
        cmocka_unit_test(holds_every_id),
        cmocka_unit_test(zero_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
