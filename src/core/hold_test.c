/* SPDX-License-Identifier: Apache-2.0 */
/* What a client that is held may do: stay. */
#include "core/hold.h"

#include "codec/disconnect.h"
#include "core/client.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct world_connect lamp = { .client_id = "lamp",
                                           .resume = true,
                                           .expiry_s = 600,
                                           .keep_alive_s = 10,
                                           .will_topic = "devices/lamp/will" };

static struct world_peer *watcher(struct world *world)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_connect(peer, &(struct world_connect){ .client_id = "watcher" }, NULL);
    world_subscribe(peer, "devices/#", MQTT_QOS_0);
    return peer;
}

static bool has_seen(struct world_peer *peer)
{
    struct mqtt_publish publish;

    return world_take_publish(peer, &publish);
}

/* What the admission port says has changed. */
static void change(struct world *world, const char *held)
{
    snprintf(world->held, sizeof(world->held), "%s", held);
    for (unsigned i = 0; i < world->shards; i++)
        broker_policy_changed(world->brokers[i], world->now_ms);
    world_settle_policy(world, 1);
    world_run(world);
}

static void send_all(struct world_peer *peer)
{
    static const uint8_t subscribe[] = "\x82\x14\0\1\0\0\x0e"
                                       "devices/lamp/y\1";

    world_publish(peer, "devices/lamp/x", "1", MQTT_QOS_1, 7, true);
    world_publish(peer, "devices/lamp/x", "1", MQTT_QOS_2, 8, false);
    world_ack(peer, MQTT_PUBREL, 8);
    world_ack(peer, MQTT_PUBCOMP, 9);
    world_send(peer, (struct mqtt_span){ subscribe, sizeof(subscribe) - 1 });
    world_run(peer->world);
}

static void expect_only_pings(struct world_peer *peer)
{
    static const uint8_t ping[] = { 0xc0, 0 };
    struct mqtt_frame frame;

    send_all(peer);
    assert_true(peer->is_open);
    assert_false(world_take(peer, &frame));
    world_send(peer, (struct mqtt_span){ ping, sizeof(ping) });
    world_run(peer->world);
    assert_true(world_expect(peer, MQTT_PINGRESP));
    assert_false(world_take(peer, &frame));
}

static bool is_told(struct world_peer *peer, uint8_t reason)
{
    struct mqtt_frame frame = { 0 };

    while (world_take(peer, &frame))
        ;
    return !peer->is_open && frame.type == MQTT_DISCONNECT && frame.body.data[0] == reason;
}

static void nothing_is_taken_or_given(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 2, NULL);
    struct world_peer *other = watcher(&world);
    struct world_peer *peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    world_connect(peer, &lamp, NULL);
    world_subscribe(peer, "devices/lamp/x", MQTT_QOS_1);
    change(&world, "lamp");
    assert_int_equal(peer->client->state, CLIENT_HELD);
    expect_only_pings(peer);
    assert_false(has_seen(other));
    world_publish(other, "devices/lamp/x", "2", MQTT_QOS_1, 1, false);
    world_publish(other, "devices/lamp/x", "3", MQTT_QOS_0, 0, false);
    expect_only_pings(peer);
    world_fini(&world);
}

static void a_newcomer_has_no_session(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 2, NULL);
    struct world_peer *other = watcher(&world);
    snprintf(world.held, sizeof(world.held), "lamp");
    struct world_peer *peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    assert_false(world_connect(peer, &lamp, NULL));
    expect_only_pings(peer);
    assert_false(has_seen(other));
    assert_false(client_is_connected(peer->client));
    world_fini(&world);
}

/* Without a will, whatever way it goes. */
static void its_will_is_not_sent(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        struct world world;

        world_init(&world, 1, NULL);
        struct world_peer *other = watcher(&world);
        struct world_peer *peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
        world_connect(peer, &lamp, NULL);
        change(&world, "lamp");
        if (way == 0)
            world_break(peer);
        else if (way == 1)
            world_sleep(&world, 16000);
        else
            change(&world, "");
        assert_false(peer->is_open);
        world_sleep(&world, 1000);
        assert_false(has_seen(other));
        assert_int_equal(world.events[EVENT_WILL_SENT], 0);
        world_fini(&world);
    }
}

static void its_keep_alive_counts(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 1, NULL);
    snprintf(world.held, sizeof(world.held), "lamp");
    struct world_peer *peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    world_connect(peer, &lamp, NULL);
    world_sleep(&world, 14000);
    expect_only_pings(peer);
    world_sleep(&world, 14000);
    assert_true(peer->is_open);
    world_sleep(&world, 2000);
    assert_true(is_told(peer, MQTT_KEEP_ALIVE_TIMEOUT));
    world_fini(&world);
}

static void it_may_leave(void **state)
{
    static const uint8_t disconnect[] = "\xe0\7\0\5\x11\0\0\0\1";
    struct world world;

    (void)state;
    world_init(&world, 1, NULL);
    struct world_peer *peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    world_connect(peer, &lamp, NULL);
    change(&world, "lamp");
    world_send(peer, (struct mqtt_span){ disconnect, sizeof(disconnect) - 1 });
    assert_false(peer->is_open);
    /* The session expiry it asked for was not heard. */
    world_sleep(&world, 5000);
    change(&world, "");
    peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    assert_true(world_connect(peer, &lamp, NULL));
    world_fini(&world);
}

/* The session goes on with who connects next, and has what came meanwhile. */
static void it_is_released(void **state)
{
    struct world world;
    struct mqtt_publish publish;

    (void)state;
    world_init(&world, 2, NULL);
    struct world_peer *other = watcher(&world);
    struct world_peer *peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    world_connect(peer, &lamp, NULL);
    world_subscribe(peer, "devices/lamp/x", MQTT_QOS_1);
    change(&world, "lamp");
    struct world_peer *second = world_open_at(&world, MQTT_VERSION_5, "lamp", "there");
    world_connect(second, &lamp, NULL);
    world_publish(other, "devices/lamp/x", "2", MQTT_QOS_1, 1, false);
    change(&world, "");
    assert_true(is_told(peer, MQTT_ADMINISTRATIVE_ACTION));
    assert_true(is_told(second, MQTT_ADMINISTRATIVE_ACTION));
    peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    assert_true(world_connect(peer, &lamp, NULL));
    assert_true(world_take_publish(peer, &publish));
    assert_true(span_equal(publish.payload, span_of("2")));
    world_fini(&world);
}

static void there_are_not_many(void **state)
{
    struct world world;
    uint8_t reason;

    (void)state;
    world_init(&world, 4, NULL);
    snprintf(world.held, sizeof(world.held), "lamp");
    for (unsigned i = 0; i < 5; i++) {
        char id[16];
        snprintf(id, sizeof(id), "lamp-%u", i);
        const struct world_connect how = { .client_id = id };
        struct world_peer *peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
        world_connect(peer, &how, &reason);
        assert_int_equal(reason, i < 4 ? MQTT_SUCCESS : MQTT_QUOTA_EXCEEDED);
        assert_int_equal(peer->is_open, i < 4);
    }
    world_fini(&world);
}

static void one_that_is_barred_is_not_held_any_more(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 2, NULL);
    struct world_peer *first = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    world_connect(first, &lamp, NULL);
    change(&world, "lamp");
    struct world_peer *second = world_open_at(&world, MQTT_VERSION_5, "lamp", "there");
    world_connect(second, &lamp, NULL);
    world.barred = "lamp";
    change(&world, "lamp");
    assert_true(is_told(first, MQTT_ADMINISTRATIVE_ACTION));
    assert_true(is_told(second, MQTT_ADMINISTRATIVE_ACTION));
    world_fini(&world);
}

/* What is on its way to one that does not read is gone, or it is. */
static void what_is_on_its_way_is_called_back(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 1, NULL);
    struct world_peer *other = watcher(&world);
    struct world_peer *peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    world_connect(peer, &lamp, NULL);
    world_subscribe(peer, "devices/lamp/x", MQTT_QOS_0);
    peer->takes_nothing = true;
    world_publish(other, "devices/lamp/x", "2", MQTT_QOS_0, 0, false);
    change(&world, "lamp");
    world_sleep(&world, 1000);
    assert_false(peer->is_open);
    world_fini(&world);
}

static struct world_peer *worker(struct world *world, const char *device)
{
    struct world_peer *peer = world_open_device(world, MQTT_VERSION_5, device, "all");
    const struct world_connect how = { .client_id = device, .expiry_s = 600, .receive_maximum = 1 };

    snprintf(peer->place, sizeof(peer->place), "here");
    world_connect(peer, &how, NULL);
    world_subscribe(peer, "$share/g/jobs", MQTT_QOS_1);
    return peer;
}

/* Work that is shared goes to those who do it, be they busy. */
static void it_gets_no_work(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 8; shards++) {
        struct world world;
        struct mqtt_publish publish;

        world_init(&world, shards, NULL);
        struct world_peer *other = watcher(&world);
        struct world_peer *peer = worker(&world, "lamp");
        struct world_peer *busy = worker(&world, "valve");
        change(&world, "lamp");
        assert_int_equal(peer->client->state, CLIENT_HELD);
        for (uint16_t i = 1; i <= 4; i++)
            world_publish(other, "jobs", "x", MQTT_QOS_1, i, false);
        for (unsigned i = 0; i < 4; i++) {
            assert_true(world_take_publish(busy, &publish));
            world_ack(busy, MQTT_PUBACK, publish.packet_id);
        }
        world_fini(&world);
    }
}

static bool contains(const struct world_peer *peer, const char *what, size_t len)
{
    for (size_t i = 0; i + len <= peer->len; i++) {
        if (memcmp(peer->inbox + i, what, len) == 0)
            return true;
    }
    return false;
}

static void an_assigned_id_is_told(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 2, NULL);
    snprintf(world.held, sizeof(world.held), "lamp");
    struct world_peer *peer = world_open_at(&world, MQTT_VERSION_5, "lamp", "here");
    world_connect(peer, &(struct world_connect){ .client_id = "" }, NULL);
    assert_true(contains(peer, "\x12\0\x20tacit-", 9));
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_taken_or_given),
        cmocka_unit_test(a_newcomer_has_no_session),
        cmocka_unit_test(its_will_is_not_sent),
        cmocka_unit_test(its_keep_alive_counts),
        cmocka_unit_test(it_may_leave),
        cmocka_unit_test(it_is_released),
        cmocka_unit_test(it_gets_no_work),
        cmocka_unit_test(there_are_not_many),
        cmocka_unit_test(one_that_is_barred_is_not_held_any_more),
        cmocka_unit_test(what_is_on_its_way_is_called_back),
        cmocka_unit_test(an_assigned_id_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
