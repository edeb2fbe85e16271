/* SPDX-License-Identifier: Apache-2.0 */
/* Least-privilege roles learned from what was recorded (promise U2). For tools: it allocates.
 *
 * A role is suggested for every role as written that is the own role of a recorded identity, by
 * the policy in force. It has what these identities used, and what those used who have the role
 * by a group:
 *
 *  - what was allowed and still is stays allowed, with the terms it has today, entries that stand
 *    for several topics included, as far as all of their topics are granted today;
 *  - nothing is granted that the role does not grant today, to nobody who has or will have it: a
 *    pattern has the words of the grant it comes from, and differs only where that has a wildcard;
 *  - there a name of the identity stands as %{device}, %{site} or %{tenant}, alone in its level or,
 *    from LEARN_PART_BYTES on, as part of it, if all who used the topic have that name; a level
 *    that no file can express ('%', control characters) stays a wildcard;
 *  - patterns that differ in one level, not the first, become one with '+' there when they are
 *    many and the role grants that;
 *  - a grant with a rate is narrowed only when one pattern comes of it: two would have a rate each.
 *
 * What the registry grants or denies (origin "registry") stays in force by itself and is no part
 * of a suggestion. Owner: the caller's thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "policy/policy.h"
#include "policy/sketch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEARN_MERGE_ABOVE 8 /* default of merge_above */
#define LEARN_PART_BYTES  3 /* shortest name that is substituted inside a level */

struct learned;

struct learn_options {
    size_t merge_above; /* different names in a level that may stand side by side, at least 1 */
    int64_t since_s;    /* entries that were last seen before are left out */
    const char *role;   /* the only one that is wanted; NULL: all */
    /* How many identities have that role, seen or not; negative: not known. May be NULL. */
    int64_t (*known)(void *context, const char *role);
    void *context;
};

/* How a grant may be used, until when, and who wanted that. */
struct learned_terms {
    struct policy_terms use; /* to subscribe only maximum_qos is its own, the rest is the role's */
    int64_t expires_s;       /* UTC; 0: does not */
    const char *owner;       /* borrowed from the policy; "" when not said */
    const char *reason;
};

/* What was seen of one thing; at least once. */
struct learned_use {
    uint64_t count;
    int64_t first_s;
    int64_t last_s;
    size_t identities; /* different ones */
};

struct learned_grant {
    enum policy_action action;
    const char *pattern;
    struct learned_terms terms;
    bool is_plain; /* its terms are those of the role: needs no block of its own */
    struct learned_use use;
};

struct learned_scope {
    struct policy_scope scope; /* owner, reason and origin borrowed from the policy */
    struct learned_use use;
};

/* Not in the role: for the operator to decide. */
struct learned_refusal {
    enum policy_action action;
    const char *topic;
    bool generalised; /* '+' stands for several topics */
    bool lapsed;      /* it was allowed then, and is not by the policy in force */
    struct learned_use use;
};

struct learned_role {
    const char *name;
    struct role_options options;        /* terms: as today, without a rate when a grant has none */
    const struct learned_grant *grants; /* plain first, then by terms; in them by action, pattern */
    size_t grant_count;
    const struct learned_scope *scopes; /* in the order of those in force */
    size_t scope_count;
    const struct policy_rule *const *denials; /* as today, in their order */
    size_t denial_count;
    const struct learned_refusal *refusals; /* by action, topic */
    size_t refusal_count;
    size_t grants_before; /* grants of the role today */
    size_t identities;    /* seen whose own role it is */
    int64_t known;        /* all of them; negative: not known */
};

/* `policy` and `sketch` are borrowed for the call, what the result borrows from `policy` for as
 * long as the result lives. *out has a role more for each that is suggested, by name. 0 or
 * -ENOMEM. */
MQTT_NODISCARD int learn_roles(const struct sketch *sketch, const struct policy *policy,
                               const struct learn_options *options, struct learned **out);
void learned_free(struct learned *learned); /* NULL is fine */

size_t learned_count(const struct learned *learned);
const struct learned_role *learned_at(const struct learned *learned, size_t i);

/* From when on there are entries: the later of the beginning of recording and options.since_s;
 * 0: not known. */
int64_t learned_since(const struct learned *learned);

/* What the sketch does not have. Other than 0: the roles may be too narrow. */
struct sketch_drops learned_drops(const struct learned *learned);

/* Writes the roles as blocks of tacit.conf, with comments that say where they come from. The same
 * input gives the same text, whatever names and topics are in it they stay inside their quotes or
 * comments. `put` is called for pieces in their order, which may be anything but empty; a result
 * other than 0 ends the writing and is returned. */
typedef int (*learned_put)(void *context, struct mqtt_span piece);
int learned_write(const struct learned *learned, learned_put put, void *context);

/* The same of role `i` alone. */
int learned_write_role(const struct learned *learned, size_t i, learned_put put, void *context);
