/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes_map.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define THINGS 5000

static const struct siphash_key hash_key = { 0x1234, 0x5678 };

struct thing {
    struct bytes_node node;
    uint8_t name[2];
    bool present;
    unsigned visits;
};

static struct thing *things_new(void)
{
    struct thing *things = calloc(THINGS, sizeof(*things));
    assert_non_null(things);
    for (size_t i = 0; i < THINGS; i++) {
        things[i].name[0] = (uint8_t)(i >> 8);
        things[i].name[1] = (uint8_t)i;
        things[i].node.key = (struct mqtt_span){ things[i].name, 2 };
    }
    return things;
}

static void empty_finds_nothing(void **state)
{
    (void)state;
    struct bytes_map map;
    bytes_map_init(&map, &hash_key);
    assert_null(bytes_map_find(&map, span_of("a")));
    assert_null(bytes_map_find(&map, span_of("")));
    assert_int_equal(bytes_map_bytes(&map), 0);
    bytes_map_fini(&map);
}

static void the_empty_key_is_a_key(void **state)
{
    (void)state;
    struct bytes_map map;
    bytes_map_init(&map, &hash_key);
    struct bytes_node node = { .key = { NULL, 0 } };
    assert_int_equal(bytes_map_insert(&map, &node), 0);
    assert_ptr_equal(bytes_map_find(&map, span_of("")), &node);
    bytes_map_remove(&map, &node);
    assert_null(bytes_map_find(&map, span_of("")));
    bytes_map_fini(&map);
}

static void assert_content(struct bytes_map *map, struct thing *things)
{
    size_t count = 0;
    for (size_t i = 0; i < THINGS; i++) {
        struct bytes_node *found = bytes_map_find(map, things[i].node.key);
        assert_ptr_equal(found, things[i].present ? &things[i].node : NULL);
        count += things[i].present;
    }
    assert_int_equal(map->count, count);
}

/* Filling and emptying by turns crosses every doubling and halving, with finds in
 * the middle of moves. */
static void random_use_agrees_with_flags(void **state)
{
    (void)state;
    struct thing *things = things_new();
    struct test_random random = { 7 };
    struct bytes_map map;
    bytes_map_init(&map, &hash_key);
    for (size_t phase = 0; phase < 8; phase++) {
        size_t chance_of_insertion = phase % 2 == 0 ? 9 : 1; /* of ten */
        for (size_t step = 0; step < 15000; step++) {
            struct thing *thing = &things[test_random_below(&random, THINGS)];
            bool insert = test_random_below(&random, 10) < chance_of_insertion;
            if (insert && !thing->present)
                assert_int_equal(bytes_map_insert(&map, &thing->node), 0);
            else if (!insert && thing->present)
                bytes_map_remove(&map, &thing->node);
            thing->present = insert;
            if (step % 1000 == 0)
                assert_content(&map, things);
        }
        assert_content(&map, things);
    }
    bytes_map_fini(&map);
    free(things);
}

static void an_emptied_map_is_small_again(void **state)
{
    (void)state;
    struct thing *things = things_new();
    struct bytes_map map;
    bytes_map_init(&map, &hash_key);
    for (size_t i = 0; i < THINGS; i++)
        assert_int_equal(bytes_map_insert(&map, &things[i].node), 0);
    assert_true(bytes_map_bytes(&map) >= THINGS * sizeof(void *) / 2);
    for (size_t i = 0; i < THINGS; i++)
        bytes_map_remove(&map, &things[i].node);
    assert_true(bytes_map_bytes(&map) <= 64 * sizeof(void *));
    bytes_map_fini(&map);
    free(things);
}

struct remover {
    struct bytes_map *map;
    bool all;
};

static void count_and_remove(struct bytes_node *node, void *context)
{
    struct remover *remover = context;
    struct thing *thing = MQTT_CONTAINER_OF(node, struct thing, node);
    thing->visits++;
    if (remover->all || thing->name[1] % 3 == 0) {
        bytes_map_remove(remover->map, node);
        thing->present = false;
    }
}

/* Stopped at many sizes, so that visits also fall into the middle of a move. */
static void each_visits_once_and_may_remove(void **state)
{
    (void)state;
    struct thing *things = things_new();
    for (size_t size = 1; size < THINGS; size += 97) {
        struct bytes_map map;
        bytes_map_init(&map, &hash_key);
        for (size_t i = 0; i < size; i++) {
            things[i].visits = 0;
            things[i].present = true;
            assert_int_equal(bytes_map_insert(&map, &things[i].node), 0);
        }
        bytes_map_each(&map, count_and_remove, &(struct remover){ &map, false });
        for (size_t i = 0; i < size; i++)
            assert_int_equal(things[i].visits, 1);
        assert_content(&map, things);
        bytes_map_each(&map, count_and_remove, &(struct remover){ &map, true });
        assert_int_equal(map.count, 0);
        bytes_map_fini(&map);
    }
    free(things);
}

static void a_chain_holds_every_node_of_its_hash(void **state)
{
    (void)state;
    struct bytes_map map;
    bytes_map_init(&map, &hash_key);
    struct bytes_node nodes[40] = { 0 };
    for (size_t i = 0; i < 40; i++) {
        nodes[i].hash = i % 4; /* ten of each, keys all alike */
        assert_int_equal(bytes_map_insert_hashed(&map, &nodes[i]), 0);
    }
    for (uint64_t hash = 0; hash < 4; hash++) {
        size_t found = 0;
        for (struct bytes_node *n = bytes_map_chain(&map, hash); n != NULL; n = n->next)
            found += n->hash == hash;
        assert_int_equal(found, 10);
    }
    bytes_map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_finds_nothing),
        cmocka_unit_test(the_empty_key_is_a_key),
        cmocka_unit_test(random_use_agrees_with_flags),
        cmocka_unit_test(an_emptied_map_is_small_again),
        cmocka_unit_test(each_visits_once_and_may_remove),
        cmocka_unit_test(a_chain_holds_every_node_of_its_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
