/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: random roles and devices, what they did by asking the policy, and what another
 * policy has to say to be as narrow and as complete. */
#pragma once

#include "base/testing.h"
#include "policy/learn.h"
#include "policy/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORLD_ROLES   3
#define WORLD_DEVICES 8 /* the last one does nothing */

struct world {
    struct test_random random;
    struct policy *policy;
    struct sketch *sketch;
    const char *second[WORLD_DEVICES]; /* a role that the device has besides its own, or NULL */
};

static const char *const world_roles[WORLD_ROLES] = { "ra", "rb", "rc" };

/* Some are like what topics are made of. */
static const struct identity world_devices[WORLD_DEVICES] = {
    { .device = "a", .role = "ra", .site = "north" },
    { .device = "dev1", .role = "ra", .site = "north", .tenant = "acme" },
    { .device = "dev2", .role = "ra", .site = "south" },
    { .device = "dev3", .role = "ra", .site = "north" },
    { .device = "north", .role = "rb", .site = "north" },
    { .device = "b", .role = "rb" },
    { .device = "dev4", .role = "rc", .site = "b" },
    { .device = "dev5", .role = "ra", .site = "a" },
};

static inline const char *world_pick(struct world *world, const char *const *words, size_t count)
{
    return words[test_random_below(&world->random, count)];
}

/* Levels out of `words`; with `many` perhaps '#' behind them. */
static inline void world_text(struct world *world, const char *const *words, size_t count,
                              bool many, char out[128])
{
    size_t levels = 1 + test_random_below(&world->random, 4);
    size_t len = 0;
    for (size_t i = 0; i < levels; i++)
        len += (size_t)snprintf(out + len, 128 - len, "%s%s", i > 0 ? "/" : "",
                                world_pick(world, words, count));
    if (many && test_random_below(&world->random, 3) == 0)
        (void)snprintf(out + len, 128 - len, "/#");
}

static inline void world_topic(struct world *world, char out[128])
{
    static const char *const words[] = { "a",     "b",      "c",    "d",   "e",  "dev1",
                                         "dev2",  "x-dev1", "dev5", "1%",  "$s", "north",
                                         "south", "",       "k",    "dev3" };
    world_text(world, words, MQTT_ARRAY_LEN(words), false, out);
    if (test_random_below(&world->random, 4) == 0)
        (void)snprintf(out, 128, "k/%s", world_pick(world, words, MQTT_ARRAY_LEN(words)));
    if (out[0] == '\0')
        (void)snprintf(out, 128, "/");
}

static inline void world_filter(struct world *world, char out[128])
{
    static const char *const words[] = { "a", "b", "dev1", "dev2", "north", "+", "+", "1%" };
    world_text(world, words, MQTT_ARRAY_LEN(words), true, out);
}

static inline struct policy_terms world_terms(struct world *world)
{
    static const struct policy_terms terms[] = {
        { 2, false, POLICY_NO_LIMIT, 0, 0 },
        { 0, true, 1000, 0, 0 },
        { 1, true, POLICY_NO_LIMIT, 0, 0 },
        { 1, false, 2048, 0, 0 },
        { 2, true, 512, 10, 1 },
        { 2, false, POLICY_NO_LIMIT, 60, 60 },
    };
    return terms[test_random_below(&world->random, MQTT_ARRAY_LEN(terms))];
}

static inline void world_rules(struct world *world, struct role *role)
{
    static const char *const words[] = { "a", "b", "c",         "+",       "+",           "+",
                                         "+", "+", "%{device}", "%{site}", "x-%{device}", "$s" };
    size_t count = 3 + test_random_below(&world->random, 12);
    for (size_t i = 0; i < count; i++) {
        char pattern[128];
        const char *why = NULL;
        bool is_own = test_random_below(&world->random, 2) == 0;
        world_text(world, words, MQTT_ARRAY_LEN(words), true, pattern);
        struct policy_rule rule = {
            .action = test_random_below(&world->random, 2) == 0 ? POLICY_PUBLISH : POLICY_SUBSCRIBE,
            .grants = test_random_below(&world->random, 12) != 0,
            .pattern = pattern,
            .terms = is_own ? role_options_of(role)->terms : world_terms(world),
        };
        if (rule.action == POLICY_SUBSCRIBE || !rule.grants) {
            uint8_t maximum_qos = rule.terms.maximum_qos;
            rule.terms = role_options_of(role)->terms;
            rule.terms.maximum_qos = maximum_qos;
        }
        if (rule.grants && test_random_below(&world->random, 8) == 0) {
            rule.expires_s = 4000000000 + (int64_t)test_random_below(&world->random, 3);
            rule.owner = "ann\"a\\";
        }
        assert_int_equal(role_add_rule(role, &rule, &why), 0);
    }
}

/* Some that differ in one level. */
static inline void world_siblings(struct world *world, struct role *role)
{
    static const char *const patterns[] = { "k/a", "k/b", "k/c", "k/d", "k/e", "k/dev1" };
    for (size_t i = 0; i < 2 * MQTT_ARRAY_LEN(patterns); i++) {
        const char *why = NULL;
        if (test_random_below(&world->random, 3) != 0)
            assert_int_equal(role_grant(role, i % 2 == 0 ? POLICY_PUBLISH : POLICY_SUBSCRIBE,
                                        patterns[i / 2], &why),
                             0);
    }
}

static inline void world_scopes(struct world *world, struct role *role)
{
    static const char *const prefixes[] = { "a/", "b/", "%{site}/", "a/b/", "a/%{device}/" };
    for (size_t i = test_random_below(&world->random, 4); i > 0; i--) {
        const char *why = NULL;
        const struct policy_scope scope = {
            .prefix = world_pick(world, prefixes, MQTT_ARRAY_LEN(prefixes)),
            .depth = (uint32_t)test_random_below(&world->random, 4),
            .most_topics = 1 + (uint32_t)test_random_below(&world->random, 3),
            .expires_s = test_random_below(&world->random, 2) == 0 ? 0 : 4100000000,
            .owner = "bob",
            .reason = "tests\nit",
        };
        assert_int_equal(role_add_scope(role, &scope, &why), 0);
    }
}

/* What each device has besides its role, into a policy that has the roles; seals it. */
static inline void world_assign(const struct world *world, struct role *const *roles,
                                struct policy *policy)
{
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        struct role *parts[2] = { NULL, NULL };
        for (size_t r = 0; r < WORLD_ROLES && world->second[i] != NULL; r++) {
            if (strcmp(role_name(roles[r]), world_devices[i].role) == 0)
                parts[0] = roles[r];
            if (strcmp(role_name(roles[r]), world->second[i]) == 0)
                parts[1] = roles[r];
        }
        if (parts[0] != NULL && parts[1] != NULL)
            assert_int_equal(policy_assign(policy, world_devices[i].device, parts, 2), 0);
    }
    policy_seal(policy);
}

static inline void world_act(struct world *world)
{
    const struct identity *identity =
        &world_devices[test_random_below(&world->random, WORLD_DEVICES - 1)];
    const struct role *role = policy_find(world->policy, identity);
    char text[128];
    bool publishes = test_random_below(&world->random, 2) == 0;
    if (publishes || test_random_below(&world->random, 2) == 0)
        world_topic(world, text);
    else
        world_filter(world, text);
    struct mqtt_span topic = span_of(text);
    bool allowed = publishes
                       ? policy_decide_publish(role, identity, topic).verdict == POLICY_ALLOW
                       : policy_decide_subscribe(role, identity, topic).verdict == POLICY_ALLOW;
    sketch_note(world->sketch, identity, publishes ? POLICY_PUBLISH : POLICY_SUBSCRIBE, topic,
                allowed, 1795132800 + (int64_t)test_random_below(&world->random, 100000));
}

static inline struct world world_make(uint64_t seed)
{
    struct world world = { .random = { seed },
                           .policy = policy_new(),
                           .sketch = sketch_new(&(struct siphash_key){ seed, 1 }, 4000) };
    struct role *roles[WORLD_ROLES];
    assert_non_null(world.policy);
    assert_non_null(world.sketch);
    for (size_t i = 0; i < WORLD_ROLES; i++) {
        const struct role_options options = {
            .shared = test_random_below(&world.random, 2) == 0,
            .unrestricted = test_random_below(&world.random, 10) == 0,
            .common_space = test_random_below(&world.random, 2) == 0,
            .carves = test_random_below(&world.random, 2) == 0,
            .terms = world_terms(&world),
        };
        roles[i] = policy_add_role(world.policy, world_roles[i], &options);
        assert_non_null(roles[i]);
        world_rules(&world, roles[i]);
        world_siblings(&world, roles[i]);
        world_scopes(&world, roles[i]);
    }
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        const char *second = world_pick(&world, world_roles, WORLD_ROLES);
        bool has_one = test_random_below(&world.random, 3) == 0;
        if (has_one && strcmp(second, world_devices[i].role) != 0)
            world.second[i] = second;
    }
    world_assign(&world, roles, world.policy);
    for (size_t i = 0; i < 400; i++)
        world_act(&world);
    return world;
}

static inline void world_free(struct world *world)
{
    policy_unref(world->policy);
    sketch_free(world->sketch);
}

static inline struct learned *world_learn(struct world *world)
{
    struct learned *learned = NULL;
    const struct learn_options options = { .merge_above =
                                               1 + test_random_below(&world->random, 3) };
    assert_int_equal(learn_roles(world->sketch, world->policy, &options, &learned), 0);
    return learned;
}

/* ---- no wider ---- */

static inline bool world_is_slower(const struct policy_rule *then, const struct policy_rule *now)
{
    if (now == NULL || then == NULL)
        return now == NULL || then != NULL;
    return (uint64_t)then->terms.rate_messages * now->terms.rate_seconds
           <= (uint64_t)now->terms.rate_messages * then->terms.rate_seconds;
}

static inline void world_check_narrow(struct world *world, const struct policy *then)
{
    const struct identity *identity =
        &world_devices[test_random_below(&world->random, WORLD_DEVICES)];
    const struct role *before = policy_find(world->policy, identity);
    const struct role *after = policy_find(then, identity);
    char text[128];
    world_topic(world, text);
    struct policy_publish old = policy_decide_publish(before, identity, span_of(text));
    struct policy_publish new = policy_decide_publish(after, identity, span_of(text));
    if (new.verdict == POLICY_ALLOW) {
        assert_int_equal(old.verdict, POLICY_ALLOW);
        assert_true(world_is_slower(new.rate, old.rate));
        for (size_t i = 0; i < 2 * POLICY_QOS_COUNT; i++)
            assert_true(new.payload_bytes[i / 3][i % 3] <= old.payload_bytes[i / 3][i % 3]);
    }
    for (size_t i = 0; i < 3; i++) {
        bool receives = i == 0;
        struct mqtt_span topic = span_of(text);
        struct policy_decision was = receives ? policy_decide_receive(before, identity, topic)
                                              : policy_decide_subscribe(before, identity, topic);
        struct policy_decision is = receives ? policy_decide_receive(after, identity, topic)
                                             : policy_decide_subscribe(after, identity, topic);
        if (is.verdict == POLICY_ALLOW) {
            assert_int_equal(was.verdict, POLICY_ALLOW);
            assert_true(is.maximum_qos <= was.maximum_qos);
        }
        if (i == 1)
            world_filter(world, text);
    }
}

/* ---- complete ---- */

struct world_judging {
    const struct policy *now;
    const struct policy *then;
    size_t entries;
};

static inline void world_check_same(const struct role *now, const struct role *then,
                                    const struct sketch_entry *entry)
{
    if (entry->action == POLICY_PUBLISH) {
        struct policy_publish was = policy_decide_publish(now, &entry->identity, entry->topic);
        struct policy_publish is = policy_decide_publish(then, &entry->identity, entry->topic);
        assert_int_equal(is.verdict, was.verdict);
        for (size_t i = 0; i < 2 * POLICY_QOS_COUNT; i++) {
            int32_t bytes = was.payload_bytes[i / 3][i % 3];
            /* That is as much as a file can say, and as a packet can hold. */
            assert_true(is.payload_bytes[i / 3][i % 3] >= (bytes < 268435455 ? bytes : 268435455));
        }
        assert_true(world_is_slower(was.rate, is.rate));
        return;
    }
    struct policy_decision was = policy_decide_subscribe(now, &entry->identity, entry->topic);
    struct policy_decision is = policy_decide_subscribe(then, &entry->identity, entry->topic);
    assert_int_equal(is.verdict, was.verdict);
    assert_int_equal(is.maximum_qos, was.maximum_qos);
    if (was.scope != NULL) {
        assert_non_null(is.scope);
        assert_int_equal(is.scope->most_topics, was.scope->most_topics);
    }
}

static inline int world_judge(void *context, const struct sketch_entry *entry)
{
    struct world_judging *judging = context;
    const struct role *now = policy_find(judging->now, &entry->identity);
    const struct role *then = policy_find(judging->then, &entry->identity);
    if (!entry->allowed)
        return 0;
    judging->entries++;
    assert_true(replay_decide(then, entry) >= replay_decide(now, entry));
    if (!entry->generalised)
        world_check_same(now, then, entry);
    return 0;
}

/* Is `then` complete, and no wider than the policy of the world? */
static inline void world_check(struct world *world, const struct policy *then)
{
    struct world_judging judging = { world->policy, then, 0 };
    (void)sketch_each(world->sketch, world_judge, &judging);
    assert_true(judging.entries != 0);
    for (size_t i = 0; i < 400; i++)
        world_check_narrow(world, then);
}
