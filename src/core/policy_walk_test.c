/* SPDX-License-Identifier: Apache-2.0 */
/* A policy that changes under living sessions: the five points of promise W4, topic spaces and
 * scoped grants, over all protocol versions, on one and on several shards. */
#include "core/policy_walk.h"

#include "codec/ack.h"
#include "core/session.h"
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

/* ---- policies ---- */

static struct policy *new_policy(struct role **out_reader, const struct role_options *options)
{
    const struct role_options all = { .unrestricted = true, .terms = anything, .shared = true };
    struct policy *policy = policy_new();

    assert_non_null(policy);
    assert_non_null(policy_add_role(policy, "all", &all));
    *out_reader = policy_add_role(policy, "reader", options);
    assert_non_null(*out_reader);
    return policy;
}

static void grant(struct role *role, enum policy_action action, const char *pattern)
{
    const char *why = "";

    if (role_grant(role, action, pattern, &why) != 0)
        fail_msg("%s: %s", pattern, why);
}

static void scope(struct role *role, const char *prefix, uint32_t depth, uint32_t most_topics)
{
    const struct policy_scope wanted = { .prefix = prefix,
                                         .depth = depth,
                                         .most_topics = most_topics,
                                         .owner = "tests",
                                         .reason = "to see" };
    const char *why = "";

    if (role_add_scope(role, &wanted, &why) != 0)
        fail_msg("%s: %s", prefix, why);
}

/* Role "reader" may publish to and subscribe to `topics`, a list that ends with NULL. */
static struct policy *reader_policy(const char *const *topics)
{
    struct role *reader;
    struct policy *policy =
        new_policy(&reader, &(struct role_options){ .terms = anything, .shared = true });

    for (; *topics != NULL; topics++) {
        grant(reader, POLICY_PUBLISH, *topics);
        grant(reader, POLICY_SUBSCRIBE, *topics);
    }
    policy_seal(policy);
    return policy;
}

static const char *const open_and_secret[] = { "open", "secret", NULL };
static const char *const only_open[] = { "open", NULL };

static void begin(struct world *world, size_t variant, struct policy *policy)
{
    world_init(world, variants[variant].shards, NULL);
    world_set_policy(world, policy);
    world_settle_policy(world, 256);
}

/* ---- peers ---- */

static struct world_peer *reader_of(struct world *world, size_t variant, const char *name)
{
    struct world_peer *peer = world_open_device(world, variants[variant].version, name, "reader");

    world_connect(
        peer, &(struct world_connect){ .client_id = name, .resume = true, .expiry_s = 3600 }, NULL);
    return peer;
}

static struct world_peer *all_of(struct world *world, size_t variant)
{
    struct world_peer *peer = world_open(world, variants[variant].version);

    world_connect(peer, &(struct world_connect){ .client_id = "all" }, NULL);
    return peer;
}

static void assert_gets(struct world_peer *peer, const char *topic)
{
    struct mqtt_publish publish;

    assert_true(world_take_publish(peer, &publish));
    assert_true(span_equal(publish.topic, span_of(topic)));
}

static void assert_gets_nothing(struct world_peer *peer)
{
    struct mqtt_frame frame;

    if (world_take(peer, &frame))
        fail_msg("a packet of type %d came", frame.type);
}

static uint8_t puback_reason(struct world_peer *peer)
{
    struct mqtt_frame frame;
    struct mqtt_ack ack;

    assert_true(world_take(peer, &frame));
    assert_int_equal(frame.type, MQTT_PUBACK);
    assert_int_equal(mqtt_ack_decode(peer->version, MQTT_PUBACK, frame.body, &ack), MQTT_OK);
    return ack.reason;
}

static unsigned subscriptions(const struct world *world)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < world->shards; i++)
        sum += (unsigned)broker_statistics(world->brokers[i])->subscriptions;
    return sum;
}

/* ---- the five points ---- */

static void publish_is_judged_by_the_policy_in_force(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i, reader_policy(open_and_secret));
        struct world_peer *reader = reader_of(&world, i, "r");
        struct world_peer *all = all_of(&world, i);

        world_subscribe(all, "secret", MQTT_QOS_0);
        world_publish(reader, "secret", "1", MQTT_QOS_1, 1, false);
        assert_gets(all, "secret");
        assert_int_equal(puback_reason(reader), 0);
        world_set_policy(&world, reader_policy(only_open));
        world_publish(reader, "secret", "2", MQTT_QOS_1, 2, false);
        assert_gets_nothing(all);
        assert_int_equal(puback_reason(reader),
                         variants[i].version == MQTT_VERSION_5 ? MQTT_NOT_AUTHORIZED : 0);
        assert_int_equal(world.events[EVENT_PUBLISH_REFUSED], 1);
        world_set_policy(&world, reader_policy(open_and_secret));
        world_publish(reader, "secret", "3", MQTT_QOS_1, 3, false);
        assert_gets(all, "secret");
        world_fini(&world);
    }
}

static void subscribe_is_judged_by_the_policy_in_force(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i, reader_policy(open_and_secret));
        struct world_peer *reader = reader_of(&world, i, "r");

        assert_int_equal(world_subscribe(reader, "secret", MQTT_QOS_1), 1);
        world_set_policy(&world, reader_policy(only_open));
        assert_true(world_subscribe(reader, "secret", MQTT_QOS_1) >= 0x80);
        assert_int_equal(world_subscribe(reader, "open", MQTT_QOS_1), 1);
        world_fini(&world);
    }
}

static void live_delivery_stops_at_once(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i, reader_policy(open_and_secret));
        struct world_peer *reader = reader_of(&world, i, "r");
        struct world_peer *all = all_of(&world, i);

        world_subscribe(reader, "secret", MQTT_QOS_1);
        world_subscribe(reader, "open", MQTT_QOS_1);
        world_publish(all, "secret", "1", MQTT_QOS_0, 0, false);
        assert_gets(reader, "secret");
        world_set_policy(&world, reader_policy(only_open));
        /* Before the walk has taken a step. */
        world_publish(all, "secret", "2", MQTT_QOS_0, 0, false);
        world_publish(all, "open", "3", MQTT_QOS_0, 0, false);
        assert_gets(reader, "open");
        assert_gets_nothing(reader);
        assert_int_equal(subscriptions(&world), 2);
        world_settle_policy(&world, 1);
        assert_int_equal(subscriptions(&world), 1);
        assert_int_equal(world.events[EVENT_SUBSCRIPTION_ENDED], 1);
        world_fini(&world);
    }
}

/* [MQTT-4.8.2-5] Also in the moment before the walk has ended the subscriptions of those who may not
 * have it any more, and where nobody else is on their shard. */
static void a_group_loses_nothing_before_the_walk(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i, reader_policy(open_and_secret));
        struct world_peer *all = all_of(&world, i);

        assert_int_equal(world_subscribe(all, "$share/g/secret", MQTT_QOS_0), 0);
        for (char name[] = "a"; name[0] < 'i'; name[0]++)
            assert_int_equal(
                world_subscribe(reader_of(&world, i, name), "$share/g/secret", MQTT_QOS_0), 0);
        world_set_policy(&world, reader_policy(only_open));
        for (unsigned n = 0; n < 20; n++) {
            world_publish(all, "secret", "x", MQTT_QOS_0, 0, false);
            assert_gets(all, "secret");
        }
        world_settle_policy(&world, 1);
        assert_int_equal(subscriptions(&world), 1);
        world_fini(&world);
    }
}

static void retained_messages_are_judged_at_replay(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct role *role;
        struct world world;
        struct policy *wide = new_policy(&role, &(struct role_options){ .terms = anything });
        grant(role, POLICY_SUBSCRIBE, "house/#");
        scope(role, "house/", 0, 100);
        policy_seal(wide);
        begin(&world, i, wide);
        struct world_peer *all = all_of(&world, i);
        world_publish(all, "house/open", "1", MQTT_QOS_0, 0, true);
        world_publish(all, "house/secret", "1", MQTT_QOS_0, 0, true);

        struct policy *carved =
            new_policy(&role, &(struct role_options){ .terms = anything, .carves = true });
        grant(role, POLICY_SUBSCRIBE, "house/#");
        const char *why;
        assert_int_equal(role_deny(role, POLICY_SUBSCRIBE, "house/secret", &why), 0);
        scope(role, "house/", 0, 100);
        policy_seal(carved);
        struct world_peer *reader = reader_of(&world, i, "r");
        assert_int_equal(world_subscribe(reader, "house/+", MQTT_QOS_0), 0);
        assert_true(world_expect(reader, MQTT_PUBLISH));
        assert_true(world_expect(reader, MQTT_PUBLISH));
        assert_gets_nothing(reader);
        world_set_policy(&world, carved);
        assert_int_equal(world_subscribe(reader, "house/+", MQTT_QOS_0), 0);
        assert_gets(reader, "house/open");
        assert_gets_nothing(reader);
        world_fini(&world);
    }
}

static void what_is_queued_is_judged_when_it_is_sent(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        for (unsigned walked = 0; walked < 2; walked++) {
            struct world world;
            begin(&world, i, reader_policy(open_and_secret));
            struct world_peer *all = all_of(&world, i);
            struct world_peer *reader = reader_of(&world, i, "r");

            world_subscribe(reader, "secret", MQTT_QOS_1);
            world_subscribe(reader, "open", MQTT_QOS_1);
            world_break(reader);
            for (uint16_t n = 1; n <= 5; n++) {
                world_publish(all, "secret", "s", MQTT_QOS_1, n, false);
                world_publish(all, "open", "o", MQTT_QOS_1, (uint16_t)(n + 100), false);
            }
            world_set_policy(&world, reader_policy(only_open));
            if (walked > 0)
                world_settle_policy(&world, 1);
            reader = reader_of(&world, i, "r");
            for (unsigned n = 0; n < 5; n++)
                assert_gets(reader, "open");
            assert_gets_nothing(reader);
            world_fini(&world);
        }
    }
}

static void what_is_in_flight_is_not_sent_again(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        for (enum mqtt_qos qos = MQTT_QOS_1; qos <= MQTT_QOS_2; qos++) {
            struct world world;
            begin(&world, i, reader_policy(open_and_secret));
            struct world_peer *all = all_of(&world, i);
            struct world_peer *reader = reader_of(&world, i, "r");

            world_subscribe(reader, "secret", qos);
            world_subscribe(reader, "open", qos);
            world_publish(all, "secret", "s", qos, 1, false);
            world_publish(all, "open", "o", qos, 2, false);
            assert_gets(reader, "secret");
            assert_gets(reader, "open");
            world_break(reader); /* neither is acknowledged */
            world_set_policy(&world, reader_policy(only_open));
            reader = reader_of(&world, i, "r");
            assert_gets(reader, "open");
            assert_gets_nothing(reader);
            world_fini(&world);
        }
    }
}

static void a_reader_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i, reader_policy(open_and_secret));
        struct world_peer *all = all_of(&world, i);
        struct world_peer *idle = reader_of(&world, i, "idle");
        struct world_peer *other = reader_of(&world, i, "other");

        world_subscribe(idle, "secret", MQTT_QOS_0);
        world_subscribe(other, "open", MQTT_QOS_0);
        idle->takes_nothing = true;
        other->takes_nothing = true;
        world_publish(all, "secret", "s", MQTT_QOS_0, 0, false);
        world_publish(all, "open", "o", MQTT_QOS_0, 0, false);
        world_set_policy(&world, reader_policy(only_open));
        world_settle_policy(&world, 256);
        world_sleep(&world, 900);
        assert_false(idle->is_open);
        assert_true(other->is_open); /* it may have what waits for it */
        world_fini(&world);
    }
}

static void a_will_is_judged_when_it_fires(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i, reader_policy(open_and_secret));
        struct world_peer *all = all_of(&world, i);
        struct world_peer *reader = world_open_device(&world, variants[i].version, "r", "reader");

        world_connect(reader, &(struct world_connect){ .client_id = "r", .will_topic = "secret" },
                      NULL);
        world_subscribe(all, "secret", MQTT_QOS_0);
        world_set_policy(&world, reader_policy(only_open));
        world_break(reader);
        assert_gets_nothing(all);
        assert_int_equal(world.events[EVENT_WILL_SENT], 0);
        world_fini(&world);
    }
}

/* ---- those who may not be here at all ---- */

static void the_barred_leave_without_their_will(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i, reader_policy(open_and_secret));
        struct world_peer *all = all_of(&world, i);
        struct world_peer *reader = world_open_device(&world, variants[i].version, "r", "reader");

        world_connect(
            reader,
            &(struct world_connect){
                .client_id = "r", .will_topic = "open", .resume = true, .expiry_s = 3600 },
            NULL);
        world_subscribe(all, "open", MQTT_QOS_0);
        world.barred = "r";
        world_set_policy(&world, reader_policy(open_and_secret));
        world_settle_policy(&world, 256);
        world_run(&world);
        assert_false(reader->is_open);
        assert_int_equal(world_expect(reader, MQTT_DISCONNECT),
                         variants[i].version == MQTT_VERSION_5);
        assert_gets_nothing(all);

        /* One that is barred keeps no client id from another. */
        struct world_peer *heir = world_open_device(&world, variants[i].version, "h", "reader");
        assert_false(
            world_connect(heir, &(struct world_connect){ .client_id = "r", .resume = true }, NULL));
        world_fini(&world);
    }
}

/* ---- the walk ---- */

static void the_walk_survives_whatever_happens_between_its_steps(void **state)
{
    (void)state;
    static const char *const many[] = { "t/0", "t/1", "t/2", "t/3", "t/4", "t/5", "open", NULL };
    struct world world;

    for (unsigned when = 0; when < 60; when++) {
        begin(&world, 1, reader_policy(many));
        struct world_peer *all = all_of(&world, 1);
        struct world_peer *readers[4];
        for (unsigned r = 0; r < 4; r++) {
            char name[8];
            snprintf(name, sizeof(name), "r%u", r);
            readers[r] = reader_of(&world, 1, name);
            for (size_t t = 0; many[t] != NULL; t++)
                assert_int_equal(world_subscribe(readers[r], many[t], MQTT_QOS_1), 1);
        }
        world_break(readers[2]);
        for (uint16_t t = 0; t < 6; t++)
            world_publish(all, many[t], "x", MQTT_QOS_1, (uint16_t)(t + 1), false);
        world_set_policy(&world, reader_policy(only_open));
        unsigned steps = 0;
        while (steps < when && broker_policy_step(world.brokers[0], 1, world.now_ms))
            steps++;
        /* Sessions end, come, resume, and the policy changes again. */
        struct world_peer *back = world_open_device(&world, MQTT_VERSION_5, "r0", "reader");
        world_connect(back, &(struct world_connect){ .client_id = "r0" }, NULL);
        back = reader_of(&world, 1, "r2");
        assert_gets_nothing(back);
        reader_of(&world, 1, "r9");
        if (when % 3 == 0)
            world_set_policy(&world, reader_policy(only_open));
        world_settle_policy(&world, 1);
        assert_int_equal(subscriptions(&world), 3);
        world_fini(&world);
    }
}

static void a_session_on_disk_is_judged_when_it_is_back(void **state)
{
    (void)state;
    struct world world;

    begin(&world, 1, reader_policy(open_and_secret));
    struct world_peer *all = all_of(&world, 1);
    struct world_peer *reader = reader_of(&world, 1, "r");
    world_subscribe(reader, "secret", MQTT_QOS_1);
    world_subscribe(reader, "open", MQTT_QOS_1);
    world_break(reader);
    world_publish(all, "secret", "s", MQTT_QOS_1, 1, false);
    world_publish(all, "open", "o", MQTT_QOS_1, 2, false);
    world_break(all);
    world_restart(&world, 1);
    world_set_policy(&world, reader_policy(only_open));
    reader = reader_of(&world, 1, "r");
    assert_gets(reader, "open");
    assert_gets_nothing(reader);
    world_fini(&world);
}

/* ---- scoped wildcard grants ---- */

static struct policy *scoped_policy(uint32_t most_topics)
{
    struct role *role;
    struct policy *policy =
        new_policy(&role, &(struct role_options){ .terms = anything, .shared = true });

    grant(role, POLICY_SUBSCRIBE, "house/#");
    if (most_topics > 0)
        scope(role, "house/", 0, most_topics);
    policy_seal(policy);
    return policy;
}

static void a_scope_serves_as_many_topics_as_it_says(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        for (unsigned shared = 0; shared < 2; shared++) {
            struct world world;
            begin(&world, i, scoped_policy(3));
            struct world_peer *all = all_of(&world, i);
            struct world_peer *reader = reader_of(&world, i, "r");
            char topic[16];

            assert_int_equal(
                world_subscribe(reader, shared ? "$share/g/house/#" : "house/#", MQTT_QOS_0), 0);
            assert_int_equal(world.events[EVENT_GRANT_USED], 1);
            for (unsigned n = 0; n < 10; n++) { /* five topics, twice */
                snprintf(topic, sizeof(topic), "house/%u", n % 5);
                world_publish(all, topic, "x", MQTT_QOS_0, 0, false);
                if (n % 5 < 3)
                    assert_gets(reader, topic);
                else
                    assert_gets_nothing(reader);
            }
            assert_int_equal(world.events[EVENT_SCOPE_FULL], 1);
            world_fini(&world);
        }
    }
}

static void a_scope_that_ends_ends_the_subscription(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i, scoped_policy(100));
        struct world_peer *all = all_of(&world, i);
        struct world_peer *reader = reader_of(&world, i, "r");

        world_subscribe(reader, "house/+", MQTT_QOS_1);
        world_subscribe(reader, "house/door", MQTT_QOS_1);
        world_set_policy(&world, scoped_policy(0));
        world_settle_policy(&world, 256);
        assert_int_equal(subscriptions(&world), 1); /* the exact one */
        world_publish(all, "house/lamp", "x", MQTT_QOS_0, 0, false);
        assert_gets_nothing(reader);
        world_publish(all, "house/door", "x", MQTT_QOS_0, 0, false);
        assert_gets(reader, "house/door");
        world_fini(&world);
    }
}

/* The policy may have changed meanwhile, and nothing on disk says how a scope is used. */
static void what_is_restored_is_judged(void **state)
{
    struct world world;

    (void)state;
    begin(&world, 0, scoped_policy(1));
    world_subscribe(reader_of(&world, 0, "r"), "house/#", MQTT_QOS_1);
    world_crash(&world, 0, 2);
    struct world_peer *all = all_of(&world, 0);
    struct world_peer *reader = reader_of(&world, 0, "r");
    world_publish(all, "house/lamp", "x", MQTT_QOS_0, 0, false);
    assert_gets(reader, "house/lamp");
    world_publish(all, "house/door", "x", MQTT_QOS_0, 0, false);
    assert_gets_nothing(reader);

    policy_unref(world.policy);
    world.policy = scoped_policy(0);
    world_crash(&world, 0, 1);
    assert_int_equal(subscriptions(&world), 0);
    assert_int_equal(world_disk_things(&world.disk, JOURNAL_SUBSCRIPTION), 0);
    world_fini(&world);
}

static struct policy *policy_up_to(uint8_t qos)
{
    struct role *role;
    const char *why;
    struct policy *policy = new_policy(&role, &(struct role_options){ 0 });
    struct policy_rule rule = {
        .action = POLICY_SUBSCRIBE, .pattern = "a", .grants = true, .terms = anything
    };

    rule.terms.maximum_qos = qos;
    assert_int_equal(role_add_rule(role, &rule, &why), 0);
    policy_seal(policy);
    return policy;
}

/* Nobody is told that a subscription, or what waits, is worth more again, so it is not, after a crash
 * either. */
static void what_is_lowered_stays_so(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool waits = i % 2 != 0;
        struct world world;
        struct mqtt_publish publish;

        begin(&world, 0, policy_up_to(2));
        struct world_peer *reader = reader_of(&world, 0, "r");
        assert_int_equal(world_subscribe(reader, "a", MQTT_QOS_2), 2);
        world_break(reader);
        if (waits)
            world_publish(all_of(&world, 0), "a", "x", MQTT_QOS_2, 1, false);
        for (unsigned most = 1; most <= 2; most++) {
            world_set_policy(&world, policy_up_to((uint8_t)most));
            world_settle_policy(&world, 256);
        }
        world_run(&world);
        if (i / 2 != 0)
            world_crash(&world, 0, 1);
        reader = reader_of(&world, 0, "r");
        if (!waits)
            world_publish(all_of(&world, 0), "a", "x", MQTT_QOS_2, 1, false);
        assert_true(world_take_publish(reader, &publish));
        assert_int_equal(publish.qos, MQTT_QOS_1);
        world_fini(&world);
    }
}

/* ---- what a grant allows of a message ---- */

static void a_grant_bounds_qos_retain_payload_and_rate(void **state)
{
    (void)state;
    static const struct {
        const char *topic, *payload;
        enum mqtt_qos qos;
        bool retain;
        uint8_t reason;
    } rows[] = {
        { "small", "1234", MQTT_QOS_1, false, MQTT_NO_MATCHING_SUBSCRIBERS },
        { "small", "12345", MQTT_QOS_1, false, MQTT_NOT_AUTHORIZED },
        { "small", "1", MQTT_QOS_1, true, MQTT_NOT_AUTHORIZED },
        { "kept", "12345", MQTT_QOS_1, true, MQTT_NO_MATCHING_SUBSCRIBERS },
        { "lowly", "1", MQTT_QOS_1, false, MQTT_NOT_AUTHORIZED },
        { "rare", "1", MQTT_QOS_1, false, MQTT_NO_MATCHING_SUBSCRIBERS },
        { "rare", "2", MQTT_QOS_1, false, MQTT_NO_MATCHING_SUBSCRIBERS },
        { "rare", "3", MQTT_QOS_1, false, MQTT_QUOTA_EXCEEDED },
    };
    static const struct policy_rule rules[] = {
        { .pattern = "small", .grants = true, .terms = { 2, false, 4, 0, 0 } },
        { .pattern = "kept", .grants = true, .terms = { 2, true, 5, 0, 0 } },
        { .pattern = "lowly", .grants = true, .terms = { 0, false, 5, 0, 0 } },
        { .pattern = "rare", .grants = true, .terms = { 1, false, 5, 2, 60 } },
    };
    struct role *role;
    struct world world;
    struct policy *policy = new_policy(&role, &(struct role_options){ 0 });
    const char *why;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rules); i++)
        assert_int_equal(role_add_rule(role, &rules[i], &why), 0);
    policy_seal(policy);
    begin(&world, 1, policy);
    struct world_peer *reader = reader_of(&world, 1, "r");
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        world_publish(reader, rows[i].topic, rows[i].payload, rows[i].qos, 1, rows[i].retain);
        assert_int_equal(puback_reason(reader), rows[i].reason);
    }
    world_sleep(&world, 30000);
    world_publish(reader, "rare", "4", MQTT_QOS_1, 1, false);
    assert_int_equal(puback_reason(reader), MQTT_NO_MATCHING_SUBSCRIBERS);
    assert_true(reader->is_open);
    world_fini(&world);
}

/* ---- topic spaces ---- */

static struct policy *tenants_policy(void)
{
    struct role *role;
    struct policy *policy =
        new_policy(&role, &(struct role_options){ .terms = anything, .shared = true });

    grant(role, POLICY_PUBLISH, "data/#");
    grant(role, POLICY_PUBLISH, "$SYS/x");
    grant(role, POLICY_SUBSCRIBE, "data/#");
    grant(role, POLICY_SUBSCRIBE, "$SYS/#");
    scope(role, "data/", 0, 100);
    policy_seal(policy);
    return policy;
}

static void tenants_do_not_hear_each_other(void **state)
{
    (void)state;
    static const char *const filters[] = { "data/x", "data/+", "data/#", "$share/g/data/x",
                                           "$share/g/data/#" };
    FOR_EACH_VARIANT(i)
    {
        for (size_t f = 0; f < MQTT_ARRAY_LEN(filters); f++) {
            struct world world;
            begin(&world, i, tenants_policy());
            struct world_peer *all = all_of(&world, i);
            world.tenant = "acme";
            struct world_peer *acme = reader_of(&world, i, "a");
            struct world_peer *acme_2 = reader_of(&world, i, "a2");
            world.tenant = "bolt";
            struct world_peer *bolt = reader_of(&world, i, "b");

            assert_int_equal(world_subscribe(acme, filters[f], MQTT_QOS_1), 1);
            assert_int_equal(world_subscribe(bolt, filters[f], MQTT_QOS_1), 1);
            world_subscribe(all, "$tenant/acme/#", MQTT_QOS_0);
            world_publish(acme_2, "data/x", "1", MQTT_QOS_0, 0, false);
            assert_gets(acme, "data/x");
            assert_gets_nothing(bolt);
            assert_gets(all, "$tenant/acme/data/x");
            world_publish(all, "data/x", "2", MQTT_QOS_0, 0, false);
            assert_gets_nothing(acme);
            assert_gets_nothing(bolt);
            world_publish(all, "$tenant/bolt/data/x", "3", MQTT_QOS_0, 0, false);
            assert_gets(bolt, "data/x");
            assert_gets_nothing(acme);
            world_fini(&world);
        }
    }
}

static void a_space_has_its_own_retained_messages_queues_and_wills(void **state)
{
    (void)state;
    FOR_EACH_VARIANT(i)
    {
        struct world world;
        begin(&world, i, tenants_policy());
        world.tenant = "acme";
        struct world_peer *acme = reader_of(&world, i, "a");
        struct world_peer *dying = world_open_device(&world, variants[i].version, "d", "reader");
        world_connect(dying, &(struct world_connect){ .client_id = "d", .will_topic = "data/will" },
                      NULL);
        world_publish(acme, "data/kept", "1", MQTT_QOS_1, 1, true);
        assert_true(world_expect(acme, MQTT_PUBACK));
        world_subscribe(acme, "data/+", MQTT_QOS_1);
        assert_gets(acme, "data/kept");
        world_ack(acme, MQTT_PUBACK, 1);
        world.tenant = "bolt";
        struct world_peer *bolt = reader_of(&world, i, "b");
        world_subscribe(bolt, "data/+", MQTT_QOS_1);
        assert_gets_nothing(bolt);
        world_break(dying);
        assert_gets(acme, "data/will");
        assert_gets_nothing(bolt);
        world_break(acme);
        world.tenant = "acme";
        struct world_peer *other = reader_of(&world, i, "a2");
        world_publish(other, "data/queued", "1", MQTT_QOS_1, 1, false);
        acme = reader_of(&world, i, "a");
        assert_gets(acme, "data/queued");
        world_fini(&world);
    }
}

static void a_space_has_no_dollar_topics(void **state)
{
    (void)state;
    static const char *const filters[] = { "$SYS/broker/uptime", "$SYS/#", "$share/g/$SYS/#",
                                           "$tenant/acme/data/x", "$tenant/bolt/data/#" };
    struct world world;

    begin(&world, 1, tenants_policy());
    world.tenant = "acme";
    struct world_peer *acme = reader_of(&world, 1, "a");
    for (size_t i = 0; i < MQTT_ARRAY_LEN(filters); i++)
        assert_true(world_subscribe(acme, filters[i], MQTT_QOS_1) >= 0x80);
    world_publish(acme, "$SYS/x", "1", MQTT_QOS_1, 1, false);
    assert_int_equal(puback_reason(acme), MQTT_NOT_AUTHORIZED);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publish_is_judged_by_the_policy_in_force),
        cmocka_unit_test(subscribe_is_judged_by_the_policy_in_force),
        cmocka_unit_test(live_delivery_stops_at_once),
        cmocka_unit_test(a_group_loses_nothing_before_the_walk),
        cmocka_unit_test(retained_messages_are_judged_at_replay),
        cmocka_unit_test(what_is_queued_is_judged_when_it_is_sent),
        cmocka_unit_test(what_is_in_flight_is_not_sent_again),
        cmocka_unit_test(a_reader_that_does_not_read_is_cut_off),
        cmocka_unit_test(a_will_is_judged_when_it_fires),
        cmocka_unit_test(the_barred_leave_without_their_will),
        cmocka_unit_test(the_walk_survives_whatever_happens_between_its_steps),
        cmocka_unit_test(a_session_on_disk_is_judged_when_it_is_back),
        cmocka_unit_test(a_scope_serves_as_many_topics_as_it_says),
        cmocka_unit_test(a_scope_that_ends_ends_the_subscription),
        cmocka_unit_test(what_is_restored_is_judged),
        cmocka_unit_test(what_is_lowered_stays_so),
        cmocka_unit_test(a_grant_bounds_qos_retain_payload_and_rate),
        cmocka_unit_test(tenants_do_not_hear_each_other),
        cmocka_unit_test(a_space_has_its_own_retained_messages_queues_and_wills),
        cmocka_unit_test(a_space_has_no_dollar_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
