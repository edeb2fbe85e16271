/* SPDX-License-Identifier: Apache-2.0 */
/* What is found about which rules, and that nothing is found that is not so: of random small roles
 * whatever is called redundant, shadowed, dead or useless is left out, and every question is asked
 * again. */
#include "policy/lint.h"

#include "base/attrs.h"
#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S      1000
#define RULES_MAX  6
#define TEXT_BYTES 64

static const struct policy_terms plain = { .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT };

/* A role as text: what role_add_rule() and role_add_scope() are given. */
struct draft {
    struct role_options options;
    struct policy_rule rules[RULES_MAX];
    char patterns[RULES_MAX + 1][TEXT_BYTES];
    size_t count;
    const char *scope; /* prefix, or NULL */
    char prefix[TEXT_BYTES];
    int64_t scope_expires_s;
};

static void add_rule(struct role *role, const struct policy_rule *rule)
{
    const char *why = "";
    if (role_add_rule(role, rule, &why) != 0)
        fail_msg("%s: %s", rule->pattern, why);
}

/* The draft without the rules in `left_out`; line is the index of a rule in it, from 1. */
static struct policy *build(const struct draft *draft, uint32_t left_out, bool has_scope)
{
    struct policy *policy = policy_new();
    const char *why = "";

    assert_non_null(policy);
    struct role *role = policy_add_role(policy, "r", &draft->options);
    assert_non_null(role);
    for (size_t i = 0; i < draft->count; i++) {
        struct policy_rule rule = draft->rules[i];
        rule.origin = (struct policy_origin){ "t.conf", (unsigned)i + 1, 1 };
        if ((left_out >> i & 1) == 0)
            add_rule(role, &rule);
    }
    if (draft->scope != NULL && has_scope)
        assert_int_equal(role_add_scope(role,
                                        &(struct policy_scope){ .prefix = draft->scope,
                                                                .most_topics = 9,
                                                                .expires_s = draft->scope_expires_s,
                                                                .owner = "o",
                                                                .reason = "r",
                                                                .origin = { "t.conf", 99, 1 } },
                                        &why),
                         0);
    policy_seal(policy);
    return policy;
}

/* ---- one kind at a time ---- */

struct found {
    char text[400];
    size_t count;
    uint32_t lines[LINT_KIND_COUNT]; /* bit: that rule of the draft */
};

static void note(void *context, const struct lint_finding *finding)
{
    struct found *found = context;
    size_t len = strlen(found->text);
    unsigned line = finding->rule != NULL ? finding->rule->origin.line : 0;

    assert_string_equal(role_name(finding->role), "r");
    assert_int_equal(finding->origin.line, finding->scope != NULL ? 99 : line);
    assert_true((finding->origin.file == NULL)
                == (finding->rule == NULL && finding->scope == NULL));
    if (line != 0)
        found->lines[finding->kind] |= 1u << (line - 1);
    found->count++;
    (void)snprintf(found->text + len, sizeof(found->text) - len, "%s%s", len != 0 ? " " : "",
                   lint_word(finding->kind));
    len = strlen(found->text);
    if (line != 0)
        (void)snprintf(found->text + len, sizeof(found->text) - len, ":%u", line);
    len = strlen(found->text);
    if (finding->other != NULL)
        (void)snprintf(found->text + len, sizeof(found->text) - len, "<%u",
                       finding->other->origin.line);
}

static struct found lint(const struct draft *draft)
{
    struct policy *policy = build(draft, 0, true);
    struct found found = { .count = 0 };

    lint_role(policy, policy_find_role(policy, "r"), NOW_S, note, &found);
    policy_unref(policy);
    return found;
}

struct row {
    const char *found; /* "word:line<line of the other", in the order of finding */
    const char *role;  /* "ACTION PATTERN [WORD=NUMBER]..." each, separated by "; " */
};

static const struct row rows[] = {
    /* Grants that others contain. */
    { "redundant-grant:2<1", "publish d/%{device}/#; publish d/%{device}/a" },
    { "redundant-grant:1<2", "publish d/%{device}/a; publish d/%{device}/#" },
    { "redundant-grant:2<1", "subscribe a; subscribe a" },
    { "redundant-grant:2<1 redundant-grant:3<1", "subscribe a; subscribe a; subscribe a" },
    { "redundant-grant:1<2", "subscribe a/%{device}; subscribe a/+" },
    { "", "subscribe a; publish a" },
    { "", "subscribe a/%{device}; subscribe a/b" },
    { "", "subscribe a/%{device}; subscribe a/%{site}" },
    { "broad-first-level:1", "subscribe +/x; subscribe $s/x" },
    /* As much has to be allowed, and for as long. */
    { "", "subscribe a/# qos=1; subscribe a/b qos=2" },
    { "redundant-grant:2<1", "subscribe a/# qos=2; subscribe a/b qos=1" },
    { "redundant-grant:2<1", "subscribe a/# bytes=1; subscribe a/b bytes=2" },
    { "", "publish %{device}/# bytes=1; publish %{device}/b bytes=2" },
    { "", "publish %{device}/#; publish %{device}/b retain=1" },
    { "redundant-grant:2<1", "publish %{device}/# retain=1; publish %{device}/b" },
    { "", "subscribe a/# until=2000; subscribe a/b" },
    { "", "subscribe a/# until=2000; subscribe a/b until=2001" },
    { "redundant-grant:2<1", "subscribe a/# until=2000; subscribe a/b until=2000" },
    /* Rates: the faster one counts, of equal ones the first. */
    { "redundant-grant:2<1", "publish %{device}/#; publish %{device}/b rate=5 per=1" },
    { "", "publish %{device}/# rate=5 per=1; publish %{device}/b" },
    { "redundant-grant:2<1", "publish %{device}/# rate=5 per=1; publish %{device}/b rate=4 per=1" },
    { "redundant-grant:2<1", "publish %{device}/# rate=5 per=1; publish %{device}/b rate=5 per=1" },
    { "", "publish %{device}/b rate=5 per=1; publish %{device}/# rate=5 per=1" },
    { "", "publish %{device}/# rate=1 per=1; publish %{device}/b rate=10 per=10" },
    { "redundant-grant:2<1",
      "publish %{device}/# rate=10 per=10; publish %{device}/b rate=1 per=1" },
    /* Grants that a denial takes away. */
    { "shadowed-grant:1<2", "publish a/b; deny-publish a/#" },
    { "shadowed-grant:1<2", "publish a/%{device}; deny-publish a/+" },
    { "shadowed-grant:1<2", "subscribe a/b until=1500; deny-subscribe a/b until=1500" },
    { "", "subscribe a/b; deny-subscribe a/b until=1500" }, /* for a while only */
    { "", "subscribe a/#; deny-subscribe a/b" },
    { "", "subscribe a/b; deny-publish a/b" },
    { "", "subscribe a/b; deny-subscribe a/%{device}" },
    /* Nobody but the broker publishes there. */
    { "broker-topic-grant:1", "publish $tacit/events/#" },
    { "broker-topic-grant:1", "publish $tacit; deny-publish $tacit/#" },
    { "broker-topic-grant:2", "publish a; publish $tacit/%{device}" },
    { "", "subscribe $tacit/events/#; publish $tacitly/a" },
    /* Denials. */
    { "shadowed-denial:3<2", "subscribe a/#; deny-subscribe a/b/#; deny-subscribe a/b/c" },
    { "shadowed-denial:3<2", "subscribe a/#; deny-subscribe a/b; deny-subscribe a/b" },
    { "", "subscribe a/#; deny-subscribe a/b/# until=2000; deny-subscribe a/b/c" },
    { "", "subscribe a/#; subscribe b/#; deny-subscribe a/b; deny-subscribe b/a" },
    { "dead-denial:2", "subscribe a/#; deny-subscribe b/#" },
    { "dead-denial:2", "subscribe a/%{device}; deny-subscribe a/b/c" },
    { "dead-denial:2", "subscribe %{device}/a; deny-subscribe $s/a" },
    { "", "subscribe a/%{device}; deny-subscribe a/b" }, /* a device may be called b */
    { "", "subscribe a/x%{device}; deny-subscribe a/%{site}y" },
    { "", "subscribe a; deny-publish b" }, /* there is nothing to publish: meant for a group */
    { "unrestricted-role", "subscribe a; deny-subscribe b; unrestricted -" },
    /* Width. */
    { "broad-first-level:1", "subscribe #" },
    { "broad-first-level:1", "publish +/%{device}" },
    { "", "subscribe a/#" },
    { "", "publish a/+" },
    { "writes-for-others:1<2 redundant-grant:2<1", "publish a/+; publish a/%{device}" },
    { "writes-for-others:1<2", "publish a/%{site}/#; publish a/%{device}/x" },
    { "", "publish a/+/set; publish a/%{device}/state" },
    { "", "publish a/+/set; subscribe a/%{device}/set" },
    { "", "publish a/%{device}/+" },
    { "", "publish a/b" },
    { "unrestricted-role", "unrestricted -" },
    { "", "subscribe a; ratchet required" },
    { "", "subscribe a; clone allow" },
    { "", "subscribe a; ratchet required; clone hold" },
    { "ratchet-waived", "subscribe a; ratchet required; clone allow" },
    { "empty-role", "" },
    { "empty-role", "deny-publish a" },
    /* Tenants. */
    { "tenant-in-own-space:1", "subscribe t/%{tenant}/x" },
    { "", "subscribe t/%{tenant}/x; common-space -" },
    /* What is past. */
    { "expired-grant:1", "subscribe a until=1000" },
    { "", "subscribe a until=1001" },
    { "expired-grant:1", "subscribe a/# until=999; subscribe a/b" },
    { "expired-denial:2", "subscribe a; deny-subscribe a until=1000" },
    { "expired-denial:2", "subscribe a/#; deny-subscribe a/+ until=1; deny-subscribe a/b" },
    /* Scopes. */
    { "", "subscribe a/b/#; scope a/ until=2000" },
    { "scope-without-expiry", "subscribe a/b/#; scope a/ until=0" },
    { "scope-without-grant", "subscribe b/#; scope a/ until=2000" },
    { "expired-grant:1 scope-without-grant",
      "subscribe a/# until=7; publish a/b; scope a/ until=2000" },
    { "", "subscribe a/%{device}/#; scope a/b/ until=2000" },
    { "broad-first-level:1 scope-without-grant", "subscribe #; scope $s/ until=2000" },
    { "expired-scope", "subscribe a/#; scope a/ until=1000" },
    { "unrestricted-role", "unrestricted -; scope a/ until=2000" },
};

/* "until=1500" and the like. */
static void read_word(const char *word, struct policy_rule *rule)
{
    unsigned value;

    if (sscanf(word, "qos=%u", &value) == 1)
        rule->terms.maximum_qos = (uint8_t)value;
    else if (sscanf(word, "retain=%u", &value) == 1)
        rule->terms.retain = value != 0;
    else if (sscanf(word, "bytes=%u", &value) == 1)
        rule->terms.payload_bytes = value;
    else if (sscanf(word, "rate=%u", &value) == 1)
        rule->terms.rate_messages = value;
    else if (sscanf(word, "per=%u", &value) == 1)
        rule->terms.rate_seconds = value;
    else if (sscanf(word, "until=%u", &value) == 1)
        rule->expires_s = value;
    else
        fail_msg("what is %s?", word);
}

/* The next piece of *rest, which moves behind it; NULL at the end. */
static char *cut(char **rest, char separator)
{
    const char ends[] = { separator, '\0' };
    char *piece = *rest + strspn(*rest, ends);
    size_t len = strcspn(piece, ends);

    *rest = piece + len + (piece[len] != '\0');
    piece[len] = '\0';
    return len != 0 ? piece : NULL;
}

static void read_line(char *text, struct draft *draft)
{
    struct policy_rule rule = { .terms = plain };
    char *pattern = draft->patterns[draft->count];
    char *rest = text;
    char *what = cut(&rest, ' ');
    char *word = cut(&rest, ' ');

    assert_true(what != NULL && word != NULL);
    (void)snprintf(pattern, TEXT_BYTES, "%s", word);
    for (word = cut(&rest, ' '); word != NULL; word = cut(&rest, ' '))
        read_word(word, &rule);
    if (strcmp(what, "unrestricted") == 0) {
        draft->options.unrestricted = true;
    } else if (strcmp(what, "common-space") == 0) {
        draft->options.common_space = true;
    } else if (strcmp(what, "ratchet") == 0) {
        draft->options.ratchet = POLICY_RATCHET_REQUIRED;
    } else if (strcmp(what, "clone") == 0) {
        draft->options.clone =
            strcmp(pattern, "allow") == 0 ? POLICY_CLONE_ALLOW : POLICY_CLONE_HOLD;
    } else if (strcmp(what, "scope") == 0) {
        (void)snprintf(draft->prefix, TEXT_BYTES, "%s", pattern);
        draft->scope = draft->prefix;
        draft->scope_expires_s = rule.expires_s;
    } else {
        rule.pattern = pattern;
        rule.grants = strncmp(what, "deny-", 5) != 0;
        rule.action = strstr(what, "publish") != NULL ? POLICY_PUBLISH : POLICY_SUBSCRIBE;
        draft->rules[draft->count++] = rule;
    }
}

static void read_draft(const char *role, struct draft *draft)
{
    char text[200];
    char *rest = text;

    *draft = (struct draft){ .count = 0 };
    (void)snprintf(text, sizeof(text), "%s", role);
    for (char *line = cut(&rest, ';'); line != NULL; line = cut(&rest, ';'))
        read_line(line, draft);
}

static void each_kind_is_found_and_no_other(void **state)
{
    struct draft draft;
    bool seen[LINT_KIND_COUNT] = { false };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        read_draft(rows[i].role, &draft);
        struct found found = lint(&draft);
        if (strcmp(found.text, rows[i].found) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", rows[i].role, found.text, rows[i].found);
        for (int kind = 0; kind < LINT_KIND_COUNT; kind++)
            seen[kind] |= strstr(found.text, lint_word((enum lint_kind)kind)) != NULL;
    }
    for (int kind = 0; kind < LINT_KIND_COUNT; kind++)
        if (!seen[kind])
            fail_msg("no row has %s", lint_word((enum lint_kind)kind));
}

static void every_kind_has_its_words(void **state)
{
    (void)state;
    for (int i = 0; i < LINT_KIND_COUNT; i++) {
        enum lint_kind kind = (enum lint_kind)i;
        assert_true(lint_what(kind)[0] != '\0' && lint_advice(kind)[0] != '\0');
        assert_non_null(lint_severity_text(lint_severity_of(kind)));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(lint_word(kind), lint_word((enum lint_kind)j));
    }
    assert_string_equal(lint_severity_text(lint_severity_of(LINT_DENIED)), "error");
    assert_string_equal(lint_severity_text(lint_severity_of(LINT_REDUNDANT)), "warning");
    assert_string_equal(lint_severity_text(lint_severity_of(LINT_SCOPE_ENDLESS)), "note");
}

/* ---- that it is so ---- */

#define ROLES      1000
#define TOPICS     200
#define FILTERS    12
#define IDENTITIES 5

static const struct identity identities[IDENTITIES] = {
    { .device = "a", .site = "b" },
    { .device = "b" },
    { .device = "c", .site = "c" },
    { .site = "a" },
    { .device = "xa" },
};
static const char *const filters[FILTERS] = { "a/+",   "a/#",   "a/b/#", "a/+/b", "a/a/+",  "a/b/+",
                                              "a/+/+", "a/c/#", "a/+/#", "a//#",  "a/xa/+", "b/#" };
static char topics[TOPICS][TEXT_BYTES];
static size_t topic_count;
static struct test_random seed = { 77 };

static size_t below(size_t bound)
{
    return test_random_below(&seed, bound);
}

static void fill_topics(const char *head, unsigned levels)
{
    static const char *const names[] = { "a", "b", "c", "xa", "" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++) {
        char *topic = topics[topic_count];
        (void)snprintf(topic, TEXT_BYTES, "%s%s", head, names[i]);
        char longer[TEXT_BYTES];
        (void)snprintf(longer, sizeof(longer), "%.60s/", topic);
        topic_count += topic[0] != '\0';
        assert_true(topic_count < TOPICS);
        if (levels > 1)
            fill_topics(longer, levels - 1);
    }
}

static void random_pattern(char out[TEXT_BYTES])
{
    static const char *const names[] = { "a",         "a",         "b",          "c",       "+",
                                         "%{device}", "%{device}", "x%{device}", "%{site}", "" };
    size_t levels = 1 + below(3);
    size_t len = 0;

    for (size_t i = 0; i < levels; i++)
        len += (size_t)snprintf(out + len, TEXT_BYTES - len, "%s%s", i != 0 ? "/" : "",
                                i == 0 && below(12) == 0 ? "$s" : names[below(10)]);
    if (out[0] == '\0' || below(3) == 0)
        (void)snprintf(out + len, TEXT_BYTES - len, "%s", out[0] == '\0' ? "#" : "/#");
}

static void random_draft(struct draft *draft)
{
    static const char *const scopes[] = { NULL, "a/", "a/b/", "b/", "c/%{device}/" };

    *draft = (struct draft){ .options = { .carves = below(2) == 0, .unrestricted = below(20) == 0 },
                             .count = 1 + below(RULES_MAX),
                             .scope = scopes[below(5)] };
    enum policy_action action = below(2) == 0 ? POLICY_PUBLISH : POLICY_SUBSCRIBE;
    for (size_t i = 0; i < draft->count; i++) {
        struct policy_rule *rule = &draft->rules[i];
        random_pattern(draft->patterns[i]);
        *rule = (struct policy_rule){ .action = below(6) != 0 ? action : POLICY_PUBLISH,
                                      .grants = below(3) != 0,
                                      .pattern = draft->patterns[i],
                                      .terms = { .maximum_qos = (uint8_t)(2 - below(5) / 4),
                                                 .retain = below(5) != 0,
                                                 .payload_bytes = below(5) == 0 ? 9 : 99,
                                                 .rate_seconds = 1 } };
        if (below(4) == 0)
            rule->terms.rate_seconds = rule->terms.rate_messages = (uint32_t)(1 + below(2));
    }
}

static bool same_publish(const struct role *a, const struct role *b,
                         const struct identity *identity, struct mqtt_span topic)
{
    struct policy_publish p = policy_decide_publish(a, identity, topic);
    struct policy_publish q = policy_decide_publish(b, identity, topic);
    unsigned rate_p = p.rate != NULL ? p.rate->origin.line : 0;
    unsigned rate_q = q.rate != NULL ? q.rate->origin.line : 0;

    return (p.verdict == POLICY_ALLOW) == (q.verdict == POLICY_ALLOW) && rate_p == rate_q
           && memcmp(p.payload_bytes, q.payload_bytes, sizeof(p.payload_bytes)) == 0;
}

static bool same_decision(struct policy_decision p, struct policy_decision q)
{
    return (p.verdict == POLICY_ALLOW) == (q.verdict == POLICY_ALLOW)
           && (p.verdict != POLICY_ALLOW || p.maximum_qos == q.maximum_qos);
}

static void assert_same(const struct draft *draft, uint32_t left_out, bool has_scope,
                        const char *what)
{
    struct policy *whole = build(draft, 0, true);
    struct policy *less = build(draft, left_out, has_scope);
    const struct role *a = policy_find_role(whole, "r");
    const struct role *b = policy_find_role(less, "r");

    for (size_t i = 0; i < IDENTITIES; i++) {
        for (size_t t = 0; t < topic_count; t++) {
            struct mqtt_span topic = span_of(topics[t]);
            if (!same_publish(a, b, &identities[i], topic)
                || !same_decision(policy_decide_receive(a, &identities[i], topic),
                                  policy_decide_receive(b, &identities[i], topic)))
                fail_msg("%s: identity %zu, %s, without %#x", what, i, topics[t], left_out);
        }
        for (size_t f = 0; f < FILTERS; f++)
            if (!same_decision(policy_decide_subscribe(a, &identities[i], span_of(filters[f])),
                               policy_decide_subscribe(b, &identities[i], span_of(filters[f]))))
                fail_msg("%s: identity %zu, filter %s, without %#x", what, i, filters[f], left_out);
    }
    policy_unref(whole);
    policy_unref(less);
}

static void what_is_found_could_be_deleted(void **state)
{
    static const enum lint_kind kinds[] = { LINT_REDUNDANT, LINT_DENIED, LINT_DENIAL_TWICE,
                                            LINT_DEAD_DENIAL };
    size_t claims[LINT_KIND_COUNT] = { 0 };
    struct draft draft;

    (void)state;
    topic_count = 0;
    fill_topics("", 3);
    fill_topics("$s/", 1);
    for (size_t i = 0; i < ROLES; i++) {
        random_draft(&draft);
        struct found found = lint(&draft);
        uint32_t together = 0;
        bool is_useless = strstr(found.text, lint_word(LINT_SCOPE_USELESS)) != NULL;
        for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++) {
            for (size_t r = 0; r < draft.count; r++)
                claims[kinds[k]] += found.lines[kinds[k]] >> r & 1;
            together |= found.lines[kinds[k]];
        }
        claims[LINT_SCOPE_USELESS] += is_useless;
        for (size_t r = 0; r < draft.count; r++)
            if ((together >> r & 1) != 0)
                assert_same(&draft, 1u << r, true, found.text);
        if (together != 0 || is_useless)
            assert_same(&draft, together, !is_useless, found.text);
    }
    for (size_t k = 0; k < MQTT_ARRAY_LEN(kinds); k++)
        assert_true(claims[kinds[k]] > 20); /* else it would prove nothing */
    assert_true(claims[LINT_SCOPE_USELESS] > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_found_and_no_other),
        cmocka_unit_test(every_kind_has_its_words),
        cmocka_unit_test(what_is_found_could_be_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
