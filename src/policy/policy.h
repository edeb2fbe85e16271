/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and what they grant. Facts in, verdict out; zero is deny.
 *
 * A policy is built once, then immutable and counted: the daemon swaps a whole
 * policy for another. Thread-safe for reading after policy_seal(); the counter is
 * atomic. The same code decides in the daemon and in `tacit policy`. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "policy/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;
struct role; /* part of a policy, lives as long as it */

enum policy_action {
    POLICY_PUBLISH,
    POLICY_SUBSCRIBE,
};

/* Why not (or why). Zero denies. */
enum policy_verdict {
    POLICY_DENY = 0,      /* no grant covers it */
    POLICY_DENY_NO_ROLE,  /* the identity has no role in this policy */
    POLICY_DENY_WILDCARD, /* a wildcard filter without a grant that covers it */
    POLICY_DENY_SYS,      /* a '$' topic that the role is not granted */
    POLICY_DENY_RULE,     /* a deny rule covers it */
    POLICY_ALLOW,
    POLICY_VERDICT_COUNT,
};

struct policy_decision {
    enum policy_verdict verdict;
    const char
        *reason;      /* static text that a person understands and that goes into reason strings */
    const char *rule; /* pattern that decided, borrowed from the policy; NULL if none did */
};

/* ---- building: one thread, before policy_seal() ---- */

MQTT_NODISCARD struct policy *policy_new(void); /* counted once; knows no role, denies all */

struct role_options {
    bool wildcards; /* filters with wildcards may be subscribed to where a pattern contains them */
    bool shared;    /* $share subscriptions */
    bool retain;    /* may publish retained messages */
    uint8_t maximum_qos; /* 0..2 */
    bool unrestricted;   /* every topic, '$' topics included, unless denied; for benchmarks */
    bool anonymous;      /* for listeners that let nobody-in-particular in */
};

/* Adds a role. NULL out of memory, or if the name is taken or invalid. */
MQTT_NODISCARD struct role *policy_add_role(struct policy *policy, const char *name,
                                            const struct role_options *options);

/* Adds a grant or a denial. `pattern` is a topic filter in which %{device}, %{tenant}
 * and %{site} stand for the identity's names; they may be part of a level. What is
 * substituted is never a wildcard or a separator. A denial wins over every grant. A
 * name that the identity lacks makes a grant cover nothing, and a denial everything
 * that the name could have stood for. '$' topics are covered only by patterns that
 * start with '$'. A '%' that begins no substitution is refused, and so is "$share/".
 * Returns 0, -EINVAL with a static explanation in *out_why when the pattern is no
 * valid filter or names an unknown substitution, or -ENOMEM. Copies the pattern. */
MQTT_NODISCARD int role_grant(struct role *role, enum policy_action action, const char *pattern,
                              const char **out_why);
MQTT_NODISCARD int role_deny(struct role *role, enum policy_action action, const char *pattern,
                             const char **out_why);

/* Ends building. */
void policy_seal(struct policy *policy);

struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy *policy); /* NULL is fine */

/* ---- asking ---- */

/* Borrowed, or NULL. */
const struct role *policy_find_role(const struct policy *policy, const char *name);
const char *role_name(const struct role *role);
const struct role_options *role_options_of(const struct role *role);

/* May a client of `role` (NULL: no role) with this identity publish to `topic`?
 * `topic` is a valid topic name. */
struct policy_decision policy_decide_publish(const struct role *role,
                                             const struct identity *identity,
                                             struct mqtt_span topic);

/* May it subscribe to `filter` (valid, share part cut off)? Granted only when every
 * topic that the filter matches is contained in one grant and the filter overlaps
 * no denial: exact containment, nothing guessed. */
struct policy_decision policy_decide_subscribe(const struct role *role,
                                               const struct identity *identity,
                                               struct mqtt_span filter);

/* May a message on `topic` be delivered to it? The same grants, asked at delivery. */
struct policy_decision policy_decide_receive(const struct role *role,
                                             const struct identity *identity,
                                             struct mqtt_span topic);

const char *policy_verdict_text(enum policy_verdict verdict);
