/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/check_roles.h"

#include "policy/lint.h"
#include "tools/policy_print.h"

#include <string.h>

#define PLACE_BYTES 1024

struct checking {
    const struct policy_book *book;
    struct policy_findings *findings;
};

/* Nobody can edit what is built in, and it is there for the first hour. */
static enum lint_severity severity_of(enum lint_kind kind, const struct policy_origin *origin)
{
    bool is_builtin = origin->file != NULL && strcmp(origin->file, CONFIG_BUILTIN_NAME) == 0;
    return is_builtin ? LINT_NOTE : lint_severity_of(kind);
}

static struct policy_origin origin_of(const struct checking *c, const struct role *role)
{
    const struct config_role *written = config_find_role(c->book->config, role_name(role));
    return written != NULL ? written->origin : (struct policy_origin){ "registry", 0, 0 };
}

/* ---- what lint finds ---- */

static void add_rule(const struct checking *c, const struct lint_finding *f,
                     const struct policy_finding *like)
{
    char place[PLACE_BYTES];
    const char *name;
    const char *kind = policy_print_part_kind(f->role, &name);
    bool has_other = f->other != NULL;
    if (has_other)
        (void)policy_print_place_text(&f->other->origin, place, sizeof(place));
    policy_findings_add(c->findings, like, "%s \"%s\": %s \"%s\" %s%s%s%s; %s", kind, name,
                        policy_print_word(f->rule), f->rule->pattern, lint_what(f->kind),
                        has_other ? " (" : "", has_other ? place : "", has_other ? ")" : "",
                        lint_advice(f->kind));
}

static void on_finding(void *context, const struct lint_finding *f)
{
    const struct checking *c = context;
    const char *name;
    const char *kind = policy_print_part_kind(f->role, &name);
    struct policy_finding like = {
        .origin = f->origin.file != NULL ? f->origin : origin_of(c, f->role),
        .word = lint_word(f->kind),
        .role = role_name(f->role),
    };
    like.severity = severity_of(f->kind, &like.origin);
    if (f->rule != NULL)
        add_rule(c, f, &like);
    else if (f->scope != NULL)
        policy_findings_add(c->findings, &like, "%s \"%s\": wildcards below \"%s\": %s; %s", kind,
                            name, f->scope->prefix, lint_what(f->kind), lint_advice(f->kind));
    /* What carries a denial for one device or group grants nothing, and need not. */
    else if (f->kind != LINT_EMPTY || strcmp(kind, "role") == 0)
        policy_findings_add(c->findings, &like, "role \"%s\" %s; %s", name, lint_what(f->kind),
                            lint_advice(f->kind));
}

/* ---- what the policy has left out because it is past ---- */

static void add_expired(const struct checking *c, const struct config_role *role,
                        const struct policy_rule *rule)
{
    enum lint_kind kind = rule->grants ? LINT_GRANT_EXPIRED : LINT_DENIAL_EXPIRED;
    const struct policy_finding like = {
        .origin = rule->origin,
        .severity = severity_of(kind, &rule->origin),
        .word = lint_word(kind),
        .role = role->name,
    };
    policy_findings_add(c->findings, &like, "role \"%s\": %s \"%s\" %s; %s", role->name,
                        policy_print_word(rule), rule->pattern, lint_what(kind), lint_advice(kind));
}

static bool is_same_place(const struct policy_origin *a, const struct policy_origin *b)
{
    return a->line == b->line && a->column == b->column && strcmp(a->file, b->file) == 0;
}

/* A scope that lasts a while ends when the registry says; then the policy is without it. */
static bool has_scope(const struct role *role, const struct config_scope *scope)
{
    for (size_t i = 0; i < role_scope_count(role); i++)
        if (is_same_place(&role_scope_at(role, i)->origin, &scope->scope.origin))
            return true;
    return false;
}

static void check_expired(const struct checking *c, const struct config_role *written)
{
    const struct role *role = policy_find_role(c->book->policy, written->name);
    for (size_t i = 0; i < written->rule_count; i++) {
        const struct policy_rule *rule = &written->rules[i];
        if (rule->expires_s != 0 && rule->expires_s <= c->book->now_s)
            add_expired(c, written, rule);
    }
    for (size_t i = 0; role != NULL && i < written->scope_count; i++) {
        const struct config_scope *scope = &written->scopes[i];
        const struct policy_finding like = {
            .origin = scope->scope.origin,
            .severity = severity_of(LINT_SCOPE_EXPIRED, &scope->scope.origin),
            .word = lint_word(LINT_SCOPE_EXPIRED),
            .role = written->name,
        };
        if (!has_scope(role, scope))
            policy_findings_add(c->findings, &like, "role \"%s\": wildcards below \"%s\": %s; %s",
                                written->name, scope->scope.prefix, lint_what(LINT_SCOPE_EXPIRED),
                                lint_advice(LINT_SCOPE_EXPIRED));
    }
}

void check_roles(const struct policy_book *book, struct policy_findings *findings)
{
    struct checking c = { book, findings };
    for (size_t i = 0; i < policy_role_count(book->policy); i++)
        lint_role(book->policy, policy_role_at(book->policy, i), book->now_s, on_finding, &c);
    for (size_t i = 0; i < book->config->role_count; i++)
        check_expired(&c, &book->config->roles[i]);
}
