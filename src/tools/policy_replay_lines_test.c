/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_replay_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key key = { 1, 2 };

static struct policy *policy_of(const char *pattern, const char *denied)
{
    static const struct role_options options = {
        .terms = { .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
    };
    const char *why = "";
    struct policy *policy = policy_new();

    assert_non_null(policy);
    struct role *role = policy_add_role(policy, "lamp", &options);
    assert_int_equal(role_grant(role, POLICY_PUBLISH, pattern, &why), 0);
    if (denied != NULL)
        assert_int_equal(role_deny(role, POLICY_PUBLISH, denied, &why), 0);
    policy_seal(policy);
    return policy;
}

static void note(struct sketch *sketch, const char *device, const char *topic, int64_t now_s)
{
    const struct identity identity = { .device = device, .role = "lamp", .site = "east" };
    sketch_note(sketch, &identity, POLICY_PUBLISH, span_of(topic), true, now_s);
}

/* A thousand devices, each on its own topic and on one with a number. */
static struct sketch *fleet(void)
{
    struct sketch *sketch = sketch_new(&key, 10000);
    assert_non_null(sketch);
    for (int i = 0; i < 1000; i++) {
        char device[16];
        char topic[64];
        (void)snprintf(device, sizeof(device), "lamp%d", i);
        (void)snprintf(topic, sizeof(topic), "x/%s/east/%s", device, device);
        note(sketch, device, topic, 100 + i);
        (void)snprintf(topic, sizeof(topic), "x/%s/on", device);
        note(sketch, device, topic, 5);
    }
    return sketch;
}

static void devices_that_change_alike_are_one_group(void **state)
{
    (void)state;
    struct sketch *sketch = fleet();
    struct policy *now = policy_of("x/%{device}/#", NULL);
    struct policy *then = policy_of("x/%{device}/#", "x/+/+/+");
    struct policy_replay_lines lines;
    struct policy_replay_group *groups;
    size_t count;

    assert_int_equal(policy_replay_lines_of(sketch, now, then, &lines), 0);
    assert_int_equal(lines.count, 2000);
    struct policy_replay_sums sums = policy_replay_lines_sum(&lines);
    assert_int_equal(sums.identities, 1000);
    assert_int_equal(sums.identities_losing, 1000);
    assert_int_equal(sums.losing, 1000);
    assert_int_equal(sums.gaining, 0);
    assert_int_equal(policy_replay_lines_group(&lines, &groups, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(groups[0].identities, 1000);
    assert_int_equal(groups[0].uses, 1000);
    assert_int_equal(groups[0].count, 1000);
    assert_int_equal(groups[0].last_s, 1099);
    assert_string_equal(groups[0].first->shape, "x/%{device}/%{site}/%{device}");
    assert_non_null(groups[0].first->change.rule);
    free(groups);
    policy_replay_lines_fini(&lines);
    policy_unref(now);
    policy_unref(then);
    sketch_free(sketch);
}

static void what_is_lost_comes_first(void **state)
{
    (void)state;
    struct sketch *sketch = sketch_new(&key, 100);
    struct policy *now = policy_of("a", NULL);
    struct policy *then = policy_of("b", NULL);
    struct policy_replay_lines lines;
    struct policy_replay_group *groups;
    size_t count;

    assert_non_null(sketch);
    note(sketch, "l1", "b", 1);
    note(sketch, "l1", "a", 2);
    note(sketch, "l2", "b", 3);
    assert_int_equal(policy_replay_lines_of(sketch, now, then, &lines), 0);
    struct policy_replay_sums sums = policy_replay_lines_sum(&lines);
    assert_int_equal(sums.identities, 2);
    assert_int_equal(sums.identities_losing, 1);
    assert_int_equal(sums.losing, 1);
    assert_int_equal(sums.gaining, 2);
    assert_int_equal(policy_replay_lines_group(&lines, &groups, &count), 0);
    assert_int_equal(count, 2);
    assert_true(policy_replay_line_loses(groups[0].first));
    assert_string_equal(groups[0].first->shape, "a");
    assert_int_equal(groups[1].identities, 2);
    free(groups);
    policy_replay_lines_fini(&lines);
    policy_unref(now);
    policy_unref(then);
    sketch_free(sketch);
}

static void nothing_recorded_is_no_line(void **state)
{
    (void)state;
    struct sketch *sketch = sketch_new(&key, 100);
    struct policy *policy = policy_of("a", NULL);
    struct policy_replay_lines lines;
    struct policy_replay_group *groups;
    size_t count;

    assert_int_equal(policy_replay_lines_of(sketch, policy, policy, &lines), 0);
    assert_int_equal(policy_replay_lines_sum(&lines).identities, 0);
    assert_int_equal(policy_replay_lines_group(&lines, &groups, &count), 0);
    assert_int_equal(count, 0);
    free(groups);
    policy_replay_lines_fini(&lines);
    policy_unref(policy);
    sketch_free(sketch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_that_change_alike_are_one_group),
        cmocka_unit_test(what_is_lost_comes_first),
        cmocka_unit_test(nothing_recorded_is_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
