/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/explanation.h"

#include "codec/topic.h"
#include "policy/filter_set.h"
#include "policy/pattern.h"
#include "tools/policy_subject.h"

#include <errno.h>
#include <stdlib.h>

/* ---- the answer ---- */

static void judge_publish(struct explanation *e)
{
    const struct question *q = e->question;
    e->publish = policy_decide_publish(e->role, &e->subject->identity, q->filter);
    e->objection = policy_publish_objection(&e->publish, q->qos, q->retain, q->payload_bytes);
}

/* In the order of the daemon: sharing first. */
static void judge_subscribe(struct explanation *e)
{
    const struct question *q = e->question;
    if (q->is_shared && e->role != NULL && !role_options_of(e->role)->shared) {
        e->objection = "shared subscriptions are not granted to this role";
        return;
    }
    e->receive = policy_decide_subscribe(e->role, &e->subject->identity, q->filter);
    e->objection = e->receive.verdict == POLICY_ALLOW ? NULL : e->receive.reason;
}

static enum policy_verdict verdict_of(const struct explanation *e)
{
    return e->question->action == POLICY_PUBLISH ? e->publish.verdict : e->receive.verdict;
}

/* ---- what is missing ---- */

static void tell_needed(struct explanation *e)
{
    const struct question *q = e->question;
    enum policy_verdict verdict = verdict_of(e);
    bool is_missing =
        verdict == POLICY_DENY || verdict == POLICY_DENY_WILDCARD || verdict == POLICY_DENY_SYS;
    bool is_judged = q->action == POLICY_PUBLISH || e->receive.reason != NULL;
    if (e->role == NULL || !is_judged || !is_missing)
        return;
    policy_tell_missing(e->role, q->action, q->filter, verdict, e->needed, sizeof(e->needed));
    e->nearest = share_nearest(&e->share, q->action, q->filter);
}

/* A topic that the filter matches and no grant does. */
static int find_witness(struct explanation *e)
{
    size_t count = 0;
    struct mqtt_span *set = calloc(e->share.count + 1, sizeof(*set));
    if (set == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < e->share.count; i++) {
        const struct share_line *line = &e->share.lines[i];
        if (line->rule->grants && line->rule->action == POLICY_SUBSCRIBE && !line->is_missing
            && !line->is_out_of_space)
            set[count++] = span_of(line->filter);
    }
    (void)filter_set_witness(set, count, e->question->filter, e->witness, sizeof(e->witness));
    free(set);
    return 0;
}

int explanation_make(const struct policy *policy, const struct policy_book_subject *subject,
                     const struct question *question, struct explanation *out)
{
    *out = (struct explanation){
        .subject = subject,
        .role = policy_find(policy, &subject->identity),
        .question = question,
    };
    (void)role_space(out->role, &subject->identity, out->space);
    out->bar = policy_subject_bar(subject, out->role);
    if (question->action == POLICY_PUBLISH)
        judge_publish(out);
    else
        judge_subscribe(out);
    out->is_allowed = out->bar == NULL && out->objection == NULL;
    if (out->objection == NULL || out->role == NULL)
        return 0;
    int error = share_list(out->role, &subject->identity, &out->share);
    if (error < 0)
        return error;
    tell_needed(out);
    if (out->needed[0] == '\0' || !mqtt_topic_filter_has_wildcard(question->filter))
        return 0;
    return find_witness(out);
}

void explanation_fini(struct explanation *explanation)
{
    share_fini(&explanation->share);
}

bool explanation_concerns(const struct explanation *explanation, const struct policy_rule *rule,
                          bool partly)
{
    const struct question *q = explanation->question;
    const struct identity *identity = &explanation->subject->identity;
    struct pattern pattern = pattern_of(span_of(rule->pattern));
    bool missing = false;
    if (rule->action != q->action)
        return false;
    if (!rule->grants)
        return pattern_overlaps(&pattern, identity, q->filter);
    if (!partly)
        return pattern_contains(&pattern, identity, q->filter);
    /* A grant with a missing name covers nothing, though it could meet anything. */
    char *resolved = pattern_resolve(&pattern, identity, false, &missing);
    free(resolved);
    return !missing && pattern_overlaps(&pattern, identity, q->filter);
}
