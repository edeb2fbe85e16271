/* SPDX-License-Identifier: Apache-2.0 */
#include "ratchet/record.h"

#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int compute(void *context, const uint8_t key[RATCHET_KEY_BYTES], struct mqtt_span data,
                   uint8_t out[RATCHET_KEY_BYTES])
{
    const bool *fails = context;
    struct siphash_key mixed = { 0 };

    mixed.low = siphash(&mixed, (struct mqtt_span){ key, RATCHET_KEY_BYTES });
    for (unsigned i = 0; i < RATCHET_KEY_BYTES; i += sizeof(uint64_t)) {
        mixed.high = i;
        uint64_t word = siphash(&mixed, data);
        memcpy(out + i, &word, sizeof(word));
    }
    return *fails ? -1 : 0;
}

struct place {
    bool fails;
    bool believes;
    struct ratchet_hmac hmac;
    struct ratchet_record record;
    struct ratchet_step device;
    struct ratchet_arrival arrival;
};

static struct place place_make(void)
{
    return (struct place){ .device.secret = { 7 }, .arrival = { 1, 1 } };
}

/* The device at `from` comes; where it would go on from is in *out. */
static enum ratchet_verdict come(struct place *place, const struct ratchet_step *from,
                                 struct ratchet_step *out)
{
    struct ratchet_message message = { .counter = from->counter, .fresh = { 1 } };
    uint8_t binding[RATCHET_KEY_BYTES] = { (uint8_t)place->arrival.order };

    place->hmac = (struct ratchet_hmac){ &place->fails, compute };
    bool fails = place->fails;
    place->fails = false;
    assert_int_equal(ratchet_prove(&place->hmac, from->secret, binding, &message), 0);
    assert_int_equal(ratchet_advance(&place->hmac, binding, &message, out), 0);
    place->fails = fails;
    return ratchet_record_judge(&place->record, &place->hmac, &message, binding, &place->arrival,
                                place->believes);
}

static void go_through(struct place *place)
{
    assert_int_equal(come(place, &place->device, &place->device), RATCHET_TAKEN);
    assert_true(ratchet_record_confirm(&place->record, &place->arrival));
    place->arrival.order++;
}

static void both_go_on_together(void **state)
{
    struct place place = place_make();

    (void)state;
    assert_int_equal(ratchet_record_counter(&place.record), 0);
    for (unsigned i = 1; i < 5; i++) {
        go_through(&place);
        assert_int_equal(place.device.counter, i);
        assert_int_equal(ratchet_record_counter(&place.record), i);
    }
}

static void what_is_not_confirmed_may_come_again(void **state)
{
    struct place place = place_make();
    struct ratchet_step lost;

    (void)state;
    go_through(&place);
    for (unsigned i = 0; i < 3; i++) {
        place.arrival.order++;
        assert_int_equal(come(&place, &place.device, &lost), RATCHET_TAKEN);
    }
    go_through(&place);
}

static void one_that_was_left_behind_is_a_fork(void **state)
{
    struct place place = place_make();
    struct ratchet_step copy;
    struct ratchet_step next;

    (void)state;
    go_through(&place);
    copy = place.device;
    go_through(&place);
    const struct ratchet_record before = place.record;
    assert_int_equal(come(&place, &copy, &next), RATCHET_FORKED);
    assert_memory_equal(&before, &place.record, sizeof(before));
}

static void a_step_that_the_broker_never_had_is_ahead(void **state)
{
    struct place place = place_make();
    struct ratchet_step next;

    (void)state;
    go_through(&place);
    const struct ratchet_record backup = place.record;
    go_through(&place);
    place.record = backup;
    assert_int_equal(come(&place, &place.device, &next), RATCHET_AHEAD);
    place.believes = true;
    go_through(&place);
    place.believes = false;
    go_through(&place);
}

/* The right secret under another counter is not that step. */
static void the_counter_belongs_to_the_step(void **state)
{
    struct place place = place_make();
    struct ratchet_step next;

    (void)state;
    go_through(&place);
    place.device.counter = 0;
    assert_int_equal(come(&place, &place.device, &next), RATCHET_FORKED);
}

static void an_earlier_connection_comes_too_late(void **state)
{
    struct place place = place_make();
    struct ratchet_step next;

    (void)state;
    place.arrival.order = 5;
    go_through(&place);
    place.arrival.order = 4;
    assert_int_equal(come(&place, &place.device, &next), RATCHET_LATE);
    assert_false(ratchet_record_confirm(&place.record, &place.arrival));
    place.arrival = (struct ratchet_arrival){ 2, 1 }; /* the broker has started anew */
    go_through(&place);
}

static void nothing_changes_where_the_hash_fails(void **state)
{
    struct place place = place_make();
    struct ratchet_step next;

    (void)state;
    go_through(&place);
    const struct ratchet_record before = place.record;
    place.fails = true;
    assert_int_equal(come(&place, &place.device, &next), RATCHET_FAILED);
    assert_memory_equal(&before, &place.record, sizeof(before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_go_on_together),
        cmocka_unit_test(what_is_not_confirmed_may_come_again),
        cmocka_unit_test(one_that_was_left_behind_is_a_fork),
        cmocka_unit_test(a_step_that_the_broker_never_had_is_ahead),
        cmocka_unit_test(the_counter_belongs_to_the_step),
        cmocka_unit_test(an_earlier_connection_comes_too_late),
        cmocka_unit_test(nothing_changes_where_the_hash_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
