/* SPDX-License-Identifier: Apache-2.0 */
/* What a role is made of; for this directory only. */
#pragma once

#include "base/attrs.h"
#include "policy/pattern.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

struct rule {
    struct policy_rule said; /* its strings are in `memory` */
    struct pattern pattern;
    char *memory; /* owned */
};

struct scope {
    struct policy_scope said;
    struct pattern prefix; /* without the '/' at its end */
    char *memory;
};

struct role {
    char *name;
    struct role_options options;
    bool sealed;
    struct rule *rules;
    size_t rule_count;
    size_t rule_room;
    struct scope *scopes;
    size_t scope_count;
    size_t scope_room;
    struct role **parts; /* of a combination: borrowed; NULL: it is none */
    size_t part_count;
};

/* Copies both. NULL out of memory. */
MQTT_NODISCARD struct role *role_new(const char *name, const struct role_options *options);
void role_free(struct role *role); /* NULL is fine */

/* Does the identity live in a topic space of its own? `role` and `identity` may be NULL. */
bool role_has_space(const struct role *role, const struct identity *identity);

/* Are these terms such that a grant may have them? */
bool policy_terms_are_valid(const struct policy_terms *terms);
