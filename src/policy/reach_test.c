/* SPDX-License-Identifier: Apache-2.0 */
/* Some topics by hand; reach_oracle_test.c asks for very many. */
#include "policy/reach.h"

#include "base/attrs.h"
#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct identity common = { .device = "lamp" };
static const struct identity tenant = { .device = "lamp", .tenant = "acme" };

struct row {
    const char *topic;
    const struct identity *identity;
    bool stays; /* in the common space */
    const char *named;
    enum policy_verdict read;
    enum policy_verdict write;
};

/* The role: subscribe #, $s/a, $tenant/acme/b; publish +/lamp; deny-publish no/#. */
static const struct row rows[] = {
    { "a/b", &common, false, "a/b", POLICY_ALLOW, POLICY_DENY },
    { "a/lamp", &common, false, "a/lamp", POLICY_ALLOW, POLICY_ALLOW },
    { "no/lamp", &common, false, "no/lamp", POLICY_ALLOW, POLICY_DENY_RULE },
    { "$s/a", &common, false, "$s/a", POLICY_ALLOW, POLICY_DENY_SYS },
    { "$tenant/acme/b", &common, false, "$tenant/acme/b", POLICY_ALLOW, POLICY_DENY_SYS },
    { "$tenant/acme/c", &common, false, "$tenant/acme/c", POLICY_DENY_SYS, POLICY_DENY_SYS },
    { "$tenant/acme/b", &tenant, true, "$tenant/acme/b", POLICY_ALLOW, POLICY_DENY_SYS },
    { "a/b", &tenant, true, "a/b", POLICY_ALLOW, POLICY_DENY },
    { "$tenant/acme/a/lamp", &tenant, false, "a/lamp", POLICY_ALLOW, POLICY_ALLOW },
    { "$tenant/acme//lamp", &tenant, false, "/lamp", POLICY_ALLOW, POLICY_ALLOW },
    { "$tenant/acme/no/lamp", &tenant, false, "no/lamp", POLICY_ALLOW, POLICY_DENY_RULE },
    { "$tenant/acme/$s/a", &tenant, false, "$s/a", POLICY_DENY_SPACE, POLICY_DENY_SPACE },
    { "a/lamp", &tenant, false, NULL, POLICY_DENY, POLICY_DENY },
    { "$tenant/beta/a/lamp", &tenant, false, NULL, POLICY_DENY, POLICY_DENY },
    { "$tenant/acmes/a/lamp", &tenant, false, NULL, POLICY_DENY, POLICY_DENY },
    { "$tenant/acme", &tenant, false, NULL, POLICY_DENY, POLICY_DENY },
    { "$tenant/acme/", &tenant, false, NULL, POLICY_DENY, POLICY_DENY },
};

static struct policy *policy_of(bool stays)
{
    const struct role_options options = {
        .common_space = stays,
        .terms = { .maximum_qos = 1, .payload_bytes = 100 },
    };
    struct policy *policy = policy_new();
    const char *why;

    assert_non_null(policy);
    struct role *role = policy_add_role(policy, "r", &options);
    assert_non_null(role);
    int error = role_grant(role, POLICY_SUBSCRIBE, "#", &why);
    error |= role_grant(role, POLICY_SUBSCRIBE, "$s/a", &why);
    error |= role_grant(role, POLICY_SUBSCRIBE, "$tenant/acme/b", &why);
    error |= role_grant(role, POLICY_PUBLISH, "+/lamp", &why);
    error |= role_deny(role, POLICY_PUBLISH, "no/#", &why);
    assert_int_equal(error, 0);
    policy_seal(policy);
    return policy;
}

static void check_row(const struct role *role, const struct row *row)
{
    struct mqtt_span topic = test_span_new(row->topic);
    struct reach reach = reach_decide(role, row->identity, topic);
    struct mqtt_span named = { NULL, 0 };
    bool writes = row->write == POLICY_ALLOW;

    if (reach.read.verdict != row->read || reach.write.verdict != row->write)
        fail_msg("%s: %s, %s", row->topic, reach.read.reason, reach.write.reason);
    assert_non_null(reach.read.reason);
    assert_non_null(reach.write.reason);
    assert_int_equal(reach.write.payload_bytes[0][1], writes ? 100 : -1);
    assert_int_equal(reach.write.payload_bytes[0][2], -1);
    assert_int_equal(reach.names, row->named != NULL);
    assert_int_equal(reach_name(role, row->identity, topic, &named), row->named != NULL);
    if (row->named != NULL) {
        assert_true(span_equal(reach.topic, span_of(row->named)));
        assert_true(span_equal(named, reach.topic));
    }
    test_span_free(topic);
}

static void topics_of_the_broker(void **state)
{
    struct policy *policies[] = { policy_of(false), policy_of(true) };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        check_row(policy_find_role(policies[rows[i].stays], "r"), &rows[i]);
    policy_unref(policies[0]);
    policy_unref(policies[1]);
}

static void without_a_role_nothing(void **state)
{
    struct reach reach = reach_decide(NULL, &common, span_of("a"));

    (void)state;
    assert_false(reach.names);
    assert_int_equal(reach.read.verdict, POLICY_DENY_NO_ROLE);
    assert_int_equal(reach.write.verdict, POLICY_DENY_NO_ROLE);
    assert_int_equal(reach.write.payload_bytes[0][0], -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_of_the_broker),
        cmocka_unit_test(without_a_role_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
