/* SPDX-License-Identifier: Apache-2.0 */
/* What is done about a place: it is asked for at each alarm, and settles what was found. */
#include "core/sensing_testing.h"

/* The port is asked to block; what it is asked. */
struct blocks {
    struct watch watch;
    bool answer;
    unsigned asked;
    unsigned dry;
};

static bool on_block(void *context, const struct sensing_notice *notice, bool is_dry)
{
    struct blocks *blocks = MQTT_CONTAINER_OF(context, struct blocks, watch);

    assert_int_equal(notice->kind, SENSING_OF_SOURCE);
    assert_non_null(notice->facts);
    blocks->asked++;
    blocks->dry += is_dry;
    return blocks->answer;
}

static void open_blocks(struct blocks *blocks, enum sensing_mode mode, bool answer)
{
    struct watch *watch = &blocks->watch;

    watch_init(watch, NULL);
    blocks->answer = answer;
    blocks->asked = 0;
    blocks->dry = 0;
    watch->options.mode = mode;
    watch->options.port.block = on_block;
    assert_true(sensing_set(broker_of(watch), &watch->options, watch->world.now_ms));
    world_sleep(&watch->world, 2 * SENSE_WINDOW_MS);
}

static void attack(struct blocks *blocks, unsigned times)
{
    struct watch *watch = &blocks->watch;

    for (unsigned i = 0; i < times; i++)
        sensing_note_stranger(broker_of(watch), watch, SENSE_FAILURES, watch->world.now_ms);
}

static void who_comes_back_is_found_again(void **state)
{
    struct blocks blocks;

    (void)state;
    open_blocks(&blocks, SENSING_RESPONDS, true);
    attack(&blocks, 1);
    assert_int_equal(blocks.asked, 0);
    while (blocks.asked == 0)
        attack(&blocks, 1);
    attack(&blocks, 1);
    assert_int_equal(blocks.asked, 1); /* one more is no attack */
    world_sleep(&blocks.watch.world, 60000);
    attack(&blocks, 20);
    assert_true(blocks.asked > 1);
    assert_int_equal(blocks.dry, 0);
    assert_int_equal(broker_statistics(broker_of(&blocks.watch))->sense_responses, blocks.asked);
    world_fini(&blocks.watch.world);
}

static void who_is_not_blocked_is_told_of_once(void **state)
{
    struct blocks blocks;

    (void)state;
    open_blocks(&blocks, SENSING_RESPONDS, false);
    attack(&blocks, 60);
    assert_int_equal(blocks.asked, 1);
    assert_int_equal(blocks.watch.told[SENSING_OF_SOURCE], 1);
    assert_int_equal(broker_statistics(broker_of(&blocks.watch))->sense_responses, 0);
    world_fini(&blocks.watch.world);
}

static void a_rehearsal_says_so_and_an_observer_does_not_ask(void **state)
{
    struct blocks blocks;

    (void)state;
    open_blocks(&blocks, SENSING_REHEARSES, false);
    attack(&blocks, 60);
    assert_int_equal(blocks.asked, 1);
    assert_int_equal(blocks.dry, 1);
    world_fini(&blocks.watch.world);
    open_blocks(&blocks, SENSING_OBSERVES, true);
    attack(&blocks, 60);
    assert_int_equal(blocks.asked, 0);
    assert_int_equal(blocks.watch.told[SENSING_OF_SOURCE], 1);
    world_fini(&blocks.watch.world);
}

/* What many places do together is the doing of none of them. */
static void nobody_is_blocked_for_all_of_them(void **state)
{
    struct blocks blocks;

    (void)state;
    open_blocks(&blocks, SENSING_RESPONDS, true);
    for (unsigned i = 0; i < 60; i++) {
        blocks.watch.place = 100 + i;
        attack(&blocks, 1);
    }
    assert_int_equal(blocks.watch.told[SENSING_OF_SOURCE], 1);
    assert_false(blocks.watch.has_facts);
    assert_int_equal(blocks.asked, 0);
    world_fini(&blocks.watch.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_back_is_found_again),
        cmocka_unit_test(who_is_not_blocked_is_told_of_once),
        cmocka_unit_test(a_rehearsal_says_so_and_an_observer_does_not_ask),
        cmocka_unit_test(nobody_is_blocked_for_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
