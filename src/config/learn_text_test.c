/* SPDX-License-Identifier: Apache-2.0 */
/* What is learned is written as a file that config_load() reads without complaint, and that means
 * the same. */
#include "config/testing.h"
#include "policy/learn_testing.h"

#define WORLDS     150
#define TEXT_BYTES 262144

static int put(void *context, struct mqtt_span piece)
{
    char *text = context;
    size_t len = strlen(text);
    assert_true(len + piece.len < TEXT_BYTES);
    memcpy(text + len, piece.data, piece.len);
    text[len + piece.len] = '\0';
    return 0;
}

static struct config *load(const struct learned *learned)
{
    char *text = calloc(1, TEXT_BYTES);
    assert_non_null(text);
    assert_int_equal(learned_write(learned, put, text), 0);
    struct config *config = test_load_good(text, NULL);
    free(text);
    return config;
}

/* Roles as the file says; the caller seals it. */
static struct policy *build(const struct config *config, struct role **roles)
{
    struct policy *policy = policy_new();
    assert_non_null(policy);
    for (size_t i = 0; i < config->role_count; i++)
        assert_int_equal(config_role_add(&config->roles[i], policy, 0, NULL, NULL, &roles[i]), 0);
    return policy;
}

static void is_complete_and_no_wider(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1000 + WORLDS; seed++) {
        struct world world = world_make(seed);
        struct learned *learned = world_learn(&world);
        struct config *config = load(learned);
        struct role *roles[WORLD_ROLES];
        assert_int_equal(config->role_count, WORLD_ROLES);
        struct policy *then = build(config, roles);
        world_assign(&world, roles, then);
        world_check(&world, then);
        policy_unref(then);
        config_unref(config);
        learned_free(learned);
        world_free(&world);
    }
}

/* ---- hostile texts ---- */

static const char *const hostile[] = {
    "a/\"}",
    "a/\\",
    "a/\\\"",
    "a/${HOME}",
    "a/$",
    "a/\n} role \"x\" {",
    "a/\r\t",
    "a/# #",
    "a/ /* ",
    "a/'",
    "a/\x01",
    "a/\x7f",
    "a/\xc2\x9b",
    "a/\xe2\x80\xa8",
    "a/%{device}/x",
    "a/%",
    "a/\xf0\x9f\x92\xa1",
    "a//x",
};

/* Each is allowed and another time refused, and its tenant, owner and reason are no better. */
static void nothing_gets_out_of_its_quotes(void **state)
{
    (void)state;
    static const struct identity lamp = { .device = "la${mp}", .role = "r${x}" };
    struct sketch *sketch = sketch_new(&(struct siphash_key){ 1, 2 }, 100);
    struct policy *policy = policy_new();
    const struct role_options options = {
        .terms = { .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
    };
    assert_non_null(sketch);
    assert_non_null(policy);
    struct role *role = policy_add_role(policy, lamp.role, &options);
    assert_non_null(role);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(hostile); i++) {
        const char *why = NULL;
        const struct policy_rule rule = { .action = POLICY_PUBLISH,
                                          .grants = true,
                                          .pattern = "a/#",
                                          .terms = options.terms,
                                          .owner = hostile[i],
                                          .reason = "\xff\x01" };
        if (i == 0)
            assert_int_equal(role_add_rule(role, &rule, &why), 0);
        struct mqtt_span topic = span_of(hostile[i]);
        if (memchr(topic.data, '#', topic.len) == NULL)
            sketch_note(sketch, &lamp, POLICY_PUBLISH, topic, true, 86400);
        sketch_note(sketch, &lamp, POLICY_SUBSCRIBE, topic, false, 86400);
    }
    policy_seal(policy);
    struct learned *learned = NULL;
    assert_int_equal(
        learn_roles(sketch, policy, &(struct learn_options){ .merge_above = 100 }, &learned), 0);
    struct config *config = load(learned);
    assert_int_equal(config->role_count, 1);
    assert_string_equal(config->roles[0].name, lamp.role);
    assert_string_equal(config->roles[0].rules[0].owner, "a/\"}");
    assert_string_equal(config->roles[0].rules[0].reason, "??");
    for (size_t i = 0; i < MQTT_ARRAY_LEN(hostile); i++) {
        struct mqtt_span topic = span_of(hostile[i]);
        if (memchr(topic.data, '#', topic.len) == NULL)
            assert_int_equal(
                policy_decide_publish(policy_find_role(config->policy, lamp.role), &lamp, topic)
                    .verdict,
                POLICY_ALLOW);
    }
    config_unref(config);
    learned_free(learned);
    policy_unref(policy);
    sketch_free(sketch);
}

/* ---- times and rates ---- */

static void times_are_read_as_they_were(void **state)
{
    (void)state;
    static const struct {
        int64_t expires_s;
        int64_t read_s;
    } rows[] = {
        { 86400, 86400 },
        { 951782400, 951782400 },   /* 2000-02-29 */
        { 951868800, 951868800 },   /* 2000-03-01 */
        { 1798761599, 1798761599 }, /* 2026-12-31T23:59:59Z */
        { 4107542400, 4107542400 }, /* 2100-03-01 */
        { 253402300799, 253402300799 },
        { INT64_MAX, 253402300799 },
        { 0, 0 },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct sketch *sketch = sketch_new(&(struct siphash_key){ 1, 2 }, 100);
        struct policy *policy = policy_new();
        const struct identity lamp = { .device = "lamp", .role = "r" };
        const char *why = NULL;
        assert_non_null(sketch);
        assert_non_null(policy);
        struct role *role = policy_add_role(policy, "r", &(struct role_options){ .carves = true });
        assert_non_null(role);
        const struct policy_rule rule = { .action = POLICY_PUBLISH,
                                          .grants = true,
                                          .pattern = "a",
                                          .terms = { 0, true, 5, 7, 30 },
                                          .expires_s = rows[i].expires_s };
        assert_int_equal(role_add_rule(role, &rule, &why), 0);
        policy_seal(policy);
        sketch_note(sketch, &lamp, POLICY_PUBLISH, span_of("a"), true, INT64_MAX);
        struct learned *learned = NULL;
        assert_int_equal(
            learn_roles(sketch, policy, &(struct learn_options){ .merge_above = 1 }, &learned), 0);
        struct config *config = load(learned);
        assert_int_equal(config->roles[0].rules[0].expires_s, rows[i].read_s);
        /* No file can say 7 in 30 seconds. */
        assert_int_equal(config->roles[0].rules[0].terms.rate_messages, 7);
        assert_int_equal(config->roles[0].rules[0].terms.rate_seconds, 60);
        config_unref(config);
        learned_free(learned);
        policy_unref(policy);
        sketch_free(sketch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_complete_and_no_wider),
        cmocka_unit_test(nothing_gets_out_of_its_quotes),
        cmocka_unit_test(times_are_read_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
