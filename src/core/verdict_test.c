/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict that takes a while (ADMISSION_WAIT): nothing of what the client sends is looked at
 * until it is there, and nothing of it is lost. */
#include "core/broker.h"

#include "codec/connack.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void begin(struct world *world)
{
    world_init(world, 1, NULL);
    world->slow = "lamp";
}

/* CONNECT, and right behind it a PUBLISH to itself. */
static struct world_peer *impatient(struct world *world)
{
    struct world_peer *peer = world_open_device(world, MQTT_VERSION_5, "lamp", "device");
    uint8_t bytes[128];
    struct mqtt_writer w = mqtt_writer_over(bytes, sizeof(bytes));
    const struct mqtt_connect connect = { .version = MQTT_VERSION_5,
                                          .clean_start = true,
                                          .client_id = span_of("lamp") };
    static const char publish[] = "\x32\x13\0\x0e"
                                  "devices/lamp/x"
                                  "\0\7\0";

    mqtt_connect_encode(&w, &connect);
    mqtt_write_bytes(&w, (struct mqtt_span){ (const uint8_t *)publish, sizeof(publish) - 1 });
    world_send(peer, mqtt_writer_written(&w));
    world_run(world);
    return peer;
}

static uint8_t connack_of(struct world_peer *peer)
{
    struct mqtt_frame frame;
    struct mqtt_connack connack;

    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_CONNACK);
    assert_int_equal(mqtt_connack_decode(MQTT_VERSION_5, frame.body, &connack), MQTT_OK);
    return connack.reason;
}

static void what_came_meanwhile_is_handled_afterwards(void **state)
{
    struct world world;
    struct mqtt_frame frame;

    (void)state;
    begin(&world);
    struct world_peer *peer = impatient(&world);
    assert_false(world_take(peer, &frame));
    assert_true(client_is_waiting(peer->client));
    assert_false(client_is_connected(peer->client));
    world_judge(peer, ADMISSION_ALLOW);
    assert_int_equal(connack_of(peer), MQTT_SUCCESS);
    assert_true(world_expect(peer, MQTT_PUBACK));
    assert_int_equal(world.abandoned, 0);
    world_fini(&world);
}

static void a_no_ends_it(void **state)
{
    struct world world;
    struct mqtt_frame frame;

    (void)state;
    begin(&world);
    struct world_peer *peer = impatient(&world);
    world_judge(peer, ADMISSION_REFUSE);
    assert_int_equal(connack_of(peer), MQTT_NOT_AUTHORIZED);
    assert_false(world_take(peer, &frame));
    assert_false(peer->is_open);
    assert_int_equal(world.abandoned, 0);
    world_fini(&world);
}

static void it_may_take_longer_still(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    struct world_peer *peer = impatient(&world);
    world_judge(peer, ADMISSION_WAIT);
    assert_true(client_is_waiting(peer->client));
    world_judge(peer, ADMISSION_ALLOW);
    assert_int_equal(connack_of(peer), MQTT_SUCCESS);
    assert_true(world_expect(peer, MQTT_PUBACK));
    world_fini(&world);
}

static void without_a_method_there_is_no_auth(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    struct world_peer *peer = impatient(&world);
    world_judge(peer, ADMISSION_CONTINUE); /* [MQTT-4.12.0-6] */
    assert_int_equal(connack_of(peer), MQTT_NOT_AUTHORIZED);
    world_fini(&world);
}

static void who_leaves_is_not_judged(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    struct world_peer *peer = impatient(&world);
    world_break(peer);
    assert_int_equal(world.abandoned, 1);
    world_fini(&world);
}

static void the_deadline_counts_on(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    struct world_peer *peer = impatient(&world);
    world_sleep(&world, limits_default().connect_timeout_ms + 1000);
    assert_false(peer->is_open);
    assert_int_equal(world.abandoned, 1);
    world_fini(&world);
}

/* A session that is taken over by one who had to wait. */
static void a_takeover_happens_at_the_verdict(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    struct world_peer *first = impatient(&world);
    world_judge(first, ADMISSION_ALLOW);
    struct world_peer *second = impatient(&world);
    assert_true(first->is_open);
    world_judge(second, ADMISSION_ALLOW);
    assert_false(first->is_open);
    assert_int_equal(connack_of(second), MQTT_SUCCESS);
    assert_int_equal(world.events[EVENT_TAKEN_OVER], 1);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_meanwhile_is_handled_afterwards),
        cmocka_unit_test(a_no_ends_it),
        cmocka_unit_test(it_may_take_longer_still),
        cmocka_unit_test(without_a_method_there_is_no_auth),
        cmocka_unit_test(who_leaves_is_not_judged),
        cmocka_unit_test(the_deadline_counts_on),
        cmocka_unit_test(a_takeover_happens_at_the_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
