/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds of one identity, whatever the number of its connections: the limits messages_per_s,
 * bytes_per_s, connects_per_minute, subscribes_per_s, identity_retained_bytes and accounts, and
 * what a role says instead. */
#include "core/allowance.h"

#include "core/client.h"
#include "core/pace.h"
#include "core/state.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SHARDS 4u

static struct limits with(const char *name, uint64_t value)
{
    struct limits limits = limits_default();

    assert_int_equal(limits_set(&limits, limits_find(name), value), 0);
    return limits;
}

/* The policy of the world, with these bounds for devices. */
static struct policy *policy_with(const struct policy_bounds *bounds)
{
    const struct role_options options = {
        .unrestricted = true,
        .terms = { .retain = true, .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
        .bounds = *bounds,
    };
    struct policy *policy = policy_new();

    assert_non_null(policy_add_role(policy, "device", &options));
    policy_seal(policy);
    return policy;
}

static void init(struct world *world, const struct limits *limits,
                 const struct policy_bounds *bounds)
{
    world_init(world, SHARDS, limits);
    world_set_policy(world, policy_with(bounds));
}

static struct world_peer *device(struct world *world, const char *id, uint8_t *out_reason)
{
    struct world_peer *peer = world_open_device(world, MQTT_VERSION_5, "lamp", "device");

    world_connect(peer, &(struct world_connect){ .client_id = id, .keep_alive_s = 10 }, out_reason);
    return peer;
}

static uint64_t received(const struct world *world)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < world->shards; i++)
        sum += broker_statistics(world->brokers[i])->publish_received;
    return sum;
}

static void publish_many(struct world_peer *peer, unsigned count)
{
    for (uint16_t i = 1; i <= count; i++)
        world_publish(peer, "devices/lamp/x", "0123456789", MQTT_QOS_1, i, false);
}

static void expect_acks(struct world_peer *peer, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_true(world_expect(peer, MQTT_PUBACK));
    assert_true(world_is_silent(peer));
}

/* ---- messages and bytes: the client has to wait ---- */

static void show_messages(struct world *world)
{
    struct world_peer *peer = device(world, "lamp", NULL);

    publish_many(peer, 25);
    expect_acks(peer, 10);
    assert_true(client_is_waiting(peer->client));
    world_sleep(world, 99);
    assert_int_equal(received(world), 10);
    world_sleep(world, 1);
    expect_acks(peer, 1);
    world_sleep(world, 1400);
    expect_acks(peer, 14);
    assert_int_equal(received(world), 25);
    assert_true(peer->is_open);
    world_sleep(world, 200);
    assert_false(client_is_waiting(peer->client));
}

static void messages_wait(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("messages_per_s", 10);
    const struct limits loose = limits_default();

    init(&world, &limits, &(struct policy_bounds){ 0 });
    show_messages(&world);
    world_fini(&world);
    init(&world, &loose, &(struct policy_bounds){ .messages = { 10, 1 } });
    show_messages(&world);
    world_fini(&world);
}

static void bytes_wait(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("bytes_per_s", 300);
    struct world_peer *peer;

    init(&world, &limits, &(struct policy_bounds){ 0 });
    peer = device(&world, "lamp", NULL);
    publish_many(peer, 30); /* of 31 bytes each */
    expect_acks(peer, 10);
    world_sleep(&world, 1000);
    assert_in_range(received(&world), 19, 20);
    world_sleep(&world, 3000);
    assert_int_equal(received(&world), 30);
    world_fini(&world);
}

/* Four connections on several shards have no more than one. */
static void connections_share_one_allowance(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("messages_per_s", 10);
    static const char *const ids[] = { "lamp-1", "lamp-2", "lamp-3", "lamp-4" };

    init(&world, &limits, &(struct policy_bounds){ 0 });
    for (size_t i = 0; i < MQTT_ARRAY_LEN(ids); i++)
        publish_many(device(&world, ids[i], NULL), 20);
    /* Each is asked once before it has to wait. */
    assert_in_range(received(&world), 10, 13);
    world_sleep(&world, 1000);
    assert_in_range(received(&world), 20, 26);
    world_fini(&world);
}

static void waiting_is_not_silence(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = limits_default();
    struct world_peer *peer;

    init(&world, &limits, &(struct policy_bounds){ .messages = { 1, 3600 } });
    peer = device(&world, "lamp", NULL);
    publish_many(peer, 2);
    expect_acks(peer, 1);
    world_sleep(&world, 3599999);
    assert_true(peer->is_open);
    world_sleep(&world, 1);
    expect_acks(peer, 1);
    world_fini(&world);
}

static void a_new_policy_counts_at_once(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = limits_default();
    struct world_peer *peer;

    init(&world, &limits, &(struct policy_bounds){ 0 });
    peer = device(&world, "lamp", NULL);
    publish_many(peer, 20);
    expect_acks(peer, 20);
    world_set_policy(&world, policy_with(&(struct policy_bounds){ .messages = { 2, 1 } }));
    world_settle_policy(&world, 100);
    publish_many(peer, 3);
    expect_acks(peer, 2);
    world_set_policy(&world,
                     policy_with(&(struct policy_bounds){ .messages = { POLICY_NO_LIMIT, 1 } }));
    world_settle_policy(&world, 100);
    world_sleep(&world, 1000);
    publish_many(peer, 20);
    expect_acks(peer, 21);
    world_fini(&world);
}

static void who_waits_may_go(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("messages_per_s", 1);
    struct world_peer *peer;

    init(&world, &limits, &(struct policy_bounds){ 0 });
    peer = device(&world, "lamp", NULL);
    publish_many(peer, 5);
    world_break(peer);
    world_sleep(&world, 5000);
    assert_int_equal(received(&world), 1);
    world_fini(&world);
}

/* ---- of all that have a role ---- */

static struct world_peer *another(struct world *world, const char *device, uint8_t *out_reason)
{
    struct world_peer *peer = world_open_device(world, MQTT_VERSION_5, device, "device");

    world_connect(peer, &(struct world_connect){ .client_id = device }, out_reason);
    return peer;
}

static void all_of_a_role_share_its_messages_and_bytes(void **state)
{
    static const struct policy_bounds bounds[] = { { .all = { .messages = { 10, 1 } } },
                                                   { .all = { .bytes = { 310, 1 } } } };
    static const char *const devices[] = { "lamp", "door", "bell", "lock" };
    const struct limits limits = limits_default();

    (void)state;
    for (size_t b = 0; b < MQTT_ARRAY_LEN(bounds); b++) {
        struct world world;
        init(&world, &limits, &bounds[b]);
        for (size_t i = 0; i < MQTT_ARRAY_LEN(devices); i++)
            publish_many(another(&world, devices[i], NULL), 20);
        /* Each is asked once before it has to wait. */
        assert_in_range(received(&world), 9, 13);
        world_sleep(&world, 1000);
        assert_in_range(received(&world), 18, 26);
        world_fini(&world);
    }
}

static void all_of_a_role_share_its_connects_and_subscribes(void **state)
{
    struct world world;
    const struct limits limits = limits_default();
    uint8_t reason;

    (void)state;
    init(&world, &limits,
         &(struct policy_bounds){ .all = { .connects = { 3, 60 }, .subscribes = { 2, 60 } } });
    struct world_peer *lamp = another(&world, "lamp", NULL);
    struct world_peer *door = another(&world, "door", NULL);
    assert_int_equal(world_subscribe(lamp, "a", MQTT_QOS_1), 1);
    assert_int_equal(world_subscribe(door, "b", MQTT_QOS_1), 1);
    assert_int_equal(world_subscribe(door, "c", MQTT_QOS_1), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(world_subscribe(lamp, "c", MQTT_QOS_1), MQTT_QUOTA_EXCEEDED);
    another(&world, "bell", &reason);
    assert_int_equal(reason, MQTT_SUCCESS);
    another(&world, "lock", &reason);
    assert_int_equal(reason, MQTT_CONNECTION_RATE_EXCEEDED);
    world_sleep(&world, 30000);
    assert_int_equal(world_subscribe(lamp, "c", MQTT_QOS_1), 1);
    another(&world, "lock", &reason);
    assert_int_equal(reason, MQTT_SUCCESS);
    world_fini(&world);
}

/* ---- connects and subscribes: refused ---- */

static uint8_t comes_and_goes(struct world *world, const char *id)
{
    uint8_t reason;
    struct world_peer *peer = device(world, id, &reason);

    if (peer->is_open)
        world_break(peer);
    return reason;
}

static void connects_are_refused(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("connects_per_minute", 3);
    struct world_peer *peer;
    uint8_t reason;

    init(&world, &limits, &(struct policy_bounds){ 0 });
    assert_int_equal(comes_and_goes(&world, "lamp-1"), MQTT_SUCCESS);
    assert_int_equal(comes_and_goes(&world, "lamp-2"), MQTT_SUCCESS);
    assert_int_equal(comes_and_goes(&world, "lamp-3"), MQTT_SUCCESS);
    assert_int_equal(comes_and_goes(&world, "lamp-4"), MQTT_CONNECTION_RATE_EXCEEDED);
    peer = world_open_device(&world, MQTT_VERSION_3_1_1, "lamp", "device");
    world_connect(peer, &(struct world_connect){ .client_id = "lamp" }, &reason);
    assert_int_equal(reason, 3);
    peer = world_open_device(&world, MQTT_VERSION_5, "other", "device");
    world_connect(peer, &(struct world_connect){ .client_id = "other" }, &reason);
    assert_int_equal(reason, MQTT_SUCCESS);
    world_sleep(&world, 20000);
    assert_int_equal(comes_and_goes(&world, "lamp-1"), MQTT_SUCCESS);
    assert_int_equal(comes_and_goes(&world, "lamp-1"), MQTT_CONNECTION_RATE_EXCEEDED);
    world_fini(&world);
}

static void subscribes_are_refused(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("subscribes_per_s", 2);
    struct world_peer *one;
    struct world_peer *two;

    init(&world, &limits, &(struct policy_bounds){ 0 });
    one = device(&world, "lamp-1", NULL);
    two = device(&world, "lamp-2", NULL);
    assert_int_equal(world_subscribe(one, "a", MQTT_QOS_1), 1);
    assert_int_equal(world_subscribe(two, "b", MQTT_QOS_1), 1);
    assert_int_equal(world_subscribe(one, "c", MQTT_QOS_1), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(world.events[EVENT_SUBSCRIBE_REFUSED], 1);
    world_sleep(&world, 500);
    assert_int_equal(world_subscribe(one, "c", MQTT_QOS_1), 1);
    world_fini(&world);
}

/* ---- what is retained ---- */

static uint8_t retain(struct world_peer *peer, const char *topic, const char *payload)
{
    world_publish(peer, topic, payload, MQTT_QOS_1, 1, true);
    return world_take_ack(peer, MQTT_PUBACK);
}

static bool is_kept(uint8_t reason)
{
    return reason != MQTT_QUOTA_EXCEEDED;
}

static void retained_bytes_are_paid_by_who_wrote(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("identity_retained_bytes", 20);
    struct world_peer *one;
    struct world_peer *two;
    struct world_peer *other;

    init(&world, &limits, &(struct policy_bounds){ 0 });
    one = device(&world, "lamp-1", NULL);
    two = device(&world, "lamp-2", NULL);
    other = world_open_device(&world, MQTT_VERSION_5, "other", "device");
    world_connect(other, &(struct world_connect){ .client_id = "other" }, NULL);
    assert_true(is_kept(retain(one, "a", "123456789")));
    assert_true(is_kept(retain(two, "b", "123456789")));
    assert_false(is_kept(retain(one, "c", "1")));
    assert_true(is_kept(retain(two, "a", "12345678")));   /* a shorter one in its place */
    assert_false(is_kept(retain(one, "c", "1")));         /* a topic counts, too */
    assert_true(is_kept(retain(other, "a", "12345678"))); /* it is another's from now on */
    assert_true(is_kept(retain(one, "c", "12345678")));
    assert_false(is_kept(retain(one, "d", "12")));
    assert_true(is_kept(retain(one, "b", ""))); /* and removed, nobody's */
    assert_true(is_kept(retain(one, "d", "12")));
    world_fini(&world);
}

static void a_role_says_how_much_is_retained(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("identity_retained_bytes", 20);
    struct world_peer *peer;

    init(&world, &limits,
         &(struct policy_bounds){ .retained_bytes = 5, .has_retained_bytes = true });
    peer = device(&world, "lamp", NULL);
    assert_true(is_kept(retain(peer, "a", "1234")));
    assert_false(is_kept(retain(peer, "b", "1")));
    world_set_policy(&world, policy_with(&(struct policy_bounds){ .has_retained_bytes = true }));
    assert_true(is_kept(retain(peer, "b", "12345678901234567890")));
    world_fini(&world);
}

static void all_of_a_role_together_retain_so_much(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = limits_default();
    struct world_peer *one;
    struct world_peer *two;
    uint8_t reason = 0;

    init(&world, &limits, &(struct policy_bounds){ .all.retained_bytes = 20 });
    one = device(&world, "lamp-1", NULL);
    two = another(&world, "other", &reason);
    assert_true(is_kept(retain(one, "a", "123456789")));
    assert_true(is_kept(retain(two, "b", "123456789")));
    assert_false(is_kept(retain(two, "c", "1")));
    assert_false(is_kept(retain(one, "c", "1")));
    assert_true(is_kept(retain(two, "a", "1"))); /* in the place of another's of the role */
    assert_true(is_kept(retain(one, "c", "1")));
    assert_true(is_kept(retain(one, "b", "")));
    assert_true(is_kept(retain(one, "d", "1234567")));
    world_fini(&world);
}

/* Whose it is and of which role stands on the disk. */
static void what_was_retained_counts_after_a_restart(void **state)
{
    (void)state;
    const struct limits limits = with("identity_retained_bytes", 20);
    const struct policy_bounds bounds = { .all.retained_bytes = 30 };

    for (unsigned shards = 1; shards <= 2; shards++) {
        struct world world;
        uint8_t reason = 0;
        init(&world, &limits, &bounds);
        struct world_peer *one = device(&world, "lamp-1", NULL);
        assert_true(is_kept(retain(one, "a", "123456789")));
        assert_true(is_kept(retain(one, "b", "12345678")));
        world_restart(&world, shards);
        one = device(&world, "lamp-1", NULL);
        struct world_peer *two = another(&world, "other", &reason);
        assert_false(is_kept(retain(one, "c", "1")));
        assert_false(is_kept(retain(two, "c", "12345678901")));
        assert_true(is_kept(retain(two, "c", "1234567890")));
        assert_true(is_kept(retain(one, "a", "1")));
        assert_true(is_kept(retain(one, "d", "1")));
        world_fini(&world);
    }
}

static void an_owner_that_is_none_is_told(void **state)
{
    static const struct {
        bool is_valid;
        struct mqtt_span owner;
    } rows[] = {
#define OWNER(is_valid, text)                         \
    {                                                 \
        is_valid,                                     \
        {                                             \
            (const uint8_t *)(text), sizeof(text) - 1 \
        }                                             \
    }
        OWNER(true, "client"),          OWNER(true, "\x01lamp\0\0\0"),
        OWNER(true, "\x02l\0t\0s\0"),   OWNER(false, ""),
        OWNER(false, "\x03role\0"),     OWNER(false, "\x01lamp\0\0"),
        OWNER(false, "\x01l\0t\0s\0x"), OWNER(false, "x\0\0\0"),
#undef OWNER
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        assert_int_equal(allowance_owner_is_valid(rows[i].owner), rows[i].is_valid);
}

/* ---- what is remembered of who went ---- */

static void so_many_are_remembered(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("accounts", 3);
    char id[16];

    init(&world, &limits, &(struct policy_bounds){ .connects = { 1, 3600 } });
    for (unsigned i = 0; i < 10; i++) {
        struct world_peer *peer;
        snprintf(id, sizeof(id), "lamp%u", i);
        peer = world_open_device(&world, MQTT_VERSION_5, id, "device");
        world_connect(peer, &(struct world_connect){ .client_id = id }, NULL);
        world_break(peer);
        assert_in_range(allowance_idle_count(world.shared), 1, 3);
    }
    world_sleep(&world, 3600000 - 1);
    assert_int_equal(allowance_idle_count(world.shared), 3);
    world_sleep(&world, 60000);
    assert_int_equal(allowance_idle_count(world.shared), 0);
    world_fini(&world);
}

/* With the bounds that there are by default, who comes once is remembered for some milliseconds. */
static void who_has_used_up_nothing_is_not_remembered(void **state)
{
    (void)state;
    struct world world;
    char id[16];

    world_init(&world, 1, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        struct world_peer *peer = world_open(&world, MQTT_VERSION_5);
        snprintf(id, sizeof(id), "c%u", i);
        world_connect(peer, &(struct world_connect){ .client_id = id }, NULL);
        world_break(peer);
        world_sleep(&world, 1);
        assert_in_range(allowance_idle_count(world.shared), 1, 12);
    }
    world_fini(&world);
}

static void nobody_in_particular_is_known_by_the_client_identifier(void **state)
{
    (void)state;
    struct world world;
    const struct limits limits = with("connects_per_minute", 1);
    uint8_t reason;

    world_init(&world, SHARDS, &limits);
    for (unsigned i = 0; i < 3; i++) {
        world_connect(world_open(&world, MQTT_VERSION_5),
                      &(struct world_connect){ .client_id = "" }, &reason);
        assert_int_equal(reason, MQTT_SUCCESS);
    }
    world_connect(world_open(&world, MQTT_VERSION_5), &(struct world_connect){ .client_id = "a" },
                  &reason);
    assert_int_equal(reason, MQTT_SUCCESS);
    world_connect(world_open(&world, MQTT_VERSION_5), &(struct world_connect){ .client_id = "a" },
                  &reason);
    assert_int_equal(reason, MQTT_CONNECTION_RATE_EXCEEDED);
    world_fini(&world);
}

/* docs/capacity.md */
static void what_there_is_of_each_device_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct client) <= 240);
    assert_true(offsetof(struct session, client_id) <= 294);
    assert_true(offsetof(struct allowance, key) <= 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_there_is_of_each_device_is_small),
        cmocka_unit_test(messages_wait),
        cmocka_unit_test(bytes_wait),
        cmocka_unit_test(connections_share_one_allowance),
        cmocka_unit_test(waiting_is_not_silence),
        cmocka_unit_test(a_new_policy_counts_at_once),
        cmocka_unit_test(who_waits_may_go),
        cmocka_unit_test(all_of_a_role_share_its_messages_and_bytes),
        cmocka_unit_test(all_of_a_role_share_its_connects_and_subscribes),
        cmocka_unit_test(connects_are_refused),
        cmocka_unit_test(subscribes_are_refused),
        cmocka_unit_test(retained_bytes_are_paid_by_who_wrote),
        cmocka_unit_test(a_role_says_how_much_is_retained),
        cmocka_unit_test(all_of_a_role_together_retain_so_much),
        cmocka_unit_test(what_was_retained_counts_after_a_restart),
        cmocka_unit_test(an_owner_that_is_none_is_told),
        cmocka_unit_test(so_many_are_remembered),
        cmocka_unit_test(who_has_used_up_nothing_is_not_remembered),
        cmocka_unit_test(nobody_in_particular_is_known_by_the_client_identifier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
