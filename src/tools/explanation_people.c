/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation for people: one fact a line. */
#include "tools/explanation.h"
#include "tools/identity_options.h"
#include "tools/policy_print.h"
#include "tools/policy_subject.h"
#include "tools/printable.h"

#include <inttypes.h>
#include <stdio.h>

static void put(struct mqtt_span text)
{
    (void)printable_put(stdout, text);
}

/* ---- question and answer ---- */

static void print_question(const struct explanation *e)
{
    const struct question *q = e->question;
    policy_print_key("asks");
    (void)printf("%s ", q->action == POLICY_PUBLISH ? "publish" : "subscribe");
    put(q->asked);
    if (q->has_qos)
        (void)printf(", QoS %u", q->qos);
    if (q->retain)
        (void)printf(", retained");
    if (q->payload_bytes != 0)
        (void)printf(", %" PRIu32 " bytes", q->payload_bytes);
    (void)putchar('\n');
    if (e->space[0] == '\0')
        return;
    policy_print_key("in broker");
    put(span_of(e->space));
    put(q->filter);
    (void)putchar('\n');
}

static void print_answer(const struct explanation *e)
{
    policy_print_key("answer");
    if (e->is_allowed)
        (void)printf("allowed\n");
    else
        (void)printf("refused: %s\n", e->bar != NULL ? e->bar : e->objection);
    if (e->bar == NULL || e->role == NULL)
        return;
    policy_print_key("else");
    if (e->objection == NULL)
        (void)printf("it would be allowed\n");
    else
        (void)printf("it would be refused all the same: %s\n", e->objection);
}

/* ---- rules ---- */

static void print_rule(const char *key, const struct role *part, const struct policy_rule *rule)
{
    policy_print_key(key);
    policy_print_place(&rule->origin);
    (void)putchar(' ');
    policy_print_part(part);
    (void)fputs(": ", stdout);
    policy_print_rule(rule);
    if (rule->grants) {
        (void)fputs(": ", stdout);
        policy_print_terms(rule);
    }
    (void)putchar('\n');
}

static void print_deciding(const struct explanation *e, const struct policy_rule *rule)
{
    if (rule != NULL)
        print_rule("because", policy_print_owner(e->role, rule), rule);
    else if (e->objection == NULL)
        policy_print_fact("because", role_options_of(e->role)->unrestricted
                                         ? "the role is unrestricted, and nothing denies it"
                                         : "several grants together cover it");
}

/* The others that count: grants as far as they cover it, denials that cut it. */
static void print_others(const struct explanation *e, const struct policy_rule *deciding,
                         bool grants, bool partly)
{
    for (size_t i = 0; i < role_part_count(e->role); i++) {
        const struct role *part = role_part_at(e->role, i);
        for (size_t j = 0; j < role_rule_count(part); j++) {
            const struct policy_rule *rule = role_rule_at(part, j);
            if (rule != deciding && rule->grants == grants && explanation_concerns(e, rule, partly))
                print_rule(grants ? "and" : "denied", part, rule);
        }
    }
}

static void print_rules(const struct explanation *e)
{
    bool publishes = e->question->action == POLICY_PUBLISH;
    const struct policy_rule *rule = publishes ? e->publish.rule : e->receive.rule;
    enum policy_verdict verdict = publishes ? e->publish.verdict : e->receive.verdict;
    print_deciding(e, rule);
    if (verdict == POLICY_ALLOW)
        print_others(e, rule, true, rule == NULL);
    print_others(e, rule, false, false);
}

/* ---- terms ---- */

/* The highest QoS that a message may have; -1: none. */
static int highest_qos(const struct policy_publish *publish, bool retain)
{
    int most = -1;
    for (int qos = 0; qos < POLICY_QOS_COUNT; qos++)
        if (publish->payload_bytes[retain][qos] >= 0)
            most = qos;
    return most;
}

static void print_publish_terms(const struct explanation *e)
{
    const struct policy_publish *p = &e->publish;
    int32_t bytes = p->payload_bytes[e->question->retain][e->question->qos];
    if (p->verdict != POLICY_ALLOW)
        return;
    policy_print_key("QoS");
    (void)printf("up to %d\n", highest_qos(p, false));
    policy_print_key("retained");
    if (highest_qos(p, true) < 0)
        (void)printf("no\n");
    else
        (void)printf("with QoS up to %d\n", highest_qos(p, true));
    if (bytes >= 0 && bytes != INT32_MAX) {
        policy_print_key("payload");
        (void)printf("up to %" PRId32 " bytes\n", bytes);
    }
    if (p->rate != NULL) {
        policy_print_key("rate");
        (void)printf("%" PRIu32 " messages per %" PRIu32 " s (", p->rate->terms.rate_messages,
                     p->rate->terms.rate_seconds);
        policy_print_place(&p->rate->origin);
        (void)printf(")\n");
    }
}

static void print_scope_line(const char *key, const struct policy_scope *scope)
{
    policy_print_key(key);
    policy_print_place(&scope->origin);
    (void)putchar(' ');
    policy_print_scope(scope);
    (void)putchar('\n');
}

/* Those that it has and that do not contain the filter. */
static void print_scopes(const struct explanation *e)
{
    for (size_t i = 0; i < role_part_count(e->role); i++) {
        const struct role *part = role_part_at(e->role, i);
        for (size_t j = 0; j < role_scope_count(part); j++)
            print_scope_line("has", role_scope_at(part, j));
    }
}

static void print_subscribe_terms(const struct explanation *e)
{
    const struct question *q = e->question;
    if (e->receive.verdict == POLICY_ALLOW) {
        uint8_t most = e->receive.maximum_qos;
        policy_print_key("QoS");
        (void)printf("%u is granted\n", (unsigned)(q->qos < most ? q->qos : most));
    }
    if (e->receive.scope != NULL)
        print_scope_line("within", e->receive.scope);
    if (e->receive.verdict == POLICY_DENY_WILDCARD)
        print_scopes(e);
}

/* ---- what is missing ---- */

static void print_missing(const struct explanation *e)
{
    if (e->needed[0] != '\0')
        policy_print_fact("needed", e->needed);
    if (e->witness[0] != '\0') {
        policy_print_key("not granted");
        (void)printf("for example \"");
        put(span_of(e->witness));
        (void)printf("\"\n");
    }
    if (e->nearest == NULL)
        return;
    print_rule("nearest", e->nearest->part, e->nearest->rule);
    policy_print_key("");
    if (e->nearest->is_missing) {
        (void)printf("which covers nothing, for this client lacks a name that stands in it\n");
        return;
    }
    (void)printf("which is \"");
    put(span_of(e->nearest->filter));
    (void)printf("\" for this client\n");
}

int explanation_print_people(const struct explanation *e)
{
    print_question(e);
    print_answer(e);
    if (e->role != NULL) {
        print_rules(e);
        if (e->question->action == POLICY_PUBLISH)
            print_publish_terms(e);
        else
            print_subscribe_terms(e);
        print_missing(e);
    }
    (void)putchar('\n');
    policy_subject_print(e->subject, e->role);
    if (fflush(stdout) != 0)
        return IDENTITY_EXIT_FAILED;
    return e->is_allowed ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FOUND;
}
