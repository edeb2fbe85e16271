/* SPDX-License-Identifier: Apache-2.0 */
/* Which grants and scopes were used, by what was recorded. For tools: it allocates.
 *
 * A grant is used by an entry that it covers, all or in part. It is needed by it when no other
 * grant of the identity covers it too. */
#pragma once

#include "base/attrs.h"
#include "base/bytes_map.h"
#include "policy/policy.h"
#include "policy/sketch.h"

#include <stddef.h>
#include <stdint.h>

/* One of `rule` (a grant) and `scope` is set. Times are UTC; 0: never. */
struct replay_use {
    const struct role *part; /* whose it is: a role as written, or what the registry grants */
    const struct policy_rule *rule;
    const struct policy_scope *scope;
    int64_t used_s;
    int64_t needed_s; /* of a scope: used_s */
    uint64_t count;   /* how often an entry that it covers was noted */
};

struct replay_usage {
    struct replay_use *uses;
    size_t count;
    size_t room;
    struct bytes_map parts; /* where the uses of each part begin; for replay_usage.c */
};

/* Of all grants and scopes of the roles as written and of those that the recorded identities have
 * besides. 0 or -ENOMEM; replay_usage_fini() in both cases. */
MQTT_NODISCARD int replay_usage_of(const struct policy *policy, const struct sketch *sketch,
                                   struct replay_usage *out);
/* The same, with the grants of one more role, which may be a combination, among them: of an
 * identity that nothing is recorded of. */
MQTT_NODISCARD int replay_usage_add_role(struct replay_usage *usage, const struct role *role);
void replay_usage_fini(struct replay_usage *usage);
