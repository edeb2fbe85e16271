/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy says to what was recorded (promise U2). For tools: it allocates.
 *
 * An exact entry is asked as the daemon asks it. One that stands for several topics is a set:
 * for each level that varies one topic is tried for every name that some rule has there, and one
 * for all others, so that every outcome which any topic of the set can have is seen. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "policy/identity.h"
#include "policy/policy.h"
#include "policy/sketch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero refuses. */
enum replay_outcome {
    REPLAY_REFUSED = 0, /* every topic */
    REPLAY_PARTLY,      /* some, or there were too many to try */
    REPLAY_ALLOWED,     /* every topic */
    REPLAY_OUTCOME_COUNT,
};

/* "refused", "partly", "allowed" */
const char *replay_outcome_text(enum replay_outcome outcome);

/* `role` NULL: refused. A lack of memory makes it REPLAY_PARTLY for entries that stand for
 * several topics. */
enum replay_outcome replay_decide(const struct role *role, const struct sketch_entry *entry);

/* What changes for one entry. */
struct replay_change {
    const struct sketch_entry *entry;
    enum replay_outcome now;        /* under the policy of today */
    enum replay_outcome then;       /* under the other one */
    const char *reason;             /* of the other one, static; "" where it stands for several */
    const struct policy_rule *rule; /* of the other one that decided, or NULL */
    const struct policy_rule *rule_now; /* of the policy of today that decides, or NULL */
};

/* One entry under two policies, whatever was recorded of its outcome. False: both say the same. */
bool replay_compare(const struct policy *now, const struct policy *then,
                    const struct sketch_entry *entry, struct replay_change *out);

struct replay_counts {
    uint64_t entries; /* that were looked at */
    uint64_t refused; /* were allowed and are not then, */
    uint64_t partly;  /* not all of them, */
    uint64_t allowed; /* were refused and are not then, all or some */
};

struct replay_question {
    const struct sketch *sketch;
    int64_t since_s; /* entries that were last seen before are left out */
    const struct policy *now;
    const struct policy *then;
};

/* Calls `visit` for every entry whose recorded outcome is not what `then` says. A result other
 * than 0 ends it and is returned; *out has what was counted until then. */
typedef int (*replay_visit)(void *context, const struct replay_change *change);
int replay_each(const struct replay_question *question, replay_visit visit, void *context,
                struct replay_counts *out);
