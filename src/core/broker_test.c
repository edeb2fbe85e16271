/* SPDX-License-Identifier: Apache-2.0 */
/* The shard as a whole, in a world of its own. */
#include "core/broker.h"

#include "core/client.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The tables of what varies: protocol versions and shards. */
static const struct {
    enum mqtt_version version;
    unsigned shards;
} variants[] = {
    { MQTT_VERSION_3_1, 1 }, { MQTT_VERSION_3_1_1, 1 }, { MQTT_VERSION_5, 1 },
    { MQTT_VERSION_3_1, 3 }, { MQTT_VERSION_3_1_1, 3 }, { MQTT_VERSION_5, 3 },
};

#define FOR_EACH_VARIANT(i) for (size_t i = 0; i < MQTT_ARRAY_LEN(variants); i++)

static struct world_peer *joined(struct world *world, enum mqtt_version version, const char *id)
{
    struct world_peer *peer = world_open(world, version);

    world_connect(peer, &(struct world_connect){ .client_id = id }, NULL);
    return peer;
}

/* A session that stays when its connection goes. */
static struct world_peer *resumed(struct world *world, enum mqtt_version version, const char *id,
                                  bool *out_present)
{
    struct world_peer *peer = world_open(world, version);

    *out_present = world_connect(
        peer, &(struct world_connect){ .client_id = id, .resume = true, .expiry_s = 3600 }, NULL);
    return peer;
}

static void assert_publish(struct world_peer *peer, const char *topic, const char *payload,
                           enum mqtt_qos qos)
{
    struct mqtt_publish publish;

    assert_true(world_take_publish(peer, &publish));
    assert_true(span_equal(publish.topic, span_of(topic)));
    assert_true(span_equal(publish.payload, span_of(payload)));
    assert_int_equal(publish.qos, qos);
}

static void delivers_at_every_qos(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        for (enum mqtt_qos qos = MQTT_QOS_0; qos <= MQTT_QOS_2; qos++) {
            struct world world;
            world_init(&world, variants[i].shards, NULL);
            struct world_peer *reader = joined(&world, variants[i].version, "reader");
            struct world_peer *writer = joined(&world, variants[i].version, "writer");

            assert_int_equal(world_subscribe(reader, "a/+", qos), qos);
            world_publish(writer, "a/b", "hello", qos, qos > 0 ? 7 : 0, false);
            assert_publish(reader, "a/b", "hello", qos);
            if (qos == MQTT_QOS_1)
                assert_true(world_expect(writer, MQTT_PUBACK));
            if (qos == MQTT_QOS_2) {
                assert_true(world_expect(writer, MQTT_PUBREC));
                world_ack(writer, MQTT_PUBREL, 7);
                assert_true(world_expect(writer, MQTT_PUBCOMP));
            }
            world_fini(&world);
        }
    }
}

/* [MQTT-4.4.0-1] [MQTT-3.3.1-1] */
static void sends_again_after_a_broken_connection(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        struct mqtt_publish publish;
        bool present;
        world_init(&world, variants[i].shards, NULL);
        struct world_peer *reader = resumed(&world, variants[i].version, "reader", &present);
        struct world_peer *writer = joined(&world, variants[i].version, "writer");

        assert_false(present);
        world_subscribe(reader, "t", MQTT_QOS_1);
        world_publish(writer, "t", "one", MQTT_QOS_1, 1, false);
        assert_true(world_take_publish(reader, &publish));
        assert_false(publish.duplicate);
        uint16_t id = publish.packet_id;
        world_break(reader);
        world_publish(writer, "t", "two", MQTT_QOS_1, 2, false);
        reader = resumed(&world, variants[i].version, "reader", &present);
        assert_int_equal(present, variants[i].version != MQTT_VERSION_3_1);
        assert_true(world_take_publish(reader, &publish));
        assert_true(publish.duplicate);
        assert_int_equal(publish.packet_id, id);
        assert_publish(reader, "t", "two", MQTT_QOS_1);
        world_fini(&world);
    }
}

static void gives_each_group_one_copy(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        struct world_peer *members[4];
        struct mqtt_publish publish;
        unsigned copies = 0;
        world_init(&world, variants[i].shards, NULL);
        for (unsigned k = 0; k < MQTT_ARRAY_LEN(members); k++) {
            const char *ids[] = { "m0", "m1", "m2", "m3" };
            members[k] = joined(&world, variants[i].version, ids[k]);
            world_subscribe(members[k], "$share/g/t/#", MQTT_QOS_1);
        }
        struct world_peer *writer = joined(&world, variants[i].version, "writer");

        for (uint16_t n = 1; n <= 20; n++)
            world_publish(writer, "t/x", "work", MQTT_QOS_1, n, false);
        for (unsigned k = 0; k < MQTT_ARRAY_LEN(members); k++) {
            unsigned own = 0;
            while (world_take_publish(members[k], &publish))
                own++;
            assert_true(own > 0);
            copies += own;
        }
        assert_int_equal(copies, 20);
        world_fini(&world);
    }
}

/* [MQTT-3.1.3-9] */
static void sends_a_delayed_will_to_the_millisecond(void **state)
{
    struct world world;
    struct world_connect how = {
        .client_id = "w", .resume = true, .expiry_s = 60, .will_topic = "will", .will_delay_s = 2
    };

    (void)state;
    world_init(&world, 2, NULL);
    struct world_peer *reader = joined(&world, MQTT_VERSION_5, "reader");
    struct world_peer *mortal = world_open(&world, MQTT_VERSION_5);
    world_subscribe(reader, "will", MQTT_QOS_0);
    world_connect(mortal, &how, NULL);
    world_break(mortal);
    world_sleep(&world, 1999);
    assert_false(world_expect(reader, MQTT_PUBLISH));
    world_sleep(&world, 1);
    assert_publish(reader, "will", "gone", MQTT_QOS_0);

    mortal = world_open(&world, MQTT_VERSION_5); /* back in time: no will */
    world_connect(mortal, &how, NULL);
    world_break(mortal);
    world_sleep(&world, 1000);
    mortal = world_open(&world, MQTT_VERSION_5);
    assert_true(world_connect(mortal, &how, NULL));
    world_sleep(&world, 5000);
    assert_false(world_expect(reader, MQTT_PUBLISH));
    world_fini(&world);
}

static void refuses_what_a_role_may_not(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, 1, NULL);
    struct world_peer *lamp = world_open_device(&world, MQTT_VERSION_5, "lamp", "device");
    world_connect(lamp, &(struct world_connect){ .client_id = "lamp" }, NULL);
    assert_int_equal(world_subscribe(lamp, "#", MQTT_QOS_0),
                     MQTT_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED);
    assert_int_equal(world_subscribe(lamp, "devices/door/state", MQTT_QOS_0), MQTT_NOT_AUTHORIZED);
    assert_int_equal(world_subscribe(lamp, "devices/lamp/set", MQTT_QOS_1), 1);
    assert_int_equal(world_subscribe(lamp, "$share/g/devices/lamp/set", MQTT_QOS_1),
                     MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED);
    world_publish(lamp, "devices/door/set", "open", MQTT_QOS_1, 1, false);
    assert_int_equal(world.events[EVENT_PUBLISH_REFUSED], 1);
    assert_true(world_expect(lamp, MQTT_PUBACK));

    /* Another identity under the same client id neither resumes nor kicks. */
    uint8_t reason;
    struct world_peer *thief = world_open_device(&world, MQTT_VERSION_5, "thief", "device");
    world_connect(thief, &(struct world_connect){ .client_id = "lamp" }, &reason);
    assert_int_equal(reason, MQTT_CLIENT_IDENTIFIER_NOT_VALID);
    assert_true(lamp->is_open);
    world_fini(&world);
}

static void takes_over_a_session(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        struct mqtt_frame frame;
        world_init(&world, variants[i].shards, NULL);
        struct world_peer *first = joined(&world, variants[i].version, "same");
        struct world_peer *second = joined(&world, variants[i].version, "same");

        assert_false(first->is_open);
        assert_true(second->is_open);
        if (variants[i].version == MQTT_VERSION_5) {
            assert_true(world_take(first, &frame));
            assert_int_equal(frame.type, MQTT_DISCONNECT);
            assert_int_equal(frame.body.data[0], MQTT_SESSION_TAKEN_OVER);
        }
        world_fini(&world);
    }
}

static void continues_where_it_was(void **state)
{
    struct world world;
    bool present;

    (void)state;
    world_init(&world, 2, NULL);
    struct world_peer *reader = resumed(&world, MQTT_VERSION_5, "reader", &present);
    struct world_peer *writer = joined(&world, MQTT_VERSION_5, "writer");
    world_subscribe(reader, "t", MQTT_QOS_2);
    world_publish(writer, "t", "in flight", MQTT_QOS_1, 1, false);
    world_break(reader);
    world_publish(writer, "t", "queued", MQTT_QOS_2, 2, false);
    world_publish(writer, "kept", "retained", MQTT_QOS_1, 3, true);
    world_restart(&world, 5); /* another number of shards is no obstacle */
    reader = resumed(&world, MQTT_VERSION_5, "reader", &present);
    assert_true(present);
    assert_publish(reader, "t", "in flight", MQTT_QOS_1);
    assert_publish(reader, "t", "queued", MQTT_QOS_2);
    assert_int_equal(world_subscribe(reader, "kept", MQTT_QOS_1), 1);
    assert_publish(reader, "kept", "retained", MQTT_QOS_1);
    world_fini(&world);
}

/* Also by a call that does not end with that, as client_sent(): the next one is due at once. */
static void the_doomed_do_not_wait(void **state)
{
    (void)state;
    struct world world;

    world_init(&world, 1, NULL);
    struct world_peer *peer = joined(&world, MQTT_VERSION_5, "a");
    assert_true(broker_next_ms(world.brokers[0]) > world.now_ms);
    client_doom(peer->client, MQTT_UNSPECIFIED_ERROR, NULL);
    assert_true(broker_next_ms(world.brokers[0]) <= world.now_ms);
    broker_advance(world.brokers[0], world.now_ms);
    assert_true(broker_next_ms(world.brokers[0]) > world.now_ms);
    world_run(&world);
    assert_false(peer->is_open);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_doomed_do_not_wait),
        cmocka_unit_test(delivers_at_every_qos),
        cmocka_unit_test(sends_again_after_a_broken_connection),
        cmocka_unit_test(gives_each_group_one_copy),
        cmocka_unit_test(sends_a_delayed_will_to_the_millisecond),
        cmocka_unit_test(refuses_what_a_role_may_not),
        cmocka_unit_test(takes_over_a_session),
        cmocka_unit_test(continues_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
