/* SPDX-License-Identifier: Apache-2.0 */
/* A client's part of the topic space: its rules with its names in them. For tools: it allocates.
 * What a client can read or write lies in a line of a grant that is neither missing a name nor out
 * of space, and in no line of a denial; unless a part of its role is unrestricted, of which no line
 * tells.
 *
 * Owner: the caller's thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "policy/identity.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* One rule as it is for the client. */
struct share_line {
    const struct role *part; /* whose rule it is: a role as written */
    const struct policy_rule *rule;
    char *filter;         /* as the client names it, '+' for a name that it lacks; owned */
    bool is_missing;      /* it lacks one: a grant covers nothing then, a denial all that matches */
    bool is_out_of_space; /* it is of '$' topics, and the client's own topic space has none */
    bool is_of_house;     /* a grant to publish what only the broker does: policy_is_of_house() */
    bool is_denied;       /* a grant: one denial takes all of it away */
    bool is_cut;          /* a grant: denials take some of it away, or all */
};

struct share {
    struct share_line *lines;
    size_t count;
};

/* Every rule of every part of `role`, in their order, once. 0 or -ENOMEM; share_fini() in both
 * cases. */
MQTT_NODISCARD int share_list(const struct role *role, const struct identity *identity,
                              struct share *out);
void share_fini(struct share *share);

/* The grant for that action which is most like `topic`: most levels from the first on in common.
 * NULL: there are none. */
const struct share_line *share_nearest(const struct share *share, enum policy_action action,
                                       struct mqtt_span topic);
