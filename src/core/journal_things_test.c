/* SPDX-License-Identifier: Apache-2.0 */
/* What is on disk, thing by thing: a message once however many wait for it, and nothing when
 * nobody needs it any more; on one shard and on several. */
#include "core/journal.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LASTS_S     600u
#define SUBSCRIBERS 12u

/* The test's own shards: everything that follows is to hold on one and on several. */
static unsigned shards;

struct crowd {
    struct world world;
    struct world_peer *peers[SUBSCRIBERS];
    struct world_peer *publisher;
};

static struct crowd *crowd_new(const char *filter, enum mqtt_qos qos, const struct limits *limits)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    char id[16];

    assert_non_null(crowd);
    world_init(&crowd->world, shards, limits);
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        snprintf(id, sizeof(id), "sub-%u", i);
        crowd->peers[i] = world_come(&crowd->world, id, false, LASTS_S);
        assert_int_equal(world_subscribe(crowd->peers[i], filter, qos), qos);
    }
    crowd->publisher = world_come(&crowd->world, "publisher", false, 0);
    return crowd;
}

static void crowd_free(struct crowd *crowd)
{
    world_fini(&crowd->world);
    free(crowd);
}

static void assert_things(const struct crowd *crowd, enum journal_kind kind, size_t count)
{
    assert_int_equal(world_disk_things(&crowd->world.disk, kind), count);
}

static void assert_nothing_is_left(const struct crowd *crowd)
{
    for (unsigned kind = JOURNAL_SESSION; kind < JOURNAL_KINDS; kind++)
        assert_things(crowd, (enum journal_kind)kind, 0);
}

static void publish(struct crowd *crowd, const char *topic, uint16_t packet_id)
{
    world_publish(crowd->publisher, topic, "message", MQTT_QOS_2, packet_id, false);
    assert_int_equal(world_take_ack(crowd->publisher, MQTT_PUBREC), MQTT_SUCCESS);
    world_ack(crowd->publisher, MQTT_PUBREL, packet_id);
    assert_int_equal(world_take_ack(crowd->publisher, MQTT_PUBCOMP), MQTT_SUCCESS);
}

/* ---- once ---- */

static void a_message_is_there_once(void **state)
{
    struct mqtt_publish message;

    (void)state;
    struct crowd *crowd = crowd_new("a", MQTT_QOS_1, NULL);
    for (uint16_t id = 1; id <= 3; id++)
        publish(crowd, "a", id);
    assert_things(crowd, JOURNAL_BODY, 3);
    assert_things(crowd, JOURNAL_DELIVERY, 3 * SUBSCRIBERS);
    assert_things(crowd, JOURNAL_PARCEL, 0);
    for (unsigned i = 0; i < SUBSCRIBERS; i++) { /* each in its own order of messages */
        for (unsigned m = 0; m < 3; m++) {
            assert_true(world_take_publish(crowd->peers[i], &message));
            world_ack(crowd->peers[i], MQTT_PUBACK, message.packet_id);
        }
        assert_things(crowd, JOURNAL_BODY, i + 1 < SUBSCRIBERS ? 3 : 0);
        assert_things(crowd, JOURNAL_DELIVERY, (size_t)3 * (SUBSCRIBERS - 1 - i));
    }
    crowd_free(crowd);
}

/* The bytes of the payload, not only the things: how often do they stand in the frames? */
static void a_message_is_written_once(void **state)
{
    static const char needle[] = "in a haystack of frames";
    size_t found = 0;

    (void)state;
    struct crowd *crowd = crowd_new("a", MQTT_QOS_1, NULL);
    world_publish(crowd->publisher, "a", needle, MQTT_QOS_1, 1, false);
    assert_int_equal(world_take_ack(crowd->publisher, MQTT_PUBACK), MQTT_SUCCESS);
    for (size_t i = 0; i < crowd->world.disk.count; i++) {
        const struct world_frame *frame = &crowd->world.disk.frames[i];

        for (size_t at = 0; at + sizeof(needle) - 1 <= frame->len; at++)
            found += memcmp(frame->bytes + at, needle, sizeof(needle) - 1) == 0;
    }
    assert_int_equal(found, 1);
    crowd_free(crowd);
}

static void each_keeps_it_in_its_own_state(void **state)
{
    struct mqtt_publish message;

    (void)state;
    struct crowd *crowd = crowd_new("a", MQTT_QOS_2, NULL);
    publish(crowd, "a", 1);
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        assert_true(world_take_publish(crowd->peers[i], &message));
        world_ack(crowd->peers[i], MQTT_PUBREC, message.packet_id);
        assert_true(world_expect(crowd->peers[i], MQTT_PUBREL));
        assert_things(crowd, JOURNAL_BODY, i + 1 < SUBSCRIBERS); /* it awaits PUBCOMP without it */
        assert_things(crowd, JOURNAL_DELIVERY, SUBSCRIBERS);
    }
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        world_ack(crowd->peers[i], MQTT_PUBCOMP, message.packet_id);
        assert_things(crowd, JOURNAL_DELIVERY, SUBSCRIBERS - 1 - i);
    }
    crowd_free(crowd);
}

static void a_shared_message_is_kept_for_one(void **state)
{
    (void)state;
    struct crowd *crowd = crowd_new("$share/team/a", MQTT_QOS_1, NULL);
    for (uint16_t id = 1; id <= SUBSCRIBERS; id++)
        publish(crowd, "a", id);
    assert_things(crowd, JOURNAL_BODY, SUBSCRIBERS);
    assert_things(crowd, JOURNAL_DELIVERY, SUBSCRIBERS);
    assert_things(crowd, JOURNAL_PARCEL, 0);
    crowd_free(crowd);
}

static void lower_qos_needs_no_message(void **state)
{
    (void)state;
    struct crowd *crowd = crowd_new("a", MQTT_QOS_0, NULL);
    publish(crowd, "a", 1);
    assert_things(crowd, JOURNAL_BODY, 0);
    assert_things(crowd, JOURNAL_DELIVERY, 0);
    assert_things(crowd, JOURNAL_PARCEL, 0);
    crowd_free(crowd);
}

static void a_retained_message_is_one_thing(void **state)
{
    (void)state;
    struct crowd *crowd = crowd_new("b", MQTT_QOS_1, NULL);
    for (uint16_t id = 1; id <= 5; id++) {
        world_publish(crowd->publisher, "a", "x", MQTT_QOS_1, id, true);
        assert_things(crowd, JOURNAL_RETAINED, 1);
    }
    world_publish(crowd->publisher, "a/b", "x", MQTT_QOS_0, 0, true);
    assert_things(crowd, JOURNAL_RETAINED, 2);
    world_publish(crowd->publisher, "a", "", MQTT_QOS_0, 0, true);
    world_publish(crowd->publisher, "a/b", "", MQTT_QOS_1, 9, true);
    assert_things(crowd, JOURNAL_RETAINED, 0);
    crowd_free(crowd);
}

/* ---- nothing ---- */

/* Half of them in flight in every state, half away with a queue. */
static struct crowd *busy_crowd(void)
{
    struct mqtt_publish message;
    struct crowd *crowd = crowd_new("a", MQTT_QOS_2, NULL);

    for (unsigned i = 1; i < SUBSCRIBERS; i += 2)
        world_break(crowd->peers[i]);
    for (uint16_t id = 1; id <= 3; id++)
        publish(crowd, "a", id);
    for (unsigned i = 0; i < SUBSCRIBERS; i += 4) {
        assert_true(world_take_publish(crowd->peers[i], &message));
        world_ack(crowd->peers[i], MQTT_PUBREC, message.packet_id);
        world_publish(crowd->peers[i], "b", "x", MQTT_QOS_2, 5, false); /* no PUBREL */
    }
    assert_things(crowd, JOURNAL_BODY, 3);
    assert_things(crowd, JOURNAL_RECEIVED, SUBSCRIBERS / 4);
    return crowd;
}

static void a_clean_start_leaves_nothing(void **state)
{
    char id[16];

    (void)state;
    struct crowd *crowd = busy_crowd();
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        snprintf(id, sizeof(id), "sub-%u", i);
        world_come(&crowd->world, id, false, 0); /* takes over those that are here */
    }
    assert_nothing_is_left(crowd);
    crowd_free(crowd);
}

static void expiry_leaves_nothing(void **state)
{
    (void)state;
    struct crowd *crowd = busy_crowd();
    for (unsigned i = 0; i < SUBSCRIBERS; i += 2)
        world_break(crowd->peers[i]);
    world_sleep(&crowd->world, LASTS_S * 1000 - 1);
    assert_things(crowd, JOURNAL_SESSION, SUBSCRIBERS);
    world_sleep(&crowd->world, 2);
    assert_nothing_is_left(crowd);
    crowd_free(crowd);
}

static void a_session_that_ends_by_its_own_word_leaves_nothing(void **state)
{
    static const uint8_t disconnect[] = { 0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0 };
    char id[16];

    (void)state;
    struct crowd *crowd = busy_crowd();
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        struct world_peer *peer = crowd->peers[i];

        snprintf(id, sizeof(id), "sub-%u", i);
        if (i % 2 != 0)
            peer = world_come(&crowd->world, id, true, LASTS_S);
        world_send(peer, (struct mqtt_span){ disconnect, sizeof(disconnect) });
        world_run(&crowd->world);
    }
    assert_nothing_is_left(crowd);
    crowd_free(crowd);
}

/* Who resumes without an expiry has a session that ends with the connection: not kept any more. */
static void a_session_that_is_not_to_last_leaves_the_disk(void **state)
{
    char id[16];

    (void)state;
    struct crowd *crowd = busy_crowd();
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        snprintf(id, sizeof(id), "sub-%u", i);
        world_come(&crowd->world, id, true, 0);
    }
    assert_nothing_is_left(crowd);
    crowd_free(crowd);
}

static void level_memory_leaves_nothing(void **state)
{
    char id[16];

    (void)state;
    struct crowd *crowd = busy_crowd();
    crowd->world.durability = POLICY_MEMORY;
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        snprintf(id, sizeof(id), "sub-%u", i);
        world_come(&crowd->world, id, true, LASTS_S);
    }
    assert_nothing_is_left(crowd);
    crowd_free(crowd);
}

/* ... and is as it was after a restart that nothing came before. */
static void a_restart_changes_nothing(void **state)
{
    (void)state;
    struct crowd *crowd = busy_crowd();
    size_t things[JOURNAL_KINDS];

    for (unsigned kind = 0; kind < JOURNAL_KINDS; kind++)
        things[kind] = world_disk_things(&crowd->world.disk, (enum journal_kind)kind);
    for (unsigned count = 1; count <= 5; count++) {
        world_crash(&crowd->world, 0, count % 3 + 1);
        for (unsigned kind = 0; kind < JOURNAL_KINDS; kind++)
            assert_things(crowd, (enum journal_kind)kind, things[kind]);
    }
    crowd_free(crowd);
}

/* What comes after a restart does not take the place of what was there. */
static void numbers_go_on_after_a_restart(void **state)
{
    (void)state;
    struct crowd *crowd = crowd_new("a", MQTT_QOS_1, NULL);
    for (unsigned i = 1; i <= 4; i++) {
        publish(crowd, "a", (uint16_t)i);
        world_publish(crowd->publisher, i % 2 == 0 ? "r/0" : "r/1", "x", MQTT_QOS_0, 0, true);
        char id[16];
        snprintf(id, sizeof(id), "later-%u", i);
        world_subscribe(world_come(&crowd->world, id, false, LASTS_S), "b", MQTT_QOS_1);
        world_crash(&crowd->world, 0, 1 + (shards + i) % 3);
        crowd->publisher = world_come(&crowd->world, "publisher", false, 0);
        assert_things(crowd, JOURNAL_BODY, i);
        assert_things(crowd, JOURNAL_DELIVERY, (size_t)i * SUBSCRIBERS);
        assert_things(crowd, JOURNAL_SESSION, SUBSCRIBERS + i);
        assert_things(crowd, JOURNAL_SUBSCRIPTION, SUBSCRIBERS + i);
        assert_things(crowd, JOURNAL_RETAINED, i < 2 ? 1 : 2);
    }
    crowd_free(crowd);
}

static int run(unsigned count)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_there_once),
        cmocka_unit_test(a_message_is_written_once),
        cmocka_unit_test(each_keeps_it_in_its_own_state),
        cmocka_unit_test(a_shared_message_is_kept_for_one),
        cmocka_unit_test(lower_qos_needs_no_message),
        cmocka_unit_test(a_retained_message_is_one_thing),
        cmocka_unit_test(a_clean_start_leaves_nothing),
        cmocka_unit_test(expiry_leaves_nothing),
        cmocka_unit_test(a_session_that_ends_by_its_own_word_leaves_nothing),
        cmocka_unit_test(a_session_that_is_not_to_last_leaves_the_disk),
        cmocka_unit_test(level_memory_leaves_nothing),
        cmocka_unit_test(a_restart_changes_nothing),
        cmocka_unit_test(numbers_go_on_after_a_restart),
    };
    shards = count;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return run(1) + run(3);
}
