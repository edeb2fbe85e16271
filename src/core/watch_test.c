/* SPDX-License-Identifier: Apache-2.0 */
#include "core/watch.h"

#include "codec/packet.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DECOY "devices/lamp/backup"

static struct world_peer *lamp(struct world *world)
{
    struct world_peer *peer = world_open_device(world, MQTT_VERSION_5, "lamp", "device");

    world_connect(peer, &(struct world_connect){ .client_id = "lamp" }, NULL);
    return peer;
}

static void a_message_is_told_of_each_time(void **state)
{
    struct world world;
    (void)state;
    for (unsigned shards = 1; shards <= 2; shards++) {
        world_init(&world, shards, NULL);
        world.watched = DECOY;
        struct world_peer *peer = lamp(&world);
        for (uint16_t i = 1; i <= 3; i++)
            assert_int_equal(world_publish_acked(peer, DECOY, i), MQTT_NO_MATCHING_SUBSCRIBERS);
        assert_int_equal(world.events[EVENT_WATCHED_PUBLISH], 3);
        world_publish_acked(peer, "devices/lamp/backups", 4);
        assert_int_equal(world.events[EVENT_WATCHED_PUBLISH], 3);
        world_publish(peer, DECOY, "12345", MQTT_QOS_0, 0, false);
        assert_string_equal(world.watched_as, DECOY " 5 0");
        world_fini(&world);
    }
}

static void one_that_is_refused_is_told_of_too(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1, NULL);
    world.watched = "vault/keys";
    struct world_peer *peer = lamp(&world);
    assert_int_equal(world_publish_acked(peer, "vault/keys", 1), MQTT_NOT_AUTHORIZED);
    assert_int_equal(world.events[EVENT_WATCHED_PUBLISH], 1);
    assert_int_equal(world_subscribe(peer, "vault/keys", MQTT_QOS_1), MQTT_NOT_AUTHORIZED);
    assert_int_equal(world.events[EVENT_WATCHED_SUBSCRIBE], 1);
    assert_string_equal(world.watched_as, "vault/keys 0 135");
    world_fini(&world);
}

static void a_filter_is_told_of_without_its_group(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1, NULL);
    world.watched = DECOY;
    struct world_peer *peer = world_come(&world, "panel", false, 0);
    assert_int_equal(world_subscribe(peer, DECOY, MQTT_QOS_1), 1);
    assert_string_equal(world.watched_as, DECOY " 0 1");
    assert_int_equal(world_subscribe(peer, "$share/g/" DECOY, MQTT_QOS_1), 1);
    assert_int_equal(world.events[EVENT_WATCHED_SUBSCRIBE], 2);
    world_subscribe(peer, "devices/lamp/#", MQTT_QOS_1);
    world_subscribe(peer, "$share/" DECOY "/#/", MQTT_QOS_1);
    assert_int_equal(world.events[EVENT_WATCHED_SUBSCRIBE], 2);
    world_fini(&world);
}

static void a_will_is_told_of_when_it_is_set(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1, NULL);
    world.watched = DECOY;
    struct world_peer *peer = world_open(&world, MQTT_VERSION_3_1_1);
    world_connect(peer, &(struct world_connect){ .client_id = "x", .will_topic = DECOY }, NULL);
    assert_int_equal(world.events[EVENT_WATCHED_WILL], 1);
    world_come(&world, "y", false, 0);
    assert_int_equal(world.events[EVENT_WATCHED_WILL], 1);
    world_fini(&world);
}

/* Routes and hints that were made before know nothing of it. */
static void a_change_counts_with_the_policy(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1, NULL);
    struct world_peer *peer = lamp(&world);
    world_publish_acked(peer, DECOY, 1);
    world.watched = DECOY;
    broker_policy_changed(world.brokers[0], world.now_ms);
    world_settle_policy(&world, 64);
    world_publish_acked(peer, DECOY, 2);
    assert_int_equal(world.events[EVENT_WATCHED_PUBLISH], 1);
    world.watched = NULL;
    broker_policy_changed(world.brokers[0], world.now_ms);
    world_settle_policy(&world, 64);
    world_publish_acked(peer, DECOY, 3);
    assert_int_equal(world.events[EVENT_WATCHED_PUBLISH], 1);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_told_of_each_time),
        cmocka_unit_test(one_that_is_refused_is_told_of_too),
        cmocka_unit_test(a_filter_is_told_of_without_its_group),
        cmocka_unit_test(a_will_is_told_of_when_it_is_set),
        cmocka_unit_test(a_change_counts_with_the_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
