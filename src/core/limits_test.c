/* SPDX-License-Identifier: Apache-2.0 */
/* The table of limits, and for each row what happens at the bound. */
#include "core/limits.h"

#include "codec/ack.h"
#include "core/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct limits with(const char *name, uint64_t value)
{
    struct limits limits = limits_default();
    const struct limit_row *row = limits_find(name);

    assert_non_null(row);
    assert_int_equal(limits_set(&limits, row, value), 0);
    return limits;
}

static struct world_peer *joined(struct world *world, const char *id)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_connect(peer, &(struct world_connect){ .client_id = id }, NULL);
    return peer;
}

/* A session with a subscription and nobody connected to it. */
static void leave_session(struct world *world, const char *id, const char *filter)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_connect(
        peer, &(struct world_connect){ .client_id = id, .resume = true, .expiry_s = 3600 }, NULL);
    world_subscribe(peer, filter, MQTT_QOS_1);
    world_break(peer);
}

static struct world_peer *come_back(struct world *world, const char *id, bool *out_present)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    *out_present = world_connect(
        peer, &(struct world_connect){ .client_id = id, .resume = true, .expiry_s = 3600 }, NULL);
    return peer;
}

/* Sends a PUBLISH and returns the reason of its PUBACK. */
static uint8_t published(struct world_peer *peer, const char *topic, const char *payload,
                         uint16_t packet_id, bool retain)
{
    struct mqtt_frame frame;
    struct mqtt_ack ack;

    world_publish(peer, topic, payload, MQTT_QOS_1, packet_id, retain);
    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_PUBACK);
    assert_int_equal(mqtt_ack_decode(MQTT_VERSION_5, MQTT_PUBACK, frame.body, &ack), MQTT_OK);
    return ack.reason;
}

static unsigned count_publishes(struct world_peer *peer)
{
    struct mqtt_frame frame;
    unsigned count = 0;

    while (world_take(peer, &frame))
        count += frame.type == MQTT_PUBLISH;
    return count;
}

static void assert_disconnected(struct world_peer *peer, uint8_t reason)
{
    struct mqtt_frame frame;

    assert_false(peer->is_open);
    do {
        assert_true(world_take(peer, &frame));
    } while (frame.type != MQTT_DISCONNECT);
    assert_int_equal(frame.body.data[0], reason);
}

static void send_out(struct world_peer *peer, const struct mqtt_publish_out *publish)
{
    uint8_t packet[2048];
    uint8_t *end;

    assert_true(mqtt_publish_size(MQTT_VERSION_5, publish) <= sizeof(packet));
    end = mqtt_publish_write(packet, MQTT_VERSION_5, publish, NULL);
    world_send(peer, (struct mqtt_span){ packet, (size_t)(end - packet) });
    world_run(peer->world);
}

/* ---- one for each row; the world has the limit in question set to `bound` ---- */

static void packet_bytes(struct world *world)
{
    char payload[1100];
    struct world_peer *peer = joined(world, "a");

    memset(payload, 'x', sizeof(payload));
    payload[sizeof(payload) - 1] = '\0';
    world_publish(peer, "t", payload, MQTT_QOS_0, 0, false);
    assert_disconnected(peer, MQTT_PACKET_TOO_LARGE);
}

static void connect_packet_bytes(struct world *world)
{
    static const uint8_t header[] = { 0x10, 0x81, 0x02 }; /* 257 bytes to come */
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_send(peer, (struct mqtt_span){ header, sizeof(header) });
    assert_false(peer->is_open);
    assert_int_equal(peer->len, 0);
}

static void connect_timeout_ms(struct world *world)
{
    static const uint8_t first[] = { 0x10 };
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_send(peer, (struct mqtt_span){ first, 1 });
    world_sleep(world, 499);
    assert_true(peer->is_open);
    world_sleep(world, 1);
    assert_false(peer->is_open);
}

static void connections(struct world *world)
{
    static const uint8_t first[] = { 0x10 };
    struct world_peer *one = joined(world, "a");
    struct world_peer *two = joined(world, "b");
    struct world_peer *three = world_open(world, MQTT_VERSION_5);

    world_send(three, (struct mqtt_span){ first, 1 });
    assert_false(three->is_open);
    assert_true(one->is_open && two->is_open);
}

static void keep_alive_s(struct world *world)
{
    struct world_peer *peer = joined(world, "a"); /* asks for none */

    world_sleep(world, 14999);
    assert_true(peer->is_open);
    world_sleep(world, 1);
    assert_disconnected(peer, MQTT_KEEP_ALIVE_TIMEOUT);
}

static void session_expiry_s(struct world *world)
{
    bool present;

    leave_session(world, "a", "t");
    world_sleep(world, 4999);
    world_break(come_back(world, "a", &present));
    assert_true(present);
    world_sleep(world, 5000);
    come_back(world, "a", &present);
    assert_false(present);
}

static void sessions(struct world *world)
{
    uint8_t reason;
    struct world_peer *two = world_open(world, MQTT_VERSION_5);

    leave_session(world, "a", "t");
    world_connect(two, &(struct world_connect){ .client_id = "b" }, &reason);
    assert_int_equal(reason, MQTT_QUOTA_EXCEEDED);
    assert_false(two->is_open);
}

static void session_queue_messages(struct world *world)
{
    bool present;
    struct world_peer *writer = joined(world, "w");

    leave_session(world, "a", "t");
    for (uint16_t i = 1; i <= 3; i++)
        assert_int_equal(published(writer, "t", "x", i, false), MQTT_SUCCESS);
    assert_int_equal(published(writer, "t", "x", 4, false), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(world->events[EVENT_MESSAGE_DROPPED], 1);
    assert_int_equal(count_publishes(come_back(world, "a", &present)), 3);
}

static void session_queue_bytes(struct world *world)
{
    char payload[600];
    bool present;
    struct world_peer *writer = joined(world, "w");

    memset(payload, 'x', sizeof(payload));
    payload[sizeof(payload) - 1] = '\0';
    leave_session(world, "a", "t");
    assert_int_equal(published(writer, "t", payload, 1, false), MQTT_SUCCESS);
    assert_int_equal(published(writer, "t", payload, 2, false), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(count_publishes(come_back(world, "a", &present)), 1);
}

static void inflight_messages(struct world *world)
{
    struct mqtt_publish publish;
    struct world_peer *reader = joined(world, "r");
    struct world_peer *writer = joined(world, "w");

    world_subscribe(reader, "t", MQTT_QOS_1);
    for (uint16_t i = 1; i <= 3; i++)
        assert_int_equal(published(writer, "t", "x", i, false), MQTT_SUCCESS);
    assert_true(world_take_publish(reader, &publish));
    assert_true(world_take_publish(reader, &publish));
    assert_false(world_take_publish(reader, &publish));
    world_ack(reader, MQTT_PUBACK, 1);
    assert_true(world_take_publish(reader, &publish));
}

static void receive_maximum(struct world *world)
{
    struct world_peer *writer = joined(world, "w");

    for (uint16_t i = 1; i <= 3; i++)
        world_publish(writer, "t", "x", MQTT_QOS_2, i, false);
    assert_disconnected(writer, MQTT_RECEIVE_MAXIMUM_EXCEEDED);
}

static void outbox_bytes(struct world *world)
{
    char payload[1000];
    struct world_peer *reader = joined(world, "r");
    struct world_peer *writer = joined(world, "w");

    memset(payload, 'x', sizeof(payload));
    payload[sizeof(payload) - 1] = '\0';
    world_subscribe(reader, "t", MQTT_QOS_1);
    reader->takes_nothing = true;
    for (uint16_t i = 1; i <= 10; i++)
        assert_int_equal(published(writer, "t", payload, i, false), MQTT_SUCCESS);
    for (unsigned i = 0; i < 10; i++)
        world_publish(writer, "t", payload, MQTT_QOS_0, 0, false);
    assert_int_equal(broker_statistics(world->brokers[0])->publish_dropped, 10);
    assert_true(client_outbox(reader->client)->bytes < 4096 + 1100);
    reader->takes_nothing = false;
    world_run(world);
    assert_int_equal(count_publishes(reader), 10);
}

static void slow_reader_timeout_s(struct world *world)
{
    bool present;
    struct world_peer *slow = come_back(world, "s", &present);
    struct world_peer *slower = joined(world, "r");
    struct world_peer *writer = joined(world, "w");

    world_subscribe(slow, "t", MQTT_QOS_1);
    client_full(slow->client, true, world->now_ms);
    client_full(slower->client, true, world->now_ms);
    world_sleep(world, 4000);
    client_full(slow->client, true, world->now_ms); /* it has taken something */
    world_sleep(world, 1000);
    assert_disconnected(slower, MQTT_QUOTA_EXCEEDED);
    assert_int_equal(published(writer, "t", "x", 1, false), MQTT_SUCCESS);
    world_sleep(world, 3999);
    assert_true(slow->is_open);
    world_sleep(world, 1);
    assert_false(slow->is_open);
    assert_int_equal(broker_statistics(world->brokers[0])->slow_readers_closed, 2);
    assert_int_equal(count_publishes(come_back(world, "s", &present)), 1);
    assert_true(present);
    client_full(writer->client, true, world->now_ms);
    client_full(writer->client, false, world->now_ms);
    world_sleep(world, 10000);
    assert_true(writer->is_open);
}

static void subscriptions(struct world *world)
{
    struct world_peer *peer = joined(world, "a");

    assert_int_equal(world_subscribe(peer, "1", MQTT_QOS_0), 0);
    assert_int_equal(world_subscribe(peer, "2", MQTT_QOS_0), 0);
    assert_int_equal(world_subscribe(peer, "3", MQTT_QOS_0), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(world_subscribe(peer, "2", MQTT_QOS_1), 1); /* no new one */
}

static void topic_levels(struct world *world)
{
    struct world_peer *peer = joined(world, "a");

    assert_int_equal(world_subscribe(peer, "a/b/c", MQTT_QOS_0), 0);
    assert_int_equal(world_subscribe(peer, "a/b/c/d", MQTT_QOS_0), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(published(peer, "a/b/c/d", "x", 1, false), MQTT_TOPIC_NAME_INVALID);
    assert_true(peer->is_open);
}

static void topic_alias_maximum(struct world *world)
{
    struct world_peer *peer = joined(world, "a");

    send_out(peer, &(struct mqtt_publish_out){ .topic = span_of("t"), .topic_alias = 2 });
    assert_true(peer->is_open);
    send_out(peer, &(struct mqtt_publish_out){ .topic = span_of("t"), .topic_alias = 3 });
    assert_disconnected(peer, MQTT_TOPIC_ALIAS_INVALID);
}

static void topic_alias_out(struct world *world)
{
    struct mqtt_publish publish;
    struct world_peer *writer = joined(world, "w");
    struct world_peer *reader = world_open(world, MQTT_VERSION_5);

    world_connect(reader, &(struct world_connect){ .client_id = "r", .alias_maximum = 10 }, NULL);
    world_subscribe(reader, "#", MQTT_QOS_0);
    for (unsigned round = 0; round < 2; round++) {
        world_publish(writer, "one", "x", MQTT_QOS_0, 0, false);
        world_publish(writer, "two", "x", MQTT_QOS_0, 0, false);
        assert_true(world_take_publish(reader, &publish));
        assert_int_equal(publish.topic_alias, 1);
        assert_int_equal(publish.topic.len, round == 0 ? 3 : 0);
        assert_true(world_take_publish(reader, &publish));
        assert_false(publish.has_topic_alias);
        assert_true(span_equal(publish.topic, span_of("two")));
    }
}

static void retained_messages(struct world *world)
{
    struct world_peer *writer = joined(world, "w");

    assert_int_not_equal(published(writer, "1", "x", 1, true), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(published(writer, "2", "x", 2, true), MQTT_QUOTA_EXCEEDED);
    assert_int_not_equal(published(writer, "1", "", 3, true), MQTT_QUOTA_EXCEEDED);
    assert_int_not_equal(published(writer, "2", "x", 4, true), MQTT_QUOTA_EXCEEDED);
}

static void retained_bytes(struct world *world)
{
    struct world_peer *reader = joined(world, "r");
    struct world_peer *writer = joined(world, "w");

    world_subscribe(reader, "1", MQTT_QOS_0);
    assert_int_equal(published(writer, "1", "0123456789", 1, true), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(count_publishes(reader), 1); /* delivered all the same */
    assert_int_not_equal(published(writer, "1", "012345678", 2, true), MQTT_QUOTA_EXCEEDED);
}

static void will_delay_s(struct world *world)
{
    struct world_peer *reader = joined(world, "r");
    struct world_peer *mortal = world_open(world, MQTT_VERSION_5);

    world_subscribe(reader, "will", MQTT_QOS_0);
    world_connect(mortal,
                  &(struct world_connect){ .client_id = "m",
                                           .resume = true,
                                           .expiry_s = 3600,
                                           .will_topic = "will",
                                           .will_delay_s = 600 },
                  NULL);
    world_break(mortal);
    world_sleep(world, 1999);
    assert_int_equal(count_publishes(reader), 0);
    world_sleep(world, 1);
    assert_int_equal(count_publishes(reader), 1);
}

static void client_id_bytes(struct world *world)
{
    uint8_t reason;
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_connect(peer, &(struct world_connect){ .client_id = "0123456789012345678901234" },
                  &reason);
    assert_int_equal(reason, MQTT_CLIENT_IDENTIFIER_NOT_VALID);
    joined(world, "01234567890123456789012");
}

static void user_properties_bytes(struct world *world)
{
    static const uint8_t block[] = { 0x26, 0, 1, 'k', 0, 1, 'v' };
    struct world_peer *peer = joined(world, "a");
    struct mqtt_frame frame;

    send_out(peer, &(struct mqtt_publish_out){ .topic = span_of("t"),
                                               .qos = MQTT_QOS_1,
                                               .packet_id = 1,
                                               .forward = { block, sizeof(block) } });
    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_PUBACK);
    assert_int_equal(frame.body.data[2], MQTT_QUOTA_EXCEEDED);
}

static void route_cache_entries(struct world *world)
{
    struct world_peer *reader = joined(world, "r");
    struct world_peer *writer = joined(world, "w");

    world_subscribe(reader, "t/#", MQTT_QOS_0);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 40; i++) {
            char topic[16];
            struct mqtt_publish publish;
            snprintf(topic, sizeof(topic), "t/%u", i);
            world_publish(writer, topic, "x", MQTT_QOS_0, 0, false);
            assert_true(world_take_publish(reader, &publish));
            assert_true(span_equal(publish.topic, span_of(topic)));
        }
}

static struct world_peer *joined_as_device(struct world *world, const char *id, const char *place)
{
    struct world_peer *peer = world_open_at(world, MQTT_VERSION_5, "lamp", place);

    world_begin(peer, &(struct world_connect){ .client_id = id });
    return peer;
}

static void clone_probe_ms(struct world *world)
{
    joined_as_device(world, "lamp", "here");
    struct world_peer *second = joined_as_device(world, "lamp", "there");

    world_sleep(world, 99);
    assert_int_equal(second->len, 0);
    world_sleep(world, 1);
    assert_true(world_expect(second, MQTT_CONNACK));
}

static void held_connections(struct world *world)
{
    uint8_t reason;

    snprintf(world->held, sizeof(world->held), "lamp");
    joined_as_device(world, "lamp", "here");
    world_take_connack(joined_as_device(world, "lamp-2", "here"), &reason);
    assert_int_equal(reason, MQTT_QUOTA_EXCEEDED);
}

/* 64 KiB that the disk has not confirmed: the publisher is not heard until it has. */
static void store_backlog_bytes(struct world *world)
{
    static char payload[8001];
    struct world_peer *reader = world_open(world, MQTT_VERSION_5);
    struct world_peer *writer = joined(world, "writer");

    memset(payload, 'x', sizeof(payload) - 1);
    world_connect(reader, &(struct world_connect){ .client_id = "r", .expiry_s = 100 }, NULL);
    world_subscribe(reader, "t", MQTT_QOS_1);
    world_break(reader);
    world->disk_is_slow = true;
    for (uint16_t i = 1; i <= 12; i++)
        world_publish(writer, "t", payload, MQTT_QOS_1, i, false);
    assert_int_equal(broker_statistics(world->brokers[0])->queued_messages, 9);
    assert_int_equal(writer->len, writer->parsed);
    world_confirm(world, SIZE_MAX);
    world_run(world);
    assert_int_equal(broker_statistics(world->brokers[0])->queued_messages, 12);
    world_confirm(world, SIZE_MAX);
    world_run(world);
    for (unsigned i = 0; i < 12; i++)
        assert_true(world_expect(writer, MQTT_PUBACK));
}

static const struct {
    const char *name;
    uint64_t bound;
    void (*show)(struct world *world); /* NULL: tested where `where` says, FILE::TEST */
    const char *where;
} rows[] = {
    { "packet_bytes", 1024, packet_bytes, NULL },
    { "connect_packet_bytes", 256, connect_packet_bytes, NULL },
    { "connect_timeout_ms", 500, connect_timeout_ms, NULL },
    { "handshake_timeout_ms", 100, NULL,
      "src/net/guest_test.c::dripping_does_not_move_the_deadline" },
    { "handshakes_per_turn", 1, NULL,
      "src/net/net_test.c::a_storm_of_handshakes_is_taken_in_turns" },
    { "accepts_per_turn", 1, NULL, "src/net/guest_test.c::a_listener_accepts_so_many_in_a_turn" },
    { "unproved", 1, NULL, "src/net/guest_test.c::in_all_the_crowd_makes_room" },
    { "unproved_per_address", 1, NULL,
      "src/net/porch_test.c::one_address_has_so_many_and_no_more" },
    { "unproved_per_network", 1, NULL,
      "src/net/porch_test.c::one_network_has_so_many_and_no_more" },
    { "unproved_bytes", 65536, NULL, "src/net/guest_test.c::what_guests_hold_in_all_is_bounded" },
    { "known_addresses", 8, NULL,
      "src/net/porch_test.c::of_the_known_the_longest_unseen_is_forgotten" },
    { "clone_probe_ms", 100, clone_probe_ms, NULL },
    { "held_connections", 1, held_connections, NULL },
    { "canary_sessions", 1, NULL, "src/daemon/decoy_test.c::no_further_connection" },
    { "canary_bytes", 1048576, NULL, "src/daemon/decoy_test.c::no_further_bytes" },
    { "canary_records", 10, NULL, "src/pki/canary_uses_test.c::the_oldest_go" },
    { "connections", 2, connections, NULL },
    { "keep_alive_s", 10, keep_alive_s, NULL },
    { "tls_detach_idle_ms", 20, NULL,
      "src/net/detach_test.c::who_is_idle_leaves_and_who_is_not_stays" },
    { "session_expiry_s", 5, session_expiry_s, NULL },
    { "sense_devices", 1, NULL, "src/core/sensing_test.c::no_further_identity" },
    { "sense_roles", 1, NULL, "src/core/sensing_test.c::no_further_role" },
    { "sense_window_ms", 50, NULL, "src/core/sensing_test.c::a_window_is_as_long_as_said" },
    { "sense_save_s", 1, NULL,
      "tests/scenario/test_610_sense_live.py::test_what_was_learned_outlives_a_kill" },
    { "sense_quarantine_percent", 0, NULL,
      "src/core/sensing_respond_test.c::a_bounded_part_of_a_role" },
    { "source_block_s", 1, NULL, "src/daemon/bar_test.c::each_time_within_a_day_is_twice_as_long" },
    { "source_block_longest_s", 1, NULL,
      "src/daemon/bar_test.c::each_time_within_a_day_is_twice_as_long" },
    { "source_blocks", 8, NULL, "src/daemon/bar_test.c::of_too_many_the_one_that_ends_first_goes" },
    { "events_per_s", 1, NULL, "src/daemon/herald_test.c::beyond_the_rate_is_counted_and_said" },
    { "events_queue", 3, NULL, "src/daemon/herald_test.c::beyond_the_queue_is_counted_and_said" },
    { "hook_queue", 2, NULL,
      "tests/scenario/test_631_hook.py::test_a_flood_is_bounded_and_counted" },
    { "sessions", 1, sessions, NULL },
    { "session_queue_messages", 3, session_queue_messages, NULL },
    { "session_queue_bytes", 1024, session_queue_bytes, NULL },
    { "inflight_messages", 2, inflight_messages, NULL },
    { "receive_maximum", 2, receive_maximum, NULL },
    { "messages_per_s", 10, NULL, "src/core/allowance_test.c::messages_wait" },
    { "bytes_per_s", 300, NULL, "src/core/allowance_test.c::bytes_wait" },
    { "connects_per_minute", 3, NULL, "src/core/allowance_test.c::connects_are_refused" },
    { "subscribes_per_s", 2, NULL, "src/core/allowance_test.c::subscribes_are_refused" },
    { "accounts", 3, NULL, "src/core/allowance_test.c::so_many_are_remembered" },
    { "outbox_bytes", 4096, outbox_bytes, NULL },
    { "slow_reader_timeout_s", 5, slow_reader_timeout_s, NULL },
    { "subscriptions", 2, subscriptions, NULL },
    { "topic_levels", 3, topic_levels, NULL },
    { "topic_alias_maximum", 2, topic_alias_maximum, NULL },
    { "topic_alias_out", 1, topic_alias_out, NULL },
    { "retained_messages", 1, retained_messages, NULL },
    { "retained_bytes", 10, retained_bytes, NULL },
    { "identity_retained_bytes", 20, NULL,
      "src/core/allowance_test.c::retained_bytes_are_paid_by_who_wrote" },
    { "will_delay_s", 2, will_delay_s, NULL },
    { "client_id_bytes", 23, client_id_bytes, NULL },
    { "user_properties_bytes", 6, user_properties_bytes, NULL },
    { "route_cache_entries", 16, route_cache_entries, NULL },
    { "enrolment_connections", 2, NULL,
      "tests/scenario/test_320_enrolment.py::test_connections_are_bounded" },
    { "enrolment_timeout_ms", 1000, NULL,
      "tests/scenario/test_320_enrolment.py::test_who_dawdles_is_cut_off" },
    { "enrolment_failures", 3, NULL,
      "src/est/attempts_test.c::a_source_has_a_few_and_gets_them_back" },
    { "enrolment_failures_all", 3, NULL, "src/est/attempts_test.c::many_sources_together" },
    { "enrolment_sources", 16, NULL, "src/est/attempts_test.c::memory_is_bounded" },
    { "enrolment_attestations", 1, NULL, "src/est/waiting_test.c::the_oldest_is_forgotten" },
    { "enrolment_attestation_ms", 1000, NULL, "src/est/waiting_test.c::patience_ends" },
    { "memory_bytes", 67108864, NULL,
      "tests/scenario/test_381_memory.py::test_a_flood_stays_within_the_bound" },
    { "memory_pause_ms", 100, NULL, "src/core/pressure_test.c::who_publishes_has_to_rest" },
    { "store_bytes", 1048576, NULL,
      "tests/scenario/test_371_durability_faults.py::test_the_bound_of_the_store_is_reached" },
    { "store_segment_bytes", 65536, NULL, "src/store/store_test.c::another_size_of_segments" },
    { "store_backlog_bytes", 65536, store_backlog_bytes, NULL },
    { "store_batch_bytes", 4096, NULL,
      "src/daemon/scribe_test.c::what_comes_meanwhile_is_confirmed_together" },
    { "store_batch_frames", 1, NULL,
      "src/daemon/scribe_test.c::what_comes_meanwhile_is_confirmed_together" },
    { "store_wait_us", 1000, NULL, "src/daemon/scribe_test.c::waiting_gathers" },
    { "store_retry_ms", 10, NULL,
      "src/daemon/scribe_test.c::a_failed_sync_confirms_nothing_until_it_is_well_again" },
    { "sys_interval_s", 1, NULL, "tests/scenario/test_100_requests.py::test_sys_topics" },
    { "password_threads", 1, NULL, "src/daemon/logins_test.c::what_waits_is_bounded" },
    { "password_queue", 2, NULL, "src/daemon/logins_test.c::what_waits_is_bounded" },
    { "password_looks_per_s", 1, NULL, "src/daemon/lockout_test.c::many_places_share_one_budget" },
    { "password_places", 8, NULL, "src/daemon/lockout_test.c::full_tables_forget" },
    { "password_known", 8, NULL, "src/daemon/lockout_test.c::full_tables_forget" },
    { "ratchet_queue", 1, NULL, "src/daemon/ratchets_test.c::what_waits_is_bounded" },
    { "audit_file_bytes", 65536, NULL,
      "tests/scenario/test_400_audit_log.py::test_rotation_keeps_the_chain" },
    { "audit_files", 2, NULL,
      "src/audit/journal_test.c::rotation_keeps_the_chain_and_says_what_it_removed" },
    { "audit_per_s", 100, NULL, "src/daemon/recorder_queue_test.c::a_flood_is_counted" },
    { "audit_queue_bytes", 65536, NULL,
      "src/daemon/recorder_queue_test.c::what_has_no_room_is_counted" },
    { "audit_checkpoint_records", 10, NULL,
      "src/audit/journal_test.c::a_checkpoint_comes_when_it_is_due" },
    { "audit_checkpoint_s", 1, NULL,
      "tests/scenario/test_400_audit_log.py::test_what_is_quiet_is_signed_after_its_time" },
};

static void every_bound_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const struct limits limits = with(rows[i].name, rows[i].bound);
        struct world world;

        print_message("  %s\n", rows[i].name);
        if (rows[i].show == NULL)
            continue;
        world_init(&world, 1, &limits);
        rows[i].show(&world);
        world_fini(&world);
    }
}

/* A row that is added to limits.def has to be shown here. */
static void every_row_is_shown(void **state)
{
    (void)state;
    assert_int_equal(limits_count(), MQTT_ARRAY_LEN(rows));
    for (size_t i = 0; i < limits_count(); i++)
        assert_string_equal(limits_row(i)->name, rows[i].name);
}

static void values_outside_the_bounds_are_refused(void **state)
{
    struct limits limits = limits_default();

    (void)state;
    for (size_t i = 0; i < limits_count(); i++) {
        const struct limit_row *row = limits_row(i);

        assert_int_equal(limits_get(&limits, row), row->preset);
        assert_int_equal(limits_set(&limits, row, row->high + 1), -ERANGE);
        if (row->low > 0)
            assert_int_equal(limits_set(&limits, row, row->low - 1), -ERANGE);
        assert_int_equal(limits_get(&limits, row), row->preset);
        assert_int_equal(limits_set(&limits, row, row->low), 0);
        assert_int_equal(limits_get(&limits, row), row->low);
    }
    assert_null(limits_find("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_outside_the_bounds_are_refused),
        cmocka_unit_test(every_row_is_shown),
        cmocka_unit_test(every_bound_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
