/* SPDX-License-Identifier: Apache-2.0 */
/* What is observed, so that a record of it tells which grants are used. */
#include "core/standing.h"

#include "core/session.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct policy *policy_with(bool shared, const char *topics)
{
    const struct role_options options = {
        .shared = shared,
        .terms = { .retain = true, .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
    };
    const char *why = "";
    struct policy *policy = policy_new();

    assert_non_null(policy);
    struct role *role = policy_add_role(policy, "lamp", &options);
    assert_int_equal(role_grant(role, POLICY_PUBLISH, topics, &why), 0);
    assert_int_equal(role_grant(role, POLICY_SUBSCRIBE, topics, &why), 0);
    policy_seal(policy);
    return policy;
}

static void begin(struct world *world, unsigned shards, struct policy *policy)
{
    world_init(world, shards, NULL);
    world_set_policy(world, policy);
    world_settle_policy(world, 256);
}

static void forget(struct world *world)
{
    world->notes[0] = 0;
    world->notes[1] = 0;
    world->noted[0] = '\0';
}

static void observe_again(struct world *world)
{
    forget(world);
    for (unsigned i = 0; i < world->shards; i++)
        broker_observe_again(world->brokers[i]);
    world_settle_policy(world, 1);
}

static struct world_peer *connect_with_will(struct world *world, const char *will,
                                            uint8_t *out_reason)
{
    struct world_peer *peer = world_open_device(world, MQTT_VERSION_5, "lamp", "lamp");

    world_connect(peer, &(struct world_connect){ .client_id = "lamp", .will_topic = will },
                  out_reason);
    return peer;
}

static void what_is_asked_for_is_noted_as_it_is_called(void **state)
{
    (void)state;
    static const char *const tenants[] = { NULL, "acme" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(tenants); i++) {
        struct world world;
        uint8_t reason;
        begin(&world, 2, policy_with(true, "a/%{device}"));
        world.tenant = tenants[i];
        struct world_peer *lamp = connect_with_will(&world, "a/lamp", &reason);
        assert_int_equal(reason, 0);
        world_subscribe(lamp, "a/lamp", MQTT_QOS_0);
        world_subscribe(lamp, "$share/g/a/lamp", MQTT_QOS_0);
        world_subscribe(lamp, "a/other", MQTT_QOS_0);
        world_publish(lamp, "a/lamp", "1", MQTT_QOS_0, 0, false);
        world_publish(lamp, "a/lamp", "2", MQTT_QOS_0, 0, false);
        assert_string_equal(world.noted, "a/lamp a/lamp $share/g/a/lamp a/other a/lamp ");
        assert_int_equal(world.notes[false], 1);
        world_fini(&world);
    }
}

static void what_stands_is_noted_again(void **state)
{
    (void)state;
    static const char *const tenants[] = { NULL, "acme" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(tenants); i++) {
        struct world world;
        uint8_t reason;
        begin(&world, 2, policy_with(true, "a/%{device}"));
        world.tenant = tenants[i];
        struct world_peer *lamp = connect_with_will(&world, "a/lamp", &reason);
        world_subscribe(lamp, "a/lamp", MQTT_QOS_0);
        world_subscribe(lamp, "$share/g/a/lamp", MQTT_QOS_0);
        observe_again(&world);
        assert_string_equal(world.noted, "a/lamp a/lamp $share/g/a/lamp ");
        assert_int_equal(world.notes[true], 3);
        assert_int_equal(world.events[EVENT_SUBSCRIPTION_ENDED], 0);
        /* A change of policy in the middle notes everything itself. */
        forget(&world);
        for (unsigned s = 0; s < world.shards; s++)
            broker_observe_again(world.brokers[s]);
        world_set_policy(&world, policy_with(false, "a/%{device}"));
        world_settle_policy(&world, 1);
        assert_string_equal(world.noted, "a/lamp a/lamp $share/g/a/lamp ");
        assert_int_equal(world.notes[false], 1);
        assert_int_equal(world.events[EVENT_SUBSCRIPTION_ENDED], 1);
        world_fini(&world);
    }
}

static void the_barred_are_not_noted_again(void **state)
{
    (void)state;
    struct world world;
    uint8_t reason;
    begin(&world, 1, policy_with(true, "a/%{device}"));
    struct world_peer *lamp = connect_with_will(&world, "a/lamp", &reason);
    world_subscribe(lamp, "a/lamp", MQTT_QOS_0);
    world.barred = "lamp";
    world_set_policy(&world, policy_with(true, "a/%{device}"));
    forget(&world);
    world_settle_policy(&world, 1);
    assert_string_equal(world.noted, "");
    world_fini(&world);
}

static void what_is_refused_before_any_rule_is_noted(void **state)
{
    (void)state;
    struct world world;
    uint8_t reason;
    begin(&world, 1, policy_with(false, "a/%{device}"));
    (void)connect_with_will(&world, "a/other", &reason);
    assert_int_equal(reason, MQTT_NOT_AUTHORIZED);
    assert_string_equal(world.noted, "a/other ");
    assert_int_equal(world.notes[false], 1);
    struct world_peer *lamp = connect_with_will(&world, NULL, &reason);
    assert_int_equal(world_subscribe(lamp, "$share/g/a/lamp", MQTT_QOS_0),
                     MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED);
    assert_string_equal(world.noted, "a/other $share/g/a/lamp ");
    assert_int_equal(world.notes[false], 2);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_noted_as_it_is_called),
        cmocka_unit_test(what_stands_is_noted_again),
        cmocka_unit_test(the_barred_are_not_noted_again),
        cmocka_unit_test(what_is_refused_before_any_rule_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
