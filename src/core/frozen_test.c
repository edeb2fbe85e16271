/* SPDX-License-Identifier: Apache-2.0 */
/* Promise I4 in the core: who is barred is gone at once, and its session frozen until it is not
 * barred any more; over all protocol versions, on one and on several shards. */
#include "core/session.h"
#include "core/standing.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    enum mqtt_version version;
    unsigned shards;
} variants[] = {
    { MQTT_VERSION_3_1_1, 1 },
    { MQTT_VERSION_5, 1 },
    { MQTT_VERSION_3_1_1, 3 },
    { MQTT_VERSION_5, 3 },
};

#define FOR_EACH_VARIANT(i) for (size_t i = 0; i < MQTT_ARRAY_LEN(variants); i++)

static const struct policy_terms anything = { .retain = true,
                                              .maximum_qos = 2,
                                              .payload_bytes = POLICY_NO_LIMIT };

/* Role "reader" may publish to and subscribe to "open", and "secret" if wanted. */
static struct policy *new_policy(bool with_secret)
{
    const struct role_options all = { .unrestricted = true, .terms = anything, .shared = true };
    const struct role_options some = { .terms = anything, .shared = true };
    struct policy *policy = policy_new();
    const char *why;

    assert_non_null(policy);
    assert_non_null(policy_add_role(policy, "all", &all));
    struct role *reader = policy_add_role(policy, "reader", &some);
    assert_non_null(reader);
    assert_int_equal(role_grant(reader, POLICY_PUBLISH, "open", &why), 0);
    assert_int_equal(role_grant(reader, POLICY_SUBSCRIBE, "open", &why), 0);
    if (with_secret)
        assert_int_equal(role_grant(reader, POLICY_SUBSCRIBE, "secret", &why), 0);
    policy_seal(policy);
    return policy;
}

static void begin(struct world *world, size_t variant)
{
    world_init(world, variants[variant].shards, NULL);
    world_set_policy(world, new_policy(true));
    (void)world_settle_policy(world, 256);
}

/* Bars that device, or nobody; without the walk, or with it. */
static void bar(struct world *world, const char *device, bool walks)
{
    world->barred = device;
    world_set_policy(world, new_policy(true));
    if (walks)
        (void)world_settle_policy(world, 256);
    world_run(world);
}

static struct world_peer *join(struct world *world, size_t variant, const char *name,
                               bool *out_present)
{
    struct world_peer *peer = world_open_device(world, variants[variant].version, name, "reader");
    bool is_present = world_connect(
        peer, &(struct world_connect){ .client_id = name, .resume = true, .expiry_s = 3600 }, NULL);

    if (out_present != NULL)
        *out_present = is_present;
    return peer;
}

static struct world_peer *all_of(struct world *world, size_t variant)
{
    struct world_peer *peer = world_open(world, variants[variant].version);

    world_connect(peer, &(struct world_connect){ .client_id = "all" }, NULL);
    return peer;
}

static void say(struct world_peer *all, const char *topic, const char *payload)
{
    world_publish(all, topic, payload, MQTT_QOS_1, (uint16_t)(payload[0]), false);
    assert_true(world_expect(all, MQTT_PUBACK));
}

static void assert_gets(struct world_peer *peer, const char *payload)
{
    struct mqtt_publish publish;

    assert_true(world_take_publish(peer, &publish));
    assert_true(span_equal(publish.payload, span_of(payload)));
}

static void assert_gets_nothing(struct world_peer *peer)
{
    struct mqtt_frame frame;

    if (world_take(peer, &frame))
        fail_msg("a packet of type %d came", frame.type);
}

static void the_queue_stands_still(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        for (unsigned walks = 0; walks < 2; walks++) {
            struct world world;
            bool is_present;
            begin(&world, i);
            struct world_peer *all = all_of(&world, i);
            struct world_peer *reader = join(&world, i, "r", NULL);
            world_subscribe(reader, "open", MQTT_QOS_1);
            world_break(reader);
            say(all, "open", "1");
            say(all, "open", "2");
            bar(&world, "r", walks > 0);
            say(all, "open", "3"); /* for others */
            bar(&world, NULL, walks > 0);
            say(all, "open", "4"); /* it is a session as any other again */
            reader = join(&world, i, "r", &is_present);
            assert_true(is_present);
            assert_gets(reader, "1");
            assert_gets(reader, "2");
            assert_gets(reader, "4");
            say(all, "open", "5");
            assert_gets(reader, "5");
            assert_gets_nothing(reader);
            world_fini(&world);
        }
    }
}

static void a_live_session_ends_at_once_and_keeps_what_it_had(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        struct mqtt_frame frame;
        bool is_present;
        begin(&world, i);
        struct world_peer *all = all_of(&world, i);
        struct world_peer *reader = world_open_device(&world, variants[i].version, "r", "reader");
        world_connect(
            reader,
            &(struct world_connect){
                .client_id = "r", .resume = true, .expiry_s = 3600, .will_topic = "open" },
            NULL);
        world_subscribe(reader, "open", MQTT_QOS_1);
        world_subscribe(all, "open", MQTT_QOS_0);
        world_publish(all, "open", "1", MQTT_QOS_1, 1, false);
        assert_gets(reader, "1"); /* and is not acknowledged */

        bar(&world, "r", true);
        assert_false(reader->is_open);
        if (variants[i].version == MQTT_VERSION_5) {
            assert_true(world_take(reader, &frame));
            assert_int_equal(frame.type, MQTT_DISCONNECT);
            assert_int_equal(frame.body.data[0], MQTT_ADMINISTRATIVE_ACTION);
        }
        assert_gets_nothing(reader);
        world_sleep(&world, 10000);
        assert_int_equal(world.events[EVENT_WILL_SENT], 0);
        bar(&world, NULL, true);
        assert_int_equal(world.events[EVENT_WILL_SENT], 0);
        reader = join(&world, i, "r", &is_present);
        assert_true(is_present);
        assert_gets(reader, "1"); /* once more */
        assert_gets_nothing(reader);
        world_fini(&world);
    }
}

/* What waits in the connection of one who does not read is not sent any more. */
static void what_was_on_its_way_is_dropped(void **state)
{
    struct world world;

    (void)state;
    begin(&world, 1);
    struct world_peer *all = all_of(&world, 1);
    struct world_peer *reader = join(&world, 1, "r", NULL);
    world_subscribe(reader, "open", MQTT_QOS_0);
    reader->takes_nothing = true;
    for (unsigned n = 0; n < 100; n++)
        world_publish(all, "open", "x", MQTT_QOS_0, 0, false);
    reader->takes_nothing = false;
    world.barred = "r";
    world_set_policy(&world, new_policy(true));
    (void)world_settle_policy(&world, 256);
    world_run(&world);
    assert_false(reader->is_open);
    assert_true(world_expect(reader, MQTT_DISCONNECT));
    assert_gets_nothing(reader);
    world_fini(&world);
}

static void it_is_judged_by_the_policy_of_then(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i);
        struct world_peer *all = all_of(&world, i);
        struct world_peer *reader = join(&world, i, "r", NULL);
        world_subscribe(reader, "open", MQTT_QOS_1);
        world_subscribe(reader, "secret", MQTT_QOS_1);
        world_break(reader);
        say(all, "secret", "1");
        say(all, "open", "2");
        bar(&world, "r", true);
        world.barred = NULL;
        world_set_policy(&world, new_policy(false));
        (void)world_settle_policy(&world, 256);
        reader = join(&world, i, "r", NULL);
        assert_gets(reader, "2");
        assert_gets_nothing(reader);
        world_fini(&world);
    }
}

static void a_delayed_will_is_gone(void **state)
{
    struct world world;

    (void)state;
    begin(&world, 1);
    struct world_peer *all = all_of(&world, 1);
    struct world_peer *reader = world_open_device(&world, MQTT_VERSION_5, "r", "reader");
    world_subscribe(all, "open", MQTT_QOS_0);
    world_connect(reader,
                  &(struct world_connect){
                      .client_id = "r", .expiry_s = 3600, .will_topic = "open", .will_delay_s = 5 },
                  NULL);
    world_break(reader);
    bar(&world, "r", true);
    bar(&world, NULL, true);
    world_sleep(&world, 60000);
    assert_int_equal(world.events[EVENT_WILL_SENT], 0);
    assert_gets_nothing(all);
    world_fini(&world);
}

static unsigned sessions(const struct world *world)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < world->shards; i++)
        sum += (unsigned)broker_statistics(world->brokers[i])->sessions;
    return sum;
}

static void a_frozen_session_expires_as_any_other(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        if (variants[i].version != MQTT_VERSION_5)
            continue;
        struct world world;
        bool is_present;
        begin(&world, i);
        struct world_peer *reader = join(&world, i, "r", NULL);
        world_subscribe(reader, "open", MQTT_QOS_1);
        world_break(reader);
        bar(&world, "r", true);
        world_sleep(&world, 3599000);
        assert_int_equal(sessions(&world), 1);
        world_sleep(&world, 2000);
        assert_int_equal(sessions(&world), 0);
        bar(&world, NULL, true);
        join(&world, i, "r", &is_present);
        assert_false(is_present);
        world_fini(&world);
    }
}

/* Messages in the queue of that session. */
static unsigned waiting(const struct world *world, const char *client_id)
{
    for (unsigned i = 0; i < world->shards; i++) {
        const struct session *session = session_find(world->brokers[i], span_of(client_id));
        if (session != NULL)
            return session->outgoing.queued_count;
    }
    fail_msg("no session %s", client_id);
    return 0;
}

/* The names lie on different shards where there are several. */
static void a_frozen_member_gets_no_work(void **state)
{
    static const char *const names[] = { "r", "s", "t", "u", "v" };

    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        struct world_peer *members[MQTT_ARRAY_LEN(names)];
        unsigned got = 0;
        begin(&world, i);
        struct world_peer *all = all_of(&world, i);
        for (size_t n = 0; n < MQTT_ARRAY_LEN(names); n++) {
            members[n] = join(&world, i, names[n], NULL);
            world_subscribe(members[n], "$share/g/open", MQTT_QOS_1);
            world_break(members[n]);
        }
        /* Away are all of them, frozen one after the other but the last. */
        for (size_t n = 0; n + 1 < MQTT_ARRAY_LEN(names); n++) {
            bar(&world, names[n], true);
            unsigned before = waiting(&world, names[n]);
            for (unsigned k = 0; k < 10; k++)
                say(all, "open", "w");
            assert_int_equal(waiting(&world, names[n]), before);
        }
        bar(&world, NULL, true);
        struct mqtt_publish publish;
        for (size_t n = 0; n < MQTT_ARRAY_LEN(names); n++) {
            members[n] = join(&world, i, names[n], NULL);
            while (world_take_publish(members[n], &publish))
                got++;
        }
        assert_int_equal(got, 40);
        world_fini(&world);
    }
}

/* ---- over a restart ---- */

static void it_stays_frozen_over_a_restart(void **state)
{
    (void)state;
    for (unsigned barred_before = 0; barred_before < 2; barred_before++) {
        struct world world;
        bool is_present;
        begin(&world, 1);
        struct world_peer *all = all_of(&world, 1);
        struct world_peer *reader = world_open_device(&world, MQTT_VERSION_5, "r", "reader");
        world_connect(
            reader,
            &(struct world_connect){
                .client_id = "r", .expiry_s = 3600, .will_topic = "open", .will_delay_s = 60 },
            NULL);
        world_subscribe(reader, "open", MQTT_QOS_1);
        world_break(reader);
        say(all, "open", "1");
        if (barred_before > 0)
            bar(&world, "r", true);
        world_break(all);
        world.barred = "r";
        world_restart(&world, 1);
        all = all_of(&world, 1);
        say(all, "open", "2");
        bar(&world, NULL, true);
        world_sleep(&world, 120000);
        assert_int_equal(world.events[EVENT_WILL_SENT], 0);
        reader = join(&world, 1, "r", &is_present);
        assert_true(is_present);
        assert_gets(reader, "1");
        assert_gets_nothing(reader);
        say(all, "open", "3");
        assert_gets(reader, "3");
        world_fini(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_queue_stands_still),
        cmocka_unit_test(a_live_session_ends_at_once_and_keeps_what_it_had),
        cmocka_unit_test(what_was_on_its_way_is_dropped),
        cmocka_unit_test(it_is_judged_by_the_policy_of_then),
        cmocka_unit_test(a_delayed_will_is_gone),
        cmocka_unit_test(a_frozen_session_expires_as_any_other),
        cmocka_unit_test(a_frozen_member_gets_no_work),
        cmocka_unit_test(it_stays_frozen_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
