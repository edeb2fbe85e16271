/* SPDX-License-Identifier: Apache-2.0 */
/* Who can read, who can write a topic (promise W5). Asks the functions that decide in the
 * daemon, so it is as exact as they are. Pure; does not allocate. */
#pragma once

#include "base/span.h"
#include "policy/identity.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* The topic of the broker as the client names it: without the prefix of its topic space. False
 * when it lies in another space, so that the client cannot name it. */
bool reach_name(const struct role *role, const struct identity *identity, struct mqtt_span topic,
                struct mqtt_span *out);

struct reach {
    bool names;                  /* it lies in the client's topic space */
    struct mqtt_span topic;      /* as the client names it, borrowed; when `names` */
    struct policy_decision read; /* verdict POLICY_ALLOW: can */
    struct policy_publish write; /* likewise */
};

/* What a client can do with a topic of the broker. `role` NULL: nothing. */
struct reach reach_decide(const struct role *role, const struct identity *identity,
                          struct mqtt_span topic);
