/* SPDX-License-Identifier: Apache-2.0 */
/* What is odd about the rules of a role, found without knowing who has it. For tools. Pure.
 *
 * Never wrong, though not complete: what is called redundant, shadowed, dead or useless could be
 * deleted from the role, one or all of it, and nobody would be allowed more, less or otherwise.
 * Names that are substituted count as names that nobody else has, except that a denial which
 * some name could make matter is not called dead. */
#pragma once

#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

enum lint_kind {
#define LINT(name, word, severity, what, advice) LINT_##name,
#include "policy/lint.def"
#undef LINT
    LINT_KIND_COUNT,
};

enum lint_severity {
    LINT_ERROR,   /* it cannot be meant like that */
    LINT_WARNING, /* it is more than most would want to allow, or does nothing */
    LINT_NOTE,
};

/* Borrowed from the policy. */
struct lint_finding {
    enum lint_kind kind;
    const struct role *role;
    const struct policy_rule *rule;  /* NULL: it is about a scope or the role */
    const struct policy_rule *other; /* that contains, denies or is reached by it, or NULL */
    const struct policy_scope *scope;
    struct policy_origin origin; /* of the rule or scope; file NULL: the role as a whole */
};

const char *lint_word(enum lint_kind kind); /* "redundant-grant": for programs */
enum lint_severity lint_severity_of(enum lint_kind kind);
const char *lint_severity_text(enum lint_severity severity);
const char *lint_what(enum lint_kind kind);   /* a sentence about the rule */
const char *lint_advice(enum lint_kind kind); /* what to do */

/* Calls `visit` for each finding about a role as written; rules and scopes that are past at
 * `now_s` (UTC) are findings too. The role is one of `policy`, whose other roles say what belongs
 * to whom. */
typedef void (*lint_visit)(void *context, const struct lint_finding *finding);
void lint_role(const struct policy *policy, const struct role *role, int64_t now_s,
               lint_visit visit, void *context);
