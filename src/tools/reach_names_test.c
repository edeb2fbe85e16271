/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/reach_names.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool all_but_admin(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "admin") != 0;
}

/* "p:PATTERN" grants to publish, "s:" to subscribe, "P:" and "S:" deny; separated by blanks. */
static struct policy *build(const char *rules)
{
    static const struct role_options options = {
        .terms = { .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
    };
    struct policy *policy = policy_new();
    assert_non_null(policy);
    struct role *role = policy_add_role(policy, "r", &options);
    char copy[256];
    const char *why;
    assert_true(strlen(rules) < sizeof(copy));
    memcpy(copy, rules, strlen(rules) + 1);
    for (char *rule = strtok(copy, " "); rule != NULL; rule = strtok(NULL, " ")) {
        bool grants = rule[0] == 'p' || rule[0] == 's';
        enum policy_action action =
            rule[0] == 'p' || rule[0] == 'P' ? POLICY_PUBLISH : POLICY_SUBSCRIBE;
        int error = grants ? role_grant(role, action, rule + 2, &why)
                           : role_deny(role, action, rule + 2, &why);
        assert_int_equal(error, 0);
    }
    policy_seal(policy);
    return policy;
}

/* "all", "all but a b", "a b", or "". */
static void write_names(const struct reach_names *names, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%s",
                                   names->others ? (names->count > 0 ? "all but" : "all") : "");
    for (size_t i = 0; i < names->count; i++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", names->names[i]);
}

static const struct {
    const char *rules, *tenant, *topic, *readers, *writers;
} rows[] = {
    { "", NULL, "a", "", "" },
    { "s:a/# p:b", NULL, "a/x", "all", "" },
    { "s:pumps/%{device}/set p:pumps/%{device}/state", NULL, "pumps/p1/set", "p1", "" },
    { "s:pumps/%{device}/set p:pumps/%{device}/state", NULL, "pumps/p1/state", "", "p1" },
    { "s:a/x-%{device}/# s:a/%{device}/#", NULL, "a/x-1/y", "x-1 1", "" },
    { "s:a/+ S:a/%{device}", NULL, "a/b", "all but b", "" },
    { "s:%{device}/%{device}", NULL, "a/b", "", "" },
    { "s:%{device}/%{device}", NULL, "a/a", "a", "" },
    { "s:%{device}%{device}", NULL, "abab", "ab", "" },
    { "s:own/%{device}", NULL, "own/admin", "", "" }, /* who may not come by that name */
    { "s:own/%{device}", NULL, "own/a b", "", "" },   /* what is no name */
    { "s:own/%{device}", NULL, "own/", "", "" },
    { "s:own/%{device} p:own/#", "t", "own/x", "", "" }, /* another space */
    { "s:own/%{device} p:own/#", "t", "$tenant/t/own/x", "x", "all" },
    { "s:%{tenant}/%{device}", NULL, "t/x", "", "" },
};

static void every_name_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct policy *policy = build(rows[i].rules);
        const struct identity identity = { .role = "r", .tenant = rows[i].tenant };
        const struct reach_names_question question = {
            .role = policy_find_role(policy, "r"),
            .identity = &identity,
            .topic = span_of(rows[i].topic),
            .permits = all_but_admin,
        };
        struct reach_names read;
        struct reach_names write;
        char text[256];
        reach_names_decide(&question, &read, &write);
        write_names(&read, text, sizeof(text));
        assert_string_equal(text, rows[i].readers);
        assert_true(!reach_names_any(&read) || read.rule != NULL);
        write_names(&write, text, sizeof(text));
        assert_string_equal(text, rows[i].writers);
        policy_unref(policy);
    }
}

/* The longest name, and one more byte; more names than are told. */
static void bounds(void **state)
{
    (void)state;
    struct policy *policy = build("s:%{device} s:%{device}x s:%{device}xx s:%{device}xxx "
                                  "s:%{device}x4xx s:x%{device} s:xx%{device} s:xxx%{device} "
                                  "s:x%{device}x s:xx%{device}xx");
    const struct identity identity = { .role = "r" };
    char topic[IDENTITY_NAME_BYTES + 2];
    struct reach_names read;
    struct reach_names write;
    struct reach_names_question question = { .role = policy_find_role(policy, "r"),
                                             .identity = &identity,
                                             .permits = all_but_admin };
    memset(topic, 'y', sizeof(topic));
    question.topic = (struct mqtt_span){ (const uint8_t *)topic, IDENTITY_NAME_BYTES };
    reach_names_decide(&question, &read, &write);
    assert_int_equal(read.count, 1);
    assert_int_equal(strlen(read.names[0]), IDENTITY_NAME_BYTES);
    question.topic.len++;
    reach_names_decide(&question, &read, &write);
    assert_int_equal(read.count, 0);
    question.topic = span_of("xxxyxxyxyyyxxx");
    reach_names_decide(&question, &read, &write);
    assert_int_equal(read.count, REACH_NAMES_MAX);
    assert_true(read.is_cut);
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_at_once),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
