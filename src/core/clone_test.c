/* SPDX-License-Identifier: Apache-2.0 */
/* Promise I5: one key in two places is noticed, and a reconnect is not taken for it. */
#include "core/clone.h"

#include "codec/ack.h"
#include "codec/disconnect.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define LAMP                                 \
    &(struct world_connect)                  \
    {                                        \
        .client_id = "lamp", .expiry_s = 600 \
    }

/* The test's own shards: everything that follows is to hold on one and on several. */
static unsigned shards;

static void begin(struct world *world, enum policy_clone rule)
{
    world_init(world, shards, NULL);
    world->clone = rule;
}

static struct world_peer *come(struct world *world, const char *place, const char *client_id)
{
    struct world_peer *peer = world_open_at(world, MQTT_VERSION_5, "lamp", place);

    world_begin(peer, &(struct world_connect){ .client_id = client_id, .expiry_s = 600 });
    return peer;
}

static struct world_peer *come_in(struct world *world, const char *place, const char *client_id)
{
    struct world_peer *peer = come(world, place, client_id);

    world_take_connack(peer, NULL);
    return peer;
}

static uint16_t asked(struct world_peer *peer)
{
    struct mqtt_frame frame;
    struct mqtt_ack ack;

    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_PUBREL);
    assert_int_equal(mqtt_ack_decode(peer->version, MQTT_PUBREL, frame.body, &ack), MQTT_OK);
    return ack.packet_id;
}

static void answer(struct world_peer *peer)
{
    world_ack(peer, MQTT_PUBCOMP, asked(peer));
    world_run(peer->world);
}

static bool is_waiting(const struct world_peer *peer)
{
    return peer->is_open && peer->len == 0 && client_is_waiting(peer->client);
}

static bool is_held(const struct world_peer *peer)
{
    return peer->is_open && peer->client->state == CLIENT_HELD;
}

static bool said_goodbye(struct world_peer *peer, uint8_t reason)
{
    struct mqtt_frame frame = { 0 };

    while (world_take(peer, &frame))
        ;
    return !peer->is_open && frame.type == MQTT_DISCONNECT && frame.body.data[0] == reason;
}

static uint8_t reason_of(struct world_peer *peer)
{
    uint8_t reason;

    world_take_connack(peer, &reason);
    return reason;
}

/* ---- clones ---- */

static void two_living_ones_are_held(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_BY_KIND);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp");
    assert_true(is_waiting(second));
    answer(first);
    assert_true(is_held(first));
    assert_true(is_held(second));
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    assert_int_equal(world.events[EVENT_CLONE], 1);
    assert_int_equal(world.events[EVENT_HELD], 2);
    assert_int_equal(world.events[EVENT_TAKEN_OVER], 0);
    assert_string_equal(world.clone_of, "there/here");
    world_fini(&world);
}

static void so_are_those_of_other_client_ids(void **state)
{
    char id[16];

    (void)state;
    for (unsigned i = 0; i < 8; i++) { /* on this shard and on that */
        struct world world;

        begin(&world, POLICY_CLONE_HOLD);
        snprintf(id, sizeof(id), "lamp-%u", i);
        struct world_peer *first = come_in(&world, "here", "lamp");
        struct world_peer *second = come(&world, "there", id);
        assert_true(is_waiting(second));
        answer(first);
        assert_true(is_held(first));
        assert_true(is_held(second));
        assert_int_equal(world.events[EVENT_CLONE], 1);
        world_fini(&world);
    }
}

static void so_are_those_of_one_id_in_one_place(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "here", "lamp");
    answer(first);
    assert_true(is_held(first) && is_held(second));
    assert_int_equal(world.events[EVENT_CLONE], 1);
    world_fini(&world);
}

static void several_programs_in_one_place_are_none(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *lamp = come_in(&world, "here", "lamp");
    struct world_peer *tool = come_in(&world, "here", "lamp-tool");
    /* Another from elsewhere meets both; all of them are held. */
    struct world_peer *clone = come(&world, "there", "lamp-3");
    assert_true(is_waiting(clone));
    answer(tool);
    assert_true(is_held(lamp) && is_held(tool) && is_held(clone));
    world_fini(&world);
}

static void where_it_is_allowed_nobody_waits(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_ALLOW);
    struct world_peer *first = come_in(&world, "here", "lamp");
    come_in(&world, "there", "lamp-2");
    come_in(&world, "there", "lamp");
    assert_true(said_goodbye(first, MQTT_SESSION_TAKEN_OVER));
    assert_int_equal(world.events[EVENT_CLONE], 0);
    world_fini(&world);
}

static void the_first_is_kept(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_KEEP_FIRST);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp");
    answer(first);
    assert_int_equal(reason_of(second), MQTT_NOT_AUTHORIZED);
    assert_false(second->is_open);
    assert_true(first->is_open);
    assert_int_equal(world_subscribe(first, "devices/lamp/x", MQTT_QOS_1), MQTT_QOS_1);
    assert_int_equal(world.events[EVENT_CLONE], 1);
    world_fini(&world);
}

static void both_are_dropped(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_DROP_BOTH);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp-2");
    answer(first);
    assert_true(said_goodbye(first, MQTT_ADMINISTRATIVE_ACTION));
    assert_int_equal(reason_of(second), MQTT_NOT_AUTHORIZED);
    assert_false(second->is_open);
    assert_int_equal(world.events[EVENT_CLONE], 1);
    world_fini(&world);
}

/* Before MQTT 5 a PUBREL is answered all the same. */
static void an_older_client_is_asked_the_same(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *first = world_open_at(&world, MQTT_VERSION_3_1_1, "lamp", "here");
    world_connect(first, LAMP, NULL);
    struct world_peer *second = world_open_at(&world, MQTT_VERSION_3_1_1, "lamp", "there");
    world_begin(second, LAMP);
    answer(first);
    assert_true(is_held(first) && is_held(second));
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    world_fini(&world);
}

/* A client that knows no PUBREL, but goes on with what it does. */
static void what_comes_late_is_a_sign_of_life(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp");
    world_sleep(&world, 400);
    world_publish(first, "devices/lamp/x", "1", MQTT_QOS_0, 0, false);
    assert_true(is_held(first) && is_held(second));
    world_fini(&world);
}

static void two_newcomers_at_once(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    come_in(&world, "here", "lamp"); /* silent from now on */
    struct world_peer *second = come(&world, "there", "lamp");
    struct world_peer *third = come(&world, "here", "lamp-3"); /* meets the second only */
    assert_true(is_waiting(second) && is_waiting(third));
    world_run(&world);
    for (unsigned i = 0; i < world.shards; i++) /* and meanwhile nobody is busy */
        assert_true(broker_next_ms(world.brokers[i]) > world.now_ms);
    world_sleep(&world, 701);
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    assert_true(is_waiting(third));
    world_sleep(&world, 20);
    answer(second);
    assert_true(is_held(second) && is_held(third));
    assert_int_equal(world.events[EVENT_CLONE], 1);
    assert_string_equal(world.clone_of, "here/there");
    world_fini(&world);
}

/* Neither knows PUBREL, each comes back when it is taken over. */
static void back_and_forth_is_a_clone(void **state)
{
    static const char *const places[] = { "here", "there" };
    struct world world;
    struct world_peer *peer = NULL;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    for (unsigned i = 0; i < 4; i++) {
        peer = come(&world, places[i % 2], "lamp");
        world_sleep(&world, 2000);
        assert_false(is_held(peer));
    }
    struct world_peer *last = come(&world, "here", "lamp");
    world_sleep(&world, 701);
    assert_true(is_held(peer) && is_held(last));
    assert_int_equal(world.events[EVENT_CLONE], 1);
    assert_string_equal(world.clone_of, "here/there");
    world_fini(&world);
}

/* ---- no clones ---- */

static void a_silent_one_is_taken_over(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp");
    world_sleep(&world, 690);
    assert_true(is_waiting(second));
    world_sleep(&world, 11);
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    assert_true(said_goodbye(first, MQTT_SESSION_TAKEN_OVER));
    assert_int_equal(world.events[EVENT_CLONE], 0);
    assert_int_equal(world.events[EVENT_TAKEN_OVER], 1);
    world_fini(&world);
}

static void a_silent_one_of_another_id_is_closed(void **state)
{
    char id[16];

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct world world;

        begin(&world, POLICY_CLONE_HOLD);
        snprintf(id, sizeof(id), "lamp-%u", i);
        struct world_peer *first = come_in(&world, "here", "lamp");
        struct world_peer *second = come(&world, "there", id);
        world_sleep(&world, 701);
        assert_int_equal(reason_of(second), MQTT_SUCCESS);
        assert_true(said_goodbye(first, MQTT_SESSION_TAKEN_OVER));
        assert_int_equal(world.events[EVENT_CLONE], 0);
        world_fini(&world);
    }
}

static void one_that_breaks_meanwhile_ends_the_wait(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp");
    assert_true(is_waiting(second));
    world_break(first);
    world_run(&world);
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    assert_int_equal(world.events[EVENT_CLONE], 0);
    world_fini(&world);
}

static void a_goodbye_is_no_sign_of_life(void **state)
{
    static const uint8_t disconnect[] = { 0xe0, 0 };
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp-2");
    world_sleep(&world, 500);
    world_send(first, (struct mqtt_span){ disconnect, sizeof(disconnect) });
    world_run(&world);
    world_run(&world);
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    assert_int_equal(world.events[EVENT_CLONE], 0);
    world_fini(&world);
}

static void after_a_close_nobody_waits(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    world_break(come_in(&world, "here", "lamp"));
    come_in(&world, "there", "lamp");
    world_fini(&world);
}

/* Sent before the network changed, read after the newcomer's CONNECT. */
static void what_was_on_its_way_is_no_sign_of_life(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp");
    world_publish(first, "devices/lamp/x", "1", MQTT_QOS_0, 0, false);
    world_ack(first, MQTT_PUBCOMP, 1); /* some other one */
    world_sleep(&world, 701);
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    assert_int_equal(world.events[EVENT_CLONE], 0);
    world_fini(&world);
}

static void who_leaves_while_it_waits_harms_nobody(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp");
    world_break(second);
    answer(first);
    world_sleep(&world, 1000);
    assert_true(first->is_open && !is_held(first));
    assert_int_equal(world.events[EVENT_CLONE], 0);
    world_fini(&world);
}

/* One that walks through many networks, each time from a connection that has died. */
static void a_wanderer_is_none(void **state)
{
    struct world world;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    come_in(&world, "place-0", "lamp");
    for (unsigned i = 1; i < 20; i++) {
        char place[16];

        snprintf(place, sizeof(place), "place-%u", i % 3);
        struct world_peer *peer = come(&world, place, "lamp");
        world_sleep(&world, 1000);
        assert_int_equal(reason_of(peer), MQTT_SUCCESS);
    }
    assert_int_equal(world.events[EVENT_CLONE], 0);
    world_fini(&world);
}

/* What it sends behind its CONNECT waits with it, and nothing is lost. */
static void what_follows_connect_waits(void **state)
{
    struct world world;
    struct mqtt_frame frame;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp");
    world_publish(second, "devices/lamp/x", "1", MQTT_QOS_1, 7, false);
    assert_true(is_waiting(second));
    world_sleep(&world, 701);
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    assert_true(world_take(second, &frame));
    assert_int_equal(frame.type, MQTT_PUBACK);
    world_fini(&world);
}

static void and_is_dropped_by_one_that_is_held(void **state)
{
    struct world world;
    struct mqtt_frame frame;

    (void)state;
    begin(&world, POLICY_CLONE_HOLD);
    struct world_peer *first = come_in(&world, "here", "lamp");
    struct world_peer *second = come(&world, "there", "lamp");
    world_publish(second, "devices/lamp/x", "1", MQTT_QOS_1, 7, false);
    answer(first);
    assert_int_equal(reason_of(second), MQTT_SUCCESS);
    assert_false(world_take(second, &frame));
    assert_true(is_held(second));
    world_fini(&world);
}

/* Numbers in use are not asked with, and an answer is nobody's acknowledgement. */
static void the_question_disturbs_no_delivery(void **state)
{
    struct world world;
    struct mqtt_publish publish;

    (void)state;
    begin(&world, POLICY_CLONE_KEEP_FIRST);
    struct world_peer *first = come_in(&world, "here", "lamp");
    assert_int_equal(world_subscribe(first, "devices/lamp/x", MQTT_QOS_2), MQTT_QOS_2);
    world_publish(first, "devices/lamp/x", "1", MQTT_QOS_1, 7, false);
    assert_true(world_take_publish(first, &publish));
    assert_true(world_expect(first, MQTT_PUBACK));
    come(&world, "there", "lamp");
    uint16_t id = asked(first);
    assert_int_not_equal(id, publish.packet_id);
    world_ack(first, MQTT_PUBCOMP, id);
    assert_int_equal(world.events[EVENT_CLONE], 1);
    world_ack(first, MQTT_PUBACK, publish.packet_id);
    assert_true(first->is_open);
    world_fini(&world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(two_living_ones_are_held),
    cmocka_unit_test(so_are_those_of_other_client_ids),
    cmocka_unit_test(so_are_those_of_one_id_in_one_place),
    cmocka_unit_test(several_programs_in_one_place_are_none),
    cmocka_unit_test(where_it_is_allowed_nobody_waits),
    cmocka_unit_test(the_first_is_kept),
    cmocka_unit_test(both_are_dropped),
    cmocka_unit_test(an_older_client_is_asked_the_same),
    cmocka_unit_test(what_comes_late_is_a_sign_of_life),
    cmocka_unit_test(two_newcomers_at_once),
    cmocka_unit_test(back_and_forth_is_a_clone),
    cmocka_unit_test(a_silent_one_is_taken_over),
    cmocka_unit_test(a_silent_one_of_another_id_is_closed),
    cmocka_unit_test(one_that_breaks_meanwhile_ends_the_wait),
    cmocka_unit_test(a_goodbye_is_no_sign_of_life),
    cmocka_unit_test(after_a_close_nobody_waits),
    cmocka_unit_test(what_was_on_its_way_is_no_sign_of_life),
    cmocka_unit_test(who_leaves_while_it_waits_harms_nobody),
    cmocka_unit_test(a_wanderer_is_none),
    cmocka_unit_test(what_follows_connect_waits),
    cmocka_unit_test(and_is_dropped_by_one_that_is_held),
    cmocka_unit_test(the_question_disturbs_no_delivery),
};

int main(void)
{
    int failed = 0;

    for (shards = 1; shards <= 4; shards += 3)
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
