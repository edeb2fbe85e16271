/* SPDX-License-Identifier: Apache-2.0 */
/* Promise D1: what was acknowledged is on disk, also when the disk is full, fails or is slow: what
 * is refused then, what waits, and what goes on; on one shard and on several. */
#include "core/journal.h"

#include "codec/connack.h"
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

/* The test's own shards: everything that follows is to hold on one and on several. */
static unsigned shards;

static uint8_t goodbye(struct world_peer *peer)
{
    struct mqtt_frame frame = { 0 };
    struct mqtt_disconnect disconnect;

    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_DISCONNECT);
    assert_int_equal(mqtt_disconnect_decode(peer->version, true, frame.body, &disconnect), MQTT_OK);
    assert_true(world_is_silent(peer));
    assert_false(peer->is_open);
    return disconnect.reason;
}

static void set_state(struct world *world, enum journal_state state)
{
    world->disk_state = state;
    world_confirm_run(world);
}

static struct world_peer *begin_to_come(struct world *world, const struct world_connect *how)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_begin(peer, how);
    return peer;
}

/* ---- the store is full ---- */

static void what_would_be_kept_is_refused_when_it_is_full(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    struct world_peer *peer = world_come(&world, "publisher", false, LASTS_S);
    struct world_peer *older =
        world_come_as(&world, MQTT_VERSION_3_1_1, &(struct world_connect){ .client_id = "older" });
    set_state(&world, JOURNAL_FULL);
    size_t before = world_disk_things(&world.disk, JOURNAL_DELIVERY);
    assert_int_equal(world_publish_acked(peer, "a", 1), MQTT_QUOTA_EXCEEDED);
    world_publish(peer, "a", "x", MQTT_QOS_2, 2, false);
    assert_int_equal(world_take_ack(peer, MQTT_PUBREC), MQTT_QUOTA_EXCEEDED);
    world_publish(peer, "b", "x", MQTT_QOS_1, 3, true);
    assert_int_equal(world_take_ack(peer, MQTT_PUBACK), MQTT_QUOTA_EXCEEDED);
    /* One that cannot be told goes, and keeps its message. */
    world_publish(older, "a", "x", MQTT_QOS_1, 1, false);
    assert_true(world_is_silent(older));
    assert_false(older->is_open);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), before);
    assert_int_equal(shared_figures(world.shared).retained_messages, 0);
    uint64_t refused = 0;
    for (unsigned i = 0; i < shards; i++)
        refused += broker_statistics(world.brokers[i])->store_refused;
    assert_int_equal(refused, 4);
    /* The identifiers may be used for other messages. */
    set_state(&world, JOURNAL_OPEN);
    world_publish(peer, "a", "x", MQTT_QOS_2, 2, false);
    assert_int_equal(world_take_ack(peer, MQTT_PUBREC), MQTT_SUCCESS);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), before + 8);
    world_fini(&world);
}

static void what_is_not_kept_goes_on_when_it_is_full(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    struct world_peer *kept = world_come(&world, "kept", false, LASTS_S);
    world_subscribe(kept, "zero", MQTT_QOS_0);
    set_state(&world, JOURNAL_FULL);
    struct world_peer *reader = world_come(&world, "reader", false, 0);
    assert_int_equal(world_subscribe(reader, "b", MQTT_QOS_2), MQTT_QOS_2);
    assert_int_equal(world_publish_acked(kept, "b", 1), MQTT_SUCCESS);
    assert_true(world_take_publish(reader, &message));
    world_publish(kept, "a", "x", MQTT_QOS_0, 0, false);
    world_publish(kept, "zero", "x", MQTT_QOS_0, 0, false);
    assert_true(world_take_publish(kept, &message));
    assert_int_equal(world_publish_acked(kept, "nobody", 2), MQTT_NO_MATCHING_SUBSCRIBERS);
    if (shards == 1) { /* one subscribed with QoS 0 keeps nothing */
        world_publish(kept, "zero", "x", MQTT_QOS_1, 3, false);
        assert_true(world_take_publish(kept, &message));
        assert_int_equal(world_take_ack(kept, MQTT_PUBACK), MQTT_SUCCESS);
    }
    world_fini(&world);
}

static void what_makes_room_goes_on_when_it_is_full(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    world_init(&world, shards, NULL);
    struct world_peer *peer = world_come(&world, "subscriber", false, LASTS_S);
    world_subscribe(peer, "a", MQTT_QOS_1);
    world_subscribe(peer, "b", MQTT_QOS_1);
    struct world_peer *publisher = world_come(&world, "publisher", false, 0);
    assert_int_equal(world_publish_acked(publisher, "a", 1), MQTT_SUCCESS);
    world_publish(publisher, "r", "x", MQTT_QOS_1, 2, true);
    assert_true(world_expect(publisher, MQTT_PUBACK));
    set_state(&world, JOURNAL_FULL);
    assert_true(world_take_publish(peer, &message));
    world_ack(peer, MQTT_PUBACK, message.packet_id);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), 0);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_BODY), 0);
    world_send_unsubscribe(peer, "b");
    assert_true(world_expect(peer, MQTT_UNSUBACK));
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SUBSCRIPTION), 1);
    world_publish(publisher, "r", "", MQTT_QOS_1, 3, true);
    assert_int_equal(world_take_ack(publisher, MQTT_PUBACK), MQTT_NO_MATCHING_SUBSCRIBERS);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_RETAINED), 0);
    world_break(peer);
    peer = begin_to_come(&world, &(struct world_connect){ .client_id = "subscriber" });
    world_take_connack(peer, NULL); /* a clean start makes room, too */
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SESSION), 0);
    world_fini(&world);
}

static void new_subscriptions_are_refused_when_it_is_full(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    struct world_peer *kept = world_come(&world, "kept", false, LASTS_S);
    struct world_peer *clean = world_come(&world, "clean", false, 0);
    set_state(&world, JOURNAL_FULL);
    assert_int_equal(world_subscribe(kept, "a", MQTT_QOS_1), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(world_subscribe(clean, "a", MQTT_QOS_1), MQTT_QOS_1);
    set_state(&world, JOURNAL_OPEN);
    assert_int_equal(world_subscribe(kept, "a", MQTT_QOS_1), MQTT_QOS_1);
    world_fini(&world);
}

static uint8_t try_to_come(struct world *world, enum mqtt_version version,
                           const struct world_connect *how)
{
    struct world_peer *peer = world_open(world, version);
    uint8_t reason = 0;

    world_connect(peer, how, &reason);
    assert_int_equal(peer->is_open, reason == MQTT_SUCCESS);
    world_break(peer);
    return reason;
}

static void new_sessions_are_refused_when_it_is_full(void **state)
{
    const struct world_connect new = { .client_id = "new", .expiry_s = LASTS_S };
    const struct world_connect nameless = { .client_id = "", .expiry_s = LASTS_S };
    const struct world_connect old = { .client_id = "old", .resume = true, .expiry_s = LASTS_S };
    const struct world_connect clean = { .client_id = "clean" };
    const struct world_connect lasting = { .client_id = "older", .resume = true };
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_break(world_come(&world, "old", false, LASTS_S));
    set_state(&world, JOURNAL_FULL);
    assert_int_equal(try_to_come(&world, MQTT_VERSION_5, &new), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(try_to_come(&world, MQTT_VERSION_5, &nameless), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(try_to_come(&world, MQTT_VERSION_3_1_1, &lasting),
                     mqtt_connack_return_code(MQTT_QUOTA_EXCEEDED));
    assert_int_equal(try_to_come(&world, MQTT_VERSION_5, &old), MQTT_SUCCESS);
    assert_int_equal(try_to_come(&world, MQTT_VERSION_5, &clean), MQTT_SUCCESS);
    set_state(&world, JOURNAL_OPEN);
    assert_int_equal(try_to_come(&world, MQTT_VERSION_5, &new), MQTT_SUCCESS);
    world_fini(&world);
}

/* ---- the disk fails ---- */

static void lasting_sessions_are_refused_when_it_fails(void **state)
{
    const struct world_connect old = { .client_id = "old", .resume = true, .expiry_s = LASTS_S };
    const struct world_connect clean = { .client_id = "clean" };
    const struct world_connect lasting = { .client_id = "older", .resume = true };
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_break(world_come(&world, "old", false, LASTS_S));
    set_state(&world, JOURNAL_FAILED);
    world.disk_is_slow = true; /* nothing is confirmed any more */
    assert_int_equal(try_to_come(&world, MQTT_VERSION_5, &old), MQTT_SERVER_UNAVAILABLE);
    assert_int_equal(try_to_come(&world, MQTT_VERSION_3_1_1, &lasting),
                     mqtt_connack_return_code(MQTT_SERVER_UNAVAILABLE));
    assert_int_equal(try_to_come(&world, MQTT_VERSION_5, &clean), MQTT_SUCCESS);
    world.disk_is_slow = false;
    set_state(&world, JOURNAL_OPEN);
    assert_int_equal(try_to_come(&world, MQTT_VERSION_5, &old), MQTT_SUCCESS);
    world_fini(&world);
}

static void publications_wait_while_it_fails(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    struct world_peer *reader = world_come(&world, "reader", false, 0);
    world_subscribe(reader, "b", MQTT_QOS_1);
    struct world_peer *peer = world_come(&world, "publisher", false, 0);
    struct world_peer *other = world_come(&world, "other", false, 0);
    set_state(&world, JOURNAL_FAILED);
    world.disk_is_slow = true;
    world_publish(peer, "a", "x", MQTT_QOS_1, 1, false);
    world_publish(peer, "a", "x", MQTT_QOS_2, 2, false);
    world_confirm(&world, 0); /* it says that it still fails */
    world_run(&world);
    assert_true(world_is_silent(peer));
    assert_int_equal(world_publish_acked(other, "b", 1), MQTT_SUCCESS); /* the others go on */
    assert_true(world_take_publish(reader, &message));
    world.disk_state = JOURNAL_OPEN;
    world_confirm_all(&world);
    assert_int_equal(world_take_ack(peer, MQTT_PUBACK), MQTT_SUCCESS);
    assert_int_equal(world_take_ack(peer, MQTT_PUBREC), MQTT_SUCCESS);
    world_fini(&world);
}

/* ---- the disk is slow ---- */

static void who_writes_faster_than_the_disk_is_not_read(void **state)
{
    const uint16_t count = 300;
    struct limits limits = limits_default();
    struct world world;
    char text[1001];

    (void)state;
    memset(text, 'x', 1000);
    text[1000] = '\0';
    limits.store_backlog_bytes = 65536;
    world_init(&world, shards, &limits);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    struct world_peer *peer =
        world_come_as(&world, MQTT_VERSION_5,
                      &(struct world_connect){ .client_id = "publisher", .keep_alive_s = 10 });
    struct world_peer *other =
        world_come_as(&world, MQTT_VERSION_5, &(struct world_connect){ .client_id = "other" });
    world.disk_is_slow = true;
    for (uint16_t id = 1; id <= count; id++)
        world_publish(peer, "a", text, MQTT_QOS_1, id, false);
    assert_true(client_is_waiting(peer->client));
    size_t backlog = 0;
    for (size_t i = world.confirmed; i < world.disk.count; i++)
        backlog += world.disk.frames[i].len;
    assert_true(backlog < shards * (limits.store_backlog_bytes + 4096));
    /* It says nothing as it is not heard: that is not its fault. [MQTT-3.1.2-22] */
    world_sleep(&world, 100000);
    assert_true(peer->is_open);
    assert_int_equal(world_publish_acked(other, "nobody", 1), MQTT_NO_MATCHING_SUBSCRIBERS);
    for (unsigned i = 0; i < 100; i++)
        world_confirm_all(&world);
    for (uint16_t id = 1; id <= count; id++)
        assert_int_equal(world_take_ack(peer, MQTT_PUBACK), MQTT_SUCCESS);
    assert_false(client_is_waiting(peer->client));
    world_sleep(&world, 10000);
    assert_true(peer->is_open); /* counted from when it was heard again */
    world_sleep(&world, 10000);
    assert_int_equal(goodbye(peer), MQTT_KEEP_ALIVE_TIMEOUT);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), 8 * count);
    world_fini(&world);
}

static void one_that_is_not_read_may_go(void **state)
{
    struct limits limits = limits_default();
    struct world world;
    char text[1001];

    (void)state;
    memset(text, 'x', 1000);
    text[1000] = '\0';
    limits.store_backlog_bytes = 65536;
    world_init(&world, shards, &limits);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    struct world_peer *peer = world_come(&world, "publisher", false, 0);
    world.disk_is_slow = true;
    for (uint16_t id = 1; id <= 100; id++)
        world_publish(peer, "a", text, MQTT_QOS_1, id, false);
    assert_true(client_is_waiting(peer->client));
    world_break(peer);
    for (unsigned i = 0; i < 10; i++)
        world_confirm_all(&world);
    assert_int_equal(world_publish_acked(world_come(&world, "another", false, 0), "nobody", 1),
                     MQTT_NO_MATCHING_SUBSCRIBERS);
    world_fini(&world);
}

static int run(unsigned count)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_would_be_kept_is_refused_when_it_is_full),
        cmocka_unit_test(what_is_not_kept_goes_on_when_it_is_full),
        cmocka_unit_test(what_makes_room_goes_on_when_it_is_full),
        cmocka_unit_test(new_subscriptions_are_refused_when_it_is_full),
        cmocka_unit_test(new_sessions_are_refused_when_it_is_full),
        cmocka_unit_test(lasting_sessions_are_refused_when_it_fails),
        cmocka_unit_test(publications_wait_while_it_fails),
        cmocka_unit_test(who_writes_faster_than_the_disk_is_not_read),
        cmocka_unit_test(one_that_is_not_read_may_go),
    };
    shards = count;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return run(1) + run(3);
}
