/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "codec/topic.h"
#include "policy/role.h"

static struct policy_decision decision(enum policy_verdict verdict, const struct rule *rule)
{
    return (struct policy_decision){
        .verdict = verdict,
        .reason = policy_verdict_text(verdict),
        .rule = rule != NULL ? rule->text : NULL,
    };
}

static const struct rule *find_containing(const struct rules *rules,
                                          const struct identity *identity, struct mqtt_span filter)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (pattern_contains(&rules->at[i].pattern, identity, filter))
            return &rules->at[i];
    }
    return NULL;
}

static const struct rule *find_overlapping(const struct rules *rules,
                                           const struct identity *identity, struct mqtt_span filter)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (pattern_overlaps(&rules->at[i].pattern, identity, filter))
            return &rules->at[i];
    }
    return NULL;
}

static enum policy_verdict verdict_uncovered(struct mqtt_span filter)
{
    if (span_starts_with(filter, span_of("$")))
        return POLICY_DENY_SYS;
    return mqtt_topic_filter_has_wildcard(filter) ? POLICY_DENY_WILDCARD : POLICY_DENY;
}

/* A topic name is a filter that matches itself alone, so one rule serves both. */
static struct policy_decision decide(const struct role *role, enum policy_action action,
                                     const struct identity *identity, struct mqtt_span filter)
{
    if (role == NULL)
        return decision(POLICY_DENY_NO_ROLE, NULL);
    const struct rules *rules = role->rules[action];
    const struct rule *rule = find_overlapping(&rules[ROLE_DENIES], identity, filter);
    if (rule != NULL)
        return decision(POLICY_DENY_RULE, rule);
    if (role->options.unrestricted)
        return decision(POLICY_ALLOW, NULL);
    rule = find_containing(&rules[ROLE_GRANTS], identity, filter);
    if (rule != NULL)
        return decision(POLICY_ALLOW, rule);
    return decision(verdict_uncovered(filter), NULL);
}

struct policy_decision policy_decide_publish(const struct role *role,
                                             const struct identity *identity,
                                             struct mqtt_span topic)
{
    return decide(role, POLICY_PUBLISH, identity, topic);
}

struct policy_decision policy_decide_receive(const struct role *role,
                                             const struct identity *identity,
                                             struct mqtt_span topic)
{
    return decide(role, POLICY_SUBSCRIBE, identity, topic);
}

struct policy_decision policy_decide_subscribe(const struct role *role,
                                               const struct identity *identity,
                                               struct mqtt_span filter)
{
    if (role != NULL && !role->options.wildcards && mqtt_topic_filter_has_wildcard(filter)) {
        return (struct policy_decision){
            .verdict = POLICY_DENY_WILDCARD,
            .reason = "wildcard subscriptions are off; ask for a scoped wildcard grant",
        };
    }
    return decide(role, POLICY_SUBSCRIBE, identity, filter);
}
