/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle (promise W3): the algebra and the decisions against brute force. Every filter of up to
 * four levels over {a, b, empty, +, #} and a first level "$s" has the set of topics that it
 * matches, of all topics of up to five levels over {a, b, c, empty} and a first level "$s" or "$t":
 * what no filter names stands for all the rest, and the fifth level tells '#' from what is longer
 * than any filter without it. All pairs, all triples of up to three levels, and a sample of the
 * others.
 *
 * The last line says how many filters, and in how many questions more or less was granted than
 * what the sets of topics say; any but zero fails. */
#include "base/attrs.h"
#include "codec/topic.h"
#include "policy/filter.h"
#include "policy/filter_set.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES  16
#define FILTERS_MAX 700
#define TOPICS_MAX  2200
#define WORDS       (TOPICS_MAX / 64 + 1)
#define SAMPLES     1500000
#define POLICIES    150000
#define SHOWN       20 /* mistakes that are printed */

struct set {
    uint64_t words[WORDS];
};

struct universe {
    size_t filters;
    size_t short_filters; /* of up to three levels: they come first */
    size_t topics;
    char filter[FILTERS_MAX][TEXT_BYTES];
    char topic[TOPICS_MAX][TEXT_BYTES];
    struct set matches[FILTERS_MAX];
};

struct tally {
    unsigned long over_grants;
    unsigned long wrong_refusals;
    unsigned long questions;
};

static struct universe all;
static struct tally tally;
static uint64_t random_state = 4711;

static size_t below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(random_state >> 33) % bound;
}

/* ---- the universe ---- */

static void add_topics(const char *path, unsigned levels)
{
    static const char *const names[] = { "a", "b", "c", "" };

    if (path[0] != '\0') /* no topic is empty */
        snprintf(all.topic[all.topics++], TEXT_BYTES, "%s", path);
    for (size_t i = 0; levels < 5 && i < MQTT_ARRAY_LEN(names); i++) {
        char longer[TEXT_BYTES];
        snprintf(longer, sizeof(longer), "%s/%s", path, names[i]);
        add_topics(longer, levels + 1);
    }
}

static void add_filters(const char *path, unsigned levels, unsigned deepest)
{
    static const char *const names[] = { "a", "b", "", "+" };
    char longer[TEXT_BYTES];

    if (path[0] != '\0' && levels == deepest)
        snprintf(all.filter[all.filters++], TEXT_BYTES, "%s", path);
    if (levels + 1 == deepest) {
        snprintf(longer, sizeof(longer), "%s/#", path);
        snprintf(all.filter[all.filters++], TEXT_BYTES, "%s", longer);
    }
    for (size_t i = 0; levels < deepest && i < MQTT_ARRAY_LEN(names); i++) {
        snprintf(longer, sizeof(longer), "%s/%s", path, names[i]);
        add_filters(longer, levels + 1, deepest);
    }
}

static void fill_universe(void)
{
    static const char *const topic_firsts[] = { "a", "b", "c", "", "$s", "$t" };
    static const char *const filter_firsts[] = { "a", "b", "", "+", "$s" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(topic_firsts); i++)
        add_topics(topic_firsts[i], 1);
    snprintf(all.filter[all.filters++], TEXT_BYTES, "#");
    for (unsigned levels = 1; levels <= 4; levels++) {
        for (size_t i = 0; i < MQTT_ARRAY_LEN(filter_firsts); i++)
            add_filters(filter_firsts[i], 1, levels);
        if (levels == 3)
            all.short_filters = all.filters;
    }
    for (size_t f = 0; f < all.filters; f++) {
        for (size_t t = 0; t < all.topics; t++) {
            if (mqtt_topic_matches(span_of(all.filter[f]), span_of(all.topic[t])))
                all.matches[f].words[t / 64] |= UINT64_C(1) << t % 64;
        }
    }
}

/* ---- sets of topics ---- */

static bool is_within(const struct set *inner, const struct set *outer)
{
    for (size_t i = 0; i < WORDS; i++) {
        if ((inner->words[i] & ~outer->words[i]) != 0)
            return false;
    }
    return true;
}

static bool meets(const struct set *a, const struct set *b)
{
    for (size_t i = 0; i < WORDS; i++) {
        if ((a->words[i] & b->words[i]) != 0)
            return true;
    }
    return false;
}

static void add_set(struct set *sum, const struct set *more)
{
    for (size_t i = 0; i < WORDS; i++)
        sum->words[i] |= more->words[i];
}

static struct set intersection(const struct set *a, const struct set *b)
{
    struct set both;

    for (size_t i = 0; i < WORDS; i++)
        both.words[i] = a->words[i] & b->words[i];
    return both;
}

/* ---- judging ---- */

static void judge(const char *what, bool says, bool is, const char *a, const char *b)
{
    tally.questions++;
    if (says == is)
        return;
    if (tally.over_grants + tally.wrong_refusals < SHOWN)
        printf("%s: %s and %s: says %s\n", what, a, b, says ? "yes" : "no");
    if (says)
        tally.over_grants++;
    else
        tally.wrong_refusals++;
}

static void check_intersection(size_t a, size_t b)
{
    uint8_t text[2 * TEXT_BYTES + 8];
    size_t len =
        filter_intersect(span_of(all.filter[a]), span_of(all.filter[b]), text, sizeof(text));
    struct set expected = intersection(&all.matches[a], &all.matches[b]);
    static const struct set nothing;
    bool is_right = is_within(&expected, &nothing);

    if (len > 0) {
        struct set found = { { 0 } };
        for (size_t t = 0; t < all.topics; t++) {
            if (mqtt_topic_matches((struct mqtt_span){ text, len }, span_of(all.topic[t])))
                found.words[t / 64] |= UINT64_C(1) << t % 64;
        }
        is_right = is_within(&found, &expected) && is_within(&expected, &found);
    }
    judge("intersection", is_right, true, all.filter[a], all.filter[b]);
}

static void check_pairs(void)
{
    for (size_t a = 0; a < all.filters; a++) {
        for (size_t b = 0; b < all.filters; b++) {
            struct mqtt_span outer = span_of(all.filter[a]);
            struct mqtt_span inner = span_of(all.filter[b]);
            bool is_inside = is_within(&all.matches[b], &all.matches[a]);

            judge("contains", filter_contains(outer, inner), is_inside, all.filter[a],
                  all.filter[b]);
            judge("covers one", filter_set_covers(&outer, 1, inner) == FILTER_COVER_YES, is_inside,
                  all.filter[a], all.filter[b]);
            judge("overlaps", filter_overlaps(outer, inner),
                  meets(&all.matches[a], &all.matches[b]), all.filter[a], all.filter[b]);
        }
    }
    for (size_t a = 0; a < all.filters; a += 3) {
        for (size_t b = 0; b < all.filters; b += 2)
            check_intersection(a, b);
    }
}

/* A topic that shows why not lies in the filter and in no member. */
static void check_witness(const struct mqtt_span *set, size_t count, size_t f)
{
    char topic[64];
    bool is_right = filter_set_witness(set, count, span_of(all.filter[f]), topic, sizeof(topic))
                        == FILTER_COVER_NO
                    && topic[0] != '\0'
                    && mqtt_topic_matches(span_of(all.filter[f]), span_of(topic));

    for (size_t i = 0; i < count; i++)
        is_right = is_right && !mqtt_topic_matches(set[i], span_of(topic));
    judge("witness", is_right, true, topic, all.filter[f]);
}

static void check_union(const size_t *members, size_t count, size_t f)
{
    struct mqtt_span set[3];
    struct set sum = { { 0 } };

    for (size_t i = 0; i < count; i++) {
        set[i] = span_of(all.filter[members[i]]);
        add_set(&sum, &all.matches[members[i]]);
    }
    bool is_covered = is_within(&all.matches[f], &sum);
    judge("union", filter_set_covers(set, count, span_of(all.filter[f])) == FILTER_COVER_YES,
          is_covered, all.filter[members[0]], all.filter[f]);
    if (!is_covered && (tally.questions & 7) == 0)
        check_witness(set, count, f);
}

static void check_unions(void)
{
    for (size_t a = 0; a < all.short_filters; a++) {
        for (size_t b = 0; b < a; b++) {
            for (size_t f = 0; f < all.short_filters; f++)
                check_union((size_t[]){ a, b }, 2, f);
        }
    }
    for (unsigned i = 0; i < SAMPLES; i++) {
        size_t members[3] = { below(all.filters), below(all.filters), below(all.filters) };
        check_union(members, 2 + i % 2, below(all.filters));
    }
}

/* ---- whole policies ---- */

struct rules {
    size_t grants[2];
    size_t denial;
    bool denies;
    bool carves;
    bool has_scope;
    uint32_t depth;
    char prefix[4];
};

static struct rules random_rules(void)
{
    static const char *const prefixes[] = { "a/", "b/", "$s/" };
    struct rules rules = {
        .grants = { below(all.filters), below(all.filters) },
        .denial = below(all.filters),
        .denies = below(2) == 0,
        .carves = below(2) == 0,
        .has_scope = below(4) != 0,
        .depth = (uint32_t)below(4),
    };

    snprintf(rules.prefix, sizeof(rules.prefix), "%s", prefixes[below(3)]);
    return rules;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static struct policy *policy_of(const struct rules *rules, struct role **out_role)
{
    const struct role_options options = {
        .carves = rules->carves,
        .terms = { .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
    };
    const struct policy_scope scope = { .prefix = rules->prefix,
                                        .depth = rules->depth,
                                        .most_topics = 1,
                                        .owner = "oracle",
                                        .reason = "to ask" };
    struct policy *policy = policy_new();
    const char *why;

    must(policy != NULL);
    struct role *role = policy_add_role(policy, "r", &options);
    must(role != NULL);
    for (size_t i = 0; i < 2; i++)
        must(role_grant(role, POLICY_SUBSCRIBE, all.filter[rules->grants[i]], &why) == 0);
    if (rules->denies)
        must(role_deny(role, POLICY_SUBSCRIBE, all.filter[rules->denial], &why) == 0);
    if (rules->has_scope)
        must(role_add_scope(role, &scope, &why) == 0);
    policy_seal(policy);
    *out_role = role;
    return policy;
}

/* Every level of the prefix is there literally, and not more of them follow than the depth. */
static bool is_in_scope(const struct rules *rules, const char *filter)
{
    size_t len = strlen(rules->prefix);
    bool is_deep = filter[strlen(filter) - 1] == '#';

    if (!rules->has_scope || strncmp(filter, rules->prefix, len) != 0)
        return false;
    return rules->depth == 0
           || (!is_deep && mqtt_topic_levels(span_of(filter + len)) <= rules->depth);
}

static bool is_expected(const struct rules *rules, size_t f)
{
    const struct set *asked = &all.matches[f];
    struct set granted = all.matches[rules->grants[0]];
    bool is_wild = mqtt_topic_filter_has_wildcard(span_of(all.filter[f]));

    add_set(&granted, &all.matches[rules->grants[1]]);
    if ((is_wild && !is_in_scope(rules, all.filter[f])) || !is_within(asked, &granted))
        return false;
    if (!rules->denies || !meets(asked, &all.matches[rules->denial]))
        return true;
    return rules->carves && !is_within(asked, &all.matches[rules->denial]);
}

static void check_policies(void)
{
    static const struct identity nobody;

    for (unsigned i = 0; i < POLICIES; i++) {
        struct rules rules = random_rules();
        struct role *role;
        struct policy *policy = policy_of(&rules, &role);

        /* One of the grants itself now and then: else nearly all would be refused. */
        for (unsigned n = 0; n < 6; n++) {
            size_t f = n < 2 ? rules.grants[n] : below(all.filters);
            struct policy_decision decision =
                policy_decide_subscribe(role, &nobody, span_of(all.filter[f]));
            judge("policy", decision.verdict == POLICY_ALLOW, is_expected(&rules, f),
                  all.filter[rules.grants[0]], all.filter[f]);
        }
        policy_unref(policy);
    }
}

int main(void)
{
    fill_universe();
    check_pairs();
    check_unions();
    check_policies();
    printf("%lu questions about sets of %zu topics\n", tally.questions, all.topics);
    printf("%zu filters, %lu over-grants, %lu wrong refusals\n", all.filters, tally.over_grants,
           tally.wrong_refusals);
    return tally.over_grants + tally.wrong_refusals == 0 ? 0 : 1;
}
