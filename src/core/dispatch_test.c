/* SPDX-License-Identifier: Apache-2.0 */
/* Every packet type in every state: what the table does not allow ends that
 * connection, and no other. */
#include "core/dispatch.h"

#include "codec/properties.h"
#include "core/client.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WIRE(bytes)                                 \
    {                                               \
        (const uint8_t *)(bytes), sizeof(bytes) - 1 \
    }

/* A valid MQTT 5 packet of each type; those that only a server sends as well. */
static const struct mqtt_span packets[MQTT_PACKET_TYPE_COUNT] = {
    [MQTT_CONNECT] = WIRE("\x10\x0e\0\4MQTT\5\2\0\0\0\0\1x"),
    [MQTT_CONNACK] = WIRE("\x20\3\0\0\0"),
    [MQTT_PUBLISH] = WIRE("\x30\5\0\1t\0x"),
    [MQTT_PUBACK] = WIRE("\x40\2\0\1"),
    [MQTT_PUBREC] = WIRE("\x50\2\0\1"),
    [MQTT_PUBREL] = WIRE("\x62\2\0\1"),
    [MQTT_PUBCOMP] = WIRE("\x70\2\0\1"),
    [MQTT_SUBSCRIBE] = WIRE("\x82\7\0\1\0\0\1t\0"),
    [MQTT_SUBACK] = WIRE("\x90\4\0\1\0\0"),
    [MQTT_UNSUBSCRIBE] = WIRE("\xa2\6\0\1\0\0\1t"),
    [MQTT_UNSUBACK] = WIRE("\xb0\4\0\1\0\0"),
    [MQTT_PINGREQ] = WIRE("\xc0\0"),
    [MQTT_PINGRESP] = WIRE("\xd0\0"),
    [MQTT_DISCONNECT] = WIRE("\xe0\0"),
    [MQTT_AUTH] = WIRE("\xf0\0"),
};

/* What MQTT 5.0 allows a client to send, by state. */
static const bool allowed[CLIENT_STATE_COUNT][MQTT_PACKET_TYPE_COUNT] = {
    [CLIENT_AWAITS_CONNECT] = { [MQTT_CONNECT] = true },
    [CLIENT_AWAITS_AUTH] = { [MQTT_AUTH] = true, [MQTT_DISCONNECT] = true },
    [CLIENT_ACTIVE] = { [MQTT_PUBLISH] = true,
                        [MQTT_PUBACK] = true,
                        [MQTT_PUBREC] = true,
                        [MQTT_PUBREL] = true,
                        [MQTT_PUBCOMP] = true,
                        [MQTT_SUBSCRIBE] = true,
                        [MQTT_UNSUBSCRIBE] = true,
                        [MQTT_PINGREQ] = true,
                        [MQTT_DISCONNECT] = true,
                        [MQTT_AUTH] = true },
    /* The same, but for what becomes of it: hold_test.c. */
    [CLIENT_HELD] = { [MQTT_PUBLISH] = true,
                      [MQTT_PUBACK] = true,
                      [MQTT_PUBREC] = true,
                      [MQTT_PUBREL] = true,
                      [MQTT_PUBCOMP] = true,
                      [MQTT_SUBSCRIBE] = true,
                      [MQTT_UNSUBSCRIBE] = true,
                      [MQTT_PINGREQ] = true,
                      [MQTT_DISCONNECT] = true,
                      [MQTT_AUTH] = true },
};

static void the_table_is_the_standards(void **state)
{
    (void)state;
    for (unsigned s = 0; s < CLIENT_STATE_COUNT; s++)
        for (unsigned t = 0; t < MQTT_PACKET_TYPE_COUNT; t++)
            assert_int_equal(dispatch_accepts(s, t), allowed[s][t]);
    assert_false(dispatch_accepts(CLIENT_STATE_COUNT, MQTT_CONNECT));
    assert_false(dispatch_accepts(CLIENT_ACTIVE, MQTT_PACKET_TYPE_COUNT));
}

/* A CONNECT with method "echo", which the world answers with a challenge. */
static void begin_authentication(struct world_peer *peer)
{
    static const uint8_t connect[] = "\x10\x15\0\4MQTT\5\2\0\0\7\x15\0\4echo\0\1x";

    world_send(peer, (struct mqtt_span){ connect, sizeof(connect) - 1 });
    world_run(peer->world);
    assert_true(world_expect(peer, MQTT_AUTH));
}

static struct world_peer *in_state(struct world *world, enum client_state state)
{
    struct world_peer *peer = state == CLIENT_HELD
                                  ? world_open_at(world, MQTT_VERSION_5, "x", "here")
                                  : world_open(world, MQTT_VERSION_5);

    if (state == CLIENT_HELD)
        snprintf(world->held, sizeof(world->held), "x");
    if (state >= CLIENT_ACTIVE)
        world_connect(peer, &(struct world_connect){ .client_id = "x" }, NULL);
    else if (state == CLIENT_AWAITS_AUTH)
        begin_authentication(peer);
    return peer;
}

/* The last packet before the close. */
static bool said_goodbye(struct world_peer *peer, uint8_t reason)
{
    struct mqtt_frame frame = { 0 };

    while (world_take(peer, &frame))
        ;
    return frame.type == MQTT_DISCONNECT && frame.body.len > 0 && frame.body.data[0] == reason;
}

/* In CLIENT_AWAITS_VERDICT nothing is looked at: see verdict_test.c. */
static void what_is_not_allowed_closes(void **state)
{
    (void)state;
    for (unsigned s = CLIENT_AWAITS_CONNECT; s < CLIENT_STATE_COUNT; s++)
        for (unsigned t = MQTT_CONNECT; t < MQTT_PACKET_TYPE_COUNT; t++) {
            struct world world;
            struct mqtt_publish publish;

            if (allowed[s][t] || s == CLIENT_AWAITS_VERDICT)
                continue;
            world_init(&world, 1, NULL);
            struct world_peer *other = world_open(&world, MQTT_VERSION_5);
            world_connect(other, &(struct world_connect){ .client_id = "other" }, NULL);
            world_subscribe(other, "alive", MQTT_QOS_0);
            struct world_peer *peer = in_state(&world, (enum client_state)s);

            world_send(peer, packets[t]);
            world_run(&world);
            assert_false(peer->is_open);
            if (s >= CLIENT_ACTIVE)
                assert_true(said_goodbye(peer, MQTT_PROTOCOL_ERROR));
            world_publish(other, "alive", "yes", MQTT_QOS_0, 0, false);
            assert_true(world_take_publish(other, &publish));
            world_fini(&world);
        }
}

static void keeps_open(enum client_state state)
{
    for (unsigned t = MQTT_CONNECT; t < MQTT_PACKET_TYPE_COUNT; t++) {
        struct world world;

        if (!allowed[state][t] || t == MQTT_DISCONNECT
            || (t == MQTT_AUTH && state == CLIENT_ACTIVE))
            continue;
        world_init(&world, 1, NULL);
        struct world_peer *peer = in_state(&world, state);
        world_send(peer, packets[t]);
        world_run(&world);
        assert_true(peer->is_open);
        world_fini(&world);
    }
}

static void what_is_allowed_does_not(void **state)
{
    (void)state;
    keeps_open(CLIENT_ACTIVE);
    keeps_open(CLIENT_HELD);
}

/* Bytes behind a DISCONNECT are not looked at. */
static void nothing_follows_a_disconnect(void **state)
{
    static const uint8_t both[] = "\xe0\0\x10\x0e\0\4MQTT\5\2\0\0\0\0\1x";
    struct world world;

    (void)state;
    world_init(&world, 1, NULL);
    struct world_peer *peer = in_state(&world, CLIENT_ACTIVE);
    world_send(peer, (struct mqtt_span){ both, sizeof(both) - 1 });
    assert_false(peer->is_open);
    assert_int_equal(world.events[EVENT_PROTOCOL_ERROR], 0);
    world_fini(&world);
}

static void states_have_names(void **state)
{
    (void)state;
    for (unsigned s = 0; s < CLIENT_STATE_COUNT; s++)
        assert_string_not_equal(dispatch_state_name(s), "unknown");
    assert_string_equal(dispatch_state_name(CLIENT_STATE_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_the_standards),
        cmocka_unit_test(what_is_not_allowed_closes),
        cmocka_unit_test(what_is_allowed_does_not),
        cmocka_unit_test(nothing_follows_a_disconnect),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
