/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher hears from the other shards before it is answered: a queue that is full there is no
 * less full than one here. */
#include "core/publish.h"

#include "core/client.h"
#include "core/session.h"
#include "core/state.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LASTS_S 600u
#define ROOM    2u

/* The client identifier of somebody who is at home on that shard. */
static const char *at_home(struct world *world, unsigned shard, unsigned nth, char out[static 16])
{
    const struct siphash_key *key = &world->brokers[0]->options.hash_key;

    for (unsigned i = 0; i < 10000; i++) {
        snprintf(out, 16, "id-%u", i);
        if (siphash(key, span_of(out)) % world->shards == shard && nth-- == 0)
            return out;
    }
    fail();
    return NULL;
}

static const char *tenant; /* whose topic space everybody is in; NULL: the common one */

struct stage {
    struct world world;
    struct world_peer *publisher; /* on shard 0 */
};

static void stage_init(struct stage *stage, enum mqtt_version version, uint32_t publisher_expiry_s)
{
    struct limits limits = limits_default();
    char id[16];

    limits.session_queue_messages = ROOM;
    world_init(&stage->world, 3, &limits);
    stage->world.tenant = tenant;
    stage->publisher = world_open(&stage->world, version);
    world_connect(
        stage->publisher,
        &(struct world_connect){ .client_id = at_home(&stage->world, 0, 0, id),
                                 .resume = version != MQTT_VERSION_5 && publisher_expiry_s > 0,
                                 .expiry_s = publisher_expiry_s },
        NULL);
    assert_int_equal(stage->publisher->shard, 0);
}

/* A kept session on that shard that is away: it has room for two messages. */
static void leave_subscriber(struct stage *stage, unsigned shard, unsigned nth, const char *filter)
{
    char id[16];
    struct world_peer *peer =
        world_come(&stage->world, at_home(&stage->world, shard, nth, id), false, LASTS_S);

    assert_int_equal(peer->shard, shard);
    assert_int_equal(world_subscribe(peer, filter, MQTT_QOS_2), MQTT_QOS_2);
    world_break(peer);
}

static uint8_t publish(struct stage *stage, enum mqtt_qos qos, uint16_t packet_id)
{
    world_publish(stage->publisher, "a", "x", qos, packet_id, false);
    return world_take_ack(stage->publisher, qos == MQTT_QOS_1 ? MQTT_PUBACK : MQTT_PUBREC);
}

static size_t kept(const struct stage *stage)
{
    return world_disk_things(&stage->world.disk, JOURNAL_DELIVERY);
}

static void assert_no_wait_is_left(const struct stage *stage)
{
    for (unsigned i = 0; i < stage->world.shards; i++)
        assert_int_equal(stage->world.brokers[i]->waits.count, 0);
    assert_int_equal(world_disk_things(&stage->world.disk, JOURNAL_PARCEL), 0);
}

/* ---- full ---- */

static void a_full_queue_elsewhere_refuses(void **state)
{
    static const char *const filters[] = { "a", "$share/team/a" };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(filters); i++) {
        for (unsigned shard = 0; shard < 3; shard++) { /* here as there */
            struct stage stage;

            stage_init(&stage, MQTT_VERSION_5, 0);
            leave_subscriber(&stage, shard, 5, filters[i]);
            assert_int_equal(publish(&stage, MQTT_QOS_1, 1), MQTT_SUCCESS);
            assert_int_equal(publish(&stage, MQTT_QOS_2, 2), MQTT_SUCCESS);
            assert_int_equal(publish(&stage, MQTT_QOS_1, 3), MQTT_QUOTA_EXCEEDED);
            assert_int_equal(publish(&stage, MQTT_QOS_2, 4), MQTT_QUOTA_EXCEEDED);
            assert_int_equal(publish(&stage, MQTT_QOS_2, 4), MQTT_QUOTA_EXCEEDED);
            assert_int_equal(kept(&stage), ROOM);
            assert_no_wait_is_left(&stage);
            world_fini(&stage.world);
        }
    }
}

static void so_it_does_in_a_topic_space(void **state)
{
    tenant = "acme";
    a_full_queue_elsewhere_refuses(state);
    tenant = NULL;
}

static void before_mqtt_5_it_disconnects(void **state)
{
    (void)state;
    for (unsigned qos = MQTT_QOS_1; qos <= MQTT_QOS_2; qos++) {
        struct stage stage;

        stage_init(&stage, MQTT_VERSION_3_1_1, LASTS_S);
        leave_subscriber(&stage, 1, 5, "a");
        assert_int_equal(publish(&stage, (enum mqtt_qos)qos, 1), MQTT_SUCCESS);
        assert_int_equal(publish(&stage, (enum mqtt_qos)qos, 2), MQTT_SUCCESS);
        world_publish(stage.publisher, "a", "x", (enum mqtt_qos)qos, 3, false);
        assert_true(world_is_silent(stage.publisher));
        assert_false(stage.publisher->is_open);
        assert_int_equal(kept(&stage), ROOM);
        assert_int_equal(world_disk_things(&stage.world.disk, JOURNAL_RECEIVED),
                         qos == MQTT_QOS_2 ? 2 : 0); /* the third may come again */
        assert_no_wait_is_left(&stage);
        world_fini(&stage.world);
    }
}

/* One that takes it is enough, wherever it is. */
static void one_with_room_is_enough(void **state)
{
    (void)state;
    for (unsigned shard = 0; shard < 3; shard++) {
        struct stage stage;

        stage_init(&stage, MQTT_VERSION_5, 0);
        leave_subscriber(&stage, 1, 5, "a");
        assert_int_equal(publish(&stage, MQTT_QOS_1, 1), MQTT_SUCCESS);
        assert_int_equal(publish(&stage, MQTT_QOS_1, 2), MQTT_SUCCESS);
        leave_subscriber(&stage, shard, 6, "a");
        assert_int_equal(publish(&stage, MQTT_QOS_1, 3), MQTT_SUCCESS);
        assert_int_equal(publish(&stage, MQTT_QOS_2, 4), MQTT_SUCCESS);
        assert_int_equal(publish(&stage, MQTT_QOS_2, 5), MQTT_QUOTA_EXCEEDED);
        assert_int_equal(kept(&stage), 2 * ROOM);
        assert_no_wait_is_left(&stage);
        world_fini(&stage.world);
    }
}

static void a_member_with_room_is_found(void **state)
{
    struct stage stage;

    (void)state;
    stage_init(&stage, MQTT_VERSION_5, 0);
    for (unsigned shard = 0; shard < 3; shard++)
        leave_subscriber(&stage, shard, 5, "$share/team/a");
    unsigned accepted = 0;
    for (uint16_t id = 1; id <= 3 * ROOM; id++)
        accepted += publish(&stage, MQTT_QOS_1, id) == MQTT_SUCCESS;
    assert_int_equal(kept(&stage), accepted); /* refused or kept: nothing in between */
    assert_true(accepted >= ROOM);
    assert_no_wait_is_left(&stage);
    world_fini(&stage.world);
}

/* Nobody is kept there: nothing is waited for. */
static void clean_receivers_elsewhere_are_not_waited_for(void **state)
{
    struct stage stage;
    char id[16];

    (void)state;
    stage_init(&stage, MQTT_VERSION_5, 0);
    struct world_peer *peer = world_come(&stage.world, at_home(&stage.world, 1, 3, id), false, 0);
    world_subscribe(peer, "a", MQTT_QOS_1);
    size_t before = stage.world.disk.count;
    world_publish(stage.publisher, "a", "x", MQTT_QOS_1, 1, false);
    assert_int_equal(world_take_ack(stage.publisher, MQTT_PUBACK), MQTT_SUCCESS);
    assert_int_equal(stage.world.disk.count, before);
    world_fini(&stage.world);
}

/* ---- in between ---- */

/* Bytes to the publisher's shard that no other shard has a turn after. */
static void send_without_turns(struct stage *stage, enum mqtt_qos qos, uint16_t packet_id,
                               bool duplicate)
{
    uint8_t packet[64];
    const struct mqtt_publish_out publish = { .qos = qos,
                                              .packet_id = packet_id,
                                              .duplicate = duplicate,
                                              .topic = span_of("a"),
                                              .payload = span_of("x") };
    uint8_t *end = mqtt_publish_write(packet, stage->publisher->version, &publish, NULL);

    world_send(stage->publisher, (struct mqtt_span){ packet, (size_t)(end - packet) });
}

static void the_publisher_may_be_gone_when_the_answer_comes(void **state)
{
    (void)state;
    for (unsigned qos = MQTT_QOS_1; qos <= MQTT_QOS_2; qos++) {
        struct stage stage;

        stage_init(&stage, MQTT_VERSION_5, qos == MQTT_QOS_1 ? 0 : LASTS_S);
        leave_subscriber(&stage, 1, 5, "a");
        send_without_turns(&stage, (enum mqtt_qos)qos, 1, false);
        assert_int_equal(stage.world.brokers[0]->waits.count, 1);
        world_break(stage.publisher);
        world_run(&stage.world);
        assert_int_equal(kept(&stage), 1);
        assert_no_wait_is_left(&stage);
        world_fini(&stage.world);
    }
}

/* A QoS 2 message comes a second time on the same connection while it is waited for: it is answered
 * once the answer is known, not before. */
static void a_repeated_publish_waits_as_well(void **state)
{
    (void)state;
    for (unsigned is_kept = 0; is_kept < 2; is_kept++) {
        for (unsigned is_full = 0; is_full < 2; is_full++) {
            struct stage stage;

            stage_init(&stage, MQTT_VERSION_5, is_kept * LASTS_S);
            leave_subscriber(&stage, 1, 5, "a");
            for (uint16_t id = 1; is_full > 0 && id <= ROOM; id++)
                assert_int_equal(publish(&stage, MQTT_QOS_1, id), MQTT_SUCCESS);
            send_without_turns(&stage, MQTT_QOS_2, 7, false);
            send_without_turns(&stage, MQTT_QOS_2, 7, true);
            world_run(&stage.world);
            assert_int_equal(world_take_ack(stage.publisher, MQTT_PUBREC),
                             is_full > 0 ? MQTT_QUOTA_EXCEEDED : MQTT_SUCCESS);
            assert_true(world_is_silent(stage.publisher));
            assert_int_equal(kept(&stage), is_full > 0 ? ROOM : 1);
            assert_no_wait_is_left(&stage);
            world_fini(&stage.world);
        }
    }
}

/* It is lost before it is answered, and comes again with its message: what was refused meanwhile
 * was not taken over. */
static void a_refusal_is_not_forgotten_with_its_connection(void **state)
{
    char id[16];

    (void)state;
    for (unsigned is_back_early = 0; is_back_early < 2; is_back_early++) {
        struct stage stage;
        struct world *world = &stage.world;
        const struct world_connect how = { .client_id = id, .resume = true, .expiry_s = LASTS_S };

        stage_init(&stage, MQTT_VERSION_5, LASTS_S);
        at_home(world, 0, 0, id);
        leave_subscriber(&stage, 1, 5, "a");
        for (uint16_t i = 1; i <= ROOM; i++)
            assert_int_equal(publish(&stage, MQTT_QOS_1, i), MQTT_SUCCESS);
        send_without_turns(&stage, MQTT_QOS_2, 7, false);
        if (is_back_early > 0) { /* before the other shard has said anything */
            client_lost(stage.publisher->client, world->now_ms);
            stage.publisher->client = NULL;
            stage.publisher->is_open = false;
        } else {
            world_break(stage.publisher);
        }
        stage.publisher = world_open(world, MQTT_VERSION_5);
        assert_true(world_connect(stage.publisher, &how, NULL));
        send_without_turns(&stage, MQTT_QOS_2, 7, true);
        world_run(world);
        assert_int_equal(world_take_ack(stage.publisher, MQTT_PUBREC), MQTT_QUOTA_EXCEEDED);
        assert_true(world_is_silent(stage.publisher));
        assert_int_equal(world_disk_things(&world->disk, JOURNAL_RECEIVED), 0);
        assert_no_wait_is_left(&stage);
        world_fini(world);
    }
}

/* The parcel is on disk and so is the packet identifier, and the other shard's answer is not: after
 * the restart nobody is asked again, so it has to find room. */
static void a_parcel_that_was_on_its_way_finds_room(void **state)
{
    (void)state;
    for (size_t spared = 0; spared <= 3; spared++) {
        struct stage stage;
        struct world *world = &stage.world;
        char id[16];
        const struct world_connect how = { .client_id = id, .resume = true, .expiry_s = LASTS_S };

        stage_init(&stage, MQTT_VERSION_5, LASTS_S);
        at_home(world, 0, 0, id);
        leave_subscriber(&stage, 1, 5, "a");
        for (uint16_t i = 1; i <= ROOM; i++)
            assert_int_equal(publish(&stage, MQTT_QOS_1, i), MQTT_SUCCESS);
        world->disk_is_slow = true;
        world_publish(stage.publisher, "a", "x", MQTT_QOS_2, 7, false);
        world->disk_is_slow = false;
        world_crash(world, spared, 3);
        stage.publisher = world_open(world, MQTT_VERSION_5);
        assert_true(world_connect(stage.publisher, &how, NULL));
        uint8_t reason = publish(&stage, MQTT_QOS_2, 7);
        assert_true(reason == MQTT_QUOTA_EXCEEDED || reason == MQTT_SUCCESS);
        assert_int_equal(kept(&stage), reason == MQTT_SUCCESS ? ROOM + 1 : ROOM);
        world_fini(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_elsewhere_refuses),
        cmocka_unit_test(so_it_does_in_a_topic_space),
        cmocka_unit_test(before_mqtt_5_it_disconnects),
        cmocka_unit_test(one_with_room_is_enough),
        cmocka_unit_test(a_member_with_room_is_found),
        cmocka_unit_test(clean_receivers_elsewhere_are_not_waited_for),
        cmocka_unit_test(the_publisher_may_be_gone_when_the_answer_comes),
        cmocka_unit_test(a_repeated_publish_waits_as_well),
        cmocka_unit_test(a_refusal_is_not_forgotten_with_its_connection),
        cmocka_unit_test(a_parcel_that_was_on_its_way_finds_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
