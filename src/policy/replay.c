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

static struct verdict ask(const struct role *role, const struct sketch_entry *entry)
{
    if (role != NULL && entry->generalised)
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

static int replay_entry(void *context, const struct sketch_entry *entry)
{
    const struct replaying *replaying = context;
    const struct replay_question *question = replaying->question;
    if (entry->last_s < question->since_s)
        return 0;
    replaying->counts->entries++;
    struct verdict then = ask(policy_find(question->then, &entry->identity), entry);
    if (then.outcome == (entry->allowed ? REPLAY_ALLOWED : REPLAY_REFUSED))
        return 0;
    count(replaying->counts, entry->allowed, then.outcome);
    struct replay_change change = {
        .entry = entry,
        .now = replay_decide(policy_find(question->now, &entry->identity), entry),
        .then = then.outcome,
        .reason = then.reason,
        .rule = then.rule,
    };
    return replaying->visit(replaying->context, &change);
}

int replay_each(const struct replay_question *question, replay_visit visit, void *context,
                struct replay_counts *out)
{
    struct replaying replaying = { question, visit, context, out };
    *out = (struct replay_counts){ 0 };
    return sketch_each(question->sketch, replay_entry, &replaying);
}
