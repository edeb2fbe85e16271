/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/learn.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOVEMBER_20 1795132800 /* 2026-11-20 */

static const struct policy_terms qos_2 = { .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT };

/* ---- a role, what is done by whom, and what comes of it ---- */

struct stage {
    struct policy *policy;
    struct role *role;
    struct sketch *sketch;
};

static struct stage set_up_with(const struct role_options *options)
{
    struct stage stage = { policy_new(), NULL, sketch_new(&(struct siphash_key){ 1, 2 }, 1000) };
    assert_non_null(stage.policy);
    assert_non_null(stage.sketch);
    stage.role = policy_add_role(stage.policy, "r", options);
    assert_non_null(stage.role);
    return stage;
}

static struct stage set_up(void)
{
    return set_up_with(&(struct role_options){ .terms = qos_2 });
}

static void tear_down(struct stage *stage)
{
    policy_unref(stage->policy);
    sketch_free(stage->sketch);
}

static void add_rule(struct role *role, const struct policy_rule *rule)
{
    const char *why = NULL;
    assert_int_equal(role_add_rule(role, rule, &why), 0);
}

/* A word: p, s: grant to publish, to subscribe; P, S: denial. Then blanks and patterns. */
static void add_rules(struct role *role, const char *rules)
{
    char copy[1024];
    char kind = '\0';
    (void)snprintf(copy, sizeof(copy), "%s", rules);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        if (strlen(word) == 1 && strchr("psPS", word[0]) != NULL) {
            kind = word[0];
            continue;
        }
        add_rule(role, &(struct policy_rule){
                           .action = kind == 'p' || kind == 'P' ? POLICY_PUBLISH : POLICY_SUBSCRIBE,
                           .grants = kind == 'p' || kind == 's',
                           .pattern = word,
                           .terms = role_options_of(role)->terms });
    }
}

static void add_scope(struct role *role, const char *prefix, uint32_t depth)
{
    const char *why = NULL;
    const struct policy_scope scope = { .prefix = prefix,
                                        .depth = depth,
                                        .most_topics = 500,
                                        .expires_s = NOVEMBER_20 + 86400 * 30 + 3661,
                                        .owner = "anna",
                                        .reason = "a \"wall\"" };
    assert_int_equal(role_add_scope(role, &scope, &why), 0);
}

/* DEVICE@SITE, or DEVICE, does it. */
static void note(struct stage *stage, const char *who, enum policy_action action, const char *topic,
                 bool allowed)
{
    char device[64];
    (void)snprintf(device, sizeof(device), "%s", who);
    char *site = strchr(device, '@');
    if (site != NULL)
        *site++ = '\0';
    const struct identity identity = { .device = device, .role = "r", .site = site };
    struct mqtt_span span = test_span_new(topic);
    sketch_note(stage->sketch, &identity, action, span, allowed, NOVEMBER_20 + 3 * 86400);
    test_span_free(span);
}

/* "DEVICE p TOPIC, DEVICE s FILTER", all of it allowed. */
static void note_all(struct stage *stage, const char *deeds)
{
    char copy[2048];
    (void)snprintf(copy, sizeof(copy), "%s", deeds);
    for (char *deed = strtok(copy, ","); deed != NULL; deed = strtok(NULL, ",")) {
        char who[64];
        char way;
        char topic[512];
        assert_int_equal(sscanf(deed, " %63s %c %511s", who, &way, topic), 3);
        note(stage, who, way == 'p' ? POLICY_PUBLISH : POLICY_SUBSCRIBE, topic, true);
    }
}

static const struct learn_options standard = { .merge_above = LEARN_MERGE_ABOVE };

static struct learned *learn_with(struct stage *stage, const struct learn_options *options)
{
    struct learned *learned = NULL;
    policy_seal(stage->policy);
    assert_int_equal(learn_roles(stage->sketch, stage->policy, options, &learned), 0);
    return learned;
}

/* "p a/b p a/c s x": the grants in their order. */
static void assert_grants(const struct learned_role *role, const char *expected)
{
    char text[2048] = "";
    size_t len = 0;
    for (size_t i = 0; i < role->grant_count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%c %s", i > 0 ? " " : "",
                                role->grants[i].action == POLICY_PUBLISH ? 'p' : 's',
                                role->grants[i].pattern);
    assert_string_equal(text, expected);
}

struct lesson {
    const char *rules;
    const char *deeds;
    const char *grants;
};

static void assert_lessons(const struct lesson *lessons, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct stage stage = set_up();
        add_rules(stage.role, lessons[i].rules);
        note_all(&stage, lessons[i].deeds);
        struct learned *learned = learn_with(&stage, &standard);
        assert_int_equal(learned_count(learned), 1);
        assert_grants(learned_at(learned, 0), lessons[i].grants);
        learned_free(learned);
        tear_down(&stage);
    }
}

/* ---- patterns ---- */

static void what_was_used_is_granted_in_the_words_of_the_grant(void **state)
{
    (void)state;
    static const struct lesson lessons[] = {
        { "p a/# b/#", "lamp p a/x/y", "p a/x/y" },
        { "p a/+ s a/+", "lamp p a/x, lamp s a/y", "p a/x s a/y" },
        { "p d/%{device}/#", "lamp p d/lamp/on, door p d/door/on", "p d/%{device}/on" },
        { "p d/%{device}", "lamp p d/lamp", "p d/%{device}" },
        /* the narrower one of two that do the same, and of two that are equal the first */
        { "p d/# d/%{device}/+", "lamp p d/lamp/on", "p d/%{device}/on" },
        { "s a/b a/b", "lamp s a/b", "s a/b" },
        { "p $SYS/#", "lamp p $SYS/x", "p $SYS/x" },
        { "p #", "lamp p /, lamp p a", "p / p a" },
        /* a level that no pattern can have stays a wildcard, the first one included */
        { "p a/+/c +", "lamp p a/50%/c, lamp p 1%", "p + p a/+/c" },
        { "p a/#", "lamp p a/\x01/%{device}", "p a/+/+" },
        /* what is not allowed any more is not granted */
        { "p a", "lamp p a, lamp p b", "p a" },
        { "p a/+ P a/x", "lamp p a/x", "" },
    };
    assert_lessons(lessons, MQTT_ARRAY_LEN(lessons));
}

static void names_become_substitutions(void **state)
{
    (void)state;
    static const struct lesson lessons[] = {
        /* by one, by all, by some */
        { "p a/#", "lamp p a/lamp/on", "p a/%{device}/on" },
        { "p a/#", "lamp p a/lamp/on, door p a/door/on", "p a/%{device}/on" },
        { "p a/#", "lamp p a/lamp/on, door p a/lamp/on", "p a/lamp/on" },
        { "p a/#", "lamp p a/door/on, door p a/lamp/on", "p a/door/on p a/lamp/on" },
        { "p a/#", "lamp p a/lamp, door p a/lamp, door p a/door", "p a/%{device} p a/lamp" },
        /* the site is that of several */
        { "p a/#", "lamp@north p a/north/x, door@north p a/north/x", "p a/%{site}/x" },
        { "p a/#", "lamp@north p a/north/x, door@south p a/north/x", "p a/north/x" },
        /* inside a level, unless the name is short */
        { "p a/#", "lamp p a/sensor-lamp", "p a/sensor-%{device}" },
        { "p a/#", "lamp@north p a/north-lamp-2", "p a/%{site}-%{device}-2" },
        { "p a/#", "ab p a/sensor-ab", "p a/sensor-ab" },
        { "p a/#", "ab p a/ab", "p a/%{device}" },
        /* where the grant has words, they count */
        { "p a/lamp/+", "lamp p a/lamp/lamp", "p a/lamp/%{device}" },
        { "p a/%{site}/+", "lamp@lamp p a/lamp/x", "p a/%{site}/x" },
        { "p +/+", "lamp p lamp/x", "p %{device}/x" },
    };
    assert_lessons(lessons, MQTT_ARRAY_LEN(lessons));
}

static void many_names_become_one_wildcard(void **state)
{
    (void)state;
    static const struct lesson lessons[] = {
        /* eight may stand side by side */
        { "p a/+/x",
          "c p a/1/x,c p a/2/x,c p a/3/x,c p a/4/x,c p a/5/x,c p a/6/x,c p a/7/x,c p a/8/x",
          "p a/1/x p a/2/x p a/3/x p a/4/x p a/5/x p a/6/x p a/7/x p a/8/x" },
        { "p a/+/x",
          "c p a/1/x,c p a/2/x,c p a/3/x,c p a/4/x,c p a/5/x,c p a/6/x,c p a/7/x,c p a/8/x,"
          "c p a/9/x",
          "p a/+/x" },
        /* what one has takes the place of what others have, too */
        { "p a/#",
          "c p a/1/x,c p a/2/x,c p a/3/x,c p a/4/x,c p a/5/x,c p a/6/x,c p a/7/x,c p a/8/x,"
          "c p a/9/x,c p a/9/y",
          "p a/+/x p a/9/y" },
        /* not where the role does not grant it */
        { "p a/1/x a/2/x a/3/x a/4/x a/5/x a/6/x a/7/x a/8/x a/9/x",
          "c p a/1/x,c p a/2/x,c p a/3/x,c p a/4/x,c p a/5/x,c p a/6/x,c p a/7/x,c p a/8/x,"
          "c p a/9/x",
          "p a/1/x p a/2/x p a/3/x p a/4/x p a/5/x p a/6/x p a/7/x p a/8/x p a/9/x" },
        /* not in the first level */
        { "p +/x", "c p 1/x,c p 2/x,c p 3/x,c p 4/x,c p 5/x,c p 6/x,c p 7/x,c p 8/x,c p 9/x",
          "p 1/x p 2/x p 3/x p 4/x p 5/x p 6/x p 7/x p 8/x p 9/x" },
    };
    assert_lessons(lessons, MQTT_ARRAY_LEN(lessons));
}

/* Two levels, one after the other. */
static void a_grid_becomes_two_wildcards(void **state)
{
    (void)state;
    struct stage stage = set_up();
    char topic[32];
    char who[16];
    add_rules(stage.role, "p a/#");
    for (int i = 0; i < 12 * 12; i++) {
        (void)snprintf(topic, sizeof(topic), "a/r%d/s%d/t", i / 12, i % 12);
        (void)snprintf(who, sizeof(who), "d%d", i / 12);
        note(&stage, who, POLICY_PUBLISH, topic, true);
    }
    struct learned *learned = learn_with(&stage, &standard);
    assert_grants(learned_at(learned, 0), "p a/+/+/t");
    assert_int_equal(learned_at(learned, 0)->grants[0].use.identities, 12);
    assert_int_equal(learned_at(learned, 0)->grants[0].use.count, 144);
    learned_free(learned);
    tear_down(&stage);
}

/* Shapes that the sketch has made are granted as far as they are today. */
static void shapes_are_granted_entirely(void **state)
{
    (void)state;
    static const struct lesson rows[] = {
        { "p a/#", NULL, "p a/+" },
        { "p a/+", NULL, "p a/+" },
        { "p +/+ s a/#", NULL, "p a/+" },
        /* not all of it is granted: what is stays */
        { "p a/1 a/2 b", NULL, "p a/1 p a/2" },
        { "p b", NULL, "" },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct stage stage = set_up();
        char topic[32];
        add_rules(stage.role, rows[i].rules);
        for (int n = 0; n <= SKETCH_TOPICS_MAX; n++) {
            (void)snprintf(topic, sizeof(topic), "a/%d", n);
            note(&stage, "lamp", POLICY_PUBLISH, topic, true);
        }
        struct learned *learned = learn_with(&stage, &standard);
        assert_grants(learned_at(learned, 0), rows[i].grants);
        assert_int_equal(learned_at(learned, 0)->refusal_count, rows[i].grants[0] == '\0');
        learned_free(learned);
        tear_down(&stage);
    }
}

/* ---- terms ---- */

static int put(void *context, struct mqtt_span piece)
{
    char *text = context;
    assert_true(piece.len != 0 && strlen(text) + piece.len < 4096);
    strncat(text, (const char *)piece.data, piece.len);
    return 0;
}

static void assert_text(const struct learned *learned, const char *expected)
{
    char text[4096] = "";
    assert_int_equal(learned_write(learned, put, text), 0);
    assert_string_equal(text, expected);
}

#define USE " # 1 device, 1 time, last 2026-11-23\n"

static void terms_are_those_of_today(void **state)
{
    (void)state;
    struct stage stage = set_up_with(&(struct role_options){
        .shared = true,
        .carves = true,
        .common_space = true,
        .terms = { .maximum_qos = 1, .retain = true, .payload_bytes = 4096 } });
    add_rules(stage.role, "p a/# P a/secret S \"q\\${x}");
    add_rule(stage.role, &(struct policy_rule){ .action = POLICY_PUBLISH,
                                                .grants = true,
                                                .pattern = "alarm/+",
                                                .terms = { 2, false, 100, 6, 60 },
                                                .expires_s = NOVEMBER_20 + 86400,
                                                .owner = "safety",
                                                .reason = "alarms\tmay" });
    add_rule(stage.role, &(struct policy_rule){ .action = POLICY_SUBSCRIBE,
                                                .grants = true,
                                                .pattern = "b/+",
                                                .terms = { 0, false, POLICY_NO_LIMIT, 0, 0 } });
    note_all(&stage, "lamp p a/x, lamp p alarm/lamp, lamp s b/x");
    struct learned *learned = learn_with(&stage, &standard);
    assert_text(learned, "# role \"r\": 1 device seen; 3 patterns instead of 3\n"
                         "role \"r\" {\n"
                         "  publish        = {\n"
                         "    \"a/x\"," USE "  }\n"
                         "  deny-publish   = {\n"
                         "    \"a/secret\",\n"
                         "  }\n"
                         "  deny-subscribe = {\n"
                         "    \"\\\"q\\\\\\${x}\",\n"
                         "  }\n"
                         "  maximum-qos    = 1\n"
                         "  retain         = on\n"
                         "  max-payload    = 4KiB\n"
                         "  shared         = on\n"
                         "  denials        = carve\n"
                         "  tenant-space   = common\n"
                         "  grant {\n"
                         "    subscribe   = {\n"
                         "      \"b/x\"," USE "    }\n"
                         "    maximum-qos = 0\n"
                         "  }\n"
                         "  grant {\n"
                         "    publish     = {\n"
                         "      \"alarm/%{device}\"," USE "    }\n"
                         "    maximum-qos = 2\n"
                         "    retain      = off\n"
                         "    max-payload = 100\n"
                         "    rate        = \"6/m\"\n"
                         "    expires     = \"2026-11-21\"\n"
                         "    owner       = \"safety\"\n"
                         "    reason      = \"alarms\\tmay\"\n"
                         "  }\n"
                         "}\n");
    learned_free(learned);
    tear_down(&stage);
}

/* A topic that several grants allow keeps what each of them allows. */
static void terms_that_add_something_are_kept(void **state)
{
    (void)state;
    struct stage stage = set_up();
    static const struct policy_terms kept = { 0, true, POLICY_NO_LIMIT, 0, 0 };
    static const struct policy_terms less = { 1, false, 1000, 0, 0 };
    add_rules(stage.role, "p a/#");
    add_rule(stage.role, &(struct policy_rule){ POLICY_PUBLISH, true, "a/+", kept, .owner = "" });
    add_rule(stage.role, &(struct policy_rule){ POLICY_PUBLISH, true, "a/x", less, .owner = "" });
    note_all(&stage, "lamp p a/x");
    struct learned *learned = learn_with(&stage, &standard);
    const struct learned_role *role = learned_at(learned, 0);
    assert_grants(role, "p a/x p a/x");
    assert_true(role->grants[0].is_plain);
    assert_false(role->grants[1].is_plain);
    assert_true(role->grants[1].terms.use.retain);
    assert_int_equal(role->grants[1].terms.use.maximum_qos, 0);
    learned_free(learned);
    tear_down(&stage);
}

/* Two patterns would have a rate each; and no grant can do without one that its role has. */
static void a_rate_is_not_multiplied(void **state)
{
    (void)state;
    struct stage stage =
        set_up_with(&(struct role_options){ .terms = { 2, false, POLICY_NO_LIMIT, 10, 1 } });
    add_rules(stage.role, "p a/+ b/+");
    add_rule(stage.role,
             &(struct policy_rule){
                 .action = POLICY_PUBLISH, .grants = true, .pattern = "c", .terms = qos_2 });
    note_all(&stage, "lamp p a/1, lamp p a/2, lamp p b/1, lamp p c");
    struct learned *learned = learn_with(&stage, &standard);
    const struct learned_role *role = learned_at(learned, 0);
    assert_grants(role, "p c p a/+ p b/1");
    assert_int_equal(role->options.terms.rate_messages, 0);
    assert_int_equal(role->grants[1].terms.use.rate_messages, 10);
    assert_int_equal(role->grants[1].use.count, 2);
    learned_free(learned);
    tear_down(&stage);
}

/* ---- wildcards ---- */

static void scopes_are_as_tight_as_what_was_used(void **state)
{
    (void)state;
    static const struct {
        const char *prefix;
        uint32_t depth;
        const char *deeds;
        const char *learned_prefix; /* NULL: none */
        uint32_t learned_depth;
    } rows[] = {
        { "h/", 0, "lamp s h/k/+", "h/k/", 1 },
        { "h/", 0, "lamp s h/k/+/x/+", "h/k/", 3 },
        { "h/", 0, "lamp s h/k/#", "h/k/", 0 },
        { "h/", 2, "lamp s h/k/+, lamp s h/l/+", "h/", 2 },
        { "h/", 0, "lamp s h/k/+, lamp s h/k/j/+", "h/k/", 2 },
        { "h/", 0, "lamp s h/k/+, lamp s h/k/j/#", "h/k/", 0 },
        { "h/%{site}/", 1, "lamp@k s h/k/+, door@l s h/l/+", "h/%{site}/", 1 },
        { "h/", 2, "lamp@k s h/k/+, door@l s h/l/+", "h/%{site}/", 1 },
        { "h/", 3, "lamp s h/50%/+", "h/", 2 },
        { "h/", 3, "lamp s h/x", NULL, 0 },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct stage stage = set_up();
        add_rules(stage.role, "s h/#");
        add_scope(stage.role, rows[i].prefix, rows[i].depth);
        add_scope(stage.role, "other/", 1);
        note_all(&stage, rows[i].deeds);
        struct learned *learned = learn_with(&stage, &standard);
        const struct learned_role *role = learned_at(learned, 0);
        assert_int_equal(role->scope_count, rows[i].learned_prefix != NULL);
        if (rows[i].learned_prefix != NULL) {
            assert_string_equal(role->scopes[0].scope.prefix, rows[i].learned_prefix);
            assert_int_equal(role->scopes[0].scope.depth, rows[i].learned_depth);
            assert_string_equal(role->scopes[0].scope.owner, "anna");
            assert_int_equal(role->scopes[0].scope.most_topics, 500);
        }
        learned_free(learned);
        tear_down(&stage);
    }
}

static void a_scope_is_written_with_its_terms(void **state)
{
    (void)state;
    struct stage stage = set_up();
    add_rules(stage.role, "s h/#");
    add_scope(stage.role, "h/", 0);
    note_all(&stage, "lamp s h/k/+");
    struct learned *learned = learn_with(&stage, &standard);
    assert_text(learned, "# role \"r\": 1 device seen; 1 pattern instead of 1\n"
                         "role \"r\" {\n"
                         "  subscribe      = {\n"
                         "    \"h/k/+\"," USE "  }\n"
                         "  wildcards {" USE "    prefix      = \"h/k/\"\n"
                         "    depth       = 1\n"
                         "    most-topics = 500\n"
                         "    expires     = \"2026-12-20T01:01:01Z\"\n"
                         "    owner       = \"anna\"\n"
                         "    reason      = \"a \\\"wall\\\"\"\n"
                         "  }\n"
                         "}\n");
    learned_free(learned);
    tear_down(&stage);
}

/* A filter that only several grants together allow needs its share of each. */
static void a_filter_may_take_several_grants(void **state)
{
    (void)state;
    struct stage stage = set_up();
    add_rules(stage.role, "s h/+ h/+/# other/#");
    add_scope(stage.role, "h/", 0);
    add_rules(stage.role, "s h");
    note_all(&stage, "lamp s h/#");
    struct learned *learned = learn_with(&stage, &standard);
    assert_grants(learned_at(learned, 0), "s h s h/+/#");
    learned_free(learned);
    tear_down(&stage);
}

static void an_unrestricted_role_is_narrowed_where_it_can_be(void **state)
{
    (void)state;
    static const struct {
        const char *deeds;
        const char *grants;
        bool unrestricted;
        size_t scopes;
    } rows[] = {
        { "lamp p a/b, lamp p $SYS/x, lamp s a/b/+, lamp s a/+, lamp s b/#",
          "s a/+ s a/b/+ s b/# p $SYS/x p a/b", false, 2 },
        { "lamp s #", "s +/#", true, 0 },
        { "lamp p $1%/x", "", true, 0 },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct stage stage =
            set_up_with(&(struct role_options){ .unrestricted = true, .terms = qos_2 });
        note_all(&stage, rows[i].deeds);
        struct learned *learned = learn_with(&stage, &standard);
        const struct learned_role *role = learned_at(learned, 0);
        assert_grants(role, rows[i].grants);
        assert_int_equal(role->options.unrestricted, rows[i].unrestricted);
        assert_int_equal(role->scope_count, rows[i].scopes);
        learned_free(learned);
        tear_down(&stage);
    }
}

/* ---- several roles ---- */

/* What a group grants goes to the role of the group, and what the registry grants stays there. */
static void parts_keep_what_is_theirs(void **state)
{
    (void)state;
    struct stage stage = set_up();
    struct role *other =
        policy_add_role(stage.policy, "other", &(struct role_options){ .terms = qos_2 });
    assert_non_null(other);
    add_rules(stage.role, "p mine/+");
    add_rules(other, "p theirs/+ both/+");
    add_rule(other, &(struct policy_rule){ .action = POLICY_PUBLISH,
                                           .grants = true,
                                           .pattern = "registry/#",
                                           .terms = qos_2,
                                           .origin = { "registry", 7, 0 } });
    assert_int_equal(policy_assign(stage.policy, "lamp", (struct role *[]){ stage.role, other }, 2),
                     0);
    note_all(&stage, "lamp p mine/x, lamp p theirs/x, lamp p registry/x");
    sketch_note(stage.sketch, &(struct identity){ .device = "d", .role = "other" }, POLICY_PUBLISH,
                span_of("both/x"), true, 5);
    sketch_note(stage.sketch, &(struct identity){ .device = "e", .role = "gone" }, POLICY_PUBLISH,
                span_of("both/x"), true, 5);
    sketch_note(stage.sketch, &(struct identity){ .device = "f" }, POLICY_PUBLISH,
                span_of("both/x"), true, 5);
    struct learned *learned = learn_with(&stage, &standard);
    assert_int_equal(learned_count(learned), 2);
    assert_string_equal(learned_at(learned, 0)->name, "other");
    assert_grants(learned_at(learned, 0), "p both/x p theirs/x");
    assert_int_equal(learned_at(learned, 0)->identities, 1);
    assert_int_equal(learned_at(learned, 0)->grants_before, 2);
    assert_grants(learned_at(learned, 1), "p mine/x");
    learned_free(learned);
    learned =
        learn_with(&stage, &(struct learn_options){ .merge_above = 1, .role = "r", .since_s = 9 });
    assert_int_equal(learned_count(learned), 1);
    assert_int_equal(learned_since(learned), 9);
    learned_free(learned);
    learned_free(NULL);
    tear_down(&stage);
}

static int64_t fourteen(void *context, const char *role)
{
    assert_string_equal(role, "r");
    *(bool *)context = true;
    return 14;
}

/* ---- what it says about itself ---- */

static void the_text_says_what_is_not_in_it(void **state)
{
    (void)state;
    struct stage stage = set_up();
    bool asked = false;
    add_rules(stage.role, "p a/+ b/# s c");
    sketch_set_since(stage.sketch, NOVEMBER_20);
    note_all(&stage, "lamp p a/x, door p a/x, lamp p a/x, lamp p gone");
    note(&stage, "lamp", POLICY_PUBLISH, "x\n} role \"evil\" {\x7f\xc2\x9b", false);
    note(&stage, "door", POLICY_SUBSCRIBE, "#", false);
    note(&stage, "lamp", POLICY_SUBSCRIBE, "#", false);
    char *large = calloc(1, SKETCH_TOPIC_BYTES + 2);
    assert_non_null(large);
    memset(large, 'a', SKETCH_TOPIC_BYTES + 1);
    note(&stage, "lamp", POLICY_PUBLISH, large, false);
    free(large);
    struct learned *learned = learn_with(
        &stage, &(struct learn_options){ .merge_above = 8, .known = fourteen, .context = &asked });
    assert_true(asked);
    assert_text(
        learned,
        "# role \"r\": 2 of 14 devices seen since 2026-11-20; 1 pattern instead of 3\n"
        "# It may be too narrow: 0 topics and 0 entries were dropped, 1 could not be recorded.\n"
        "# Refused, and not in it:\n"
        "#   publish gone (was allowed then): 1 device, 1 time, last 2026-11-23\n"
        "#   publish x\\x0A} role \"evil\" {\\x7F\\xC2\\x9B: 1 device, 1 time, last 2026-11-23\n"
        "#   subscribe #: 2 devices, 2 times, last 2026-11-23\n"
        "role \"r\" {\n"
        "  publish        = {\n"
        "    \"a/x\", # 2 devices, 3 times, last 2026-11-23\n"
        "  }\n"
        "}\n");
    assert_int_equal(learned_drops(learned).unrecorded, 1);
    learned_free(learned);
    tear_down(&stage);
}

static int stop(void *context, struct mqtt_span piece)
{
    size_t *left = context;
    (void)piece;
    return --*left == 0 ? 42 : 0;
}

static void a_writer_may_stop(void **state)
{
    (void)state;
    struct stage stage = set_up();
    add_rules(stage.role, "p a/+");
    note_all(&stage, "lamp p a/x");
    struct learned *learned = learn_with(&stage, &standard);
    for (size_t pieces = 1; pieces < 8; pieces++) {
        size_t left = pieces;
        assert_int_equal(learned_write(learned, stop, &left), 42);
        assert_int_equal(left, 0);
    }
    learned_free(learned);
    tear_down(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_used_is_granted_in_the_words_of_the_grant),
        cmocka_unit_test(names_become_substitutions),
        cmocka_unit_test(many_names_become_one_wildcard),
        cmocka_unit_test(a_grid_becomes_two_wildcards),
        cmocka_unit_test(shapes_are_granted_entirely),
        cmocka_unit_test(terms_are_those_of_today),
        cmocka_unit_test(terms_that_add_something_are_kept),
        cmocka_unit_test(a_rate_is_not_multiplied),
        cmocka_unit_test(scopes_are_as_tight_as_what_was_used),
        cmocka_unit_test(a_scope_is_written_with_its_terms),
        cmocka_unit_test(a_filter_may_take_several_grants),
        cmocka_unit_test(an_unrestricted_role_is_narrowed_where_it_can_be),
        cmocka_unit_test(parts_keep_what_is_theirs),
        cmocka_unit_test(the_text_says_what_is_not_in_it),
        cmocka_unit_test(a_writer_may_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
