/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "codec/topic.h"
#include "policy/filter_set.h"
#include "policy/role.h"

#include <stdlib.h>

#define QOS_MAX 2

static bool is_unrestricted(const struct role *role)
{
    for (size_t i = 0; i < role_part_count(role); i++) {
        if (role_part_at(role, i)->options.unrestricted)
            return true;
    }
    return false;
}

static bool is_about(const struct rule *rule, enum policy_action action, bool grants)
{
    return rule->said.action == action && rule->said.grants == grants;
}

static const struct rule *find_denial(const struct role *role, enum policy_action action,
                                      const struct identity *identity, struct mqtt_span filter)
{
    for (size_t p = 0; p < role_part_count(role); p++) {
        const struct role *part = role_part_at(role, p);
        for (size_t i = 0; i < part->rule_count; i++) {
            if (is_about(&part->rules[i], action, false)
                && pattern_overlaps(&part->rules[i].pattern, identity, filter))
                return &part->rules[i];
        }
    }
    return NULL;
}

/* Does the filter begin with '$' in a topic space that has no such topics? */
static bool is_out_of_space(const struct role *role, const struct identity *identity,
                            struct mqtt_span filter)
{
    return span_starts_with(filter, span_of("$")) && role_has_space(role, identity);
}

/* What is published there is believed by whoever reads it. */
bool policy_is_of_house(struct mqtt_span topic)
{
    return span_equal(topic, span_of("$tacit")) || span_starts_with(topic, span_of("$tacit/"));
}

static enum policy_verdict verdict_uncovered(struct mqtt_span filter)
{
    return span_starts_with(filter, span_of("$")) ? POLICY_DENY_SYS : POLICY_DENY;
}

/* ---- publish ---- */

static void forbid_all(struct policy_publish *publish)
{
    for (size_t retain = 0; retain < 2; retain++) {
        for (size_t qos = 0; qos < POLICY_QOS_COUNT; qos++)
            publish->payload_bytes[retain][qos] = -1;
    }
}

static void allow(struct policy_publish *publish, const struct policy_terms *terms)
{
    int32_t bytes = terms->payload_bytes < INT32_MAX ? (int32_t)terms->payload_bytes : INT32_MAX;

    for (size_t retain = 0; retain <= (terms->retain ? 1 : 0); retain++) {
        for (size_t qos = 0; qos <= terms->maximum_qos; qos++) {
            if (publish->payload_bytes[retain][qos] < bytes)
                publish->payload_bytes[retain][qos] = bytes;
        }
    }
}

/* More messages per time; a larger bucket where these are equal. */
static bool is_faster(const struct policy_terms *a, const struct policy_terms *b)
{
    uint64_t left = (uint64_t)a->rate_messages * b->rate_seconds;
    uint64_t right = (uint64_t)b->rate_messages * a->rate_seconds;

    return left > right || (left == right && a->rate_messages > b->rate_messages);
}

static void take_grant(struct policy_publish *publish, const struct policy_rule *rule)
{
    bool is_first = publish->verdict != POLICY_ALLOW;

    if (is_first) {
        publish->verdict = POLICY_ALLOW;
        publish->rule = rule;
        publish->rate = rule->terms.rate_messages > 0 ? rule : NULL;
    } else if (publish->rate != NULL) {
        if (rule->terms.rate_messages == 0)
            publish->rate = NULL;
        else if (is_faster(&rule->terms, &publish->rate->terms))
            publish->rate = rule;
    }
    allow(publish, &rule->terms);
}

static void take_grants(struct policy_publish *publish, const struct role *part,
                        const struct identity *identity, struct mqtt_span topic)
{
    for (size_t i = 0; i < part->rule_count; i++) {
        const struct rule *rule = &part->rules[i];
        if (is_about(rule, POLICY_PUBLISH, true)
            && pattern_contains(&rule->pattern, identity, topic))
            take_grant(publish, &rule->said);
    }
}

struct policy_publish policy_decide_publish(const struct role *role,
                                            const struct identity *identity, struct mqtt_span topic)
{
    static const struct policy_terms anything = { .maximum_qos = QOS_MAX,
                                                  .retain = true,
                                                  .payload_bytes = POLICY_NO_LIMIT };
    struct policy_publish publish = { .verdict = POLICY_DENY_NO_ROLE };
    const struct rule *denial =
        role != NULL ? find_denial(role, POLICY_PUBLISH, identity, topic) : NULL;

    forbid_all(&publish);
    if (role != NULL && is_out_of_space(role, identity, topic)) {
        publish.verdict = POLICY_DENY_SPACE;
    } else if (role != NULL && policy_is_of_house(topic)) {
        publish.verdict = POLICY_DENY_HOUSE;
    } else if (denial != NULL) {
        publish.verdict = POLICY_DENY_RULE;
        publish.rule = &denial->said;
    } else if (role != NULL && is_unrestricted(role)) {
        publish.verdict = POLICY_ALLOW;
        allow(&publish, &anything);
    } else if (role != NULL) {
        publish.verdict = verdict_uncovered(topic);
        for (size_t i = 0; i < role_part_count(role); i++)
            take_grants(&publish, role_part_at(role, i), identity, topic);
    }
    publish.reason = policy_verdict_text(publish.verdict);
    return publish;
}

/* ---- subscribe ---- */

static struct policy_decision decision(enum policy_verdict verdict, const struct rule *rule)
{
    return (struct policy_decision){
        .verdict = verdict,
        .reason = policy_verdict_text(verdict),
        .rule = rule != NULL ? &rule->said : NULL,
    };
}

/* The grant that contains the filter with the highest QoS, or NULL. */
static const struct rule *find_grant(const struct role *role, const struct identity *identity,
                                     struct mqtt_span filter)
{
    const struct rule *best = NULL;

    for (size_t p = 0; p < role_part_count(role); p++) {
        const struct role *part = role_part_at(role, p);
        for (size_t i = 0; i < part->rule_count; i++) {
            const struct rule *rule = &part->rules[i];
            if (!is_about(rule, POLICY_SUBSCRIBE, true)
                || (best != NULL && best->said.terms.maximum_qos >= rule->said.terms.maximum_qos))
                continue;
            if (pattern_contains(&rule->pattern, identity, filter))
                best = rule;
        }
    }
    return best;
}

/* Patterns as filters for one identity. */
struct resolved {
    struct mqtt_span *filters;
    size_t count;
    bool failed; /* memory is out */
};

static void resolve_rule(struct resolved *resolved, const struct rule *rule,
                         const struct identity *identity)
{
    bool missing = false;
    char *text = pattern_resolve(&rule->pattern, identity, !rule->said.grants, &missing);

    if (text != NULL)
        resolved->filters[resolved->count++] = span_of(text);
    else
        resolved->failed |= !missing;
}

/* Denials, or the grants with at least that QoS. */
static struct resolved resolve(const struct role *role, const struct identity *identity,
                               bool grants, uint8_t least_qos)
{
    struct resolved resolved = { 0 };
    size_t rules = 0;

    for (size_t p = 0; p < role_part_count(role); p++)
        rules += role_part_at(role, p)->rule_count;
    resolved.filters = calloc(rules + 1, sizeof(resolved.filters[0]));
    resolved.failed = resolved.filters == NULL;
    for (size_t p = 0; p < role_part_count(role) && !resolved.failed; p++) {
        const struct role *part = role_part_at(role, p);
        for (size_t i = 0; i < part->rule_count; i++) {
            const struct rule *rule = &part->rules[i];
            if (is_about(rule, POLICY_SUBSCRIBE, grants)
                && (!grants || rule->said.terms.maximum_qos >= least_qos))
                resolve_rule(&resolved, rule, identity);
        }
    }
    return resolved;
}

static enum filter_cover covered_by(const struct role *role, const struct identity *identity,
                                    bool grants, uint8_t least_qos, struct mqtt_span filter)
{
    struct resolved resolved = resolve(role, identity, grants, least_qos);
    enum filter_cover cover = resolved.failed
                                  ? FILTER_COVER_UNKNOWN
                                  : filter_set_covers(resolved.filters, resolved.count, filter);

    for (size_t i = 0; i < resolved.count; i++)
        free((void *)(uintptr_t)resolved.filters[i].data);
    free(resolved.filters);
    return cover;
}

/* By one grant, or by several together. */
static struct policy_decision
decide_granted(const struct role *role, const struct identity *identity, struct mqtt_span filter)
{
    const struct rule *grant = find_grant(role, identity, filter);
    int known = grant != NULL ? grant->said.terms.maximum_qos : -1;
    struct policy_decision result =
        decision(grant != NULL ? POLICY_ALLOW : verdict_uncovered(filter), grant);

    result.maximum_qos = known > 0 ? (uint8_t)known : 0;
    /* A topic is a point: no union of grants has it unless one has. */
    if (known == QOS_MAX || !mqtt_topic_filter_has_wildcard(filter))
        return result;
    for (int qos = QOS_MAX; qos > known; qos--) {
        enum filter_cover cover = covered_by(role, identity, true, (uint8_t)qos, filter);
        if (cover == FILTER_COVER_YES) {
            result = decision(POLICY_ALLOW, NULL);
            result.maximum_qos = (uint8_t)qos;
            return result;
        }
        if (cover == FILTER_COVER_UNKNOWN && known < 0)
            result = decision(POLICY_DENY_EFFORT, NULL);
    }
    return result;
}

/* The filter with the levels of the prefix cut off; false: it does not begin with them. */
static bool cut_prefix(const struct pattern *prefix, const struct identity *identity,
                       struct mqtt_span *filter)
{
    struct mqtt_span head = *filter;
    unsigned levels = mqtt_topic_levels(prefix->text);

    for (size_t i = 0; i < filter->len; i++) {
        if (filter->data[i] != '/' || --levels > 0)
            continue;
        head.len = i;
        *filter = (struct mqtt_span){ filter->data + i + 1, filter->len - i - 1 };
        return !mqtt_topic_filter_has_wildcard(head) && pattern_contains(prefix, identity, head);
    }
    return false;
}

static bool scope_contains(const struct scope *scope, const struct identity *identity,
                           struct mqtt_span filter)
{
    if (!cut_prefix(&scope->prefix, identity, &filter))
        return false;
    bool is_deep = filter.len > 0 && filter.data[filter.len - 1] == '#';

    return scope->said.depth == 0 || (!is_deep && mqtt_topic_levels(filter) <= scope->said.depth);
}

/* The widest in topics among those that contain the filter. */
static const struct policy_scope *
find_scope(const struct role *role, const struct identity *identity, struct mqtt_span filter)
{
    const struct policy_scope *best = NULL;

    for (size_t p = 0; p < role_part_count(role); p++) {
        const struct role *part = role_part_at(role, p);
        for (size_t i = 0; i < part->scope_count; i++) {
            const struct scope *scope = &part->scopes[i];
            if ((best == NULL || scope->said.most_topics > best->most_topics)
                && scope_contains(scope, identity, filter))
                best = &scope->said;
        }
    }
    return best;
}

/* A denial that stands in the way: any that overlaps, or, where denials are carved out, all of
 * them together when nothing would remain. */
static struct policy_decision
decide_denied(const struct role *role, const struct identity *identity, struct mqtt_span filter)
{
    const struct rule *denial = find_denial(role, POLICY_SUBSCRIBE, identity, filter);

    if (denial == NULL)
        return decision(POLICY_ALLOW, NULL);
    if (!role->options.carves || covered_by(role, identity, false, 0, filter) != FILTER_COVER_NO)
        return decision(POLICY_DENY_RULE, denial);
    return decision(POLICY_ALLOW, NULL);
}

struct policy_decision policy_decide_subscribe(const struct role *role,
                                               const struct identity *identity,
                                               struct mqtt_span filter)
{
    const struct policy_scope *scope = NULL;

    if (role == NULL)
        return decision(POLICY_DENY_NO_ROLE, NULL);
    if (is_out_of_space(role, identity, filter))
        return decision(POLICY_DENY_SPACE, NULL);
    bool is_free = is_unrestricted(role);
    if (!is_free && mqtt_topic_filter_has_wildcard(filter)) {
        scope = find_scope(role, identity, filter);
        if (scope == NULL)
            return decision(POLICY_DENY_WILDCARD, NULL);
    }
    struct policy_decision result = decide_denied(role, identity, filter);
    if (result.verdict != POLICY_ALLOW)
        return result;
    if (is_free) {
        result.maximum_qos = QOS_MAX;
        return result;
    }
    result = decide_granted(role, identity, filter);
    if (result.verdict == POLICY_ALLOW)
        result.scope = scope;
    return result;
}

struct policy_decision policy_decide_receive(const struct role *role,
                                             const struct identity *identity,
                                             struct mqtt_span topic)
{
    if (role == NULL)
        return decision(POLICY_DENY_NO_ROLE, NULL);
    if (is_out_of_space(role, identity, topic))
        return decision(POLICY_DENY_SPACE, NULL);
    const struct rule *rule = find_denial(role, POLICY_SUBSCRIBE, identity, topic);
    if (rule != NULL)
        return decision(POLICY_DENY_RULE, rule);
    if (is_unrestricted(role)) {
        struct policy_decision free_of_rules = decision(POLICY_ALLOW, NULL);
        free_of_rules.maximum_qos = QOS_MAX;
        return free_of_rules;
    }
    rule = find_grant(role, identity, topic);
    struct policy_decision result =
        decision(rule != NULL ? POLICY_ALLOW : verdict_uncovered(topic), rule);
    result.maximum_qos = rule != NULL ? rule->said.terms.maximum_qos : 0;
    return result;
}
