/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker itself retains under $SYS is free of the bounds of clients; what a client retains
 * there is not, and outlives the process like the rest. */
#include "core/broker.h"
#include "core/limits.h"
#include "core/shared.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void set_up(struct world *world, const char *limit, uint64_t value)
{
    struct limits limits = limits_default();

    assert_int_equal(limits_set(&limits, limits_find(limit), value), 0);
    world_init(world, 1, &limits);
}

static struct world_peer *joined(struct world *world)
{
    return world_come(world, "writer", false, 0);
}

static uint8_t retain(struct world_peer *peer, const char *topic, const char *payload)
{
    world_publish(peer, topic, payload, MQTT_QOS_1, 1, true);
    return world_take_ack(peer, MQTT_PUBACK);
}

/* May the client retain this: no reason from 0x80 on. */
static bool is_retained(struct world_peer *peer, const char *topic, const char *payload)
{
    return retain(peer, topic, payload) < 0x80;
}

static void broker_says(struct world *world, const char *topic, const char *text)
{
    broker_publish_sys_text(world->brokers[0], topic, text, world->now_ms);
}

static void messages_of_a_client_under_sys_are_counted(void **state)
{
    struct world world;

    (void)state;
    set_up(&world, "retained_messages", 2);
    struct world_peer *peer = joined(&world);
    assert_true(is_retained(peer, "$SYS/a", "x"));
    assert_true(is_retained(peer, "$SYS/b", "x"));
    assert_int_equal(retain(peer, "$SYS/c", "x"), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(retain(peer, "c", "x"), MQTT_QUOTA_EXCEEDED);
    assert_true(is_retained(peer, "$SYS/b", "y"));
    assert_true(is_retained(peer, "$SYS/b", ""));
    assert_true(is_retained(peer, "c", "x"));
    world_fini(&world);
}

static void bytes_of_a_client_under_sys_are_counted(void **state)
{
    struct world world;

    (void)state;
    set_up(&world, "retained_bytes", 20);
    struct world_peer *peer = joined(&world);
    assert_true(is_retained(peer, "$SYS/a", "0123456789"));
    assert_int_equal(retain(peer, "$SYS/b", "0123456789"), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(retain(peer, "$SYS/a", "0123456789abcde"), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(shared_figures(world.shared).retained_bytes, 16);
    world_fini(&world);
}

static void the_brokers_own_take_nobodys_place(void **state)
{
    struct world world;

    (void)state;
    set_up(&world, "retained_bytes", 20);
    struct world_peer *peer = joined(&world);
    broker_says(&world, "$SYS/broker/a", "longer than what all clients may retain");
    broker_says(&world, "$SYS/broker/b", "likewise longer than twenty bytes");
    assert_true(is_retained(peer, "t", "0123456789abcdef"));
    assert_int_equal(retain(peer, "u", "0123456789abcdef"), MQTT_QUOTA_EXCEEDED);
    world_fini(&world);
}

/* One takes the other's place, in both directions and more than once: nothing is counted twice. */
static void who_wrote_last_is_who_counts(void **state)
{
    struct world world;

    (void)state;
    set_up(&world, "retained_messages", 1);
    struct world_peer *peer = joined(&world);
    for (unsigned i = 0; i < 3; i++) {
        broker_says(&world, "$SYS/a", "the broker's");
        assert_true(is_retained(peer, "t", "x"));
        assert_int_equal(retain(peer, "$SYS/a", "x"), MQTT_QUOTA_EXCEEDED);
        assert_true(is_retained(peer, "t", ""));
        assert_true(is_retained(peer, "$SYS/a", "the client's"));
        assert_int_equal(retain(peer, "t", "x"), MQTT_QUOTA_EXCEEDED);
    }
    broker_says(&world, "$SYS/a", "the broker's");
    assert_true(is_retained(peer, "t", "x"));
    assert_int_equal(shared_figures(world.shared).retained_messages, 2);
    world_fini(&world);
}

static void only_messages_of_clients_outlive_the_process(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 1, NULL);
    struct world_peer *peer = joined(&world);
    assert_true(is_retained(peer, "$SYS/kept", "x"));
    assert_true(is_retained(peer, "$SYS/replaced", "x"));
    broker_says(&world, "$SYS/replaced", "the broker's");
    broker_says(&world, "$SYS/own", "the broker's");
    assert_int_equal(retain(peer, "t", "x"), MQTT_NO_MATCHING_SUBSCRIBERS);
    world_restart(&world, 1);
    assert_int_equal(shared_figures(world.shared).retained_messages, 2);
    peer = joined(&world);
    assert_int_equal(world_subscribe(peer, "$SYS/#", MQTT_QOS_0), MQTT_QOS_0);
    struct mqtt_publish publish;
    assert_true(world_take_publish(peer, &publish));
    assert_true(span_equal(publish.topic, span_of("$SYS/kept")));
    assert_false(world_take_publish(peer, &publish));
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_a_client_under_sys_are_counted),
        cmocka_unit_test(bytes_of_a_client_under_sys_are_counted),
        cmocka_unit_test(the_brokers_own_take_nobodys_place),
        cmocka_unit_test(who_wrote_last_is_who_counts),
        cmocka_unit_test(only_messages_of_clients_outlive_the_process),
    };
    return cmocka_run_group_tests_name("core/retained", tests, NULL, NULL);
}
