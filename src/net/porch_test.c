/* SPDX-License-Identifier: Apache-2.0 */
#include "net/porch.h"

#include "core/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WEEK_MS 604800000u

struct world {
    struct porch *porch;
    uint64_t now_ms;
};

static struct limits small(void)
{
    struct limits limits = limits_default();
    limits.unproved = 40;
    limits.unproved_per_address = 3;
    limits.unproved_per_network = 20;
    limits.unproved_bytes = 100000;
    limits.known_addresses = 64;
    return limits;
}

static struct world opened(const struct limits *limits)
{
    struct world world = { .now_ms = 1000 };
    world.porch =
        porch_new(&(struct siphash_key){ 3, 4 }, &(struct shared_lock){ NULL, NULL, NULL }, limits);
    assert_non_null(world.porch);
    return world;
}

static struct porch_place v4(unsigned network, unsigned host)
{
    return (struct porch_place){ .bytes = { 10, (uint8_t)(network >> 8), (uint8_t)network,
                                            (uint8_t)host },
                                 .len = 4,
                                 .network_len = 3 };
}

static enum porch_verdict come(const struct world *world, struct porch_place place,
                               uint32_t *out_guest)
{
    return porch_enter(world->porch, &place, world->now_ms, out_guest);
}

static uint32_t must_come(const struct world *world, struct porch_place place)
{
    uint32_t guest = 0;
    assert_int_equal(come(world, place, &guest), PORCH_IN);
    assert_int_not_equal(guest, 0);
    return guest;
}

static void make_known(const struct world *world, struct porch_place place)
{
    porch_leave(world->porch, must_come(world, place), true, world->now_ms);
}

static void one_address_has_so_many_and_no_more(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t guests[3];
    uint32_t more = 0;
    for (unsigned i = 0; i < 3; i++)
        guests[i] = must_come(&world, v4(1, 1));
    assert_int_equal(come(&world, v4(1, 1), &more), PORCH_ADDRESS);
    assert_int_equal(more, 0);
    (void)must_come(&world, v4(1, 2));
    porch_leave(world.porch, guests[1], false, world.now_ms);
    (void)must_come(&world, v4(1, 1));
    assert_int_equal(come(&world, v4(1, 1), &more), PORCH_ADDRESS);
    porch_free(world.porch);
}

static void one_network_has_so_many_and_no_more(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t more = 0;
    for (unsigned i = 0; i < 20; i++)
        (void)must_come(&world, v4(1, i));
    assert_int_equal(come(&world, v4(1, 99), &more), PORCH_NETWORK);
    (void)must_come(&world, v4(2, 99));
    porch_free(world.porch);
}

static void a_network_is_no_address_of_the_same_bytes(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    const struct porch_place six = { .bytes = { 10, 0, 1, 7 }, .len = 8, .network_len = 6 };
    limits.unproved_per_network = 3;
    porch_set_limits(world.porch, &limits);
    for (unsigned i = 0; i < 3; i++) {
        (void)must_come(&world, v4(1, 7));
        (void)must_come(&world, six);
    }
    assert_int_equal(porch_figures(world.porch).guests, 6);
    porch_free(world.porch);
}

static void a_known_address_has_wider_bounds_for_a_week(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t guests[12];
    uint32_t more = 0;
    assert_false(porch_knows(world.porch, &(struct porch_place){ .len = 4 }, world.now_ms));
    make_known(&world, v4(1, 1));
    const struct porch_place known = v4(1, 1);
    assert_true(porch_knows(world.porch, &known, world.now_ms));
    for (unsigned i = 0; i < 12; i++)
        guests[i] = must_come(&world, v4(1, 1));
    assert_int_equal(come(&world, v4(1, 1), &more), PORCH_ADDRESS);
    for (unsigned i = 0; i < 12; i++)
        porch_leave(world.porch, guests[i], false, world.now_ms);

    world.now_ms += WEEK_MS;
    for (unsigned i = 0; i < 3; i++)
        (void)must_come(&world, v4(1, 1));
    assert_int_equal(come(&world, v4(1, 1), &more), PORCH_ADDRESS);
    porch_free(world.porch);
}

static void a_full_network_does_not_keep_the_known_out(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    make_known(&world, v4(1, 200));
    for (unsigned i = 0; i < 20; i++)
        (void)must_come(&world, v4(1, i));
    uint32_t guest = must_come(&world, v4(1, 200));
    assert_int_equal(porch_standing(world.porch, guest), PORCH_KNOWN);
    porch_free(world.porch);
}

static void of_the_known_the_longest_unseen_is_forgotten(void **state)
{
    (void)state;
    struct limits limits = small();
    limits.known_addresses = 8; /* one set of eight, and one more */
    struct world world = opened(&limits);
    for (unsigned i = 0; i < 1000; i++) {
        world.now_ms++;
        make_known(&world, v4(i, 1));
    }
    unsigned known = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t guest = must_come(&world, v4(i, 1));
        known += porch_standing(world.porch, guest) == PORCH_KNOWN ? 1 : 0;
        if (i == 999)
            assert_int_equal(porch_standing(world.porch, guest), PORCH_KNOWN);
        porch_leave(world.porch, guest, false, world.now_ms);
    }
    assert_true(known >= 8 && known <= 16);
    porch_free(world.porch);
}

/* One above the bound is in until it is chosen who goes. */
static void in_all_the_newest_of_the_largest_network_goes(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t guests[41];
    for (unsigned i = 0; i < 15; i++)
        guests[i] = must_come(&world, v4(1, i));
    for (unsigned i = 15; i < 40; i++)
        guests[i] = must_come(&world, v4(i, 1));
    assert_int_equal(come(&world, v4(99, 1), &guests[40]), PORCH_OVER);
    assert_true(porch_is_crowded(world.porch));

    uint32_t newest_first[41];
    for (unsigned i = 0; i < 41; i++)
        newest_first[i] = guests[40 - i];
    size_t chosen = porch_choose(world.porch, newest_first, 41);
    assert_int_equal(newest_first[chosen], guests[14]);
    /* Of equals it is the newest: the one that has just come. */
    assert_int_equal(porch_choose(world.porch, newest_first, 20), 0);
    porch_leave(world.porch, guests[14], false, world.now_ms);
    assert_int_equal(porch_figures(world.porch).guests, 40);
    assert_int_equal(porch_figures(world.porch).most, 41);
    porch_free(world.porch);
}

static void the_known_go_last(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    make_known(&world, v4(1, 1));
    make_known(&world, v4(1, 2));
    uint32_t guests[3] = { must_come(&world, v4(1, 1)), must_come(&world, v4(2, 1)),
                           must_come(&world, v4(1, 2)) };
    assert_int_equal(porch_choose(world.porch, guests, 3), 1);
    guests[1] = guests[2];
    assert_int_equal(porch_choose(world.porch, guests, 2), 0);
    assert_int_equal(porch_choose(world.porch, guests, 0), 0);
    porch_free(world.porch);
}

static void bytes_are_counted_in_all(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t one = must_come(&world, v4(1, 1));
    uint32_t other = must_come(&world, v4(2, 1));
    assert_true(porch_hold(world.porch, one, 60000));
    assert_true(porch_hold(world.porch, other, 40000));
    assert_false(porch_hold(world.porch, other, 40001));
    /* Less is never too much. */
    assert_true(porch_hold(world.porch, one, 59999));
    assert_int_equal(porch_figures(world.porch).bytes, 100000);
    porch_leave(world.porch, other, false, world.now_ms);
    assert_int_equal(porch_figures(world.porch).bytes, 59999);
    porch_leave(world.porch, one, false, world.now_ms);
    assert_int_equal(porch_figures(world.porch).bytes, 0);
    porch_free(world.porch);
}

/* The one that has the most, unless the guest is one of a crowd, or its own has as much. */
static void the_fullest_shard_is_known(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t quiet = must_come(&world, v4(1, 1));
    uint32_t many[PORCH_QUIET + 1];
    porch_move(world.porch, quiet, 2);
    assert_int_equal(porch_giver(world.porch, quiet, PORCH_PLACES), 2);
    for (unsigned i = 0; i <= PORCH_QUIET; i++) {
        many[i] = must_come(&world, v4(2, i));
        porch_move(world.porch, many[i], 255);
    }
    assert_int_equal(porch_giver(world.porch, quiet, PORCH_PLACES), 255);
    assert_int_equal(porch_giver(world.porch, quiet, PORCH_BYTES), 2);
    porch_move(world.porch, many[0], 2);
    assert_int_equal(porch_giver(world.porch, many[0], PORCH_PLACES), 2);
    assert_true(porch_hold(world.porch, many[0], 1000));
    porch_move(world.porch, many[0], 7);
    assert_int_equal(porch_giver(world.porch, quiet, PORCH_BYTES), 7);
    porch_leave(world.porch, many[0], false, world.now_ms);
    assert_int_equal(porch_giver(world.porch, quiet, PORCH_BYTES), 2);
    assert_false(porch_is_over(world.porch, PORCH_PLACES));
    assert_false(porch_is_over(world.porch, PORCH_BYTES));
    assert_false(porch_hold(world.porch, quiet, 100001));
    assert_true(porch_is_over(world.porch, PORCH_BYTES));
    porch_free(world.porch);
}

/* Whatever is asked for and does not come: it is bounded. */
static void beyond_what_may_be_asked_for_nobody_comes_in(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t guest = 0;
    unsigned over = 0;
    for (unsigned i = 0; i < 40; i++)
        (void)must_come(&world, v4(i, 1));
    while (come(&world, v4(100 + over, 1), &guest) == PORCH_OVER)
        over++;
    assert_int_equal(over, SHARDS_MAX * (PORCH_ASKED_MOST + 1));
    assert_true(porch_is_over(world.porch, PORCH_PLACES));
    assert_int_equal(come(&world, v4(9, 9), &guest), PORCH_FULL);
    porch_leave(world.porch, guest, false, world.now_ms);
    assert_int_equal(come(&world, v4(9, 9), &guest), PORCH_OVER);
    porch_free(world.porch);
}

static void a_unix_socket_counts_in_all_only(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t guest = 0;
    for (unsigned i = 0; i < 40; i++)
        guest = must_come(&world, (struct porch_place){ 0 });
    assert_int_equal(porch_standing(world.porch, guest), PORCH_KNOWN);
    assert_int_equal(come(&world, (struct porch_place){ 0 }, &guest), PORCH_OVER);
    porch_leave(world.porch, guest, true, world.now_ms);
    porch_free(world.porch);
}

static void standing_goes_by_the_network(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t first = must_come(&world, v4(1, 0));
    for (unsigned i = 1; i < PORCH_QUIET; i++)
        (void)must_come(&world, v4(1, i));
    assert_int_equal(porch_standing(world.porch, first), PORCH_STILL);
    (void)must_come(&world, v4(1, PORCH_QUIET));
    assert_int_equal(porch_standing(world.porch, first), PORCH_CROWD);
    porch_free(world.porch);
}

static void bounds_change_but_not_beyond_the_tables(void **state)
{
    (void)state;
    struct limits limits = small();
    struct world world = opened(&limits);
    uint32_t guest = 0;
    limits.unproved = 1000;
    limits.unproved_per_address = 1000;
    limits.unproved_per_network = 1000;
    porch_set_limits(world.porch, &limits);
    for (unsigned i = 0; i < 40; i++)
        (void)must_come(&world, v4(1, 1));
    assert_int_equal(come(&world, v4(1, 1), &guest), PORCH_OVER);
    porch_leave(world.porch, guest, false, world.now_ms);
    limits.unproved = 10;
    porch_set_limits(world.porch, &limits);
    assert_int_equal(come(&world, v4(1, 1), &guest), PORCH_OVER);
    porch_free(world.porch);
}

/* Everything that came goes again, in any order, many times over: nothing leaks. */
static void places_come_back(void **state)
{
    (void)state;
    struct limits limits = small();
    limits.unproved_per_address = 100;
    struct world world = opened(&limits);
    for (unsigned round = 0; round < 500; round++) {
        uint32_t guests[40];
        for (unsigned i = 0; i < 40; i++)
            guests[i] = must_come(&world, v4(round * 7 + i % 5, i % 11));
        for (unsigned i = 0; i < 40; i++)
            porch_leave(world.porch, guests[(i * 17 + round) % 40], i % 3 == 0, world.now_ms);
        assert_int_equal(porch_figures(world.porch).guests, 0);
    }
    porch_free(world.porch);
}

static void nobody_is_fine(void **state)
{
    (void)state;
    porch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_has_so_many_and_no_more),
        cmocka_unit_test(one_network_has_so_many_and_no_more),
        cmocka_unit_test(a_network_is_no_address_of_the_same_bytes),
        cmocka_unit_test(a_known_address_has_wider_bounds_for_a_week),
        cmocka_unit_test(a_full_network_does_not_keep_the_known_out),
        cmocka_unit_test(of_the_known_the_longest_unseen_is_forgotten),
        cmocka_unit_test(in_all_the_newest_of_the_largest_network_goes),
        cmocka_unit_test(the_known_go_last),
        cmocka_unit_test(bytes_are_counted_in_all),
        cmocka_unit_test(the_fullest_shard_is_known),
        cmocka_unit_test(beyond_what_may_be_asked_for_nobody_comes_in),
        cmocka_unit_test(a_unix_socket_counts_in_all_only),
        cmocka_unit_test(standing_goes_by_the_network),
        cmocka_unit_test(bounds_change_but_not_beyond_the_tables),
        cmocka_unit_test(places_come_back),
        cmocka_unit_test(nobody_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
