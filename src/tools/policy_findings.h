/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit policy check` has found: a list that is sorted by place and printed.
 *
 * Owner: the thread of the command. */
#pragma once

#include "base/attrs.h"
#include "policy/lint.h"
#include "policy/policy.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct policy_finding {
    struct policy_origin origin; /* borrowed; file NULL: of no place */
    enum lint_severity severity;
    const char *word; /* static: for programs */
    const char *role; /* borrowed; NULL: it is about none */
    char *text;       /* owned */
    size_t number;    /* in the order of adding, so that sorting is stable */
};

/* Zero is an empty list. */
struct policy_findings {
    struct policy_finding *all;
    size_t count;
    size_t room;
    bool failed; /* memory is out: something is missing */
};

/* Adds one; what it says is made by `format`. */
void policy_findings_add(struct policy_findings *findings, const struct policy_finding *like,
                         const char *format, ...) __attribute__((format(printf, 3, 4)));
void policy_findings_fini(struct policy_findings *findings);

void policy_findings_sort(struct policy_findings *findings);
size_t policy_findings_count(const struct policy_findings *findings, enum lint_severity severity);

/* `file:line:column: severity: text`, one a line. */
void policy_findings_print(const struct policy_findings *findings);

/* [{"place", "file", "line", "column", "severity", "kind", "role", "text"}]. NULL out of memory;
 * the caller owns it. */
json_t *policy_findings_json(const struct policy_findings *findings);
