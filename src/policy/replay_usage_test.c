/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/replay_usage.h"

#include "base/attrs.h"
#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key key = { 5, 6 };

/* Role "r", and "own", which the device "lamp" has besides. */
static struct policy *policy_of(void)
{
    static const struct {
        const char *role;
        enum policy_action action;
        bool grants;
        const char *pattern;
    } rules[] = {
        { "r", POLICY_PUBLISH, true, "d/%{device}/#" },
        { "r", POLICY_PUBLISH, true, "d/%{device}/a" },
        { "r", POLICY_PUBLISH, false, "d/%{device}/secret" },
        { "r", POLICY_SUBSCRIBE, true, "news/#" },
        { "r", POLICY_SUBSCRIBE, true, "site/%{site}" },
        { "own", POLICY_SUBSCRIBE, true, "news/a" },
    };
    struct policy *policy = policy_new();
    const char *why;

    assert_non_null(policy);
    struct role *roles[2];
    roles[0] = policy_add_role(policy, "r", &(struct role_options){ .shared = true });
    roles[1] = policy_add_role(policy, "own", &(struct role_options){ .shared = true });
    assert_true(roles[0] != NULL && roles[1] != NULL);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rules); i++) {
        struct role *role = roles[strcmp(rules[i].role, "own") == 0];
        assert_int_equal(rules[i].grants ? role_grant(role, rules[i].action, rules[i].pattern, &why)
                                         : role_deny(role, rules[i].action, rules[i].pattern, &why),
                         0);
    }
    struct policy_scope scope = {
        .prefix = "news/", .most_topics = 5, .owner = "o", .reason = "r"
    };
    assert_int_equal(role_add_scope(roles[0], &scope, &why), 0);
    /* A role that is named twice counts once. */
    assert_int_equal(
        policy_assign(policy, "lamp", (struct role *[]){ roles[0], roles[1], roles[0] }, 3), 0);
    policy_seal(policy);
    return policy;
}

/* "WHAT used needed count" of each grant and scope, in the order of role and rule. */
static void write_usage(const struct replay_usage *usage, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < usage->count; i++) {
        const struct replay_use *use = &usage->uses[i];
        size_t len = strlen(out);
        assert_true((use->rule == NULL) != (use->scope == NULL));
        (void)snprintf(out + len, size - len, "%s %s %d %d %d\n", role_name(use->part),
                       use->rule != NULL ? use->rule->pattern : use->scope->prefix,
                       (int)use->used_s, (int)use->needed_s, (int)use->count);
    }
}

struct row {
    const char *what;
    const char *observed; /* the line of the sketch, without "lamp" or "door" and the newline */
    const char *device;
    const char *usage; /* of what is used, and the rest at zero */
};

static const struct row rows[] = {
    { "nothing was seen", NULL, NULL, "" },
    { "one grant covers it", "publish\tallowed\texact\t3\t100\t200\td/door/b", "door",
      "r d/%{device}/# 200 200 3\n" },
    { "two grants cover it", "publish\tallowed\texact\t3\t100\t200\td/door/a", "door",
      "r d/%{device}/# 200 0 3\nr d/%{device}/a 200 0 3\n" },
    { "of a set one covers all, one some", "publish\tallowed\tseveral\t3\t100\t200\td/door/+",
      "door", "r d/%{device}/# 200 200 3\nr d/%{device}/a 200 0 3\n" },
    { "it is another's topic", "publish\tallowed\texact\t3\t100\t200\td/lamp/b", "door", "" },
    { "it was refused", "publish\trefused\texact\t3\t100\t200\td/door/b", "door", "" },
    { "it is of the other kind", "subscribe\tallowed\texact\t3\t100\t200\td/door/b", "door", "" },
    { "the name is missing", "subscribe\tallowed\texact\t3\t100\t200\tsite/x", "door", "" },
    { "a wildcard uses a scope", "subscribe\tallowed\texact\t3\t100\t200\tnews/+", "door",
      "r news/# 200 200 3\nr news/ 200 200 3\n" },
    { "no wildcard, no scope", "subscribe\tallowed\texact\t3\t100\t200\tnews/x", "door",
      "r news/# 200 200 3\n" },
    { "a set is of topics, not of wildcards", "subscribe\tallowed\tseveral\t3\t100\t200\tnews/+",
      "door", "r news/# 200 200 3\n" },
    { "what the device has besides", "subscribe\tallowed\texact\t3\t100\t200\tnews/a", "lamp",
      "own news/a 200 0 3\nr news/# 200 0 3\n" },
    { "a role named twice", "subscribe\tallowed\texact\t3\t100\t200\tnews/b", "lamp",
      "r news/# 200 200 3\n" },
};

/* Only the lines of what was used. */
static void drop_unused(char *text)
{
    char *to = text;

    for (char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n") + 1;
        bool is_unused = len >= 7 && memcmp(line + len - 7, " 0 0 0\n", 7) == 0;
        if (!is_unused)
            memmove(to, line, len);
        to += is_unused ? 0 : len;
        line += len;
    }
    *to = '\0';
}

static struct sketch *sketch_of(const struct row *row)
{
    struct sketch *sketch = sketch_new(&key, 10);
    char text[300];
    size_t line;

    assert_non_null(sketch);
    (void)snprintf(text, sizeof(text), "tacit-observed 1\t90\t0\t0\t0\n");
    if (row->observed != NULL)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\tr\t\t\t%s\n",
                       row->device, row->observed);
    assert_int_equal(sketch_read(sketch, span_of(text), &line), 0);
    return sketch;
}

static void grants_and_scopes_that_were_used(void **state)
{
    struct policy *policy = policy_of();

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct sketch *sketch = sketch_of(&rows[i]);
        struct replay_usage usage;
        char text[500];
        assert_int_equal(replay_usage_of(policy, sketch, &usage), 0);
        assert_int_equal(usage.count, 6); /* the denial is none */
        write_usage(&usage, text, sizeof(text));
        drop_unused(text);
        if (strcmp(text, rows[i].usage) != 0)
            fail_msg("%s: %s instead of %s", rows[i].what, text, rows[i].usage);
        replay_usage_fini(&usage);
        replay_usage_fini(&usage);
        sketch_free(sketch);
    }
    policy_unref(policy);
}

static void the_latest_counts_and_all_are_added(void **state)
{
    static const struct identity door = { .device = "door", .role = "r" };
    struct policy *policy = policy_of();
    struct sketch *sketch = sketch_new(&key, 10);
    struct replay_usage usage;
    char text[500];

    (void)state;
    assert_non_null(sketch);
    sketch_note(sketch, &door, POLICY_PUBLISH, span_of("d/door/b"), true, 100);
    sketch_note(sketch, &door, POLICY_PUBLISH, span_of("d/door/c"), true, 150);
    sketch_note(sketch, &door, POLICY_PUBLISH, span_of("d/door/a"), true, 300);
    assert_int_equal(replay_usage_of(policy, sketch, &usage), 0);
    write_usage(&usage, text, sizeof(text));
    drop_unused(text);
    assert_string_equal(text, "r d/%{device}/# 300 150 3\nr d/%{device}/a 300 0 1\n");
    replay_usage_fini(&usage);
    sketch_free(sketch);
    policy_unref(policy);
}

static void a_role_that_nothing_is_recorded_of(void **state)
{
    struct policy *policy = policy_of();
    struct policy *other = policy_of();
    struct sketch *sketch = sketch_new(&key, 10);
    struct replay_usage usage;

    (void)state;
    assert_non_null(sketch);
    assert_int_equal(replay_usage_of(policy, sketch, &usage), 0);
    const struct role *lamps = policy_find(policy, &(struct identity){ .device = "lamp" });
    assert_int_equal(replay_usage_add_role(&usage, lamps), 0);
    assert_int_equal(usage.count, 6); /* its parts are there already */
    lamps = policy_find(other, &(struct identity){ .device = "lamp" });
    assert_int_equal(replay_usage_add_role(&usage, lamps), 0);
    assert_int_equal(usage.count, 12);
    replay_usage_fini(&usage);
    sketch_free(sketch);
    policy_unref(policy);
    policy_unref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_and_scopes_that_were_used),
        cmocka_unit_test(the_latest_counts_and_all_are_added),
        cmocka_unit_test(a_role_that_nothing_is_recorded_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
