/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/replay.h"

#include "policy/replay_set.h"

const char *replay_outcome_text(enum replay_outcome outcome)
{
    static const char *const texts[REPLAY_OUTCOME_COUNT] = { "refused", "partly", "allowed" };
    return texts[outcome];
}

struct verdict {
    enum replay_outcome outcome;
    const char *reason;
    const struct policy_rule *rule;
};

static const char *objection(const struct role *role, const struct sketch_entry *entry)
{
    return entry->shared && !role_options_of(role)->shared
               ? "shared subscriptions are not granted to this role"
               : NULL;
}

static struct verdict ask(const struct role *role, const struct sketch_entry *entry)
{
    const char *why =
        role == NULL ? "its role is not defined, so it is not let in" : objection(role, entry);
    if (why != NULL)
        return (struct verdict){ REPLAY_REFUSED, why, NULL };
    if (entry->generalised)
        return (struct verdict){ replay_set_decide(role, entry), "", NULL };
    if (entry->action == POLICY_PUBLISH) {
        struct policy_publish publish = policy_decide_publish(role, &entry->identity, entry->topic);
        bool allowed = publish.verdict == POLICY_ALLOW;
        return (struct verdict){ allowed ? REPLAY_ALLOWED : REPLAY_REFUSED, publish.reason,
                                 publish.rule };
    }
    struct policy_decision decision = policy_decide_subscribe(role, &entry->identity, entry->topic);
    bool allowed = decision.verdict == POLICY_ALLOW;
    return (struct verdict){ allowed ? REPLAY_ALLOWED : REPLAY_REFUSED, decision.reason,
                             decision.rule };
}

enum replay_outcome replay_decide(const struct role *role, const struct sketch_entry *entry)
{
    return ask(role, entry).outcome;
}

struct replaying {
    const struct replay_question *question;
    replay_visit visit;
    void *context;
    struct replay_counts *counts;
};

static void count(struct replay_counts *counts, bool was_allowed, enum replay_outcome then)
{
    counts->refused += was_allowed && then == REPLAY_REFUSED;
    counts->partly += was_allowed && then == REPLAY_PARTLY;
    counts->allowed += !was_allowed;
}

/* The change, whether it is one or not. */
static struct replay_change compare(const struct policy *now, const struct policy *then,
                                    const struct sketch_entry *entry)
{
    struct verdict before = ask(policy_find(now, &entry->identity), entry);
    struct verdict after = ask(policy_find(then, &entry->identity), entry);
    return (struct replay_change){
        .entry = entry,
        .now = before.outcome,
        .then = after.outcome,
        .reason = after.reason,
        .rule = after.rule,
        .rule_now = before.rule,
    };
}

bool replay_compare(const struct policy *now, const struct policy *then,
                    const struct sketch_entry *entry, struct replay_change *out)
{
    struct replay_change change = compare(now, then, entry);
    if (change.now == change.then)
        return false;
    *out = change;
    return true;
}

static int replay_entry(void *context, const struct sketch_entry *entry)
{
    const struct replaying *replaying = context;
    const struct replay_question *question = replaying->question;
    if (entry->last_s < question->since_s)
        return 0;
    replaying->counts->entries++;
    struct replay_change change = compare(question->now, question->then, entry);
    if (change.then == (entry->allowed ? REPLAY_ALLOWED : REPLAY_REFUSED))
        return 0;
    count(replaying->counts, entry->allowed, change.then);
    return replaying->visit(replaying->context, &change);
}

int replay_each(const struct replay_question *question, replay_visit visit, void *context,
                struct replay_counts *out)
{
    struct replaying replaying = { question, visit, context, out };
    *out = (struct replay_counts){ 0 };
    return sketch_each(question->sketch, replay_entry, &replaying);
}
