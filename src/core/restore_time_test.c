/* SPDX-License-Identifier: Apache-2.0 */
/* Promise D1 after a crash or a restart, where time is in it: sessions and messages that expire,
 * wills and their delays, and a wall clock that is set. */
#include "core/journal_restore.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LASTS_S 600u

/* ---- time ---- */

static bool is_there(struct world *world, const char *client_id)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);
    const struct world_connect how = { .client_id = client_id, .resume = true };
    bool is_present = world_connect(peer, &how, NULL);

    return is_present;
}

/* Away for so long, and back. */
static void be_down(struct world *world, uint64_t ms)
{
    world->now_ms += ms;
    world_crash(world, 0, 3);
}

static void a_session_expires_over_a_restart(void **state)
{
    static const struct {
        uint64_t before_ms;
        uint64_t down_ms;
        uint64_t after_ms;
        bool was_connected;
        bool is_left;
    } cases[] = {
        { 100000, 400000, 99000, false, true },
        { 100000, 400000, 101000, false, false },
        { 0, 599000, 0, false, true },
        { 0, 601000, 0, false, false },
        { 599000, 0, 2000, false, false },
        { 0, 86400000, 0, false, false },
        { 5000000, 400000, 599000, true, true }, /* it was here, as far as anybody knows */
        { 5000000, 400000, 601000, true, false },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct world world;

        world_init(&world, 2, NULL);
        struct world_peer *peer = world_come(&world, "x", false, LASTS_S);
        world_subscribe(peer, "a", MQTT_QOS_1);
        if (!cases[i].was_connected)
            world_break(peer);
        world_sleep(&world, cases[i].before_ms);
        be_down(&world, cases[i].down_ms);
        world_sleep(&world, cases[i].after_ms + 1);
        assert_int_equal(is_there(&world, "x"), cases[i].is_left);
        /* Either way it has ended by now, and left nothing. */
        world_run(&world);
        for (unsigned w = 0; w < WORLD_PEERS; w++)
            if (world.peers[w].is_open)
                world_break(&world.peers[w]);
        for (unsigned kind = JOURNAL_SESSION; kind < JOURNAL_KINDS; kind++)
            assert_int_equal(world_disk_things(&world.disk, (enum journal_kind)kind), 0);
        world_fini(&world);
    }
}

static void one_that_never_expires_does_not(void **state)
{
    struct limits limits = limits_default();
    struct world world;

    (void)state;
    limits.session_expiry_s = UINT32_MAX;
    world_init(&world, 2, &limits);
    world_break(world_come(&world, "away", false, UINT32_MAX));
    world_come(&world, "here", false, UINT32_MAX);
    be_down(&world, UINT64_C(1000000000000));
    world_sleep(&world, 1000);
    assert_true(is_there(&world, "away"));
    assert_true(is_there(&world, "here"));
    world_fini(&world);
}

/* A clock that was set back, or far ahead, makes nothing last longer. */
static void a_wall_clock_that_is_set_makes_nothing_last_longer(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 2, NULL);
    world_break(world_come(&world, "x", false, LASTS_S));
    world.wall_offset_ms = -900000;
    world_crash(&world, 0, 2);
    world_sleep(&world, LASTS_S * 1000 - 1000);
    world_crash(&world, 0, 2);
    world.wall_offset_ms = 0;
    world_sleep(&world, 2000);
    assert_false(is_there(&world, "x"));
    world_fini(&world);
}

static void publish_expiring(struct world_peer *peer, uint32_t expiry_s, bool retain)
{
    uint8_t packet[64];
    const struct mqtt_publish_out publish = { .qos = MQTT_QOS_1,
                                              .packet_id = 1,
                                              .retain = retain,
                                              .topic = span_of("a"),
                                              .payload = span_of("x"),
                                              .has_expiry = true,
                                              .expiry_s = expiry_s };
    uint8_t *end = mqtt_publish_write(packet, peer->version, &publish, NULL);

    world_send(peer, (struct mqtt_span){ packet, (size_t)(end - packet) });
    world_run(peer->world);
    assert_true(world_expect(peer, MQTT_PUBACK));
}

static void messages_expire_over_a_restart(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    for (unsigned is_retained = 0; is_retained < 2; is_retained++) {
        for (unsigned too_late = 0; too_late < 2; too_late++) {
            world_init(&world, 2, NULL);
            struct world_peer *peer = world_come(&world, "subscriber", false, LASTS_S);
            if (is_retained == 0)
                world_subscribe(peer, "a", MQTT_QOS_1);
            world_break(peer);
            publish_expiring(world_come(&world, "publisher", false, 0), 100, is_retained > 0);
            world_sleep(&world, 20000);
            be_down(&world, 30000);
            world_sleep(&world, too_late > 0 ? 51000 : 10000);
            peer = world_come(&world, "subscriber", true, LASTS_S);
            if (is_retained > 0)
                world_subscribe(peer, "a", MQTT_QOS_1);
            assert_int_equal(world_take_publish(peer, &message), too_late == 0);
            if (too_late == 0) {
                assert_true(message.has_expiry);
                assert_int_equal(message.expiry_s, 40);
                world_ack(peer, MQTT_PUBACK, message.packet_id);
            }
            world_sleep(&world, 120000); /* what has expired is swept */
            assert_int_equal(world_disk_things(&world.disk, JOURNAL_RETAINED), 0);
            assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), 0);
            world_fini(&world);
        }
    }
}

/* ---- wills ---- */

static struct world_peer *come_with_will(struct world *world, bool resume, uint32_t delay_s,
                                         uint32_t expiry_s)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_connect(peer,
                  &(struct world_connect){ .client_id = "dying",
                                           .resume = resume,
                                           .expiry_s = expiry_s,
                                           .will_topic = "w",
                                           .will_delay_s = delay_s },
                  NULL);
    return peer;
}

static struct world_peer *watch(struct world *world)
{
    struct world_peer *peer = world_come(world, "watching", false, 0);

    world_subscribe(peer, "w", MQTT_QOS_0);
    return peer;
}

static bool has_died(struct world_peer *watching)
{
    struct mqtt_publish message;
    bool has = world_take_publish(watching, &message);

    assert_true(world_is_silent(watching)); /* once, if at all */
    return has;
}

static void a_will_is_published_after_a_restart(void **state)
{
    static const struct {
        bool was_connected;
        uint32_t delay_s;
        uint64_t before_ms;
        uint64_t down_ms;
        uint64_t left_ms;
    } cases[] = {
        { true, 30, 100000, 7000, 30000 }, /* counts from when the broker is back */
        { false, 30, 10000, 0, 20000 },
        { false, 30, 10000, 15000, 5000 },
        { false, 300, 0, 100000, 200000 },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct world world;

        world_init(&world, 2, NULL);
        struct world_peer *peer = come_with_will(&world, false, cases[i].delay_s, LASTS_S);
        if (!cases[i].was_connected)
            world_break(peer);
        world_sleep(&world, cases[i].before_ms);
        be_down(&world, cases[i].down_ms);
        struct world_peer *watching = watch(&world);
        world_sleep(&world, cases[i].left_ms - 1000);
        assert_false(has_died(watching));
        world_sleep(&world, 2000);
        assert_true(has_died(watching));
        assert_int_equal(world_disk_things(&world.disk, JOURNAL_WILL), 0);
        be_down(&world, 1000); /* and not a second time */
        watching = watch(&world);
        world_sleep(&world, 400000);
        assert_false(has_died(watching));
        world_fini(&world);
    }
}

/* Nobody can watch right then: a kept subscriber is told. */
static void a_will_without_delay_is_published_at_once(void **state)
{
    for (unsigned was_connected = 0; was_connected < 2; was_connected++) {
        struct world world;
        struct mqtt_publish message;

        (void)state;
        world_init(&world, 2, NULL);
        struct world_peer *watching = world_come(&world, "watching", false, LASTS_S);
        struct world_peer *peer =
            come_with_will(&world, false, was_connected > 0 ? 0 : 20, LASTS_S);
        world_subscribe(watching, "w", MQTT_QOS_2);
        if (was_connected == 0)
            world_break(peer);
        be_down(&world, 30000);
        watching = world_come(&world, "watching", true, LASTS_S);
        /* It is a will of QoS 0: not kept for who is away, and published only once the broker runs. */
        world_sleep(&world, 1000);
        assert_int_equal(world_take_publish(watching, &message), false);
        assert_int_equal(world.events[EVENT_WILL_SENT], 1);
        assert_int_equal(world_disk_things(&world.disk, JOURNAL_WILL), 0);
        world_fini(&world);
    }
}

static void a_will_goes_when_its_client_comes_back(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 2, NULL);
    world_break(come_with_will(&world, false, 30, LASTS_S));
    be_down(&world, 5000);
    struct world_peer *watching = watch(&world);
    world_come(&world, "dying", true, LASTS_S); /* with no will of its own now */
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_WILL), 0);
    world_sleep(&world, 60000);
    assert_false(has_died(watching));
    be_down(&world, 1000);
    watching = watch(&world);
    world_sleep(&world, 60000);
    assert_false(has_died(watching));
    world_fini(&world);
}

static void the_will_of_a_clean_session_dies_with_the_broker(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 2, NULL);
    come_with_will(&world, false, 0, 0);
    be_down(&world, 0);
    struct world_peer *watching = watch(&world);
    world_sleep(&world, 1000);
    assert_false(has_died(watching));
    assert_int_equal(world.events[EVENT_WILL_SENT], 0);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_expires_over_a_restart),
        cmocka_unit_test(one_that_never_expires_does_not),
        cmocka_unit_test(a_wall_clock_that_is_set_makes_nothing_last_longer),
        cmocka_unit_test(messages_expire_over_a_restart),
        cmocka_unit_test(a_will_is_published_after_a_restart),
        cmocka_unit_test(a_will_without_delay_is_published_at_once),
        cmocka_unit_test(a_will_goes_when_its_client_comes_back),
        cmocka_unit_test(the_will_of_a_clean_session_dies_with_the_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
