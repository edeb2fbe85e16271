/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rulebook_grant.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct registry_grant grant_of(const char *pattern)
{
    struct registry_grant grant = {
        .id = 7,
        .subject_kind = GRANT_TO_DEVICE,
        .subject = "lamp",
        .subscribes = true,
        .maximum_qos = -1,
        .retain = -1,
        .payload_bytes = -1,
        .rate_messages = -1,
        .rate_seconds = -1,
        .owner = "anna",
        .reason = "the display",
    };
    snprintf(grant.pattern, sizeof(grant.pattern), "%s", pattern);
    return grant;
}

static void the_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *prefix;
    } rows[] = {
        { "home/+/state", "home/" },
        { "home/%{site}/#", "home/%{site}/" },
        { "#", "" },
        { "+/a", "" },
        { "a", "" },
        { "a/b", "a/" },
        { "/+", "/" },
        { "", "" },
    };
    char prefix[GRANT_PATTERN_SIZE];

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const struct registry_grant grant = grant_of(rows[i].pattern);
        rulebook_grant_prefix(&grant, prefix);
        assert_string_equal(prefix, rows[i].prefix);
    }
}

static void who_carries_it(void **state)
{
    (void)state;
    static const struct {
        enum grant_subject kind;
        size_t longest;
        const char *name;
    } rows[] = {
        { GRANT_TO_ROLE, 128, "x" },
        { GRANT_TO_GROUP, 122, "group:x" },
        { GRANT_TO_DEVICE, 121, "device:x" },
    };
    char name[IDENTITY_NAME_BYTES + 1];

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct registry_grant grant = grant_of("a");
        grant.subject_kind = rows[i].kind;
        memset(grant.subject, 0, sizeof(grant.subject));
        grant.subject[0] = 'x';
        assert_int_equal(rulebook_grant_carrier(&grant, name), 0);
        assert_string_equal(name, rows[i].name);
        memset(grant.subject, 'x', rows[i].longest);
        assert_int_equal(rulebook_grant_carrier(&grant, name), 0);
        if (rows[i].longest + 1 < sizeof(grant.subject)) {
            grant.subject[rows[i].longest] = 'x';
            assert_int_equal(rulebook_grant_carrier(&grant, name), -EINVAL);
        }
        memcpy(grant.subject, "a/b", 4);
        assert_int_equal(rulebook_grant_carrier(&grant, name), -EINVAL);
    }
    struct registry_grant grant = grant_of("a");
    grant.subject_kind = GRANT_SUBJECT_COUNT;
    assert_int_equal(rulebook_grant_carrier(&grant, name), -EINVAL);
}

static void what_the_policy_takes(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        int64_t most_topics;
        const char *why; /* part of it; NULL: it is taken */
    } rows[] = {
        { "home/+/state", 0, NULL },
        { "#", 0, NULL },
        { "home/%{site}/#", 10, NULL },
        { "a#", 0, "'#'" },
        { "%{devices}/a", 0, "%{device}" },
        { "$share/g/a", 0, "$share" },
        { "\xff", 0, "UTF-8" },
        { "#", 10, "prefix" },
        { "+/a", 10, "prefix" },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct registry_grant grant = grant_of(rows[i].pattern);
        const char *why = NULL;
        grant.most_topics = rows[i].most_topics;
        int error = rulebook_grant_check(&grant, &rulebook_grant_carrier_options, &why);
        assert_int_equal(error, rows[i].why != NULL ? -EINVAL : 0);
        if (rows[i].why != NULL)
            assert_non_null(strstr(why, rows[i].why));
    }
}

static void wildcards_need_owner_and_reason(void **state)
{
    (void)state;
    const char *why = NULL;
    struct registry_grant grant = grant_of("home/#");

    grant.most_topics = 10;
    grant.owner[0] = '\0';
    assert_int_equal(rulebook_grant_check(&grant, &rulebook_grant_carrier_options, &why), -EINVAL);
    assert_non_null(strstr(why, "owner"));
    /* A denial has no scope, so it needs neither. */
    grant.denies = true;
    assert_int_equal(rulebook_grant_check(&grant, &rulebook_grant_carrier_options, &why), 0);
}

/* Where the grant is silent, the terms are those of the role. */
static void terms(void **state)
{
    (void)state;
    const char *why = NULL;
    static const struct role_options options = {
        .terms = { .maximum_qos = 1, .retain = true, .payload_bytes = 10 },
    };
    struct policy *policy = policy_new();
    assert_non_null(policy);
    struct role *role = policy_add_role(policy, "r", &options);
    assert_non_null(role);

    struct registry_grant grant = grant_of("home/#");
    assert_int_equal(rulebook_grant_add(role, &grant, &why), 0);
    grant.maximum_qos = 2;
    grant.retain = 0;
    grant.payload_bytes = INT64_MAX;
    grant.rate_messages = 5;
    grant.rate_seconds = 60;
    grant.expires_s = 99;
    grant.depth = 3;
    grant.most_topics = 10;
    assert_int_equal(rulebook_grant_add(role, &grant, &why), 0);

    const struct policy_rule *silent = role_rule_at(role, 0);
    assert_int_equal(silent->terms.maximum_qos, 1);
    assert_true(silent->terms.retain);
    assert_int_equal(silent->terms.payload_bytes, 10);
    assert_int_equal(silent->terms.rate_messages, 0);
    assert_int_equal(silent->expires_s, 0);
    const struct policy_rule *said = role_rule_at(role, 1);
    assert_int_equal(said->terms.maximum_qos, 2);
    assert_false(said->terms.retain);
    assert_true(said->terms.payload_bytes == POLICY_NO_LIMIT);
    assert_int_equal(said->terms.rate_messages, 5);
    assert_int_equal(said->terms.rate_seconds, 60);
    assert_string_equal(said->origin.file, "registry");
    assert_int_equal(said->origin.line, 7);
    assert_int_equal(role_scope_count(role), 1);
    const struct policy_scope *scope = role_scope_at(role, 0);
    assert_string_equal(scope->prefix, "home/");
    assert_int_equal(scope->depth, 3);
    assert_int_equal(scope->most_topics, 10);
    assert_int_equal(scope->expires_s, 99);
    assert_string_equal(scope->owner, "anna");
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_prefix),
        cmocka_unit_test(who_carries_it),
        cmocka_unit_test(what_the_policy_takes),
        cmocka_unit_test(wildcards_need_owner_and_reason),
        cmocka_unit_test(terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
