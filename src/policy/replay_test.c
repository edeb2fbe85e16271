/* SPDX-License-Identifier: Apache-2.0 */
/* What replay says of an entry is what the policy says of each topic that the entry stands for. */
#include "policy/replay.h"

#include "base/attrs.h"
#include "base/testing.h"
#include "codec/topic.h"
#include "policy/replay_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES 64
#define POLICIES   600
#define ENTRIES    40
#define SHAPES     30

static const struct siphash_key key = { 3, 4 };
static struct test_random seed = { 99 };

static size_t below(size_t bound)
{
    return test_random_below(&seed, bound);
}

/* ---- random policies ---- */

/* "x" and "xx" are what replay would try first for a name that no rule has. */
static const char *const names[] = { "a", "b", "x", "xx", "", "lamp" };

static void random_path(char out[TEXT_BYTES], const char *const *levels, size_t choices)
{
    size_t count = 1 + below(3);
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, TEXT_BYTES - len, "%s%s", i != 0 ? "/" : "",
                                i == 0 && below(12) == 0 ? "$s" : levels[below(choices)]);
    if (out[0] == '\0')
        (void)snprintf(out, TEXT_BYTES, "a");
}

static void random_pattern(char out[TEXT_BYTES])
{
    static const char *const levels[] = {
        "a", "b", "x", "xx", "", "+", "+", "+", "%{device}", "%{site}", "y%{site}",
    };

    random_path(out, levels, MQTT_ARRAY_LEN(levels));
    size_t len = strlen(out);
    if (below(3) == 0)
        (void)snprintf(out + len, TEXT_BYTES - len, "/#");
}

static struct policy *random_policy(void)
{
    struct policy *policy = policy_new();
    char pattern[TEXT_BYTES];
    const char *why;

    assert_non_null(policy);
    struct role *role = policy_add_role(
        policy, "r",
        &(struct role_options){ .unrestricted = below(15) == 0, .carves = below(2) == 0 });
    assert_non_null(role);
    for (size_t rules = 2 + below(6); rules > 0; rules--) {
        enum policy_action action = below(2) == 0 ? POLICY_PUBLISH : POLICY_SUBSCRIBE;
        random_pattern(pattern);
        assert_int_equal(below(3) != 0 ? role_grant(role, action, pattern, &why)
                                       : role_deny(role, action, pattern, &why),
                         0);
    }
    assert_int_equal(
        role_add_scope(
            role,
            &(struct policy_scope){ .prefix = "a/", .most_topics = 9, .owner = "o", .reason = "r" },
            &why),
        0);
    policy_seal(policy);
    return policy;
}

static struct identity random_identity(void)
{
    static const struct identity all[] = {
        { .device = "lamp", .role = "r" },
        { .device = "a", .role = "r", .site = "b" },
        { .device = "b", .role = "r", .tenant = "acme", .site = "lamp" },
        { .device = "gone", .role = "none" },
    };
    return all[below(8) == 0 ? 3 : below(3)];
}

static bool allows(const struct policy *policy, const struct identity *identity,
                   enum policy_action action, struct mqtt_span topic)
{
    const struct role *role = policy_find(policy, identity);

    if (action == POLICY_PUBLISH)
        return policy_decide_publish(role, identity, topic).verdict == POLICY_ALLOW;
    return policy_decide_subscribe(role, identity, topic).verdict == POLICY_ALLOW;
}

/* ---- exact entries ---- */

struct expected {
    const struct policy *now;
    const struct policy *then;
    int64_t since_s;
    struct replay_counts counts;
    char changes[ENTRIES * 4 * TEXT_BYTES];
};

static void describe(const struct sketch_entry *entry, bool now, bool then, char *out, size_t size)
{
    size_t len = strlen(out);
    (void)snprintf(out + len, size - len, "%s %d %.*s %d>%d;", entry->identity.device,
                   entry->action, (int)entry->topic.len, (const char *)entry->topic.data, now,
                   then);
}

static int expect(void *context, const struct sketch_entry *entry)
{
    struct expected *e = context;
    bool now = allows(e->now, &entry->identity, entry->action, entry->topic);
    bool then = allows(e->then, &entry->identity, entry->action, entry->topic);

    assert_false(entry->generalised);
    if (entry->last_s < e->since_s)
        return 0;
    e->counts.entries++;
    if (entry->allowed == then)
        return 0;
    e->counts.refused += entry->allowed;
    e->counts.allowed += then;
    describe(entry, now, then, e->changes, sizeof(e->changes));
    return 0;
}

struct said {
    char changes[ENTRIES * 4 * TEXT_BYTES];
    size_t count;
    size_t stop_at; /* this change ends it; 0: none */
};

static int hear(void *context, const struct replay_change *change)
{
    struct said *said = context;

    assert_int_not_equal(change->now, REPLAY_PARTLY);
    assert_int_not_equal(change->then, REPLAY_PARTLY);
    assert_true(change->reason[0] != '\0');
    describe(change->entry, change->now == REPLAY_ALLOWED, change->then == REPLAY_ALLOWED,
             said->changes, sizeof(said->changes));
    return ++said->count == said->stop_at ? 17 : 0;
}

/* What was recorded is mostly what the policy of today says, as it would be. */
static struct sketch *random_sketch(const struct policy *now)
{
    struct sketch *sketch = sketch_new(&key, 1000);
    char text[TEXT_BYTES];

    assert_non_null(sketch);
    for (size_t i = 0; i < ENTRIES; i++) {
        enum policy_action action = below(2) == 0 ? POLICY_PUBLISH : POLICY_SUBSCRIBE;
        struct identity identity = random_identity();
        if (action == POLICY_SUBSCRIBE && below(3) == 0)
            random_path(text, (const char *const[]){ "a", "a", "+", "b" }, 4);
        else
            random_path(text, names, MQTT_ARRAY_LEN(names));
        struct mqtt_span topic = test_span_new(text);
        bool allowed = allows(now, &identity, action, topic) != (below(10) == 0);
        sketch_note(sketch, &identity, action, topic, allowed, (int64_t)(100 + i));
        test_span_free(topic);
    }
    return sketch;
}

static void exact_entries_are_what_the_policy_says(void **state)
{
    static struct expected e;
    static struct said said;
    size_t changes = 0;

    (void)state;
    for (size_t i = 0; i < POLICIES; i++) {
        struct policy *now = random_policy();
        struct policy *then = random_policy();
        struct sketch *sketch = random_sketch(now);
        struct replay_question question = { sketch, (int64_t)(90 + below(30)), now, then };
        struct replay_counts counts;
        e = (struct expected){ .now = now, .then = then, .since_s = question.since_s };
        said = (struct said){ .count = 0 };
        assert_int_equal(sketch_each(sketch, expect, &e), 0);
        assert_int_equal(replay_each(&question, hear, &said, &counts), 0);
        assert_string_equal(said.changes, e.changes);
        assert_int_equal(counts.entries, e.counts.entries);
        assert_int_equal(counts.refused, e.counts.refused);
        assert_int_equal(counts.allowed, e.counts.allowed);
        assert_int_equal(counts.partly, 0);
        assert_int_equal(counts.refused + counts.allowed, said.count);
        changes += said.count;
        policy_unref(now);
        policy_unref(then);
        sketch_free(sketch);
    }
    assert_true(changes > POLICIES);
}

static void a_visitor_ends_it(void **state)
{
    struct policy *policy = policy_new();
    struct sketch *sketch = sketch_new(&key, 10);
    struct said said = { .stop_at = 2 };
    struct replay_counts counts;

    (void)state;
    assert_true(policy != NULL && sketch != NULL);
    policy_seal(policy);
    for (int i = 0; i < 5; i++)
        sketch_note(sketch, &(struct identity){ .device = "d" }, POLICY_PUBLISH,
                    span_of((const char *const[]){ "a", "b", "c", "d", "e" }[i]), true, 100 + i);
    const struct replay_question question = { sketch, 0, policy, policy };
    assert_int_equal(replay_each(&question, hear, &said, &counts), 17);
    assert_int_equal(counts.entries, 2);
    assert_int_equal(counts.refused, 2);
    policy_unref(policy);
    sketch_free(sketch);
}

/* ---- entries that stand for several topics ---- */

struct seen {
    const struct policy *policy;
    const struct sketch_entry *entry;
    bool some;
    bool all;
};

/* Tries every name in every level that varies: those of rules, and two that no rule has. */
static void try_topics(struct seen *seen, const char *shape, const char *head)
{
    static const char *const all[] = { "a", "b", "x", "xx", "", "lamp", "other", "ylamp", "yb" };
    size_t level = strcspn(shape, "/");
    bool varies = level == 1 && shape[0] == '+';

    for (size_t i = 0; i < (varies ? MQTT_ARRAY_LEN(all) : 1); i++) {
        char topic[TEXT_BYTES];
        int len = varies ? snprintf(topic, sizeof(topic), "%s%s", head, all[i])
                         : snprintf(topic, sizeof(topic), "%s%.*s", head, (int)level, shape);
        assert_true(len < TEXT_BYTES - 2);
        if (shape[level] == '/') {
            (void)strcat(topic, "/");
            try_topics(seen, shape + level + 1, topic);
        } else if (len > 0) {
            bool allowed =
                allows(seen->policy, &seen->entry->identity, seen->entry->action, span_of(topic));
            seen->some |= allowed;
            seen->all &= allowed;
        }
    }
}

static enum replay_outcome outcome_of(const struct policy *policy, const char *shape,
                                      const struct sketch_entry *entry)
{
    struct seen seen = { policy, entry, false, true };

    try_topics(&seen, shape, "");
    if (seen.all)
        return REPLAY_ALLOWED;
    return seen.some ? REPLAY_PARTLY : REPLAY_REFUSED;
}

static void random_shape(char out[TEXT_BYTES])
{
    static const char *const levels[] = { "a", "b", "x", "", "+", "+", "+" };

    do
        random_path(out, levels, MQTT_ARRAY_LEN(levels));
    while (strchr(out, '+') == NULL);
}

static void several_topics_are_judged_as_all_of_them(void **state)
{
    size_t outcomes[REPLAY_OUTCOME_COUNT] = { 0 };

    (void)state;
    for (size_t i = 0; i < POLICIES; i++) {
        struct policy *policy = random_policy();
        for (size_t n = 0; n < SHAPES; n++) {
            char shape[TEXT_BYTES];
            random_shape(shape);
            struct mqtt_span topic = test_span_new(shape);
            const struct sketch_entry entry = { .identity = random_identity(),
                                                .action = below(2) == 0 ? POLICY_PUBLISH
                                                                        : POLICY_SUBSCRIBE,
                                                .generalised = true,
                                                .topic = topic,
                                                .count = 2 };
            enum replay_outcome expected = outcome_of(policy, shape, &entry);
            enum replay_outcome outcome =
                replay_decide(policy_find(policy, &entry.identity), &entry);
            if (outcome != expected)
                fail_msg("policy %zu, %s of %s: %s, not %s", i, shape, entry.identity.device,
                         replay_outcome_text(outcome), replay_outcome_text(expected));
            outcomes[outcome]++;
            test_span_free(topic);
        }
        policy_unref(policy);
    }
    for (int i = 0; i < REPLAY_OUTCOME_COUNT; i++)
        assert_true(outcomes[i] > (size_t)POLICIES * SHAPES / 50);
}

/* ---- where it gives up ---- */

static enum replay_outcome decide(const struct role *role, const char *shape)
{
    struct mqtt_span topic = test_span_new(shape);
    enum replay_outcome outcome = replay_decide(
        role,
        &(struct sketch_entry){
            .identity = { .device = "lamp" }, .generalised = true, .topic = topic, .count = 2 });
    test_span_free(topic);
    return outcome;
}

static void too_many_are_partly(void **state)
{
    struct policy *policy = policy_new();
    char pattern[TEXT_BYTES];
    const char *why;

    (void)state;
    assert_non_null(policy);
    struct role *all = policy_add_role(policy, "all", &(struct role_options){ .shared = true });
    struct role *many = policy_add_role(policy, "many", &(struct role_options){ .shared = true });
    assert_true(all != NULL && many != NULL);
    assert_int_equal(role_grant(all, POLICY_PUBLISH, "#", &why), 0);
    assert_int_equal(role_grant(many, POLICY_PUBLISH, "#", &why), 0);
    assert_int_equal(decide(all, "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+"), REPLAY_ALLOWED);
    assert_int_equal(decide(all, "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+"), REPLAY_PARTLY);
    for (unsigned i = 0; i < 64; i++) {
        (void)snprintf(pattern, sizeof(pattern), "a/%u", i);
        assert_int_equal(role_grant(many, POLICY_PUBLISH, pattern, &why), 0);
    }
    assert_int_equal(decide(many, "a/+"), REPLAY_ALLOWED);
    assert_int_equal(role_grant(many, POLICY_PUBLISH, "a/more", &why), 0);
    assert_int_equal(decide(many, "a/+"), REPLAY_PARTLY);
    assert_int_equal(decide(many, "b/+"), REPLAY_ALLOWED);
    /* 17 names in each of three levels are 18 * 18 * 18 topics: too many. */
    for (unsigned i = 0; i < 17; i++) {
        (void)snprintf(pattern, sizeof(pattern), "c/%u/%u/%u", i, i, i);
        assert_int_equal(role_grant(many, POLICY_PUBLISH, pattern, &why), 0);
    }
    assert_int_equal(decide(many, "c/+/+/1"), REPLAY_ALLOWED);
    assert_int_equal(decide(many, "c/+/+/+"), REPLAY_PARTLY);
    assert_int_equal(decide(NULL, "a/+"), REPLAY_REFUSED);
    policy_unref(policy);
}

/* From the text form to what is counted. */
static int count_changes(void *context, const struct replay_change *change)
{
    size_t *changes = context;
    changes[change->then]++;
    assert_string_equal(change->reason, "");
    return 0;
}

static void several_topics_are_counted(void **state)
{
    static const char text[] = "tacit-observed 1\t90\t0\t0\t0\n"
                               "lamp\tr\t\t\tpublish\tallowed\tseveral\t7\t100\t200\ta/+\n"
                               "lamp\tr\t\t\tpublish\tallowed\tseveral\t7\t100\t200\tb/+\n"
                               "lamp\tr\t\t\tpublish\tallowed\tseveral\t7\t100\t200\tc/+\n"
                               "lamp\tr\t\t\tpublish\trefused\tseveral\t7\t100\t200\ta/+\n"
                               "lamp\tr\t\t\tpublish\trefused\tseveral\t7\t100\t200\tb/+\n"
                               "lamp\tr\t\t\tpublish\trefused\tseveral\t7\t100\t200\tc/+\n";
    struct policy *policy = policy_new();
    struct sketch *sketch = sketch_new(&key, 10);
    size_t changes[REPLAY_OUTCOME_COUNT] = { 0 };
    struct replay_counts counts;
    const char *why;
    size_t line;

    (void)state;
    assert_true(policy != NULL && sketch != NULL);
    struct role *role = policy_add_role(policy, "r", &(struct role_options){ .shared = true });
    assert_non_null(role);
    assert_int_equal(role_grant(role, POLICY_PUBLISH, "a/+", &why), 0);
    assert_int_equal(role_grant(role, POLICY_PUBLISH, "b/x", &why), 0);
    policy_seal(policy);
    assert_int_equal(sketch_read(sketch, span_of(text), &line), 0);
    const struct replay_question question = { sketch, 0, policy, policy };
    assert_int_equal(replay_each(&question, count_changes, changes, &counts), 0);
    assert_int_equal(counts.entries, 6);
    assert_int_equal(counts.refused, 1);
    assert_int_equal(counts.partly, 1);
    assert_int_equal(counts.allowed, 2);
    assert_int_equal(changes[REPLAY_REFUSED], 1);
    assert_int_equal(changes[REPLAY_PARTLY], 2);
    assert_int_equal(changes[REPLAY_ALLOWED], 1);
    policy_unref(policy);
    sketch_free(sketch);
}

static void outcomes_have_words(void **state)
{
    (void)state;
    assert_string_equal(replay_outcome_text(REPLAY_REFUSED), "refused");
    assert_string_equal(replay_outcome_text(REPLAY_PARTLY), "partly");
    assert_string_equal(replay_outcome_text(REPLAY_ALLOWED), "allowed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_entries_are_what_the_policy_says),
        cmocka_unit_test(a_visitor_ends_it),
        cmocka_unit_test(several_topics_are_judged_as_all_of_them),
        cmocka_unit_test(too_many_are_partly),
        cmocka_unit_test(several_topics_are_counted),
        cmocka_unit_test(outcomes_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
