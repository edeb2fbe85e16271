/* SPDX-License-Identifier: Apache-2.0 */
/* Lines by hand; reach_oracle_test.c holds them against what may be read and written. */
#include "policy/share.h"

#include "base/attrs.h"
#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct rule {
    enum policy_action action;
    bool grants;
    const char *pattern;
};

static const struct rule rules[] = {
    { POLICY_PUBLISH, true, "home/%{site}/%{device}/+" },
    { POLICY_PUBLISH, false, "home/+/+/secret" },
    { POLICY_PUBLISH, true, "home/%{site}/%{device}/secret" },
    { POLICY_SUBSCRIBE, true, "news/x-%{tenant}/#" },
    { POLICY_SUBSCRIBE, true, "news/a/#" },
    { POLICY_SUBSCRIBE, false, "news/%{tenant}/a" },
    { POLICY_SUBSCRIBE, true, "$SYS/broker/#" },
    { POLICY_SUBSCRIBE, true, "news/a/b" },
    { POLICY_PUBLISH, true, "$tacit/events/%{device}" },
    { POLICY_SUBSCRIBE, true, "$tacit/events/#" },
};

static struct role *add_role(struct policy *policy, const char *name, size_t from, size_t to)
{
    struct role *role = policy_add_role(policy, name, &(struct role_options){ .shared = true });
    const char *why;

    assert_non_null(role);
    for (size_t i = from; i < to; i++)
        assert_int_equal(rules[i].grants ? role_grant(role, rules[i].action, rules[i].pattern, &why)
                                         : role_deny(role, rules[i].action, rules[i].pattern, &why),
                         0);
    return role;
}

/* Two parts: that of publishing and that of subscribing. */
static struct policy *policy_of(void)
{
    struct policy *policy = policy_new();

    assert_non_null(policy);
    struct role *parts[] = { add_role(policy, "writer", 0, 3), add_role(policy, "reader", 3, 10) };
    assert_int_equal(policy_assign(policy, "lamp", parts, 2), 0);
    policy_seal(policy);
    return policy;
}

/* "ROLE FILTER MARKS", where marks are: m missing, s out of space, h the broker's, d denied,
 * c cut. */
static void write_line(const struct share_line *line, char out[100])
{
    (void)snprintf(out, 100, "%s %s %s%s%s%s%s", role_name(line->part), line->filter,
                   line->is_missing ? "m" : "", line->is_out_of_space ? "s" : "",
                   line->is_of_house ? "h" : "", line->is_denied ? "d" : "",
                   line->is_cut ? "c" : "");
}

static void assert_lines(const struct policy *policy, const struct identity *identity,
                         const char *const *expected)
{
    struct share share;

    assert_int_equal(share_list(policy_find(policy, identity), identity, &share), 0);
    assert_int_equal(share.count, MQTT_ARRAY_LEN(rules));
    for (size_t i = 0; i < share.count; i++) {
        char line[100];
        write_line(&share.lines[i], line);
        assert_string_equal(line, expected[i]);
        assert_string_equal(share.lines[i].rule->pattern, rules[i].pattern);
    }
    share_fini(&share);
    share_fini(&share);
}

static void names_are_put_in_and_denials_marked(void **state)
{
    static const char *const acme[] = {
        "writer home/s/lamp/+ c",   "writer home/+/+/secret ", "writer home/s/lamp/secret dc",
        "reader news/x-acme/# ",    "reader news/a/# ",        "reader news/acme/a ",
        "reader $SYS/broker/# s",   "reader news/a/b ",        "reader $tacit/events/lamp sh",
        "reader $tacit/events/# s",
    };
    static const char *const nobodys[] = {
        "writer home/+/lamp/+ mc", "writer home/+/+/secret ", "writer home/+/lamp/secret mdc",
        "reader news/+/# mc",      "reader news/a/# c",       "reader news/+/a m",
        "reader $SYS/broker/# ",   "reader news/a/b ",        "reader $tacit/events/lamp h",
        "reader $tacit/events/# ",
    };
    struct policy *policy = policy_of();

    (void)state;
    assert_lines(policy, &(struct identity){ .device = "lamp", .tenant = "acme", .site = "s" },
                 acme);
    assert_lines(policy, &(struct identity){ .device = "lamp" }, nobodys);
    policy_unref(policy);
}

static void a_role_without_rules_has_no_lines(void **state)
{
    struct policy *policy = policy_new();
    struct share share;

    (void)state;
    assert_non_null(policy);
    const struct role *role = add_role(policy, "empty", 0, 0);
    assert_int_equal(share_list(role, NULL, &share), 0);
    assert_int_equal(share.count, 0);
    assert_null(share_nearest(&share, POLICY_PUBLISH, span_of("a")));
    share_fini(&share);
    policy_unref(policy);
}

static void the_nearest_grant(void **state)
{
    static const struct {
        enum policy_action action;
        const char *topic;
        const char *nearest;
    } asked[] = {
        { POLICY_PUBLISH, "home/s/lamp/a/b", "home/s/lamp/+" },
        { POLICY_PUBLISH, "home/s/lamp/secret", "home/s/lamp/secret" },
        { POLICY_PUBLISH, "other", "home/s/lamp/+" }, /* the first of those alike */
        { POLICY_SUBSCRIBE, "news/a/c", "news/a/#" },
        { POLICY_SUBSCRIBE, "news/a/b", "news/a/b" },
        { POLICY_SUBSCRIBE, "news/x-acme", "news/x-acme/#" },
        { POLICY_SUBSCRIBE, "$SYS/load", "$SYS/broker/#" },
    };
    const struct identity lamp = { .device = "lamp", .tenant = "acme", .site = "s" };
    struct policy *policy = policy_of();
    struct share share;

    (void)state;
    assert_int_equal(share_list(policy_find(policy, &lamp), &lamp, &share), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(asked); i++) {
        struct mqtt_span topic = test_span_new(asked[i].topic);
        const struct share_line *line = share_nearest(&share, asked[i].action, topic);
        assert_non_null(line);
        assert_string_equal(line->filter, asked[i].nearest);
        test_span_free(topic);
    }
    share_fini(&share);
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_put_in_and_denials_marked),
        cmocka_unit_test(a_role_without_rules_has_no_lines),
        cmocka_unit_test(the_nearest_grant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
