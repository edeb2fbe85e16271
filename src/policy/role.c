/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/role.h"

#include "base/invariant.h"
#include "codec/topic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QOS_MAX 2

bool policy_terms_are_valid(const struct policy_terms *terms)
{
    return terms->maximum_qos <= QOS_MAX && (terms->rate_messages == 0 || terms->rate_seconds > 0);
}

struct role *role_new(const char *name, const struct role_options *options)
{
    struct role *role = calloc(1, sizeof(*role));
    if (role == NULL)
        return NULL;
    role->options = *options;
    role->name = malloc(strlen(name) + 1);
    if (role->name == NULL) {
        free(role);
        return NULL;
    }
    memcpy(role->name, name, strlen(name) + 1);
    return role;
}

void role_free(struct role *role)
{
    if (role == NULL)
        return;
    for (size_t i = 0; i < role->rule_count; i++)
        free(role->rules[i].memory);
    for (size_t i = 0; i < role->scope_count; i++)
        free(role->scopes[i].memory);
    free(role->rules);
    free(role->scopes);
    free(role->parts);
    free(role->name);
    free(role);
}

/* ---- building ---- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static size_t bytes_of(const char *text)
{
    return strlen(or_empty(text)) + 1;
}

static const char *place(char **room, const char *text)
{
    char *copy = *room;
    size_t bytes = bytes_of(text);

    memcpy(copy, or_empty(text), bytes);
    *room = copy + bytes;
    return copy;
}

/* One more element of an array; NULL out of memory. */
static void *append(void **array, size_t *count, size_t *room, size_t element_bytes)
{
    if (*count == *room) {
        size_t wanted = *room != 0 ? *room * 2 : 4;
        void *bigger = realloc(*array, wanted * element_bytes);
        if (bigger == NULL)
            return NULL;
        *array = bigger;
        *room = wanted;
    }
    return (char *)*array + element_bytes * (*count)++;
}

static int keep_rule(struct role *role, struct rule *rule)
{
    void *rules = role->rules;
    struct rule *kept = append(&rules, &role->rule_count, &role->rule_room, sizeof(role->rules[0]));

    role->rules = rules;
    if (kept == NULL) {
        free(rule->memory);
        return -ENOMEM;
    }
    *kept = *rule;
    return 0;
}

const char *role_rule_fault(const struct policy_rule *rule)
{
    const char *fault = pattern_fault(span_of(rule->pattern));

    if (fault == NULL && !policy_terms_are_valid(&rule->terms))
        fault = "the terms are out of bounds";
    return fault;
}

int role_add_rule(struct role *role, const struct policy_rule *rule, const char **out_why)
{
    MQTT_INVARIANT(!role->sealed);
    *out_why = role_rule_fault(rule);
    if (*out_why != NULL)
        return -EINVAL;
    struct rule copy = {
        .said = *rule,
        .memory = malloc(bytes_of(rule->pattern) + bytes_of(rule->owner) + bytes_of(rule->reason)
                         + bytes_of(rule->origin.file)),
    };
    if (copy.memory == NULL)
        return -ENOMEM;
    char *room = copy.memory;
    copy.said.pattern = place(&room, rule->pattern);
    copy.said.owner = place(&room, rule->owner);
    copy.said.reason = place(&room, rule->reason);
    copy.said.origin.file = place(&room, rule->origin.file);
    copy.pattern = pattern_of(span_of(copy.said.pattern));
    return keep_rule(role, &copy);
}

int role_grant(struct role *role, enum policy_action action, const char *pattern,
               const char **out_why)
{
    return role_add_rule(
        role,
        &(struct policy_rule){
            .action = action, .grants = true, .pattern = pattern, .terms = role->options.terms },
        out_why);
}

int role_deny(struct role *role, enum policy_action action, const char *pattern,
              const char **out_why)
{
    return role_add_rule(role, &(struct policy_rule){ .action = action, .pattern = pattern },
                         out_why);
}

static const char *scope_fault(const struct policy_scope *scope)
{
    struct mqtt_span prefix = span_of(or_empty(scope->prefix));

    if (prefix.len < 2 || prefix.data[prefix.len - 1] != '/')
        return "a scope needs a prefix of at least one literal level, ending in '/'";
    prefix.len--;
    const char *fault = pattern_fault(prefix);
    if (fault != NULL)
        return fault;
    if (mqtt_topic_filter_has_wildcard(prefix))
        return "the prefix of a scope is literal, without + and #";
    if (scope->most_topics == 0)
        return "a scope says how many topics it may match at most";
    if (bytes_of(scope->owner) == 1 || bytes_of(scope->reason) == 1)
        return "a scope names its owner and the reason";
    return NULL;
}

int role_add_scope(struct role *role, const struct policy_scope *scope, const char **out_why)
{
    MQTT_INVARIANT(!role->sealed);
    *out_why = scope_fault(scope);
    if (*out_why != NULL)
        return -EINVAL;
    struct scope copy = {
        .said = *scope,
        .memory = malloc(bytes_of(scope->prefix) + bytes_of(scope->owner) + bytes_of(scope->reason)
                         + bytes_of(scope->origin.file)),
    };
    if (copy.memory == NULL)
        return -ENOMEM;
    char *room = copy.memory;
    copy.said.prefix = place(&room, scope->prefix);
    copy.said.owner = place(&room, scope->owner);
    copy.said.reason = place(&room, scope->reason);
    copy.said.origin.file = place(&room, scope->origin.file);
    struct mqtt_span prefix = span_of(copy.said.prefix);
    prefix.len--;
    copy.prefix = pattern_of(prefix);
    void *scopes = role->scopes;
    struct scope *kept =
        append(&scopes, &role->scope_count, &role->scope_room, sizeof(role->scopes[0]));
    role->scopes = scopes;
    if (kept == NULL) {
        free(copy.memory);
        return -ENOMEM;
    }
    *kept = copy;
    return 0;
}

/* ---- looking ---- */

const char *role_name(const struct role *role)
{
    return role->name;
}

const struct role_options *role_options_of(const struct role *role)
{
    return &role->options;
}

size_t role_part_count(const struct role *role)
{
    return role->parts != NULL ? role->part_count : 1;
}

const struct role *role_part_at(const struct role *role, size_t i)
{
    return role->parts != NULL ? role->parts[i] : role;
}

size_t role_rule_count(const struct role *role)
{
    return role->rule_count;
}

const struct policy_rule *role_rule_at(const struct role *role, size_t i)
{
    return &role->rules[i].said;
}

size_t role_scope_count(const struct role *role)
{
    return role->scope_count;
}

const struct policy_scope *role_scope_at(const struct role *role, size_t i)
{
    return &role->scopes[i].said;
}

static void widen(const struct role *part, struct policy_terms *widest)
{
    if (part->options.unrestricted) {
        widest->maximum_qos = QOS_MAX;
        widest->retain = true;
    }
    for (size_t i = 0; i < part->rule_count; i++) {
        const struct policy_rule *rule = &part->rules[i].said;
        if (!rule->grants)
            continue;
        if (rule->terms.maximum_qos > widest->maximum_qos)
            widest->maximum_qos = rule->terms.maximum_qos;
        widest->retain |= rule->action == POLICY_PUBLISH && rule->terms.retain;
    }
}

static struct policy_terms widest_terms(const struct role *role)
{
    struct policy_terms widest = { 0 };

    for (size_t i = 0; i < role_part_count(role); i++)
        widen(role_part_at(role, i), &widest);
    return widest;
}

uint8_t role_maximum_qos(const struct role *role)
{
    return widest_terms(role).maximum_qos;
}

bool role_may_retain(const struct role *role)
{
    return widest_terms(role).retain;
}

bool role_may_use_wildcards(const struct role *role)
{
    for (size_t i = 0; i < role_part_count(role); i++) {
        const struct role *part = role_part_at(role, i);
        if (part->options.unrestricted || part->scope_count > 0)
            return true;
    }
    return false;
}
