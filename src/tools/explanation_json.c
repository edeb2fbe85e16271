/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation for programs; the keys are those of docs/man/tacit-policy.1. */
#include "tools/explanation.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/policy_print.h"
#include "tools/policy_subject.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the question ---- */

static json_t *in_broker_json(const struct explanation *e)
{
    size_t space = strlen(e->space);
    struct mqtt_span filter = e->question->filter;
    uint8_t *whole = malloc(space + filter.len);
    if (whole == NULL)
        return NULL;
    memcpy(whole, e->space, space);
    memcpy(whole + space, filter.data, filter.len);
    json_t *json = policy_print_span_json((struct mqtt_span){ whole, space + filter.len });
    free(whole);
    return json;
}

static bool add_question(json_t *o, const struct explanation *e)
{
    const struct question *q = e->question;
    bool publishes = q->action == POLICY_PUBLISH;
    return policy_print_set(o, "action", json_string(publishes ? "publish" : "subscribe"))
           && policy_print_set(o, publishes ? "topic" : "filter", policy_print_span_json(q->asked))
           && policy_print_set(o, "in_broker", in_broker_json(e))
           && policy_print_set(o, "subject", policy_subject_json(e->subject, e->role));
}

/* ---- the answer ---- */

static bool add_answer(json_t *o, const struct explanation *e)
{
    return policy_print_set(o, "allowed", json_boolean(e->is_allowed))
           && policy_print_set(o, "barred", policy_print_text_json(e->bar))
           && policy_print_set(o, "refused", policy_print_text_json(e->objection))
           && policy_print_set(o, "needed",
                               policy_print_text_json(e->needed[0] != '\0' ? e->needed : NULL))
           && policy_print_set(o, "not_granted",
                               policy_print_text_json(e->witness[0] != '\0' ? e->witness : NULL));
}

static json_t *rule_json(const struct explanation *e, const struct policy_rule *rule)
{
    return rule != NULL ? policy_print_rule_json(policy_print_owner(e->role, rule), rule)
                        : json_null();
}

static json_t *scope_json(const struct explanation *e, const struct policy_scope *scope)
{
    return scope != NULL ? policy_print_scope_json(policy_print_owner(e->role, scope), scope)
                         : json_null();
}

static json_t *nearest_json(const struct explanation *e)
{
    const struct share_line *line = e->nearest;
    if (line == NULL)
        return json_null();
    json_t *rule = policy_print_rule_json(line->part, line->rule);
    if (policy_print_set(rule, "filter", policy_print_text_json(line->filter))
        && policy_print_set(rule, "missing_name", json_boolean(line->is_missing)))
        return rule;
    json_decref(rule);
    return NULL;
}

/* ---- rules ---- */

static bool append(json_t *array, json_t *value)
{
    return value != NULL && json_array_append_new(array, value) == 0;
}

static json_t *rules_json(const struct explanation *e, bool grants, bool partly)
{
    json_t *array = json_array();
    bool is_whole = array != NULL;
    for (size_t i = 0; e->role != NULL && i < role_part_count(e->role); i++) {
        const struct role *part = role_part_at(e->role, i);
        for (size_t j = 0; is_whole && j < role_rule_count(part); j++) {
            const struct policy_rule *rule = role_rule_at(part, j);
            if (rule->grants == grants && explanation_concerns(e, rule, partly))
                is_whole = append(array, policy_print_rule_json(part, rule));
        }
    }
    if (is_whole)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *payload_json(const struct policy_publish *publish)
{
    json_t *both = json_array();
    for (int retain = 0; both != NULL && retain < 2; retain++) {
        json_t *row = json_array();
        bool is_whole = row != NULL && json_array_append_new(both, row) == 0;
        for (int qos = 0; is_whole && qos < POLICY_QOS_COUNT; qos++) {
            int32_t bytes = publish->payload_bytes[retain][qos];
            is_whole = append(row, bytes < 0 ? json_null() : json_integer(bytes));
        }
        if (is_whole)
            continue;
        json_decref(both);
        both = NULL;
    }
    return both;
}

static bool add_publish(json_t *o, const struct explanation *e)
{
    return policy_print_set(o, "rule", rule_json(e, e->publish.rule))
           && policy_print_set(o, "rate", rule_json(e, e->publish.rate))
           && policy_print_set(o, "payload_bytes", payload_json(&e->publish))
           && policy_print_set(o, "grants", rules_json(e, true, false));
}

static bool add_subscribe(json_t *o, const struct explanation *e)
{
    const struct policy_decision *d = &e->receive;
    bool is_granted = d->verdict == POLICY_ALLOW;
    uint8_t qos = e->question->qos < d->maximum_qos ? e->question->qos : d->maximum_qos;
    return policy_print_set(o, "rule", rule_json(e, d->rule))
           && policy_print_set(o, "scope", scope_json(e, d->scope))
           && policy_print_set(o, "granted_qos", is_granted ? json_integer(qos) : json_null())
           && policy_print_set(o, "grants", rules_json(e, true, is_granted && d->rule == NULL));
}

int explanation_print_json(const struct explanation *e)
{
    json_t *o = json_object();
    bool is_whole =
        add_question(o, e) && add_answer(o, e)
        && (e->question->action == POLICY_PUBLISH ? add_publish(o, e) : add_subscribe(o, e))
        && policy_print_set(o, "denials", rules_json(e, false, false))
        && policy_print_set(o, "nearest", nearest_json(e));
    if (!is_whole) {
        json_decref(o);
        o = NULL;
    }
    int code = identity_print_document(o);
    return code == IDENTITY_EXIT_DONE && !e->is_allowed ? (int)IDENTITY_EXIT_FOUND : code;
}
