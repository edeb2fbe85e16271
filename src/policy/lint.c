/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lint.h"

#include "policy/filter.h"

#include <string.h>

static const struct {
    const char *word;
    enum lint_severity severity;
    const char *what;
    const char *advice;
} kinds[] = {
#define LINT(name, word, severity, what, advice) { word, severity, what, advice },
#include "policy/lint.def"
#undef LINT
};

const char *lint_word(enum lint_kind kind)
{
    return kinds[kind].word;
}

enum lint_severity lint_severity_of(enum lint_kind kind)
{
    return kinds[kind].severity;
}

const char *lint_severity_text(enum lint_severity severity)
{
    static const char *const texts[] = { "error", "warning", "note" };
    return texts[severity];
}

const char *lint_what(enum lint_kind kind)
{
    return kinds[kind].what;
}

const char *lint_advice(enum lint_kind kind)
{
    return kinds[kind].advice;
}

struct linting {
    const struct policy *policy;
    const struct role *role;
    int64_t now_s;
    lint_visit visit;
    void *context;
};

static void find_rule(const struct linting *l, enum lint_kind kind, const struct policy_rule *rule,
                      const struct policy_rule *other)
{
    l->visit(
        l->context,
        &(struct lint_finding){
            .kind = kind, .role = l->role, .rule = rule, .other = other, .origin = rule->origin });
}

static void find_scope(const struct linting *l, enum lint_kind kind,
                       const struct policy_scope *scope)
{
    l->visit(l->context,
             &(struct lint_finding){
                 .kind = kind, .role = l->role, .scope = scope, .origin = scope->origin });
}

static void find_role(const struct linting *l, enum lint_kind kind)
{
    l->visit(l->context, &(struct lint_finding){ .kind = kind, .role = l->role });
}

static bool is_over(const struct linting *l, int64_t expires_s)
{
    return expires_s != 0 && expires_s <= l->now_s;
}

static bool is_live_grant(const struct linting *l, const struct policy_rule *rule)
{
    return rule->grants && !is_over(l, rule->expires_s);
}

/* ---- patterns as sets: a substitution is a level like no other ---- */

static bool is_wildcard_at(const char *pattern)
{
    return pattern[0] == '+' || pattern[0] == '#';
}

/* Overlap when a level with a substitution may be any: such a level is treated as '+'. Cut to a
 * size that no sensible pattern has; beyond it they count as overlapping. */
#define LOOSE_BYTES 1024

static bool loosen(const char *pattern, char out[LOOSE_BYTES])
{
    size_t len = 0;
    const char *at = pattern;
    for (;;) {
        size_t level = strcspn(at, "/");
        bool substitutes = memchr(at, '%', level) != NULL;
        size_t bytes = substitutes ? 1 : level;
        if (len + bytes + 2 > LOOSE_BYTES)
            return false;
        memcpy(out + len, substitutes ? "+" : at, bytes);
        len += bytes;
        if (at[level] == '\0')
            break;
        out[len++] = '/';
        at += level + 1;
    }
    out[len] = '\0';
    return true;
}

static bool may_overlap(const char *a, const char *b)
{
    char loose_a[LOOSE_BYTES];
    char loose_b[LOOSE_BYTES];
    if (!loosen(a, loose_a) || !loosen(b, loose_b))
        return true;
    /* A name may not begin with '$', so "%{device}/x" is no '$' topic, as "+/x" is none. */
    return filter_overlaps(span_of(loose_a), span_of(loose_b));
}

static bool contains(const struct policy_rule *outer, const struct policy_rule *inner)
{
    return outer->action == inner->action
           && filter_contains(span_of(outer->pattern), span_of(inner->pattern));
}

/* ---- rules ---- */

/* As policy_decide_publish() compares rates: more messages per time, then the larger bucket. */
static bool rate_is_as_wide(const struct policy_terms *wide, const struct policy_terms *narrow)
{
    uint64_t w = (uint64_t)wide->rate_messages * narrow->rate_seconds;
    uint64_t n = (uint64_t)narrow->rate_messages * wide->rate_seconds;
    if (wide->rate_messages == 0)
        return true;
    return narrow->rate_messages != 0
           && (w > n || (w == n && wide->rate_messages >= narrow->rate_messages));
}

/* Of two grants with the same rate the first is what messages are counted by, and each counts its
 * own: without the first there would be less room. */
static bool counts_apart(const struct policy_rule *first, const struct policy_rule *second)
{
    return first->grants && first->action == POLICY_PUBLISH && first->terms.rate_messages != 0
           && rate_is_as_wide(&first->terms, &second->terms);
}

static bool terms_are_as_wide(const struct policy_rule *wide, const struct policy_rule *narrow)
{
    const struct policy_terms *w = &wide->terms;
    const struct policy_terms *n = &narrow->terms;
    if (w->maximum_qos < n->maximum_qos)
        return false;
    if (wide->action == POLICY_SUBSCRIBE)
        return true;
    return w->retain >= n->retain && w->payload_bytes >= n->payload_bytes && rate_is_as_wide(w, n);
}

static bool lasts_as_long(const struct policy_rule *wide, const struct policy_rule *narrow)
{
    return wide->expires_s == 0 || (narrow->expires_s != 0 && wide->expires_s >= narrow->expires_s);
}

/* Does one rule do all that the other of its kind does? */
static bool makes_redundant(const struct policy_rule *wide, const struct policy_rule *narrow)
{
    return wide->grants == narrow->grants && contains(wide, narrow) && lasts_as_long(wide, narrow)
           && (!wide->grants || terms_are_as_wide(wide, narrow));
}

/* Another rule of its kind that does all that the one at `which` does; of two alike the second is
 * redundant. */
static const struct policy_rule *find_wider(const struct linting *l, size_t which)
{
    const struct policy_rule *rule = role_rule_at(l->role, which);
    for (size_t i = 0; i < role_rule_count(l->role); i++) {
        const struct policy_rule *other = role_rule_at(l->role, i);
        if (i == which || is_over(l, other->expires_s) || !makes_redundant(other, rule))
            continue;
        if (i < which || !(makes_redundant(rule, other) || counts_apart(rule, other)))
            return other;
    }
    return NULL;
}

/* One that outlasts the grant: a denial for a while may well be meant. */
static const struct policy_rule *find_denial(const struct linting *l,
                                             const struct policy_rule *grant)
{
    for (size_t i = 0; i < role_rule_count(l->role); i++) {
        const struct policy_rule *other = role_rule_at(l->role, i);
        if (!other->grants && !is_over(l, other->expires_s) && contains(other, grant)
            && lasts_as_long(other, grant))
            return other;
    }
    return NULL;
}

static bool has_device(const struct policy_rule *rule)
{
    return strstr(rule->pattern, "%{device}") != NULL;
}

/* A grant to publish what is some client's own, and that `rule` reaches. NULL: there is none. */
static const struct policy_rule *find_owned(const struct linting *l, const struct policy_rule *rule)
{
    for (size_t r = 0; r < policy_role_count(l->policy); r++) {
        const struct role *role = policy_role_at(l->policy, r);
        for (size_t i = 0; i < role_rule_count(role); i++) {
            const struct policy_rule *other = role_rule_at(role, i);
            if (is_live_grant(l, other) && other->action == POLICY_PUBLISH && has_device(other)
                && may_overlap(rule->pattern, other->pattern))
                return other;
        }
    }
    return NULL;
}

static void judge_width(const struct linting *l, const struct policy_rule *rule)
{
    bool has_wildcard = strpbrk(rule->pattern, "+#") != NULL;
    if (is_wildcard_at(rule->pattern))
        find_rule(l, LINT_BROAD_FIRST, rule, NULL);
    else if (rule->action == POLICY_PUBLISH && has_wildcard && !has_device(rule)) {
        const struct policy_rule *owned = find_owned(l, rule);
        if (owned != NULL)
            find_rule(l, LINT_BROAD_PUBLISH, rule, owned);
    }
}

static void judge_grant(const struct linting *l, size_t which)
{
    const struct policy_rule *rule = role_rule_at(l->role, which);
    if (is_over(l, rule->expires_s)) {
        find_rule(l, LINT_GRANT_EXPIRED, rule, NULL);
        return;
    }
    if (rule->action == POLICY_PUBLISH && policy_is_of_house(span_of(rule->pattern))) {
        find_rule(l, LINT_HOUSE, rule, NULL);
        return;
    }
    const struct policy_rule *denial = find_denial(l, rule);
    if (denial != NULL) {
        find_rule(l, LINT_DENIED, rule, denial);
        return;
    }
    const struct policy_rule *wider = find_wider(l, which);
    if (wider != NULL)
        find_rule(l, LINT_REDUNDANT, rule, wider);
    judge_width(l, rule);
    if (!role_options_of(l->role)->common_space && strstr(rule->pattern, "%{tenant}") != NULL)
        find_rule(l, LINT_TENANT_TWICE, rule, NULL);
}

/* Does the role grant something of the kind, and nothing that the denial could take away? One may
 * be meant for what groups and the registry grant besides, so in a role that grants nothing of
 * the kind itself it is left alone. */
static bool is_dead(const struct linting *l, const struct policy_rule *denial)
{
    bool grants_any = false;
    if (role_options_of(l->role)->unrestricted)
        return false;
    for (size_t i = 0; i < role_rule_count(l->role); i++) {
        const struct policy_rule *rule = role_rule_at(l->role, i);
        if (!rule->grants || rule->action != denial->action)
            continue;
        grants_any = true;
        if (may_overlap(denial->pattern, rule->pattern))
            return false;
    }
    return grants_any;
}

static void judge_denial(const struct linting *l, size_t which)
{
    const struct policy_rule *denial = role_rule_at(l->role, which);
    if (is_over(l, denial->expires_s)) {
        find_rule(l, LINT_DENIAL_EXPIRED, denial, NULL);
        return;
    }
    const struct policy_rule *wider = find_wider(l, which);
    if (wider != NULL)
        find_rule(l, LINT_DENIAL_TWICE, denial, wider);
    else if (is_dead(l, denial))
        find_rule(l, LINT_DEAD_DENIAL, denial, NULL);
}

/* ---- scopes ---- */

/* Is there a subscribe grant with topics below the prefix? */
static bool scope_has_grant(const struct linting *l, const struct policy_scope *scope)
{
    char below[LOOSE_BYTES];
    size_t len = strlen(scope->prefix);
    if (role_options_of(l->role)->unrestricted || len + 2 > sizeof(below))
        return true;
    memcpy(below, scope->prefix, len);
    memcpy(below + len, "#", 2);
    for (size_t i = 0; i < role_rule_count(l->role); i++) {
        const struct policy_rule *rule = role_rule_at(l->role, i);
        if (is_live_grant(l, rule) && rule->action == POLICY_SUBSCRIBE
            && may_overlap(below, rule->pattern))
            return true;
    }
    return false;
}

static void judge_scope(const struct linting *l, const struct policy_scope *scope)
{
    if (is_over(l, scope->expires_s)) {
        find_scope(l, LINT_SCOPE_EXPIRED, scope);
        return;
    }
    if (scope->expires_s == 0)
        find_scope(l, LINT_SCOPE_ENDLESS, scope);
    if (!scope_has_grant(l, scope))
        find_scope(l, LINT_SCOPE_USELESS, scope);
}

void lint_role(const struct policy *policy, const struct role *role, int64_t now_s,
               lint_visit visit, void *context)
{
    const struct linting linting = { policy, role, now_s, visit, context };
    bool grants_any = role_options_of(role)->unrestricted;
    if (grants_any)
        find_role(&linting, LINT_UNRESTRICTED);
    if (role_options_waive_ratchet(role_options_of(role)))
        find_role(&linting, LINT_RATCHET_WAIVED);
    for (size_t i = 0; i < role_rule_count(role); i++) {
        const struct policy_rule *rule = role_rule_at(role, i);
        if (rule->grants)
            judge_grant(&linting, i);
        else
            judge_denial(&linting, i);
        grants_any |= rule->grants;
    }
    if (!grants_any)
        find_role(&linting, LINT_EMPTY);
    for (size_t i = 0; i < role_scope_count(role); i++)
        judge_scope(&linting, role_scope_at(role, i));
}
