/* SPDX-License-Identifier: Apache-2.0 */
/* Promise D1: what was acknowledged is on disk. Who waits for the disk and who never touches it; on
 * one shard and on several. A disk that is full, fails or is slow is disk_test.c. */
#include "core/journal.h"

#include "codec/connack.h"
#include "codec/properties.h"
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

/* Nothing came until the disk had confirmed, and then this. */
static void assert_waits(struct world_peer *peer, enum mqtt_packet_type type)
{
    assert_true(world_is_silent(peer));
    world_confirm_all(peer->world);
    assert_true(world_expect(peer, type));
}

/* ---- what waits ---- */

static void puback_waits_for_the_message(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    struct world_peer *peer = world_come(&world, "publisher", false, 0);
    world.disk_is_slow = true;
    world_publish(peer, "a", "x", MQTT_QOS_1, 1, false);
    assert_waits(peer, MQTT_PUBACK);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), 8);
    world_fini(&world);
}

static void pubrec_waits_for_the_message_and_its_identifier(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    struct world_peer *peer = world_come(&world, "publisher", false, LASTS_S);
    world.disk_is_slow = true;
    world_publish(peer, "a", "x", MQTT_QOS_2, 1, false);
    assert_waits(peer, MQTT_PUBREC);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_RECEIVED), 1);
    /* Nobody has this one, but its identifier is kept. */
    world_publish(peer, "nobody", "x", MQTT_QOS_2, 2, false);
    assert_waits(peer, MQTT_PUBREC);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_RECEIVED), 2);
    world_fini(&world);
}

/* The second PUBLISH with the identifier promises no more than the first. */
static void pubrec_of_a_repeated_publish_waits_too(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    for (unsigned is_kept = 0; is_kept < 2; is_kept++) {
        world.disk_is_slow = false;
        struct world_peer *peer = world_come(&world, "publisher", false, is_kept * LASTS_S);
        world.disk_is_slow = true;
        world_publish(peer, "a", "x", MQTT_QOS_2, 1, false);
        world_publish(peer, "a", "x", MQTT_QOS_2, 1, false);
        assert_waits(peer, MQTT_PUBREC);
        assert_true(world_expect(peer, MQTT_PUBREC));
        world_break(peer);
    }
    world_fini(&world);
}

static void pubcomp_waits_until_the_identifier_is_free(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    struct world_peer *peer = world_come(&world, "publisher", false, LASTS_S);
    world_publish(peer, "a", "x", MQTT_QOS_2, 1, false);
    assert_int_equal(world_take_ack(peer, MQTT_PUBREC), MQTT_NO_MATCHING_SUBSCRIBERS);
    world.disk_is_slow = true;
    world_ack(peer, MQTT_PUBREL, 1);
    assert_waits(peer, MQTT_PUBCOMP);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_RECEIVED), 0);
    world_fini(&world);
}

static void suback_and_unsuback_wait(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    struct world_peer *peer = world_come(&world, "subscriber", false, LASTS_S);
    world.disk_is_slow = true;
    world_send_subscribe(peer, "a", MQTT_QOS_1);
    assert_waits(peer, MQTT_SUBACK);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SUBSCRIPTION), 1);
    world_send_subscribe(peer, "a", MQTT_QOS_2); /* other terms */
    assert_waits(peer, MQTT_SUBACK);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SUBSCRIPTION), 1);
    world_send_unsubscribe(peer, "a");
    assert_waits(peer, MQTT_UNSUBACK);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SUBSCRIPTION), 0);
    world_fini(&world);
}

static void what_changes_nothing_does_not_wait(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    struct world_peer *peer = world_come(&world, "subscriber", false, LASTS_S);
    world.disk_is_slow = true;
    size_t before = world.disk.count;
    world_send_unsubscribe(peer, "never/had/it");
    assert_true(world_expect(peer, MQTT_UNSUBACK));
    world_send_subscribe(peer, "a/#/b", MQTT_QOS_1);
    assert_true(world_expect(peer, MQTT_SUBACK));
    assert_int_equal(world_publish_acked(peer, "nobody/has/it", 1), MQTT_NO_MATCHING_SUBSCRIBERS);
    assert_int_equal(world.disk.count, before);
    world_fini(&world);
}

static void retained_messages_wait(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    struct world_peer *peer = world_come(&world, "publisher", false, 0);
    world.disk_is_slow = true;
    world_publish(peer, "a", "x", MQTT_QOS_1, 1, true);
    assert_waits(peer, MQTT_PUBACK);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_RETAINED), 1);
    world_publish(peer, "a", "y", MQTT_QOS_2, 2, true);
    assert_waits(peer, MQTT_PUBREC);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_RETAINED), 1);
    world_publish(peer, "a", "", MQTT_QOS_1, 3, true);
    assert_waits(peer, MQTT_PUBACK);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_RETAINED), 0);
    size_t before = world.disk.count;
    world_publish(peer, "a", "", MQTT_QOS_1, 4, true); /* there is none any more */
    assert_true(world_expect(peer, MQTT_PUBACK));
    assert_int_equal(world.disk.count, before);
    world_fini(&world);
}

static struct world_peer *begin_to_come(struct world *world, const struct world_connect *how)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_begin(peer, how);
    return peer;
}

static void connack_waits_for_a_new_session(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world.disk_is_slow = true;
    struct world_peer *peer =
        begin_to_come(&world, &(struct world_connect){ .client_id = "new", .expiry_s = LASTS_S });
    assert_true(world_is_silent(peer));
    world_confirm_all(&world);
    assert_false(world_take_connack(peer, NULL));
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SESSION), 1);
    world_fini(&world);
}

/* "No session" is said only when the old one is gone from the disk as well. */
static void connack_waits_until_the_old_session_is_gone(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_break(world_come(&world, "old", false, LASTS_S));
    world.disk_is_slow = true;
    struct world_peer *peer = begin_to_come(&world, &(struct world_connect){ .client_id = "old" });
    assert_true(world_is_silent(peer));
    world_confirm_all(&world);
    assert_false(world_take_connack(peer, NULL));
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SESSION), 0);
    world_fini(&world);
}

/* For its new will, and because its expiry does not run any more. */
static void connack_waits_for_who_comes_back(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_break(world_come(&world, "old", false, LASTS_S));
    world.disk_is_slow = true;
    struct world_peer *peer = begin_to_come(
        &world,
        &(struct world_connect){
            .client_id = "old", .resume = true, .expiry_s = LASTS_S, .will_topic = "will" });
    assert_true(world_is_silent(peer));
    world_confirm_all(&world);
    assert_true(world_take_connack(peer, NULL));
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_WILL), 1);
    world_fini(&world);
}

static void a_clean_newcomer_does_not_wait(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world.disk_is_slow = true;
    world_come(&world, "clean", false, 0);
    assert_int_equal(world.disk.count, 0);
    world_fini(&world);
}

/* QoS 1 may come twice after a crash; QoS 2 may not, so its packets wait until it is written what
 * is under way. */
static void qos_2_to_a_kept_session_waits(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    world_init(&world, shards, NULL);
    struct world_peer *peer = world_come(&world, "subscriber", false, LASTS_S);
    world_subscribe(peer, "one", MQTT_QOS_1);
    world_subscribe(peer, "two", MQTT_QOS_2);
    struct world_peer *publisher = world_come(&world, "publisher", false, 0);
    world.disk_is_slow = true;
    world_publish(publisher, "one", "x", MQTT_QOS_2, 1, false);
    assert_true(world_take_publish(peer, &message));
    world_confirm_all(&world);
    world_publish(publisher, "two", "x", MQTT_QOS_2, 2, false);
    assert_true(world_is_silent(peer));
    world_confirm_all(&world);
    assert_true(world_take_publish(peer, &message));
    world_ack(peer, MQTT_PUBREC, message.packet_id);
    assert_waits(peer, MQTT_PUBREL);
    world_fini(&world);
}

static void qos_2_to_a_clean_session_does_not_wait(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    world_init(&world, shards, NULL);
    world.disk_is_slow = true;
    struct world_peer *peer = world_come(&world, "subscriber", false, 0);
    world_subscribe(peer, "two", MQTT_QOS_2);
    struct world_peer *publisher = world_come(&world, "publisher", false, 0);
    world_publish(publisher, "two", "x", MQTT_QOS_2, 2, false);
    assert_true(world_expect(publisher, MQTT_PUBREC));
    assert_true(world_take_publish(peer, &message));
    world_ack(peer, MQTT_PUBREC, message.packet_id);
    assert_true(world_expect(peer, MQTT_PUBREL));
    world_fini(&world);
}

/* ---- what never touches the disk ---- */

static void clean_sessions_write_nothing(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    world_init(&world, shards, NULL);
    world.disk_is_slow = true;
    struct world_peer *peer = world_come(&world, "subscriber", false, 0);
    struct world_peer *publisher = world_come_as(
        &world, MQTT_VERSION_5,
        &(struct world_connect){ .client_id = "publisher", .will_topic = "a", .will_delay_s = 9 });
    world_subscribe(peer, "a", MQTT_QOS_2);
    for (uint16_t id = 1; id <= 20; id++) {
        world_publish(publisher, "a", "x", (enum mqtt_qos)(id % 3), id, false);
        if (id % 3 > 0)
            assert_true(world_expect(publisher, id % 3 == 1 ? MQTT_PUBACK : MQTT_PUBREC));
        assert_true(world_take_publish(peer, &message));
        if (message.qos == MQTT_QOS_1 && id % 2 == 0)
            world_ack(peer, MQTT_PUBACK, message.packet_id);
    }
    world_send_unsubscribe(peer, "a");
    world_break(publisher);
    world_break(peer);
    assert_int_equal(world.disk.count, 0);
    world_fini(&world);
}

static void qos_0_writes_nothing(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    struct world_peer *peer = world_come(&world, "subscriber", false, LASTS_S);
    world_subscribe(peer, "a", MQTT_QOS_2);
    struct world_peer *publisher = world_come(&world, "publisher", false, LASTS_S);
    size_t before = world.disk.count;
    for (unsigned i = 0; i < 20; i++)
        world_publish(publisher, "a", "x", MQTT_QOS_0, 0, false);
    assert_int_equal(world.disk.count, before);
    world_fini(&world);
}

static void pings_and_time_write_nothing(void **state)
{
    static const uint8_t pingreq[] = { 0xc0, 0 };
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    struct world_peer *peer = world_come(&world, "kept", false, LASTS_S);
    size_t before = world.disk.count;
    for (unsigned i = 0; i < 10; i++) {
        world_send(peer, (struct mqtt_span){ pingreq, sizeof(pingreq) });
        world_sleep(&world, 30000);
    }
    assert_int_equal(world.disk.count, before);
    world_fini(&world);
}

/* ---- levels ---- */

/* What the CONNACK says of the level; empty: nothing. */
static void take_level(struct world_peer *peer, char out[static 16])
{
    struct mqtt_frame frame;
    struct mqtt_connack connack;
    struct mqtt_property property;

    out[0] = '\0';
    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_CONNACK);
    assert_int_equal(mqtt_connack_decode(peer->version, frame.body, &connack), MQTT_OK);
    assert_int_equal(connack.reason, MQTT_SUCCESS);
    struct mqtt_reader r = mqtt_reader_over(connack.properties);
    while (mqtt_properties_next(&r, &property))
        if (property.id == MQTT_PROP_USER_PROPERTY
            && span_equal(property.name, span_of("durability")))
            snprintf(out, 16, "%.*s", (int)property.value.len, (const char *)property.value.data);
}

static void the_connack_tells_a_lower_level(void **state)
{
    static const char *const told[] = {
        [POLICY_DURABLE] = "", [POLICY_RELAXED] = "relaxed", [POLICY_MEMORY] = "memory"
    };
    struct world world;
    char level[16];

    (void)state;
    for (unsigned i = 0; i < POLICY_DURABILITY_COUNT; i++) {
        for (uint32_t expiry_s = 0; expiry_s <= LASTS_S; expiry_s += LASTS_S) {
            world_init(&world, shards, NULL);
            world.durability = (enum policy_durability)i;
            struct world_peer *peer = begin_to_come(
                &world, &(struct world_connect){ .client_id = "x", .expiry_s = expiry_s });
            take_level(peer, level);
            assert_string_equal(level, told[i]);
            world_fini(&world);
        }
    }
}

/* The policy of a world with one role, "lamp", of this level. */
static void set_role_level(struct world *world, enum policy_durability durability)
{
    const struct role_options options = {
        .unrestricted = true,
        .durability = durability,
        .terms = { .retain = true, .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
    };
    struct policy *policy = policy_new();

    assert_non_null(policy);
    assert_non_null(policy_add_role(policy, "lamp", &options));
    policy_seal(policy);
    world_set_policy(world, policy);
}

static void role_and_listener_give_the_lower_of_both(void **state)
{
    struct world world;
    char level[16];

    (void)state;
    for (unsigned i = 0; i < POLICY_DURABILITY_COUNT; i++) {
        for (unsigned k = 0; k < POLICY_DURABILITY_COUNT; k++) {
            enum policy_durability least = (enum policy_durability)(i > k ? i : k);

            world_init(&world, shards, NULL);
            set_role_level(&world, (enum policy_durability)i);
            world.durability = (enum policy_durability)k;
            struct world_peer *peer = world_open_device(&world, MQTT_VERSION_5, "lamp", "lamp");
            world_begin(peer, &(struct world_connect){ .client_id = "lamp", .expiry_s = LASTS_S });
            take_level(peer, level);
            assert_string_equal(level,
                                least == POLICY_DURABLE ? "" : policy_durability_name(least));
            assert_int_equal(world_disk_things(&world.disk, JOURNAL_SESSION),
                             least != POLICY_MEMORY);
            world_fini(&world);
        }
    }
}

static void a_relaxed_client_waits_until_it_is_written(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    struct world_peer *durable = world_come(&world, "publisher", false, LASTS_S);
    world.disk_is_slow = true;
    world.durability = POLICY_RELAXED;
    struct world_peer *relaxed = begin_to_come(
        &world, &(struct world_connect){ .client_id = "relaxed", .expiry_s = LASTS_S });
    assert_true(world_is_silent(relaxed));
    world_write(&world, SIZE_MAX);
    world_run(&world);
    world_take_connack(relaxed, NULL);
    world_publish(durable, "a", "x", MQTT_QOS_1, 1, false);
    world_publish(relaxed, "a", "x", MQTT_QOS_1, 1, false);
    world_publish(relaxed, "a", "x", MQTT_QOS_2, 2, false);
    assert_true(world_is_silent(relaxed));
    world_write(&world, SIZE_MAX);
    world_run(&world);
    assert_int_equal(world_take_ack(relaxed, MQTT_PUBACK), MQTT_SUCCESS);
    assert_int_equal(world_take_ack(relaxed, MQTT_PUBREC), MQTT_SUCCESS);
    assert_waits(durable, MQTT_PUBACK); /* the other's level is not its own */
    world_fini(&world);
}

static void a_client_in_memory_waits_for_nothing(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_1, LASTS_S);
    world.disk_is_slow = true;
    world.durability = POLICY_MEMORY;
    size_t before = world.disk.count;
    struct world_peer *peer = world_come_as(
        &world, MQTT_VERSION_5,
        &(struct world_connect){ .client_id = "memory", .expiry_s = LASTS_S, .will_topic = "b" });
    world_subscribe(peer, "b", MQTT_QOS_2);
    world_publish(peer, "c", "x", MQTT_QOS_2, 1, false);
    assert_true(world_expect(peer, MQTT_PUBREC));
    world_publish(peer, "c", "x", MQTT_QOS_1, 2, true); /* nor is what it retains kept */
    assert_true(world_expect(peer, MQTT_PUBACK));
    world_break(peer);
    assert_int_equal(world.disk.count, before);
    peer = world_come(&world, "memory", true, LASTS_S); /* but in memory it is */
    /* What others are to have is kept for them; it does not wait for that. */
    assert_int_equal(world_publish_acked(world_come(&world, "publisher", false, 0), "a", 3),
                     MQTT_SUCCESS);
    assert_true(world.disk.count > before);
    world_confirm_all(&world);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), 8);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_RETAINED), 0);
    world_fini(&world);
}

/* A retained message of a lower level takes the place of one that is kept, on disk as well. */
static void memory_replaces_what_is_kept(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, shards, NULL);
    struct world_peer *durable = world_come(&world, "durable", false, 0);
    world.durability = POLICY_MEMORY;
    struct world_peer *memory = world_come(&world, "memory", false, 0);
    for (unsigned i = 0; i < 2; i++) {
        world_publish(durable, "a", "x", MQTT_QOS_0, 0, true);
        assert_int_equal(world_disk_things(&world.disk, JOURNAL_RETAINED), 1);
        world_publish(memory, "a", "y", MQTT_QOS_0, 0, true);
        assert_int_equal(world_disk_things(&world.disk, JOURNAL_RETAINED), 0);
    }
    world_publish(durable, "a", "", MQTT_QOS_0, 0, true);
    world_crash(&world, 0, shards);
    assert_int_equal(shared_figures(world.shared).retained_messages, 0);
    world_fini(&world);
}

static void a_session_that_comes_back_in_memory_leaves_the_disk(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    world_init(&world, shards, NULL);
    world_leave_subscribers(&world, "a", MQTT_QOS_2, LASTS_S);
    struct world_peer *publisher = world_come(&world, "publisher", false, 0);
    assert_int_equal(world_publish_acked(publisher, "a", 1), MQTT_SUCCESS);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), 8);
    world.durability = POLICY_MEMORY;
    struct world_peer *peer = world_come(&world, "sub-3", true, LASTS_S);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), 7);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SUBSCRIPTION), 7);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SESSION), 7);
    assert_true(world_take_publish(peer, &message)); /* it has lost nothing by it */
    world_break(peer);
    world.durability = POLICY_DURABLE; /* and back to the disk, with all it has */
    peer = world_come(&world, "sub-3", true, LASTS_S);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_DELIVERY), 8);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SUBSCRIPTION), 8);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SESSION), 8);
    world_fini(&world);
}

static int run(unsigned count)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puback_waits_for_the_message),
        cmocka_unit_test(pubrec_waits_for_the_message_and_its_identifier),
        cmocka_unit_test(pubrec_of_a_repeated_publish_waits_too),
        cmocka_unit_test(pubcomp_waits_until_the_identifier_is_free),
        cmocka_unit_test(suback_and_unsuback_wait),
        cmocka_unit_test(what_changes_nothing_does_not_wait),
        cmocka_unit_test(retained_messages_wait),
        cmocka_unit_test(connack_waits_for_a_new_session),
        cmocka_unit_test(connack_waits_until_the_old_session_is_gone),
        cmocka_unit_test(connack_waits_for_who_comes_back),
        cmocka_unit_test(a_clean_newcomer_does_not_wait),
        cmocka_unit_test(qos_2_to_a_kept_session_waits),
        cmocka_unit_test(qos_2_to_a_clean_session_does_not_wait),
        cmocka_unit_test(clean_sessions_write_nothing),
        cmocka_unit_test(qos_0_writes_nothing),
        cmocka_unit_test(pings_and_time_write_nothing),
        cmocka_unit_test(the_connack_tells_a_lower_level),
        cmocka_unit_test(role_and_listener_give_the_lower_of_both),
        cmocka_unit_test(a_relaxed_client_waits_until_it_is_written),
        cmocka_unit_test(a_client_in_memory_waits_for_nothing),
        cmocka_unit_test(memory_replaces_what_is_kept),
        cmocka_unit_test(a_session_that_comes_back_in_memory_leaves_the_disk),
    };
    shards = count;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return run(1) + run(3);
}
