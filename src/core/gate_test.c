/* SPDX-License-Identifier: Apache-2.0 */
/* Output that waits for the disk: what waits, in which order it goes, and that what waits when the
 * client goes never comes. */
#include "core/gate.h"

#include "base/testing.h"
#include "codec/ack.h"
#include "codec/disconnect.h"
#include "core/client.h"
#include "core/state.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LASTS_S 600u

static struct world_peer *come(struct world *world, const char *client_id, uint32_t expiry_s)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_connect(peer, &(struct world_connect){ .client_id = client_id, .expiry_s = expiry_s },
                  NULL);
    return peer;
}

/* A kept session that is subscribed and away: what is published to "a" is written. */
static void leave_subscriber(struct world *world, enum mqtt_qos qos)
{
    struct world_peer *peer = come(world, "subscriber", LASTS_S);

    assert_int_equal(world_subscribe(peer, "a", qos), qos);
    world_break(peer);
}

static struct world_peer *begin(struct world *world, const struct limits *limits)
{
    world_init(world, 1, limits);
    leave_subscriber(world, MQTT_QOS_1);
    struct world_peer *peer = come(world, "publisher", 0);
    world->disk_is_slow = true;
    return peer;
}

static void confirm(struct world *world, size_t frames)
{
    world_confirm(world, frames);
    world_run(world);
}

static bool is_silent(const struct world_peer *peer)
{
    return peer->parsed == peer->len;
}

/* The packet identifier of the PUBACK that comes next; 0: none does. */
static uint16_t acked(struct world_peer *peer)
{
    struct mqtt_frame frame;
    struct mqtt_ack ack;

    if (is_silent(peer))
        return 0;
    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_PUBACK);
    assert_int_equal(mqtt_ack_decode(peer->version, MQTT_PUBACK, frame.body, &ack), MQTT_OK);
    assert_int_equal(ack.reason, MQTT_SUCCESS);
    return ack.packet_id;
}

static void publish(struct world_peer *peer, uint16_t packet_id)
{
    world_publish(peer, "a", "message", MQTT_QOS_1, packet_id, false);
}

static void ping(struct world_peer *peer)
{
    static const uint8_t pingreq[] = { 0xc0, 0 };

    world_send(peer, (struct mqtt_span){ pingreq, sizeof(pingreq) });
    world_run(peer->world);
}

static uint8_t goodbye(struct world_peer *peer)
{
    struct mqtt_frame frame;
    struct mqtt_disconnect disconnect;

    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_DISCONNECT);
    assert_int_equal(mqtt_disconnect_decode(peer->version, true, frame.body, &disconnect), MQTT_OK);
    assert_true(is_silent(peer));
    assert_false(peer->is_open);
    return disconnect.reason;
}

/* ---- what waits, and for what ---- */

static void an_acknowledgement_waits_for_its_frame(void **state)
{
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    publish(peer, 1);
    assert_true(is_silent(peer));
    assert_non_null(peer->client->gate);
    confirm(&world, 1);
    assert_int_equal(acked(peer), 1);
    assert_null(peer->client->gate); /* only while something waits */
    world_fini(&world);
}

static void what_comes_behind_waits_too(void **state)
{
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    ping(peer);
    assert_true(world_expect(peer, MQTT_PINGRESP)); /* nothing waits yet */
    publish(peer, 1);
    ping(peer);
    assert_true(is_silent(peer));
    confirm(&world, 1);
    assert_int_equal(acked(peer), 1);
    assert_true(world_expect(peer, MQTT_PINGRESP));
    ping(peer);
    assert_true(world_expect(peer, MQTT_PINGRESP));
    world_fini(&world);
}

static void others_do_not_wait(void **state)
{
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    struct world_peer *other = come(&world, "other", 0);
    publish(peer, 1);
    ping(other);
    assert_true(world_expect(other, MQTT_PINGRESP));
    /* Nothing is written for a topic that nobody has. */
    world_publish(other, "nobody/has/it", "x", MQTT_QOS_1, 7, false);
    assert_true(world_expect(other, MQTT_PUBACK));
    assert_true(is_silent(peer));
    world_fini(&world);
}

static void each_goes_when_its_frame_has_come(void **state)
{
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    for (uint16_t id = 1; id <= 5; id++)
        publish(peer, id);
    for (uint16_t id = 1; id <= 5; id++) {
        assert_true(is_silent(peer));
        confirm(&world, 1);
        assert_int_equal(acked(peer), id);
    }
    assert_true(is_silent(peer));
    assert_null(peer->client->gate);
    world_fini(&world);
}

static void several_frames_at_once_let_all_go(void **state)
{
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    for (uint16_t id = 1; id <= 5; id++)
        publish(peer, id);
    confirm(&world, 3);
    for (uint16_t id = 1; id <= 3; id++)
        assert_int_equal(acked(peer), id);
    assert_true(is_silent(peer));
    confirm(&world, 2);
    for (uint16_t id = 4; id <= 5; id++)
        assert_int_equal(acked(peer), id);
    world_fini(&world);
}

/* ---- more frames than there are marks ---- */

static void beyond_the_marks_the_last_waits_for_more(void **state)
{
    const uint16_t count = 3 * GATE_MARKS;
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    for (uint16_t id = 1; id <= count; id++)
        publish(peer, id);
    assert_int_equal(peer->client->gate->count, GATE_MARKS);
    for (uint16_t id = 1; id < GATE_MARKS; id++) {
        confirm(&world, 1);
        assert_int_equal(acked(peer), id);
    }
    confirm(&world, count - GATE_MARKS);
    assert_true(is_silent(peer)); /* one frame is missing */
    confirm(&world, 1);
    for (uint16_t id = GATE_MARKS; id <= count; id++)
        assert_int_equal(acked(peer), id);
    assert_true(is_silent(peer));
    world_fini(&world);
}

/* Frames come and are confirmed in any rhythm: nothing goes before its frame has come, nothing is
 * left behind, and the order is kept. */
static void no_rhythm_lets_anything_go_too_early(void **state)
{
    struct test_random random = { .state = 21 };

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        struct world world;
        struct world_peer *peer = begin(&world, NULL);
        size_t before = world.confirmed;
        uint16_t sent = 0;
        uint16_t got = 0;
        uint16_t id;

        for (unsigned i = 0; i < 200; i++) {
            if (test_random_below(&random, 3) > 0)
                publish(peer, ++sent);
            else
                confirm(&world, test_random_below(&random, 6));
            assert_int_equal(world.disk.count - before, sent); /* a frame each */
            while ((id = acked(peer)) != 0)
                assert_int_equal(id, ++got);
            assert_true(got <= world.confirmed - before);
        }
        confirm(&world, SIZE_MAX);
        while ((id = acked(peer)) != 0)
            assert_int_equal(id, ++got);
        assert_int_equal(got, sent);
        assert_null(peer->client->gate);
        world_fini(&world);
    }
}

/* ---- who goes while something waits ---- */

static void what_waits_for_a_client_that_goes_never_comes(void **state)
{
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    ping(peer);
    publish(peer, 1);
    ping(peer);
    client_disconnect(peer->client, MQTT_SERVER_SHUTTING_DOWN, "going", world.now_ms);
    assert_true(world_expect(peer, MQTT_PINGRESP)); /* it was on its way */
    assert_int_equal(goodbye(peer), MQTT_SERVER_SHUTTING_DOWN);
    assert_true(list_is_empty(&world.brokers[0]->journal.gated));
    confirm(&world, SIZE_MAX);
    assert_true(is_silent(peer));
    world_fini(&world);
}

static void what_it_has_not_read_yet_still_comes(void **state)
{
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    peer->takes_nothing = true;
    ping(peer);
    publish(peer, 1);
    publish(peer, 2);
    confirm(&world, 1);
    client_disconnect(peer->client, MQTT_SERVER_SHUTTING_DOWN, "going", world.now_ms);
    assert_true(world_expect(peer, MQTT_PINGRESP));
    assert_int_equal(acked(peer), 1);
    assert_int_equal(goodbye(peer), MQTT_SERVER_SHUTTING_DOWN);
    world_fini(&world);
}

static void a_protocol_error_drops_what_waits(void **state)
{
    static const uint8_t nonsense[] = { 0x00, 0 };
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    publish(peer, 1);
    world_send(peer, (struct mqtt_span){ nonsense, sizeof(nonsense) });
    assert_true(goodbye(peer) >= MQTT_UNSPECIFIED_ERROR);
    confirm(&world, SIZE_MAX);
    world_fini(&world);
}

static void a_lost_client_leaves_no_gate(void **state)
{
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    publish(peer, 1);
    world_break(peer);
    assert_true(list_is_empty(&world.brokers[0]->journal.gated));
    confirm(&world, SIZE_MAX);
    world_fini(&world);
}

/* ---- CONNACK ---- */

static struct world_peer *begin_to_come(struct world *world, const char *client_id)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_begin(peer, &(struct world_connect){ .client_id = client_id, .expiry_s = LASTS_S });
    return peer;
}

static void a_connack_waits_for_its_session(void **state)
{
    struct world world;

    (void)state;
    begin(&world, NULL);
    struct world_peer *peer = begin_to_come(&world, "new");
    ping(peer);
    assert_true(is_silent(peer));
    confirm(&world, SIZE_MAX);
    assert_false(world_take_connack(peer, NULL));
    assert_true(world_expect(peer, MQTT_PINGRESP));
    world_fini(&world);
}

/* [MQTT-3.14.0-1] Nothing is said to it before its CONNACK, not even good-bye. */
static void who_waits_for_its_connack_goes_without_a_word(void **state)
{
    struct world world;

    (void)state;
    begin(&world, NULL);
    struct world_peer *peer = begin_to_come(&world, "new");
    client_disconnect(peer->client, MQTT_SERVER_SHUTTING_DOWN, "going", world.now_ms);
    assert_true(is_silent(peer));
    assert_false(peer->is_open);
    confirm(&world, SIZE_MAX);
    assert_true(is_silent(peer));
    world_fini(&world);
}

static void the_word_comes_once_the_connack_has_gone(void **state)
{
    struct world world;

    (void)state;
    begin(&world, NULL);
    struct world_peer *peer = begin_to_come(&world, "new");
    confirm(&world, SIZE_MAX);
    publish(peer, 1);
    client_disconnect(peer->client, MQTT_SERVER_SHUTTING_DOWN, "going", world.now_ms);
    assert_false(world_take_connack(peer, NULL));
    assert_int_equal(goodbye(peer), MQTT_SERVER_SHUTTING_DOWN);
    world_fini(&world);
}

/* The CONNACK has its frame, and what was held behind it has not. */
static void the_word_comes_when_only_what_is_behind_waits(void **state)
{
    struct world world;

    (void)state;
    begin(&world, NULL);
    struct world_peer *peer = begin_to_come(&world, "new");
    publish(peer, 1);
    confirm(&world, 1);
    client_disconnect(peer->client, MQTT_SERVER_SHUTTING_DOWN, "going", world.now_ms);
    assert_false(world_take_connack(peer, NULL));
    assert_int_equal(goodbye(peer), MQTT_SERVER_SHUTTING_DOWN);
    world_fini(&world);
}

static void one_that_is_taken_over_meanwhile_hears_nothing(void **state)
{
    struct world world;

    (void)state;
    begin(&world, NULL);
    struct world_peer *first = begin_to_come(&world, "new");
    struct world_peer *second = begin_to_come(&world, "new");
    assert_false(first->is_open);
    assert_true(is_silent(first));
    assert_true(is_silent(second));
    confirm(&world, SIZE_MAX);
    assert_true(is_silent(first));
    world_take_connack(second, NULL);
    world_fini(&world);
}

/* ---- expelled ---- */

static void bar(struct world *world, const char *device)
{
    world->barred = device;
    world_set_policy(world, policy_ref(world->policy));
    world_settle_policy(world, 256);
}

static void an_expelled_client_hears_only_that(void **state)
{
    struct world world;

    (void)state;
    begin(&world, NULL);
    struct world_peer *peer = world_open_device(&world, MQTT_VERSION_5, "lamp", "all");
    world_connect(peer, &(struct world_connect){ .client_id = "lamp" }, NULL);
    publish(peer, 1);
    bar(&world, "lamp");
    assert_int_equal(goodbye(peer), MQTT_ADMINISTRATIVE_ACTION);
    confirm(&world, SIZE_MAX);
    assert_true(is_silent(peer));
    world_fini(&world);
}

static void an_expelled_client_without_its_connack_hears_nothing(void **state)
{
    struct world world;

    (void)state;
    begin(&world, NULL);
    struct world_peer *peer = world_open_device(&world, MQTT_VERSION_5, "lamp", "all");
    world_begin(peer, &(struct world_connect){ .client_id = "lamp", .expiry_s = LASTS_S });
    bar(&world, "lamp");
    assert_false(peer->is_open);
    assert_true(is_silent(peer));
    confirm(&world, SIZE_MAX);
    assert_true(is_silent(peer));
    world_fini(&world);
}

/* It is found out while its own packet is looked at; what that would be answered is not for somebody
 * who never had its CONNACK. */
static void expelled_by_its_own_packet_it_hears_nothing(void **state)
{
    (void)state;
    for (int subscribes = 0; subscribes < 2; subscribes++) {
        struct world world;
        begin(&world, NULL);
        struct world_peer *peer = world_open_device(&world, MQTT_VERSION_5, "lamp", "all");
        world_begin(peer, &(struct world_connect){ .client_id = "lamp", .expiry_s = LASTS_S });
        world.barred = "lamp";
        world_set_policy(&world, policy_ref(world.policy));
        if (subscribes != 0)
            world_send_subscribe(peer, "a", MQTT_QOS_1);
        else
            publish(peer, 1);
        assert_false(peer->is_open);
        confirm(&world, SIZE_MAX);
        assert_true(is_silent(peer));
        world_fini(&world);
    }
}

/* ---- readers ---- */

/* QoS 2 to a kept session waits in the outbox; so much of it that the outbox is full, and the rest
 * stays in the queue. */
static void held_bytes_count_against_the_outbox(void **state)
{
    const unsigned count = 400;
    struct limits limits = limits_default();
    struct mqtt_publish publish_in;
    struct world world;
    char text[32];

    (void)state;
    limits.outbox_bytes = 4096;
    world_init(&world, 1, &limits);
    struct world_peer *reader = come(&world, "reader", LASTS_S);
    assert_int_equal(world_subscribe(reader, "a", MQTT_QOS_2), MQTT_QOS_2);
    struct world_peer *writer = come(&world, "writer", 0);
    world.disk_is_slow = true;
    for (unsigned i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "%016u", i);
        world_publish(writer, "a", text, MQTT_QOS_2, (uint16_t)(i + 1), false);
    }
    assert_true(is_silent(reader));
    assert_true(reader->client->stalled);
    assert_true(client_outbox(reader->client)->bytes < 2 * limits.outbox_bytes);
    world.disk_is_slow = false;
    world_run(&world);
    for (unsigned i = 0; i < count; i++) {
        assert_true(world_take_publish(reader, &publish_in));
        snprintf(text, sizeof(text), "%016u", i);
        assert_true(span_equal(publish_in.payload, span_of(text)));
        assert_false(publish_in.duplicate);
        assert_int_equal(publish_in.packet_id, i + 1);
    }
    assert_false(reader->client->stalled);
    world_fini(&world);
}

/* One that does not read is let nothing go by mistake, and gets all in order when it reads. */
static void a_reader_that_sleeps_gets_all_in_order(void **state)
{
    struct world world;

    (void)state;
    struct world_peer *peer = begin(&world, NULL);
    peer->takes_nothing = true;
    for (uint16_t id = 1; id <= 20; id++) {
        publish(peer, id);
        if (id % 3 == 0)
            confirm(&world, 2);
    }
    size_t ready = outbox_ready(client_outbox(peer->client));
    assert_true(ready > 0 && ready < client_outbox(peer->client)->bytes);
    peer->takes_nothing = false;
    world_run(&world);
    for (uint16_t id = 1; id <= 12; id++)
        assert_int_equal(acked(peer), id);
    assert_true(is_silent(peer));
    confirm(&world, SIZE_MAX);
    for (uint16_t id = 13; id <= 20; id++)
        assert_int_equal(acked(peer), id);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acknowledgement_waits_for_its_frame),
        cmocka_unit_test(what_comes_behind_waits_too),
        cmocka_unit_test(others_do_not_wait),
        cmocka_unit_test(each_goes_when_its_frame_has_come),
        cmocka_unit_test(several_frames_at_once_let_all_go),
        cmocka_unit_test(beyond_the_marks_the_last_waits_for_more),
        cmocka_unit_test(no_rhythm_lets_anything_go_too_early),
        cmocka_unit_test(what_waits_for_a_client_that_goes_never_comes),
        cmocka_unit_test(what_it_has_not_read_yet_still_comes),
        cmocka_unit_test(a_protocol_error_drops_what_waits),
        cmocka_unit_test(a_lost_client_leaves_no_gate),
        cmocka_unit_test(a_connack_waits_for_its_session),
        cmocka_unit_test(who_waits_for_its_connack_goes_without_a_word),
        cmocka_unit_test(the_word_comes_once_the_connack_has_gone),
        cmocka_unit_test(the_word_comes_when_only_what_is_behind_waits),
        cmocka_unit_test(one_that_is_taken_over_meanwhile_hears_nothing),
        cmocka_unit_test(an_expelled_client_hears_only_that),
        cmocka_unit_test(an_expelled_client_without_its_connack_hears_nothing),
        cmocka_unit_test(expelled_by_its_own_packet_it_hears_nothing),
        cmocka_unit_test(held_bytes_count_against_the_outbox),
        cmocka_unit_test(a_reader_that_sleeps_gets_all_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
