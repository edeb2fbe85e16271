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
    PUBLISH, /* with QoS 0 */
    RETAIN,  /* a retained message, QoS 0 */
    QOS_2,
    SUBSCRIBE,
    SHARE, /* the same, by $share */
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
    case SHARE:
    case RECEIVE:
    default:
        return answer.payload_bytes[0][0] >= 0;
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
    case SHARE:
        return (question->asked == SUBSCRIBE || role_options_of(role)->shared)
               && policy_decide_subscribe(role, &identity, span_of(question->topic)).verdict
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
        { "sensor", "t1", NULL, "kitchen", PUBLISH, "home/kitchen/t1/set", false },
        { "sensor", "t1", NULL, NULL, PUBLISH, "home/kitchen/t1/state", false },
        { "sensor", "t1", NULL, "kitchen", SUBSCRIBE, "home/kitchen/t1/state", false },
        { "sensor", "t1", NULL, "kitchen", SUBSCRIBE, "home/kitchen/t1/set", false },
        { "sensor", "t1", NULL, "kitchen", SUBSCRIBE, "#", false },
        { "actuator", "l1", NULL, "hall", RETAIN, "home/hall/l1/state", true },
        { "actuator", "l1", NULL, "hall", PUBLISH, "home/hall/l1/set", false },
        { "actuator", "l1", NULL, "hall", SUBSCRIBE, "home/hall/l1/set", true },
        { "actuator", "l1", NULL, "hall", SUBSCRIBE, "home/hall/door/set", false },
        { "actuator", "l1", NULL, "hall", SUBSCRIBE, "home/hall/+/set", false },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "home/+/+/state", true },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "home/hall/l1/state", true },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "home/hall/+/state", true },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "+/+/+/state", false },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "home/+/+/set", false },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "home/hall/l1/set", false },
        { "hub", "hub", NULL, NULL, SHARE, "home/+/+/state", false },
        { "hub", "hub", NULL, NULL, PUBLISH, "home/hall/l1/state", false },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "home/#", false },
        { "hub", "hub", NULL, NULL, SUBSCRIBE, "#", false },
        { "hub", "hub", NULL, NULL, PUBLISH, "home/hall/l1/set", true },
        { "hub", "hub", NULL, NULL, PUBLISH, "home/hall/door/set", false },
        { "phone", "p", NULL, NULL, PUBLISH, "home/hall/door/set", true },
        { "phone", "p", NULL, NULL, RETAIN, "home/hall/door/set", false },
        { "phone", "p", NULL, NULL, PUBLISH, "home/hall/l1/state", false },
        { "phone", "p", NULL, NULL, SUBSCRIBE, "home/+/+/state", true },
        { "phone", "p", NULL, NULL, SUBSCRIBE, "home/#", false },
        { "phone", "p", NULL, NULL, SUBSCRIBE, "home/hall/door/set", false },
        { "display", "d", NULL, "hall", SUBSCRIBE, "home/hall/+/state", true },
        { "display", "d", NULL, "kitchen", SUBSCRIBE, "home/kitchen/+/state", true },
        { "display", "d", NULL, "hall", SUBSCRIBE, "home/kitchen/+/state", false },
        { "display", "d", NULL, "hall", SUBSCRIBE, "home/kitchen/l1/state", false },
        { "display", "d", NULL, "hall", SUBSCRIBE, "home/hall/#", false },
        { "display", "d", NULL, "hall", SUBSCRIBE, "home/hall/+/set", false },
        { "display", "d", NULL, "hall", PUBLISH, "home/hall/d/state", false },
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
        { "machine", "m1", NULL, "line-3", RETAIN, "factory/line-3/m1/state", true },
        { "machine", "m1", NULL, "line-3", QOS_2, "factory/line-3/m1/state", false },
        { "machine", "m1", NULL, "line-3", QOS_2, "factory/line-3/m1/alarm", true },
        { "machine", "m1", NULL, "line-3", PUBLISH, "factory/line-4/m1/alarm", false },
        { "machine", "m1", NULL, "line-3", PUBLISH, "factory/line-3/m1/settings", false },
        { "machine", "m1", NULL, "line-3", PUBLISH, "factory/line-3/m1/order", false },
        { "machine", "m1", NULL, "line-3", PUBLISH, "factory/line-3/m2/state", false },
        { "machine", "m1", NULL, "line-3", SUBSCRIBE, "factory/line-3/m1/order", true },
        { "machine", "m1", NULL, "line-3", SUBSCRIBE, "factory/line-3/m1/settings", true },
        { "machine", "m1", NULL, "line-3", SUBSCRIBE, "factory/line-3/+/order", false },
        { "machine", "m1", NULL, "line-3", SUBSCRIBE, "factory/line-3/m2/order", false },
        { "line-controller", "c", NULL, "line-3", SUBSCRIBE, "factory/line-3/+/alarm", true },
        { "line-controller", "c", NULL, "line-3", SUBSCRIBE, "factory/line-3/+/state", true },
        { "line-controller", "c", NULL, "line-3", SUBSCRIBE, "factory/line-4/+/alarm", false },
        { "line-controller", "c", NULL, "line-3", SUBSCRIBE, "factory/line-4/m1/state", false },
        { "line-controller", "c", NULL, "line-3", SUBSCRIBE, "factory/+/+/state", false },
        { "line-controller", "c", NULL, "line-3", SUBSCRIBE, "factory/line-3/#", false },
        { "line-controller", "c", NULL, "line-3", SHARE, "factory/line-3/+/state", false },
        { "line-controller", "c", NULL, "line-3", PUBLISH, "factory/line-3/m1/settings", false },
        { "line-controller", "c", NULL, "line-3", PUBLISH, "factory/line-3/m1/order", true },
        { "line-controller", "c", NULL, "line-3", PUBLISH, "factory/line-4/m1/order", false },
        { "mes", "mes", NULL, NULL, SUBSCRIBE, "factory/+/+/state", true },
        { "mes", "mes", NULL, NULL, SHARE, "factory/+/+/state", true },
        { "mes", "mes", NULL, NULL, SUBSCRIBE, "factory/+/+/alarm", true },
        { "mes", "mes", NULL, NULL, SUBSCRIBE, "factory/+/+/settings", false },
        { "mes", "mes", NULL, NULL, SUBSCRIBE, "factory/#", false },
        { "mes", "mes", NULL, NULL, PUBLISH, "factory/line-3/m1/order", true },
        { "mes", "mes", NULL, NULL, PUBLISH, "factory/line-4/m9/order", true },
        { "mes", "mes", NULL, NULL, PUBLISH, "factory/line-3/m1/settings", false },
        { "historian", "h", NULL, NULL, SUBSCRIBE, "factory/#", true },
        { "historian", "h", NULL, NULL, SHARE, "factory/#", true },
        { "historian", "h", NULL, NULL, SUBSCRIBE, "#", false },
        { "historian", "h", NULL, NULL, RECEIVE, "factory/line-3/m1/state", true },
        { "historian", "h", NULL, NULL, RECEIVE, "factory/line-3/m1/alarm", true },
        { "historian", "h", NULL, NULL, RECEIVE, "factory/line-3/m1/order", true },
        { "historian", "h", NULL, NULL, RECEIVE, "factory/line-3/m1/settings", false },
        { "historian", "h", NULL, NULL, SUBSCRIBE, "factory/line-3/m1/settings", false },
        { "historian", "h", NULL, NULL, SUBSCRIBE, "factory/+/+/settings", false },
        { "historian", "h", NULL, NULL, PUBLISH, "factory/line-3/m1/order", false },
        { "historian", "h", NULL, NULL, PUBLISH, "factory/line-3/m1/state", false },
        { "maintenance", "x", NULL, NULL, SUBSCRIBE, "factory/#", true },
        { "maintenance", "x", NULL, NULL, RECEIVE, "factory/line-3/m1/settings", true },
        { "maintenance", "x", NULL, NULL, PUBLISH, "factory/line-3/m1/settings", true },
        { "maintenance", "x", NULL, NULL, RETAIN, "factory/line-3/m1/settings", true },
        { "maintenance", "x", NULL, NULL, PUBLISH, "factory/line-3/m1/order", false },
    };

    (void)state;
    ask("factory", questions, MQTT_ARRAY_LEN(questions));
}

static void fleet(void **state)
{
    static const struct question questions[] = {
        { "product", "b", "acme", NULL, PUBLISH, "devices/b/telemetry/water", true },
        { "product", "b", "acme", NULL, PUBLISH, "devices/b/telemetry/water/in", true },
        { "product", "b", "acme", NULL, PUBLISH, "devices/c/telemetry/water", false },
        { "product", "b", "acme", NULL, RETAIN, "devices/b/state", true },
        { "product", "b", "acme", NULL, QOS_2, "devices/b/state", false },
        { "product", "b", "acme", NULL, PUBLISH, "devices/b/command", false },
        { "product", "b", "acme", NULL, SUBSCRIBE, "devices/b/command", true },
        { "product", "b", "acme", NULL, SUBSCRIBE, "devices/c/command", false },
        { "product", "b", "acme", NULL, SUBSCRIBE, "devices/+/firmware", false },
        { "product", "b", "acme", NULL, SUBSCRIBE, "devices/b/firmware", true },
        { "product", "b", "acme", NULL, PUBLISH, "$tenant/other/devices/b/state", false },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "devices/+/state", true },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "devices/+/telemetry/#", true },
        { "customer", "app", "acme", NULL, SHARE, "devices/+/state", true },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "devices/+/firmware", false },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "devices/b/firmware", false },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "#", false },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "$tenant/acme/devices/+/state", false },
        { "customer", "app", "acme", NULL, SUBSCRIBE, "$tenant/other/devices/+/state", false },
        { "customer", "app", "acme", NULL, PUBLISH, "devices/b/command", true },
        { "customer", "app", "acme", NULL, PUBLISH, "devices/b/firmware", false },
        { "cloud", "c", NULL, NULL, SUBSCRIBE, "$tenant/+/devices/+/telemetry/#", true },
        { "cloud", "c", NULL, NULL, SUBSCRIBE, "$tenant/+/devices/+/state", true },
        { "cloud", "c", NULL, NULL, SHARE, "$tenant/+/devices/+/state", true },
        { "cloud", "c", NULL, NULL, SUBSCRIBE, "$tenant/+/devices/+/command", false },
        { "cloud", "c", NULL, NULL, SUBSCRIBE, "$tenant/#", false },
        { "cloud", "c", NULL, NULL, SUBSCRIBE, "devices/+/state", false },
        { "cloud", "c", NULL, NULL, SUBSCRIBE, "#", false },
        { "cloud", "c", NULL, NULL, PUBLISH, "$tenant/acme/devices/b/firmware", true },
        { "cloud", "c", NULL, NULL, PUBLISH, "devices/b/firmware", false },
        { "cloud", "c", NULL, NULL, PUBLISH, "$tenant/acme/devices/b/command", false },
        { "support-acme", "s", NULL, NULL, SUBSCRIBE, "$tenant/acme/devices/#", true },
        { "support-acme", "s", NULL, NULL, SUBSCRIBE, "$tenant/other/devices/#", false },
        { "support-acme", "s", NULL, NULL, SUBSCRIBE, "$tenant/other/devices/b/state", false },
        { "support-acme", "s", NULL, NULL, SUBSCRIBE, "$tenant/acme/#", false },
        { "support-acme", "s", NULL, NULL, PUBLISH, "$tenant/acme/devices/b/firmware", false },
        { "support-acme", "s", NULL, NULL, PUBLISH, "$tenant/acme/devices/b/command", false },
    };

    (void)state;
    ask("fleet", questions, MQTT_ARRAY_LEN(questions));
}

/* "$tenant/TENANT/" for who has a tenant, and no space for the cloud service. */
static void spaces(void **state)
{
    static const struct identity boiler = { .device = "boiler-17", .tenant = "acme" };
    static const struct identity cloud = { .device = "cloud" };
    struct config *config = load_example("fleet");
    char space[POLICY_SPACE_BYTES];

    (void)state;
    role_space(policy_find_role(config->policy, "product"), &boiler, space);
    assert_string_equal(space, "$tenant/acme/");
    role_space(policy_find_role(config->policy, "cloud"), &cloud, space);
    assert_string_equal(space, "");
    config_unref(config);
}

/* The longest payload, with the highest QoS, of what a role publishes. */
static void payloads(void **state)
{
    static const struct {
        const char *example;
        const char *role;
        const char *topic;
        unsigned qos;
        int32_t bytes;
    } rows[] = {
        { "home", "sensor", "home/here/x/state", 2, 1024 },
        { "home", "actuator", "home/here/x/state", 2, 1024 },
        { "home", "phone", "home/here/x/set", 2, 256 },
        { "factory", "machine", "factory/here/x/state", 1, 16384 },
        { "factory", "machine", "factory/here/x/alarm", 2, 1024 },
        { "fleet", "product", "devices/x/telemetry/water", 1, 8192 },
        { "fleet", "cloud", "$tenant/acme/devices/x/firmware", 2, 65536 },
    };
    static const struct identity identity = { .device = "x", .site = "here" };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct config *config = load_example(rows[i].example);
        const struct role *role = policy_find_role(config->policy, rows[i].role);
        struct policy_publish answer =
            policy_decide_publish(role, &identity, span_of(rows[i].topic));
        for (unsigned qos = 0; qos < POLICY_QOS_COUNT; qos++)
            assert_int_equal(answer.payload_bytes[0][qos], qos <= rows[i].qos ? rows[i].bytes : -1);
        config_unref(config);
    }
}

static void rates(void **state)
{
    static const struct {
        const char *example;
        const char *role;
        const char *topic;
        uint32_t messages;
        uint32_t seconds;
    } rows[] = {
        { "home", "sensor", "home/here/x/state", 60, 60 },
        { "home", "actuator", "home/here/x/state", 60, 60 },
        { "home", "phone", "home/here/x/set", 10, 60 },
        { "factory", "machine", "factory/here/x/state", 20, 1 },
        { "factory", "machine", "factory/here/x/alarm", 60, 60 },
        { "fleet", "product", "devices/x/state", 100, 3600 },
    };
    static const struct identity identity = { .device = "x", .site = "here" };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct config *config = load_example(rows[i].example);
        const struct role *role = policy_find_role(config->policy, rows[i].role);
        struct policy_publish answer =
            policy_decide_publish(role, &identity, span_of(rows[i].topic));
        assert_non_null(answer.rate);
        assert_int_equal(answer.rate->terms.rate_messages, rows[i].messages);
        assert_int_equal(answer.rate->terms.rate_seconds, rows[i].seconds);
        config_unref(config);
    }
}

#define BEGAN_S 1800000000
#define DAY_S   86400

static int64_t ended(void *context, const struct config_role *role,
                     const struct config_scope *scope)
{
    (void)context;
    (void)role;
    return BEGAN_S + scope->lasts_s;
}

/* A wildcard that somebody has asked for, how long it lasts, and an exact topic that stays. */
struct lease {
    const char *example;
    const char *role;
    const char *wildcard;
    const char *topic;
    int64_t lasts_s;
    const char *owner;
};

static void check_lease(const struct lease *lease)
{
    const struct identity identity = { .device = "x", .site = "here", .role = lease->role };
    struct config *config = load_example(lease->example);
    const struct config_role *from = config_find_role(config, lease->role);

    for (int over = 0; over < 2; over++) {
        struct policy *policy = policy_new();
        struct role *role = NULL;
        int64_t now_s = BEGAN_S + lease->lasts_s - 1 + over;
        assert_int_equal(config_role_add(from, policy, now_s, ended, NULL, &role), 0);
        policy_seal(policy);
        struct policy_decision wide =
            policy_decide_subscribe(role, &identity, span_of(lease->wildcard));
        assert_int_equal(wide.verdict, over == 0 ? POLICY_ALLOW : POLICY_DENY_WILDCARD);
        if (over == 0)
            assert_string_equal(wide.scope->owner, lease->owner);
        assert_int_equal(policy_decide_subscribe(role, &identity, span_of(lease->topic)).verdict,
                         POLICY_ALLOW);
        policy_unref(policy);
    }
    config_unref(config);
}

static void wildcards_end_exact_topics_do_not(void **state)
{
    static const struct lease leases[] = {
        { "home", "hub", "home/+/+/state", "home/a/b/state", 365 * DAY_S, "anna" },
        { "home", "phone", "home/+/+/state", "home/a/b/state", 365 * DAY_S, "anna" },
        { "home", "display", "home/here/+/state", "home/here/b/state", 365 * DAY_S, "anna" },
        { "factory", "line-controller", "factory/here/+/alarm", "factory/here/m/alarm", 365 * DAY_S,
          "production" },
        { "factory", "mes", "factory/+/+/state", "factory/a/m/state", 365 * DAY_S,
          "production planning" },
        { "factory", "historian", "factory/#", "factory/a/m/state", 365 * DAY_S, "it" },
        { "factory", "maintenance", "factory/#", "factory/a/m/settings", 8 * 3600, "shift lead" },
        { "fleet", "customer", "devices/+/state", "devices/b/state", 365 * DAY_S,
          "customer success" },
        { "fleet", "cloud", "$tenant/+/devices/+/state", "$tenant/t/devices/b/state", 365 * DAY_S,
          "platform" },
        { "fleet", "support-acme", "$tenant/acme/devices/#", "$tenant/acme/devices/b/state", DAY_S,
          "support" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(leases); i++)
        check_lease(&leases[i]);
}

/* What the registry does not know has the role and the line that its maker's certificate gives. */
static void pumps(void **state)
{
    struct config *config = load_example("factory");

    (void)state;
    assert_int_equal(config->assign_count, 1);
    const struct config_assign *assign = &config->assigns[0];
    assert_string_equal(assign->organization, "Pumps Ltd");
    assert_string_equal(assign->organizational_unit, "industrial");
    assert_string_equal(assign->role, "machine");
    assert_string_equal(assign->site, "line-9");
    assert_null(assign->tenant);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(home),
        cmocka_unit_test(factory),
        cmocka_unit_test(fleet),
        cmocka_unit_test(spaces),
        cmocka_unit_test(payloads),
        cmocka_unit_test(rates),
        cmocka_unit_test(wildcards_end_exact_topics_do_not),
        cmocka_unit_test(pumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
