/* SPDX-License-Identifier: Apache-2.0 */
/* docs/examples/: each is a configuration without complaint, and does what its comments say. */
#include "config/testing.h"

static struct config *load_example(const char *name)
{
    char path[512];
    struct test_complaints complaints = { .used = 0 };
    struct diagnostics diagnostics = { test_complaints_line, &complaints, 0 };
    struct config *config = NULL;

    snprintf(path, sizeof(path), "%s/%s.conf", CONFIG_EXAMPLES, name);
    int status = config_load(path, &settings_disk, NULL, &diagnostics, &config);
    assert_string_equal(complaints.text, "");
    assert_int_equal(status, 0);
    return config;
}

enum asked {
    PUBLISH, /* at all */
    RETAIN,  /* a retained message, QoS 0 */
    QOS_2,   /* an empty message with QoS 2 */
    SUBSCRIBE,
    RECEIVE,
};

struct question {
    const char *role;
    const char *device;
    const char *tenant;
    const char *site;
    enum asked asked;
    const char *topic;
    bool allowed;
};

static bool may_publish(const struct role *role, const struct identity *identity,
                        const struct question *question)
{
    struct policy_publish answer = policy_decide_publish(role, identity, span_of(question->topic));

    if (answer.verdict != POLICY_ALLOW)
        return false;
    switch (question->asked) {
    case RETAIN:
        return answer.payload_bytes[1][0] >= 0;
    case QOS_2:
        return answer.payload_bytes[0][2] >= 0;
    case PUBLISH:
    case SUBSCRIBE:
    case RECEIVE:
    default:
        return true;
    }
}

static bool may(const struct config *config, const struct question *question)
{
    const struct identity identity = {
        .device = question->device,
        .tenant = question->tenant,
        .site = question->site,
        .role = question->role,
        .proved = true,
    };
    const struct role *role = policy_find_role(config->policy, question->role);

    assert_non_null(role);
    switch (question->asked) {
    case SUBSCRIBE:
        return policy_decide_subscribe(role, &identity, span_of(question->topic)).verdict
               == POLICY_ALLOW;
    case RECEIVE:
        return policy_decide_receive(role, &identity, span_of(question->topic)).verdict
               == POLICY_ALLOW;
    case PUBLISH:
    case RETAIN:
    case QOS_2:
    default:
        return may_publish(role, &identity, question);
    }
}

static void ask(const char *name, const struct question *questions, size_t count)
{
    struct config *config = load_example(name);

    for (size_t i = 0; i < count; i++) {
        if (may(config, &questions[i]) != questions[i].allowed)
            fail_msg("%s.conf: %s of %s: %s", name, questions[i].topic, questions[i].role,
                     questions[i].allowed ? "refused" : "allowed");
    }
    config_unref(config);
}

static void home(void **state)
{
    static const struct question questions[] = {
        { "sensor", "t1", NULL, "kitchen", PUBLISH, "home/kitchen/t1/state", true },
        { "sensor", "t1", NULL, "kitchen", RETAIN, "home/kitchen/t1/state", true },
        { "sensor", "t1", NULL, "kitchen", PUBLISH, "home/kitchen/t2/state", false },
        { "sensor", "t1", NULL, "kitchen", PUBLISH, "home/hall/t1/state", false },
        { "sensor", "t1", NULL, "kitchen", SUBSCRIBE, "home/kitchen/t1/state", false },
        { "actuator", "l1", NULL, "hall", SUBSCRIBE, "home/hall/l1/set", true },
        { "actuator", "l1", NULL, "hall", SUBSCRIBE, "home/hall/door/set", false },
        { "actuator", "l1", NULL, "hall", SUBSCRIBE, "home/hall/+/set", false },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "home/+/+/state", true },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "home/hall/l1/state", true },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "home/#", false },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "#", false },
        { "hub", "hub", NULL, NULL, PUBLISH, "home/hall/l1/set", true },
        { "hub", "hub", NULL, NULL, PUBLISH, "home/hall/door/set", false },
        { "phone", "p", NULL, NULL, PUBLISH, "home/hall/door/set", true },
        { "phone", "p", NULL, NULL, RETAIN, "home/hall/door/set", false },
        { "phone", "p", NULL, NULL, PUBLISH, "home/hall/l1/state", false },
        { "display", "d", NULL, "hall", SUBSCRIBE, "home/hall/+/state", true },
        { "display", "d", NULL, "hall", SUBSCRIBE, "home/kitchen/+/state", false },
        { "display", "d", NULL, "hall", SUBSCRIBE, "home/+/+/state", false },
        { "display", "d", NULL, NULL, SUBSCRIBE, "home/hall/+/state", false },
    };

    (void)state;
    ask("home", questions, MQTT_ARRAY_LEN(questions));
}

static void factory(void **state)
{
    static const struct question questions[] = {
        { "machine", "m1", NULL, "line-3", PUBLISH, "factory/line-3/m1/state", true },
        { "machine", "m1", NULL, "line-3", QOS_2, "factory/line-3/m1/state", false },
        { "machine", "m1", NULL, "line-3", QOS_2, "factory/line-3/m1/alarm", true },
        { "machine", "m1", NULL, "line-3", PUBLISH, "factory/line-4/m1/alarm", false },
        { "machine", "m1", NULL, "line-3", PUBLISH, "factory/line-3/m1/settings", false },
        { "machine", "m1", NULL, "line-3", SUBSCRIBE, "factory/line-3/m1/settings", true },
        { "machine", "m1", NULL, "line-3", SUBSCRIBE, "factory/line-3/m2/order", false },
        { "line-controller", "c", NULL, "line-3", SUBSCRIBE, "factory/line-3/+/alarm", true },
        { "line-controller", "c", NULL, "line-3", SUBSCRIBE, "factory/line-4/+/alarm", false },
        { "line-controller", "c", NULL, "line-3", PUBLISH, "factory/line-3/m1/order", true },
        { "line-controller", "c", NULL, "line-3", PUBLISH, "factory/line-4/m1/order", false },
        { "mes", "mes", NULL, NULL, SUBSCRIBE, "factory/+/+/state", true },
        { "mes", "mes", NULL, NULL, SUBSCRIBE, "factory/#", false },
        { "mes", "mes", NULL, NULL, PUBLISH, "factory/line-3/m1/settings", false },
        { "historian", "h", NULL, NULL, SUBSCRIBE, "factory/#", true },
        { "historian", "h", NULL, NULL, RECEIVE, "factory/line-3/m1/state", true },
        { "historian", "h", NULL, NULL, RECEIVE, "factory/line-3/m1/settings", false },
        { "historian", "h", NULL, NULL, SUBSCRIBE, "factory/line-3/m1/settings", false },
        { "historian", "h", NULL, NULL, PUBLISH, "factory/line-3/m1/order", false },
        { "maintenance", "x", NULL, NULL, SUBSCRIBE, "factory/#", true },
        { "maintenance", "x", NULL, NULL, PUBLISH, "factory/line-3/m1/settings", true },
        { "maintenance", "x", NULL, NULL, PUBLISH, "factory/line-3/m1/order", false },
    };

    (void)state;
    ask("factory", questions, MQTT_ARRAY_LEN(questions));
}

static void fleet(void **state)
{
    static const struct question questions[] = {
        { "product", "b", "acme", NULL, PUBLISH, "devices/b/telemetry/water", true },
        { "product", "b", "acme", NULL, PUBLISH, "devices/c/telemetry/water", false },
        { "product", "b", "acme", NULL, SUBSCRIBE, "devices/b/firmware", true },
        { "product", "b", "acme", NULL, PUBLISH, "$tenant/other/devices/b/state", false },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "devices/+/state", true },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "devices/+/telemetry/#", true },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "$tenant/acme/devices/+/state", false },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "$tenant/other/devices/+/state", false },
        { "customer", "app", "acme", NULL, PUBLISH, "devices/b/command", true },
        { "customer", "app", "acme", NULL, PUBLISH, "devices/b/firmware", false },
        { "cloud", "c", NULL, NULL, SUBSCRIBE, "$tenant/+/devices/+/telemetry/#", true },
        { "cloud", "c", NULL, NULL, SUBSCRIBE, "$tenant/+/devices/+/command", false },
        { "cloud", "c", NULL, NULL, SUBSCRIBE, "#", false },
        { "cloud", "c", NULL, NULL, PUBLISH, "$tenant/acme/devices/b/firmware", true },
        { "cloud", "c", NULL, NULL, PUBLISH, "$tenant/acme/devices/b/command", false },
        { "support-acme", "s", NULL, NULL, SUBSCRIBE, "$tenant/acme/devices/#", true },
        { "support-acme", "s", NULL, NULL, SUBSCRIBE, "$tenant/other/devices/#", false },
        { "support-acme", "s", NULL, NULL, PUBLISH, "$tenant/acme/devices/b/command", false },
    };

    (void)state;
    ask("fleet", questions, MQTT_ARRAY_LEN(questions));
}

/* The wildcards of maintenance end, its exact topics do not. */
static int64_t ended(void *context, const struct config_role *role,
                     const struct config_scope *scope)
{
    (void)context;
    (void)role;
    return 1800000000 + scope->lasts_s;
}

static void a_shift_ends(void **state)
{
    static const struct identity identity = { .device = "x",
                                              .role = "maintenance",
                                              .proved = true };
    struct config *config = load_example("factory");
    const struct config_role *from = config_find_role(config, "maintenance");

    (void)state;
    for (int over = 0; over < 2; over++) {
        struct policy *policy = policy_new();
        struct role *role = NULL;
        int64_t now_s = 1800000000 + 8 * 3600 - 1 + over;
        assert_int_equal(config_role_add(from, policy, now_s, ended, NULL, &role), 0);
        policy_seal(policy);
        assert_int_equal(policy_decide_subscribe(role, &identity, span_of("factory/#")).verdict,
                         over == 0 ? POLICY_ALLOW : POLICY_DENY_WILDCARD);
        assert_int_equal(
            policy_decide_subscribe(role, &identity, span_of("factory/line-3/m1/state")).verdict,
            POLICY_ALLOW);
        policy_unref(policy);
    }
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(home),
        cmocka_unit_test(factory),
        cmocka_unit_test(fleet),
        cmocka_unit_test(a_shift_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
