/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and what they grant. Facts in, verdict out; zero is deny.
 *
 * A policy is built once, then immutable and counted: the daemon swaps a whole
 * policy for another whenever the file, the registry or the time (a grant expires)
 * says so. It has no clock: who builds it leaves out what has expired. Thread-safe
 * for reading after policy_seal(); the counter is atomic. The same code decides in
 * the daemon and in `tacit policy`.
 *
 * Topics and filters are given as the client sees them: inside its own topic space.
 * Where that lies in the broker is what role_space() says. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "policy/choices.h"
#include "policy/identity.h"
#include "policy/key_level.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_NO_LIMIT  UINT32_MAX /* of a payload */
#define POLICY_QOS_COUNT 3

struct policy;
struct role; /* part of a policy, lives as long as it */

enum policy_action {
    POLICY_PUBLISH,
    POLICY_SUBSCRIBE,
    POLICY_ACTION_COUNT,
};

/* Why not (or why). Zero denies. */
enum policy_verdict {
    POLICY_DENY = 0,      /* no grant covers it */
    POLICY_DENY_NO_ROLE,  /* the identity has no role in this policy */
    POLICY_DENY_WILDCARD, /* a wildcard filter without a scoped grant that covers it */
    POLICY_DENY_SYS,      /* a '$' topic that the role is not granted */
    POLICY_DENY_HOUSE,    /* to publish what only the broker itself publishes: below "$tacit/" */
    POLICY_DENY_SPACE,    /* a '$' topic inside a topic space of a tenant, where there are none */
    POLICY_DENY_RULE,     /* a deny rule covers it, or overlaps the filter */
    POLICY_DENY_EFFORT,   /* too many grants would have to be combined to tell; never guessed */
    POLICY_ALLOW,
    POLICY_VERDICT_COUNT,
};

/* ---- what a policy is made of ---- */

/* Where something was written. `file` is copied when a rule is added; "registry" for what the
 * registry says, whose row is `line`. Line 0: as a whole; column 0: unknown. */
struct policy_origin {
    const char *file;
    unsigned line;
    unsigned column; /* from 1, bytes */
};

/* How a grant may be used. To subscribe, only maximum_qos counts: it bounds the deliveries. */
struct policy_terms {
    uint8_t maximum_qos;    /* 0..2 */
    bool retain;            /* retained messages may be published */
    uint32_t payload_bytes; /* longest payload; POLICY_NO_LIMIT */
    uint32_t rate_messages; /* per rate_seconds and client; 0: no bound */
    uint32_t rate_seconds;  /* at least 1 where rate_messages is not 0 */
};

struct policy_rule {
    enum policy_action action;
    bool grants;               /* false: denies */
    const char *pattern;       /* as written */
    struct policy_terms terms; /* of a grant */
    int64_t expires_s;         /* UTC; 0: does not */
    const char *owner;         /* who asked for it, "" when not said */
    const char *reason;        /* and why */
    struct policy_origin origin;
};

/* A scoped wildcard grant (promise W2): within it, and only as far as the subscribe grants go,
 * filters with wildcards may be subscribed to. */
struct policy_scope {
    const char *prefix;   /* literal levels with substitutions, at least one, ending in '/' */
    uint32_t depth;       /* levels below the prefix that a filter may reach; 0: any number */
    uint32_t most_topics; /* different topics one subscription is served; at least 1 */
    int64_t expires_s;    /* UTC; 0: does not */
    const char *owner;    /* not empty */
    const char *reason;   /* not empty */
    struct policy_origin origin;
};

/* So many in so many seconds. `count` 0: nothing is said; POLICY_NO_LIMIT: as many as come. */
struct policy_rate {
    uint32_t count;
    uint32_t seconds; /* at least 1 where `count` is not 0 */
};

/* What all that have a role may use up together. What is not said has no bound. */
struct policy_together {
    struct policy_rate messages; /* PUBLISH packets from them */
    struct policy_rate bytes;    /* of those, whole packets */
    struct policy_rate connects;
    struct policy_rate subscribes; /* filters of their SUBSCRIBE packets */
    uint64_t retained_bytes;       /* of the messages that they have retained; 0: no bound */
};

/* What one identity may use up, all of its connections together. What is not said is as the
 * limits of the broker have it. */
struct policy_bounds {
    struct policy_rate messages; /* PUBLISH packets from it */
    struct policy_rate bytes;    /* of them, whole packets */
    struct policy_rate connects;
    struct policy_rate subscribes; /* filters of its SUBSCRIBE packets */
    struct policy_together all;    /* of its role */
    uint64_t retained_bytes;       /* of the messages that it has retained, topics included */
    bool has_retained_bytes;
};

struct role_options {
    bool shared;       /* $share subscriptions */
    bool unrestricted; /* every topic and wildcard, unless denied; for benchmarks */
    bool anonymous;    /* for listeners that let nobody-in-particular in */
    bool common_space; /* identities with a tenant stay in the common topic space */
    bool carves;       /* a filter that overlaps a denial is granted without what is denied,
                             instead of being refused */
    enum policy_clone clone;
    enum policy_ratchet ratchet;
    enum policy_durability durability;
    enum policy_sense sense;
    enum policy_key require_key; /* of a combination: the most that a part asks for */
    bool hidden;                 /* part of combinations only: no identity has it by its name */
    struct policy_terms terms;   /* what grants have that say nothing of their own */
    struct policy_bounds bounds; /* of a combination: those of its first part */
};

/* ---- building: one thread, before policy_seal() ---- */

MQTT_NODISCARD struct policy *policy_new(void); /* counted once; knows no role, denies all */

/* Adds a role. NULL out of memory, or if the name is taken or invalid, or the terms are. */
MQTT_NODISCARD struct role *policy_add_role(struct policy *policy, const char *name,
                                            const struct role_options *options);

/* Adds a grant or a denial; copies it, strings included (NULL strings become ""). The pattern is
 * a topic filter in which %{device}, %{tenant} and %{site} stand for the identity's names; they
 * may be part of a level. What is substituted is never a wildcard or a separator. A denial wins
 * over every grant. A name that the identity lacks makes a grant cover nothing, and a denial
 * whatever stands in that level. '$' topics are covered only by patterns that start with '$', whose
 * first level has no substitution. A '%' that begins no substitution is refused, and so is
 * "$share/".
 * Returns 0, -EINVAL with a static explanation in *out_why, or -ENOMEM. */
MQTT_NODISCARD int role_add_rule(struct role *role, const struct policy_rule *rule,
                                 const char **out_why);

/* NULL, or why role_add_rule() would refuse it. */
const char *role_rule_fault(const struct policy_rule *rule);

/* Shorthands with the role's own terms and no origin: for tests. */
MQTT_NODISCARD int role_grant(struct role *role, enum policy_action action, const char *pattern,
                              const char **out_why);
MQTT_NODISCARD int role_deny(struct role *role, enum policy_action action, const char *pattern,
                             const char **out_why);

/* Adds a scoped wildcard grant; copies it. -EINVAL (prefix, owner, reason or most_topics are
 * missing or wrong), -ENOMEM. */
MQTT_NODISCARD int role_add_scope(struct role *role, const struct policy_scope *scope,
                                  const char **out_why);

/* What an identity has besides its role: `device` is granted by all of `roles`, of which the first
 * is its own (named in the registry) and decides options; the rest come from groups and from
 * grants to the device alone. Roles with the same parts are combined once. -EINVAL: device
 * assigned already or its name invalid; -ENOMEM. */
MQTT_NODISCARD int policy_assign(struct policy *policy, const char *device,
                                 struct role *const *roles, size_t count);

/* Ends building. */
void policy_seal(struct policy *policy);

struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy *policy); /* NULL is fine */

/* ---- looking ---- */

/* Borrowed, or NULL. By name: the role as written. */
const struct role *policy_find_role(const struct policy *policy, const char *name);

/* What counts for an identity: its assignment, else the role it names unless that is hidden, else
 * NULL. */
const struct role *policy_find(const struct policy *policy, const struct identity *identity);

/* All roles as written, by name. */
size_t policy_role_count(const struct policy *policy);
const struct role *policy_role_at(const struct policy *policy, size_t i);

const char *role_name(const struct role *role); /* of a combination: that of its first part */
const struct role_options *role_options_of(const struct role *role);

/* Does it ask for a ratchet that decides nothing, as several may have one key? */
static inline bool role_options_waive_ratchet(const struct role_options *options)
{
    return options->ratchet == POLICY_RATCHET_REQUIRED && options->clone == POLICY_CLONE_ALLOW;
}

/* The roles it combines; itself alone when it combines none. */
size_t role_part_count(const struct role *role);
const struct role *role_part_at(const struct role *role, size_t i);

/* Rules and scopes of one part (0 of a combination), in the order of adding. */
size_t role_rule_count(const struct role *role);
const struct policy_rule *role_rule_at(const struct role *role, size_t i);
size_t role_scope_count(const struct role *role);
const struct policy_scope *role_scope_at(const struct role *role, size_t i);

/* The widest terms among the grants of all parts: what CONNACK announces. */
uint8_t role_maximum_qos(const struct role *role);
bool role_may_retain(const struct role *role);
bool role_may_use_wildcards(const struct role *role); /* unrestricted, or it has a scope */

/* When the first rule or scope of the policy expires; 0: never. */
int64_t policy_next_expiry_s(const struct policy *policy);

/* ---- topic spaces (tenants) ----
 *
 * An identity with a tenant lives in a topic space of its own unless its role says common_space:
 * the topic T it names is $tenant/TENANT/T in the broker, and it can name nothing else. Inside
 * its space no topic starts with '$': whatever is granted, such a one is refused. */

#define POLICY_SPACE_BYTES (IDENTITY_NAME_BYTES + 16)

/* Writes the prefix of the identity's space, NUL-terminated, "" for the common space; returns its
 * length. */
size_t role_space(const struct role *role, const struct identity *identity,
                  char out[POLICY_SPACE_BYTES]);

/* ---- asking ---- */

struct policy_decision {
    enum policy_verdict verdict;
    uint8_t maximum_qos;              /* subscribe, when allowed: 0..2 */
    const char *reason;               /* static text that goes into reason strings */
    const struct policy_rule *rule;   /* that decided, borrowed; NULL if none did, or several did */
    const struct policy_scope *scope; /* subscribe with a wildcard: the grant that is used */
};

/* Of a publish. What is allowed holds for one message entirely: payload_bytes[retain][qos] is the
 * longest payload that some one grant allows with that retain flag and QoS, -1: none does. */
struct policy_publish {
    int32_t payload_bytes[2][POLICY_QOS_COUNT];
    enum policy_verdict verdict;
    const char *reason;
    const struct policy_rule *rule; /* the first that covers the topic, or denies it */
    const struct policy_rule *rate; /* the grant whose rate counts; NULL: one without a bound
                                       covers the topic */
};

/* May a client of `role` (NULL: no role) with this identity publish to `topic`, a valid topic
 * name? */
struct policy_publish policy_decide_publish(const struct role *role,
                                            const struct identity *identity,
                                            struct mqtt_span topic);

/* Is it among the topics to which only the broker itself publishes, not even who may do everything
 * may: "$tacit" and what is below? Of a topic name, or of a filter or pattern whose first level is
 * no wildcard: then of all that it matches. */
bool policy_is_of_house(struct mqtt_span topic);

/* Does the judgement allow this very message (qos 0..2)? NULL, or why not: static text. */
const char *policy_publish_objection(const struct policy_publish *judgement, uint8_t qos,
                                     bool retain, size_t payload_bytes);

/* May it subscribe to `filter` (valid, share part cut off)? Granted only when every topic that
 * the filter matches is in the union of the grants and in no denial (see role_options.carves),
 * and, where it has wildcards, when one scope contains it: exact, nothing guessed. Cold: it may
 * allocate. */
struct policy_decision policy_decide_subscribe(const struct role *role,
                                               const struct identity *identity,
                                               struct mqtt_span filter);

/* May a message on `topic` be delivered to it? The same grants, asked at delivery; maximum_qos
 * is that of the topic. Does not allocate. */
struct policy_decision policy_decide_receive(const struct role *role,
                                             const struct identity *identity,
                                             struct mqtt_span topic);

const char *policy_verdict_text(enum policy_verdict verdict);

/* A sentence for the client that was refused: what was missing, in the words of tacit.conf, as
 * in: role "wall" needs wildcards { prefix = "home/kitchen/" depth = 1 }. Names no other client's
 * topics: only the filter that was asked for and the role. NUL-terminated, cut to size. */
void policy_tell_missing(const struct role *role, enum policy_action action,
                         struct mqtt_span filter, enum policy_verdict verdict, char *out,
                         size_t size);
