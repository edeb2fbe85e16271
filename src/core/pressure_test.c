/* SPDX-License-Identifier: Apache-2.0 */
/* Stages of memory pressure, and memory_pause_ms. */
#include "core/pressure.h"

#include "base/pool.h"
#include "core/client.h"
#include "core/state.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- which stage it is ---- */

static void stages_are_left_later_than_they_are_entered(void **state)
{
    (void)state;
    static const struct {
        uint64_t used; /* of 1000 */
        enum pressure stage;
    } steps[] = {
        { 0, PRESSURE_NONE },        { 749, PRESSURE_NONE },      { 750, PRESSURE_NEWCOMERS },
        { 700, PRESSURE_NEWCOMERS }, { 699, PRESSURE_NONE },      { 800, PRESSURE_SHED },
        { 750, PRESSURE_SHED },      { 749, PRESSURE_NEWCOMERS }, { 920, PRESSURE_REFUSE },
        { 5000, PRESSURE_REFUSE },   { 870, PRESSURE_REFUSE },    { 869, PRESSURE_PAUSE },
        { 800, PRESSURE_PAUSE },     { 799, PRESSURE_SHED },      { 850, PRESSURE_PAUSE },
        { 1, PRESSURE_NONE },
    };
    enum pressure stage = PRESSURE_NONE;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(steps); i++) {
        stage = pressure_decide(stage, steps[i].used, 1000);
        assert_int_equal(stage, steps[i].stage);
    }
}

static void without_a_bound_there_is_no_stage(void **state)
{
    (void)state;
    assert_int_equal(pressure_decide(PRESSURE_REFUSE, UINT64_MAX, 0), PRESSURE_NONE);
    assert_int_equal(pressure_next_look_ms(UINT64_MAX, 0), 1000);
    assert_int_equal(pressure_decide(PRESSURE_NONE, UINT64_MAX, UINT64_MAX), PRESSURE_REFUSE);
}

static void the_nearer_the_oftener_it_is_looked_at(void **state)
{
    (void)state;
    const uint64_t mib = 1048576;

    assert_int_equal(pressure_next_look_ms(0, 8192 * mib), 1000);
    assert_int_equal(pressure_next_look_ms(0, 100 * mib), 150);
    assert_int_equal(pressure_next_look_ms(70 * mib, 100 * mib), 10);
    assert_int_equal(pressure_next_look_ms(99 * mib, 100 * mib), 10);
}

/* ---- what is done in each ---- */

static void set(struct world *world, enum pressure stage)
{
    shared_set_pressure(world->shared, stage);
    assert_non_null(pressure_text(stage));
}

static struct world_peer *come(struct world *world, const char *id, bool resume,
                               uint8_t *out_reason)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);

    world_connect(peer,
                  &(struct world_connect){ .client_id = id, .resume = resume, .expiry_s = 600 },
                  out_reason);
    return peer;
}

static void only_who_has_a_session_comes_in(void **state)
{
    (void)state;
    struct world world;
    struct world_peer *old;
    uint8_t reason;

    world_init(&world, 1, NULL);
    old = come(&world, "old", true, NULL);
    world_break(old);
    set(&world, PRESSURE_NEWCOMERS);
    come(&world, "new", true, &reason);
    assert_int_equal(reason, MQTT_SERVER_BUSY);
    old = come(&world, "old", true, &reason);
    assert_int_equal(reason, MQTT_SUCCESS);
    assert_int_equal(world_subscribe(old, "t", MQTT_QOS_1), 1);
    set(&world, PRESSURE_NONE);
    come(&world, "new", true, &reason);
    assert_int_equal(reason, MQTT_SUCCESS);
    world_fini(&world);
}

static unsigned count(struct world_peer *peer)
{
    struct mqtt_publish publish;
    unsigned count = 0;

    while (world_take_publish(peer, &publish))
        count++;
    return count;
}

static void qos_0_is_shed_for_who_does_not_take_it(void **state)
{
    (void)state;
    static char payload[4001];
    struct world world;
    struct world_peer *slow;
    struct world_peer *fast;
    struct world_peer *writer;

    memset(payload, 'x', sizeof(payload) - 1);
    world_init(&world, 1, NULL);
    slow = come(&world, "slow", false, NULL);
    fast = come(&world, "fast", false, NULL);
    writer = come(&world, "writer", false, NULL);
    world_subscribe(slow, "t", MQTT_QOS_0);
    world_subscribe(fast, "t", MQTT_QOS_0);
    slow->takes_nothing = true;
    set(&world, PRESSURE_SHED);
    assert_int_equal(world_subscribe(fast, "u", MQTT_QOS_0), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(world_subscribe(fast, "t", MQTT_QOS_0), 0); /* it has that one */
    for (unsigned i = 0; i < 10; i++)
        world_publish(writer, "t", payload, MQTT_QOS_0, 0, false);
    slow->takes_nothing = false;
    world_run(&world);
    assert_int_equal(count(fast), 10);
    assert_int_equal(count(slow), 5);
    assert_int_equal(broker_statistics(world.brokers[0])->publish_dropped, 5);
    world_fini(&world);
}

static void who_publishes_has_to_rest(void **state)
{
    (void)state;
    struct limits limits = limits_default();
    struct world world;
    struct world_peer *writer;
    struct world_peer *reader;

    limits.memory_pause_ms = 100;
    world_init(&world, 1, &limits);
    writer = come(&world, "writer", false, NULL);
    reader = come(&world, "reader", false, NULL);
    set(&world, PRESSURE_PAUSE);
    for (uint16_t i = 1; i <= 3; i++)
        world_publish(writer, "t", "x", MQTT_QOS_1, i, false);
    assert_true(world_expect(writer, MQTT_PUBACK));
    assert_true(world_is_silent(writer));
    assert_false(client_is_waiting(reader->client));
    world_sleep(&world, 99);
    assert_true(world_is_silent(writer));
    world_sleep(&world, 1);
    assert_true(world_expect(writer, MQTT_PUBACK));
    assert_true(world_is_silent(writer));
    set(&world, PRESSURE_NONE);
    world_sleep(&world, 100);
    assert_true(world_expect(writer, MQTT_PUBACK));
    world_publish(writer, "t", "x", MQTT_QOS_1, 4, false);
    assert_true(world_expect(writer, MQTT_PUBACK));
    assert_int_equal(broker_statistics(world.brokers[0])->pressed, 2);
    world_fini(&world);
}

static uint8_t published(struct world_peer *writer, const char *topic, bool retain)
{
    world_publish(writer, topic, "x", MQTT_QOS_1, 1, retain);
    uint8_t reason = world_take_ack(writer, MQTT_PUBACK);
    world_sleep(writer->world, 1000);
    return reason;
}

static void what_would_have_to_wait_is_refused(void **state)
{
    (void)state;
    struct world world;
    struct world_peer *away;
    struct world_peer *here;
    struct world_peer *writer;

    world_init(&world, 1, NULL);
    away = come(&world, "away", true, NULL);
    here = come(&world, "here", true, NULL);
    writer = come(&world, "writer", false, NULL);
    world_subscribe(away, "away", MQTT_QOS_1);
    world_subscribe(here, "here", MQTT_QOS_1);
    world_break(away);
    assert_int_equal(published(writer, "away", false), MQTT_SUCCESS);
    set(&world, PRESSURE_REFUSE);
    assert_int_equal(published(writer, "away", false), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(published(writer, "here", false), MQTT_SUCCESS);
    assert_int_equal(published(writer, "here", true), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(count(here), 2);
    assert_int_equal(count(come(&world, "away", true, NULL)), 1);
    set(&world, PRESSURE_NONE);
    assert_int_equal(published(writer, "here", true), MQTT_SUCCESS);
    world_fini(&world);
}

/* Between two looks of the edge: by what is queued meanwhile. */
static void shards_raise_the_stage_by_themselves(void **state)
{
    (void)state;
    static char payload[8001];
    struct world world;
    struct world_peer *away;
    struct world_peer *writer;

    memset(payload, 'x', sizeof(payload) - 1);
    world_init(&world, 1, NULL);
    away = come(&world, "away", true, NULL);
    writer = come(&world, "writer", false, NULL);
    world_subscribe(away, "t", MQTT_QOS_1);
    world_break(away);
    assert_int_equal(shared_look(world.shared, 70000000, 100000000), PRESSURE_NONE);
    for (uint16_t i = 1; i <= 700; i++)
        world_publish(writer, "t", payload, MQTT_QOS_1, i, false);
    assert_int_equal(shared_pressure(world.shared), PRESSURE_NEWCOMERS);
    assert_int_equal(shared_look(world.shared, 60000000, 100000000), PRESSURE_NONE);
    for (uint16_t i = 1; i <= 100; i++)
        world_publish(writer, "t", payload, MQTT_QOS_1, i, false);
    assert_int_equal(shared_pressure(world.shared), PRESSURE_NONE);
    world_fini(&world);
}

/* One that lives on that shard. */
static struct world_peer *come_to(struct world *world, unsigned shard)
{
    for (unsigned i = 0; i < 64; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%u of %u", i, shard);
        struct world_peer *peer = come(world, id, false, NULL);
        if (peer->shard == shard)
            return peer;
        world_break(peer);
    }
    fail_msg("nobody comes to shard %u", shard);
    return NULL;
}

/* The other shard has no processor: what is for it piles up, and no look is needed to see it. */
static void what_is_between_shards_counts(void **state)
{
    (void)state;
    static char payload[8001];
    struct world world;

    memset(payload, 'x', sizeof(payload) - 1);
    world_init(&world, 2, NULL);
    struct world_peer *reader = come_to(&world, 0);
    struct world_peer *writer = come_to(&world, 1);
    world_subscribe(reader, "t", MQTT_QOS_0);
    assert_int_equal(shared_look(world.shared, 70000000, 100000000), PRESSURE_NONE);
    world.peers_are_slow = true;
    for (unsigned i = 0; i < 500; i++)
        world_publish(writer, "t", payload, MQTT_QOS_0, 0, false);
    assert_int_equal(shared_pressure(world.shared), PRESSURE_NONE);
    for (unsigned i = 0; i < 200; i++)
        world_publish(writer, "t", payload, MQTT_QOS_0, 0, false);
    assert_int_equal(shared_pressure(world.shared), PRESSURE_NEWCOMERS);

    /* When it has come it is there no more. */
    world_break(reader);
    world.peers_are_slow = false;
    world_run(&world);
    assert_int_equal(world.brokers[0]->posted_bytes + world.brokers[1]->posted_bytes, 0);
    assert_int_equal(shared_look(world.shared, 69000000, 100000000), PRESSURE_NONE);
    world_fini(&world);
}

/* What a swing of the load has left in the pools goes back when memory is short, and not before. */
static void what_stays_for_the_next_turn_goes_when_it_is_short(void **state)
{
    (void)state;
    struct world world;
    struct outbox outbox = { 0 };

    world_init(&world, 1, NULL);
    struct outbox_pools *pools = &world.brokers[0]->outboxes;
    size_t before = pool_bytes(pools->large);
    for (unsigned i = 0; i < 400; i++) {
        assert_non_null(outbox_reserve(&outbox, pools, OUTBOX_LARGE_BYTES));
        outbox_commit(&outbox, OUTBOX_LARGE_BYTES);
    }
    outbox_clear(&outbox, pools);
    size_t kept = pool_bytes(pools->large);
    assert_true(kept > before + 200 * OUTBOX_LARGE_BYTES);
    broker_relieve(world.brokers[0]);
    broker_relieve(world.brokers[0]);
    assert_int_equal(pool_bytes(pools->large), kept);
    set(&world, PRESSURE_NEWCOMERS);
    broker_relieve(world.brokers[0]); /* this turn has needed them */
    broker_relieve(world.brokers[0]);
    assert_true(pool_bytes(pools->large) < kept / 4);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_are_left_later_than_they_are_entered),
        cmocka_unit_test(without_a_bound_there_is_no_stage),
        cmocka_unit_test(the_nearer_the_oftener_it_is_looked_at),
        cmocka_unit_test(only_who_has_a_session_comes_in),
        cmocka_unit_test(qos_0_is_shed_for_who_does_not_take_it),
        cmocka_unit_test(who_publishes_has_to_rest),
        cmocka_unit_test(what_would_have_to_wait_is_refused),
        cmocka_unit_test(shards_raise_the_stage_by_themselves),
        cmocka_unit_test(what_is_between_shards_counts),
        cmocka_unit_test(what_stays_for_the_next_turn_goes_when_it_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
