/* SPDX-License-Identifier: Apache-2.0 */
/* What learning works on; for learn*.c. */
#pragma once

#include "base/attrs.h"
#include "policy/learn.h"
#include "policy/pattern.h"

/* ---- what was seen ---- */

struct learn_entry {
    struct sketch_entry said; /* borrowed from the sketch */
    const struct role *role;  /* in force for the identity; not NULL */
    size_t identity;          /* equal ones have the same number */
    size_t deed;              /* as has the same thing, with the same outcome, whoever did it */
};

struct learn_entries {
    struct learn_entry *at; /* by deed */
    size_t count;
};

/* A grant that covers an entry, or a part of it. */
struct learn_source {
    const struct role *part;
    const struct policy_rule *rule; /* NULL: the part is unrestricted */
    struct learned_terms terms;
    bool contains; /* all that the entry stands for */
};

/* Why an entry is allowed today; without a source it is not. */
struct learn_choice {
    struct learn_source *sources; /* owned; none is as good as another one */
    size_t count;
    const struct policy_scope *scope; /* of a filter with wildcards; NULL: needs none */
};

/* 0 or -ENOMEM. */
MQTT_NODISCARD int learn_choose(const struct learn_entry *entry, struct learn_choice *out);
void learn_choice_fini(struct learn_choice *choice);

/* Does a grant with the terms `a` allow whatever one with `b` does, for as long? */
bool learn_terms_dominate(enum policy_action action, const struct learned_terms *a,
                          const struct learned_terms *b);

/* Any total order. */
int learn_terms_compare(const struct learned_terms *a, const struct learned_terms *b);

struct learned_terms learn_terms_of(const struct policy_rule *rule); /* NULL: of no rule at all */

/* Is it what the registry says, and so in force whatever a file says? */
bool learn_is_registry(const struct policy_origin *origin);

/* ---- grants of one role ---- */

/* A pattern that one entry needs. */
struct learn_row {
    enum policy_action action;
    char *pattern; /* owned */
    struct learned_terms terms;
    const struct policy_rule *rule; /* that it comes from; NULL: unrestricted */
    struct learned_use use;         /* identities: 1 */
    size_t identity;
    struct mqtt_span level; /* scratch of merging: a part of `pattern` */
};

struct learn_rows {
    struct learn_row *at;
    size_t count;
    size_t room;
};

/* Takes the pattern in any case. 0 or -ENOMEM. */
MQTT_NODISCARD int learn_rows_add(struct learn_rows *rows, const struct learn_row *row);
void learn_rows_fini(struct learn_rows *rows);

/* Makes few and readable patterns of them, and sorts them: those with the same action, pattern and
 * terms side by side, in them the same identity. 0 or -ENOMEM. */
MQTT_NODISCARD int learn_rows_merge(struct learn_rows *rows, const struct role *part,
                                    size_t merge_above);

/* 0: they need the same grant, whoever did it. By action, pattern, terms. */
int learn_rows_compare(const struct learn_row *a, const struct learn_row *b);

/* ---- scopes of one role ---- */

/* A filter with wildcards that was used. */
struct learn_filter {
    size_t scope;  /* number of the role's scope that allows it; SIZE_MAX: unrestricted */
    char *pattern; /* owned: the filter in the words of the scope */
    struct learned_use use;
    size_t identity;
};

struct learn_filters {
    struct learn_filter *at;
    size_t count;
    size_t room;
};

/* Takes the pattern in any case. 0 or -ENOMEM. */
MQTT_NODISCARD int learn_filters_add(struct learn_filters *filters,
                                     const struct learn_filter *filter);
void learn_filters_fini(struct learn_filters *filters);

/* Can a scope contain such a filter? Not one that begins with a wildcard. */
bool learn_scope_fits(const char *pattern);

/* One scope for all filters that one of today's allows, for an unrestricted role one for each first
 * level; each with an owned prefix. 0 or -ENOMEM, then *out_count is what there is. */
MQTT_NODISCARD int learn_scopes(struct learn_filters *filters, const struct role *part,
                                struct learned_scope **out, size_t *out_count);

/* ---- the result ---- */

/* Adds a use to another one of the same thing; different identities are counted by the caller. */
void learn_use_add(struct learned_use *into, const struct learned_use *use);

struct learn_role {
    struct learned_role shown; /* points to what follows */
    struct learned_grant *grants;
    struct learned_scope *scopes;
    const struct policy_rule **denials;
    struct learned_refusal *refusals;
};

/* What is learned of the entries for a role as written, but for `known`. 0 or -ENOMEM;
 * learn_role_fini() in both cases. */
MQTT_NODISCARD int learn_role_make(const struct learn_entries *entries, const struct role *part,
                                   size_t merge_above, struct learn_role *out);
void learn_role_fini(struct learn_role *role);

struct learned {
    struct learn_role *roles;
    size_t count;
    int64_t since_s;
    struct sketch_drops drops;
};
