/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "base/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct policy_terms plain = { .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT };

static struct role *add_role(struct policy *policy, const char *name)
{
    struct role *role = policy_add_role(policy, name, &(struct role_options){ .terms = plain });
    assert_non_null(role);
    return role;
}

static void add_scope(struct role *role, const char *prefix, uint32_t depth)
{
    const struct policy_scope scope = {
        .prefix = prefix, .depth = depth, .most_topics = 10, .owner = "tests", .reason = "to see"
    };
    const char *why = "";
    if (role_add_scope(role, &scope, &why) != 0)
        fail_msg("%s: %s", prefix, why);
}

static void roles_are_found_by_name(void **state)
{
    (void)state;
    struct policy *policy = policy_new();
    assert_non_null(policy);
    assert_null(policy_find_role(policy, "r7"));
    const struct role *roles[50];
    for (unsigned i = 0; i < 50; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "r%u", i * 37 % 50);
        roles[i * 37 % 50] = add_role(policy, name);
    }
    for (unsigned i = 0; i < 50; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "r%u", i);
        assert_ptr_equal(policy_find_role(policy, name), roles[i]);
        assert_string_equal(role_name(roles[i]), name);
        assert_null(policy_add_role(policy, name, &(struct role_options){ .shared = true }));
    }
    assert_null(policy_find_role(policy, "r50"));
    assert_null(policy_find_role(policy, NULL));
    policy_unref(policy);
    policy_unref(NULL);
}

static void roles_that_are_refused(void **state)
{
    (void)state;
    struct policy *policy = policy_new();
    assert_non_null(policy);
    assert_null(policy_add_role(policy, "", &(struct role_options){ .shared = true }));
    assert_null(policy_add_role(policy, NULL, &(struct role_options){ .shared = true }));
    assert_null(policy_add_role(policy, "a/b", &(struct role_options){ .shared = true }));
    assert_null(
        policy_add_role(policy, "a", &(struct role_options){ .terms = { .maximum_qos = 3 } }));
    assert_null(
        policy_add_role(policy, "a", &(struct role_options){ .terms = { .rate_messages = 1 } }));
    struct role *role = policy_add_role(policy, "a", &(struct role_options){ .terms = plain });
    assert_non_null(role);
    assert_int_equal(role_options_of(role)->terms.maximum_qos, 2);
    assert_int_equal(role_maximum_qos(role), 0); /* it has no grant yet */
    assert_false(role_may_use_wildcards(role));
    policy_unref(policy);
}

static void a_reference_keeps_it(void **state)
{
    (void)state;
    struct policy *policy = policy_new();
    assert_non_null(policy);
    add_role(policy, "a");
    policy_seal(policy);
    assert_ptr_equal(policy_ref(policy), policy);
    policy_unref(policy);
    assert_non_null(policy_find_role(policy, "a"));
    policy_unref(policy);
}

static void wrong_patterns_are_explained(void **state)
{
    (void)state;
    static const char *const patterns[] = { "", "a/#/b", "a%b", "%{user}", "$share/g/a" };
    struct policy *policy = policy_new();
    assert_non_null(policy);
    struct role *role = add_role(policy, "a");
    for (size_t i = 0; i < MQTT_ARRAY_LEN(patterns); i++) {
        const char *why = NULL;
        assert_int_equal(role_grant(role, POLICY_PUBLISH, patterns[i], &why), -EINVAL);
        assert_non_null(why);
        why = NULL;
        assert_int_equal(role_deny(role, POLICY_SUBSCRIBE, patterns[i], &why), -EINVAL);
        assert_non_null(why);
    }
    policy_unref(policy);
}

static void zero_denies(void **state)
{
    (void)state;
    struct policy *policy = policy_new();
    assert_non_null(policy);
    const struct role *empty = add_role(policy, "empty");
    const struct identity nobody = { .device = NULL };
    struct mqtt_span topic = span_of("a");
    assert_int_equal((struct policy_decision){ 0 }.verdict, POLICY_DENY);
    assert_int_equal(policy_decide_publish(NULL, &nobody, topic).verdict, POLICY_DENY_NO_ROLE);
    assert_int_equal(policy_decide_subscribe(NULL, &nobody, topic).verdict, POLICY_DENY_NO_ROLE);
    assert_int_equal(policy_decide_receive(NULL, NULL, topic).verdict, POLICY_DENY_NO_ROLE);
    assert_int_equal(policy_decide_publish(empty, &nobody, topic).verdict, POLICY_DENY);
    assert_int_equal(policy_decide_subscribe(empty, NULL, topic).verdict, POLICY_DENY);
    assert_int_equal(policy_decide_receive(empty, NULL, topic).verdict, POLICY_DENY);
    policy_unref(policy);
}

/* One role with wildcards and one without, otherwise alike:
 *   publish   home/%{site}/%{device}/+        deny home/%{site}/%{device}/secret
 *   subscribe home/%{site}/%{device}/#, pub/+, $SYS/broker/+
 *                                             deny home/+/+/secret  */
static struct policy *example_new(void)
{
    struct policy *policy = policy_new();
    assert_non_null(policy);
    for (int wildcards = 0; wildcards < 2; wildcards++) {
        struct role *role = add_role(policy, wildcards ? "wide" : "narrow");
        const char *why = NULL;
        int error = role_grant(role, POLICY_PUBLISH, "home/%{site}/%{device}/+", &why);
        error |= role_deny(role, POLICY_PUBLISH, "home/%{site}/%{device}/secret", &why);
        error |= role_grant(role, POLICY_SUBSCRIBE, "home/%{site}/%{device}/#", &why);
        error |= role_grant(role, POLICY_SUBSCRIBE, "pub/+", &why);
        error |= role_grant(role, POLICY_SUBSCRIBE, "$SYS/broker/+", &why);
        error |= role_deny(role, POLICY_SUBSCRIBE, "home/+/+/secret", &why);
        assert_int_equal(error, 0);
        assert_null(why);
        if (!wildcards)
            continue;
        add_scope(role, "home/%{site}/%{device}/", 0);
        add_scope(role, "pub/", 0);
        add_scope(role, "$SYS/", 0);
    }
    policy_seal(policy);
    return policy;
}

enum question {
    PUBLISH,
    SUBSCRIBE,
    RECEIVE,
};

struct row {
    enum question question;
    const char *role;
    const char *topic;
    enum policy_verdict verdict;
    const char *rule;
};

static const struct row rows[] = {
    { PUBLISH, "narrow", "home/s/d/state", POLICY_ALLOW, "home/%{site}/%{device}/+" },
    { PUBLISH, "narrow", "home/s/e/state", POLICY_DENY, NULL },
    { PUBLISH, "narrow", "home/s/d/state/x", POLICY_DENY, NULL },
    { PUBLISH, "narrow", "home/s/d/secret", POLICY_DENY_RULE, "home/%{site}/%{device}/secret" },
    { PUBLISH, "narrow", "$SYS/broker/load", POLICY_DENY_SYS, NULL },
    { PUBLISH, "narrow", "pub/news", POLICY_DENY, NULL },
    { SUBSCRIBE, "narrow", "pub/news", POLICY_ALLOW, "pub/+" },
    { SUBSCRIBE, "narrow", "home/s/d/set", POLICY_ALLOW, "home/%{site}/%{device}/#" },
    { SUBSCRIBE, "narrow", "home/s/d/secret", POLICY_DENY_RULE, "home/+/+/secret" },
    { SUBSCRIBE, "narrow", "home/s/e/set", POLICY_DENY, NULL },
    { SUBSCRIBE, "narrow", "pub/+", POLICY_DENY_WILDCARD, NULL },
    { SUBSCRIBE, "narrow", "#", POLICY_DENY_WILDCARD, NULL },
    { SUBSCRIBE, "narrow", "$SYS/broker/load", POLICY_ALLOW, "$SYS/broker/+" },
    { SUBSCRIBE, "narrow", "$SYS/clients", POLICY_DENY_SYS, NULL },
    { SUBSCRIBE, "wide", "pub/+", POLICY_ALLOW, "pub/+" },
    { SUBSCRIBE, "wide", "pub/news", POLICY_ALLOW, "pub/+" },
    { SUBSCRIBE, "wide", "pub/#", POLICY_DENY, NULL },
    { SUBSCRIBE, "wide", "+/news", POLICY_DENY_WILDCARD, NULL },
    { SUBSCRIBE, "wide", "home/s/d/a/+", POLICY_ALLOW, "home/%{site}/%{device}/#" },
    { SUBSCRIBE, "wide", "home/s/d/+", POLICY_DENY_RULE, "home/+/+/secret" },
    { SUBSCRIBE, "wide", "#", POLICY_DENY_WILDCARD, NULL },
    { SUBSCRIBE, "wide", "$SYS/broker/+", POLICY_ALLOW, "$SYS/broker/+" },
    { SUBSCRIBE, "wide", "$SYS/#", POLICY_DENY_SYS, NULL },
    { RECEIVE, "narrow", "pub/news", POLICY_ALLOW, "pub/+" },
    { RECEIVE, "narrow", "home/s/d/a/b", POLICY_ALLOW, "home/%{site}/%{device}/#" },
    { RECEIVE, "narrow", "home/s/d/secret", POLICY_DENY_RULE, "home/+/+/secret" },
    { RECEIVE, "narrow", "home/s/e/set", POLICY_DENY, NULL },
    { RECEIVE, "narrow", "$SYS/clients", POLICY_DENY_SYS, NULL },
};

static struct policy_decision ask(const struct policy *policy, const struct row *row)
{
    const struct identity identity = { .device = "d", .site = "s", .proved = true };
    const struct role *role = policy_find_role(policy, row->role);
    assert_non_null(role);
    struct mqtt_span topic = test_span_new(row->topic);
    struct policy_decision decision = { .verdict = POLICY_DENY };
    switch (row->question) {
    case PUBLISH: {
        struct policy_publish publish = policy_decide_publish(role, &identity, topic);
        decision = (struct policy_decision){ .verdict = publish.verdict,
                                             .reason = publish.reason,
                                             .rule = publish.rule };
        assert_int_equal(publish.payload_bytes[0][2] >= 0, publish.verdict == POLICY_ALLOW);
        break;
    }
    case SUBSCRIBE:
        decision = policy_decide_subscribe(role, &identity, topic);
        break;
    case RECEIVE:
        decision = policy_decide_receive(role, &identity, topic);
        break;
    }
    test_span_free(topic);
    return decision;
}

static void decisions(void **state)
{
    (void)state;
    struct policy *policy = example_new();
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct policy_decision decision = ask(policy, &rows[i]);
        if (decision.verdict != rows[i].verdict)
            fail_msg("row %zu, %s: %s", i, rows[i].topic, decision.reason);
        assert_non_null(decision.reason);
        assert_int_equal(decision.rule == NULL, rows[i].rule == NULL);
        if (rows[i].rule != NULL)
            assert_string_equal(decision.rule->pattern, rows[i].rule);
    }
    policy_unref(policy);
}

static void the_reason_tells_off_from_not_covered(void **state)
{
    (void)state;
    struct policy *policy = example_new();
    const char *off = ask(policy, &(struct row){ SUBSCRIBE, "narrow", "pub/+", 0, NULL }).reason;
    const char *not_covered =
        ask(policy, &(struct row){ SUBSCRIBE, "wide", "pub/#", 0, NULL }).reason;
    assert_string_equal(off, "wildcard subscriptions are off; ask for a scoped wildcard grant");
    assert_string_not_equal(off, not_covered);
    policy_unref(policy);
}

/* A denial that needs a name its reader lacks denies whatever it could mean. */
static void nameless_clients_gain_nothing_from_it(void **state)
{
    (void)state;
    struct policy *policy = policy_new();
    assert_non_null(policy);
    struct role *role = add_role(policy, "guest");
    const char *why = NULL;
    assert_int_equal(role_grant(role, POLICY_SUBSCRIBE, "#", &why), 0);
    assert_int_equal(role_grant(role, POLICY_SUBSCRIBE, "own/%{device}", &why), 0);
    assert_int_equal(role_deny(role, POLICY_SUBSCRIBE, "vault/%{tenant}/#", &why), 0);
    const struct identity nobody = { .role = "guest" };
    const struct identity tenant = { .role = "guest", .tenant = "t" };
    struct mqtt_span topic = span_of("vault/x/y");
    assert_int_equal(policy_decide_receive(role, &nobody, topic).verdict, POLICY_DENY_RULE);
    assert_int_equal(policy_decide_receive(role, NULL, topic).verdict, POLICY_DENY_RULE);
    assert_int_equal(policy_decide_receive(role, &tenant, topic).verdict, POLICY_ALLOW);
    add_scope(role, "vault/", 0);
    assert_int_equal(policy_decide_subscribe(role, &tenant, span_of("vault/#")).verdict,
                     POLICY_DENY_RULE);
    policy_unref(policy);
}

static void unrestricted_is_all_but_what_is_denied(void **state)
{
    const struct identity nobody = { .role = "open" };
    const char *why;

    (void)state;
    struct policy *policy = policy_new();
    assert_non_null(policy);
    struct role *role =
        policy_add_role(policy, "open", &(struct role_options){ .unrestricted = true });
    assert_non_null(role);
    assert_int_equal(role_deny(role, POLICY_PUBLISH, "$own/secret", &why), 0);
    policy_seal(policy);
    assert_int_equal(policy_decide_publish(role, &nobody, span_of("$own/x")).verdict, POLICY_ALLOW);
    assert_int_equal(policy_decide_publish(role, &nobody, span_of("$own/secret")).verdict,
                     POLICY_DENY_RULE);
    assert_int_equal(policy_decide_subscribe(role, &nobody, span_of("$own/#")).verdict,
                     POLICY_ALLOW);
    assert_int_equal(policy_decide_receive(role, &nobody, span_of("a")).verdict, POLICY_ALLOW);
    policy_unref(policy);
}

/* Who may do everything, too: what the broker says of itself is nobody else's to say. */
static void only_the_broker_publishes_below_its_own_name(void **state)
{
    static const struct {
        const char *topic;
        enum policy_verdict verdict;
    } topics[] = {
        { "$tacit", POLICY_DENY_HOUSE },   { "$tacit/events/sense/source", POLICY_DENY_HOUSE },
        { "$tacit/x", POLICY_DENY_HOUSE }, { "$tacitly/x", POLICY_ALLOW },
        { "tacit/x", POLICY_ALLOW },       { "$x", POLICY_ALLOW },
    };
    const struct identity anybody = { .device = "d" };
    struct policy *policy = policy_new();

    (void)state;
    assert_non_null(policy);
    const struct role *role =
        policy_add_role(policy, "open", &(struct role_options){ .unrestricted = true });
    assert_non_null(role);
    policy_seal(policy);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(topics); i++)
        assert_int_equal(policy_decide_publish(role, &anybody, span_of(topics[i].topic)).verdict,
                         topics[i].verdict);
    policy_unref(policy);
}

/* Not even what everything is granted to: a common-space role could plant a topic there. */
static void a_tenants_space_has_no_dollar_topics(void **state)
{
    const struct identity tenant = { .device = "d", .tenant = "acme" };
    const struct identity common = { .device = "d" };
    struct mqtt_span topic = span_of("$x/y");

    (void)state;
    for (int stays = 0; stays < 2; stays++) {
        struct policy *policy = policy_new();
        assert_non_null(policy);
        const struct role *role = policy_add_role(
            policy, "open", &(struct role_options){ .unrestricted = true, .common_space = stays });
        assert_non_null(role);
        policy_seal(policy);
        enum policy_verdict verdict = stays ? POLICY_ALLOW : POLICY_DENY_SPACE;
        struct policy_publish publish = policy_decide_publish(role, &tenant, topic);
        assert_int_equal(publish.verdict, verdict);
        assert_int_equal(publish.payload_bytes[0][0] >= 0, stays);
        assert_int_equal(policy_decide_subscribe(role, &tenant, topic).verdict, verdict);
        assert_int_equal(policy_decide_subscribe(role, &tenant, span_of("$x/#")).verdict, verdict);
        assert_int_equal(policy_decide_receive(role, &tenant, topic).verdict, verdict);
        assert_int_equal(policy_decide_receive(role, &tenant, span_of("x/$y")).verdict,
                         POLICY_ALLOW);
        assert_int_equal(policy_decide_receive(role, &common, topic).verdict, POLICY_ALLOW);
        assert_int_equal(policy_decide_receive(NULL, &tenant, topic).verdict, POLICY_DENY_NO_ROLE);
        policy_unref(policy);
    }
}

/* Sixteen levels, each named by one grant: more combinations than are looked at. */
static void what_takes_too_much_effort_is_refused(void **state)
{
    const struct identity nobody = { .device = NULL };
    char pattern[64];
    const char *why;

    (void)state;
    struct policy *policy = policy_new();
    assert_non_null(policy);
    struct role *role = add_role(policy, "r");
    for (size_t named = 0; named < 17; named++) {
        size_t len = (size_t)snprintf(pattern, sizeof(pattern), "p");
        for (size_t i = 0; i < 16; i++)
            len += (size_t)snprintf(pattern + len, sizeof(pattern) - len, "/%s",
                                    i == named ? "a" : "+");
        assert_int_equal(role_grant(role, POLICY_SUBSCRIBE, pattern, &why), 0);
    }
    (void)snprintf(pattern + strlen(pattern), sizeof(pattern) - strlen(pattern), "/+/#");
    assert_int_equal(role_grant(role, POLICY_SUBSCRIBE, pattern, &why), 0);
    add_scope(role, "p/", 0);
    policy_seal(policy);
    pattern[strlen(pattern) - strlen("+/#")] = '\0';
    (void)snprintf(pattern + strlen(pattern), sizeof(pattern) - strlen(pattern), "#");
    assert_int_equal(policy_decide_subscribe(role, &nobody, span_of(pattern)).verdict,
                     POLICY_DENY_EFFORT);
    policy_unref(policy);
}

static void every_verdict_has_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < POLICY_VERDICT_COUNT; i++) {
        for (int j = 0; j < i; j++)
            assert_string_not_equal(policy_verdict_text((enum policy_verdict)i),
                                    policy_verdict_text((enum policy_verdict)j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_found_by_name),
        cmocka_unit_test(roles_that_are_refused),
        cmocka_unit_test(a_reference_keeps_it),
        cmocka_unit_test(wrong_patterns_are_explained),
        cmocka_unit_test(zero_denies),
        cmocka_unit_test(decisions),
        cmocka_unit_test(the_reason_tells_off_from_not_covered),
        cmocka_unit_test(nameless_clients_gain_nothing_from_it),
        cmocka_unit_test(unrestricted_is_all_but_what_is_denied),
        cmocka_unit_test(a_tenants_space_has_no_dollar_topics),
        cmocka_unit_test(only_the_broker_publishes_below_its_own_name),
        cmocka_unit_test(what_takes_too_much_effort_is_refused),
        cmocka_unit_test(every_verdict_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
