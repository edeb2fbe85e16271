/* SPDX-License-Identifier: Apache-2.0 */
/* Enhanced authentication, with the method "echo" of the world: "ping" is to be
 * answered with "pong". MQTT 5.0 section 4.12. */
#include "core/authentication.h"

#include "codec/connack.h"
#include "codec/disconnect.h"
#include "codec/properties.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mqtt_span block_of(uint8_t *memory, size_t len, const char *method, const char *data)
{
    struct mqtt_writer w = mqtt_writer_over(memory, len);
    struct mqtt_property property = { .id = MQTT_PROP_AUTHENTICATION_METHOD,
                                      .type = MQTT_PROPERTY_UTF8,
                                      .value = span_of(method) };

    if (method != NULL)
        mqtt_property_write(&w, &property);
    if (data != NULL) {
        property = (struct mqtt_property){ .id = MQTT_PROP_AUTHENTICATION_DATA,
                                           .type = MQTT_PROPERTY_BINARY,
                                           .value = span_of(data) };
        mqtt_property_write(&w, &property);
    }
    return mqtt_writer_written(&w);
}

static void send_connect(struct world_peer *peer, const char *method)
{
    uint8_t memory[64];
    uint8_t packet[256];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    const struct mqtt_connect connect = {
        .version = MQTT_VERSION_5,
        .clean_start = true,
        .client_id = span_of("x"),
        .properties = block_of(memory, sizeof(memory), method, NULL),
    };

    mqtt_connect_encode(&w, &connect);
    world_send(peer, mqtt_writer_written(&w));
    world_run(peer->world);
}

static void send_auth(struct world_peer *peer, uint8_t reason, const char *method, const char *data)
{
    uint8_t memory[64];
    uint8_t packet[128];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    const struct mqtt_auth auth = { .reason = reason,
                                    .properties = block_of(memory, sizeof(memory), method, data) };

    mqtt_auth_encode(&w, &auth);
    world_send(peer, mqtt_writer_written(&w));
    world_run(peer->world);
}

static void expect_auth(struct world_peer *peer, uint8_t reason, const char *data)
{
    struct mqtt_frame frame;
    struct mqtt_auth auth;

    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_AUTH);
    assert_int_equal(mqtt_auth_decode(frame.body, &auth), MQTT_OK);
    assert_int_equal(auth.reason, reason);
    assert_true(span_equal(auth.method, span_of("echo"))); /* [MQTT-4.12.0-5] */
    assert_true(span_equal(auth.data, span_of(data)));
}

static struct mqtt_connack expect_connack(struct world_peer *peer, uint8_t reason)
{
    struct mqtt_frame frame;
    struct mqtt_connack connack;

    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_CONNACK);
    assert_int_equal(mqtt_connack_decode(MQTT_VERSION_5, frame.body, &connack), MQTT_OK);
    assert_int_equal(connack.reason, reason);
    assert_int_equal(peer->is_open, reason == MQTT_SUCCESS);
    return connack;
}

static void expect_goodbye(struct world_peer *peer, uint8_t reason)
{
    struct mqtt_frame frame;

    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_DISCONNECT);
    assert_int_equal(frame.body.data[0], reason);
    assert_false(peer->is_open);
}

static struct world_peer *authenticated(struct world *world)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    send_connect(peer, "echo");
    expect_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "ping");
    send_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "echo", "pong");
    struct mqtt_connack connack = expect_connack(peer, MQTT_SUCCESS);
    assert_true(span_equal(connack.authentication_method, span_of("echo")));
    return peer;
}

static void the_right_answer_comes_in(struct world *world)
{
    authenticated(world);
}

static void a_wrong_answer_does_not(struct world *world)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    send_connect(peer, "echo");
    expect_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "ping");
    send_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "echo", "peng");
    expect_connack(peer, MQTT_NOT_AUTHORIZED);
}

static void an_unknown_method_is_refused(struct world *world)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    send_connect(peer, "SCRAM-NONE");
    expect_connack(peer, MQTT_BAD_AUTHENTICATION_METHOD);
}

/* [MQTT-4.12.0-5] */
static void the_method_stays_the_same(struct world *world)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    send_connect(peer, "echo");
    expect_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "ping");
    send_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "other", "pong");
    expect_connack(peer, MQTT_PROTOCOL_ERROR);
}

static void it_can_be_done_again(struct world *world)
{
    struct world_peer *peer = authenticated(world);

    for (unsigned i = 0; i < 2; i++) {
        send_auth(peer, MQTT_REAUTHENTICATE, "echo", NULL);
        expect_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "ping");
        send_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "echo", "pong");
        expect_auth(peer, MQTT_SUCCESS, "");
    }
    assert_true(peer->is_open);
}

/* [MQTT-4.12.1-2] */
static void failing_again_ends_it(struct world *world)
{
    struct world_peer *peer = authenticated(world);

    send_auth(peer, MQTT_REAUTHENTICATE, "echo", NULL);
    expect_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "ping");
    send_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "echo", "peng");
    expect_goodbye(peer, MQTT_NOT_AUTHORIZED);
}

/* [MQTT-4.12.1-1] */
static void again_by_another_method_is_an_error(struct world *world)
{
    struct world_peer *peer = authenticated(world);

    send_auth(peer, MQTT_REAUTHENTICATE, "other", NULL);
    expect_goodbye(peer, MQTT_PROTOCOL_ERROR);
}

/* [MQTT-4.12.0-7] */
static void without_a_method_there_is_no_auth(struct world *world)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_connect(peer, &(struct world_connect){ .client_id = "x" }, NULL);
    send_auth(peer, MQTT_REAUTHENTICATE, "echo", NULL);
    expect_goodbye(peer, MQTT_PROTOCOL_ERROR);
}

static void an_answer_nobody_asked_for_is_an_error(struct world *world)
{
    struct world_peer *peer = authenticated(world);

    send_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "echo", "pong");
    expect_goodbye(peer, MQTT_PROTOCOL_ERROR);
}

static void an_exchange_may_be_given_up(struct world *world)
{
    static const uint8_t disconnect[] = { 0xe0, 0 };
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    send_connect(peer, "echo");
    expect_auth(peer, MQTT_CONTINUE_AUTHENTICATION, "ping");
    world_send(peer, (struct mqtt_span){ disconnect, sizeof(disconnect) });
    assert_false(peer->is_open);
    assert_int_equal(broker_statistics(world->brokers[0])->sessions, 0);
}

/* The deadline of CONNECT holds until it is answered. */
static void an_exchange_does_not_last_for_ever(struct world *world)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    send_connect(peer, "echo");
    world_sleep(world, limits_default().connect_timeout_ms);
    assert_false(peer->is_open);
}

static void in_a_world(void **state)
{
    static void (*const scenes[])(struct world * world) = {
        the_right_answer_comes_in,
        a_wrong_answer_does_not,
        an_unknown_method_is_refused,
        the_method_stays_the_same,
        it_can_be_done_again,
        failing_again_ends_it,
        again_by_another_method_is_an_error,
        without_a_method_there_is_no_auth,
        an_answer_nobody_asked_for_is_an_error,
        an_exchange_may_be_given_up,
        an_exchange_does_not_last_for_ever,
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(scenes); i++) {
        struct world world;
        world_init(&world, 1, NULL);
        scenes[i](&world);
        world_fini(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(in_a_world) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
