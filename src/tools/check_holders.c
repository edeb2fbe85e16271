/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/check_holders.h"

#include "pki/grants.h"
#include "pki/groups.h"
#include "pki/state.h"
#include "tools/policy_print.h"
#include "tools/policy_strangers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MISSING_MAX 32 /* different roles that are told of */
#define PLACE_BYTES 1024

/* A role that identities have and the configuration has not. */
struct missing_role {
    char name[REGISTRY_TEXT_SIZE];
    char example[IDENTITY_URI_NAME_SIZE];
    size_t count;
};

struct checking {
    const struct policy_book *book;
    struct policy_findings *findings;
    bool *is_held; /* for each role of the configuration */
    struct missing_role missing[MISSING_MAX];
    size_t missing_count;
};

/* ---- identities ---- */

static void hold(struct checking *c, const char *name)
{
    const struct config *config = c->book->config;
    for (size_t i = 0; i < config->role_count; i++)
        c->is_held[i] |= strcmp(config->roles[i].name, name) == 0;
}

static void miss(struct checking *c, const struct registry_entry *entry)
{
    size_t i = 0;
    while (i < c->missing_count && strcmp(c->missing[i].name, entry->role) != 0)
        i++;
    if (i == MISSING_MAX)
        return;
    if (i == c->missing_count) {
        struct missing_role *fresh = &c->missing[c->missing_count++];
        memcpy(fresh->name, entry->role, sizeof(fresh->name));
        memcpy(fresh->example, entry->name, sizeof(fresh->example));
    }
    c->missing[i].count++;
}

static int on_entry(void *context, const struct registry_entry *entry)
{
    struct checking *c = context;
    hold(c, entry->role);
    if (entry->status == REGISTRY_ACTIVE && policy_find_role(c->book->policy, entry->role) == NULL)
        miss(c, entry);
    return 0;
}

static int on_group_role(void *context, const char *group, const char *role)
{
    (void)group;
    hold(context, role);
    return 0;
}

static int on_grant(void *context, const struct registry_grant *grant)
{
    struct checking *c = context;
    enum lint_kind kind = grant->denies ? LINT_DENIAL_EXPIRED : LINT_GRANT_EXPIRED;
    const struct policy_finding like = {
        .origin = { "registry", (unsigned)grant->id, 0 },
        .severity = lint_severity_of(kind),
        .word = lint_word(kind),
    };
    if (grant->expires_s != 0 && grant->expires_s <= c->book->now_s)
        policy_findings_add(c->findings, &like, "%s \"%s\": %s%s \"%s\" %s; %s",
                            grants_subject_text(grant->subject_kind), grant->subject,
                            grant->denies ? "deny-" : "",
                            grant->subscribes ? "subscribe" : "publish", grant->pattern,
                            lint_what(kind), lint_advice(kind));
    return 0;
}

static int read_registry(struct checking *c, struct pki_fault *fault)
{
    struct registry *registry = c->book->registry;
    int error = registry_list(registry, on_entry, c, fault);
    if (error == 0)
        error = groups_roles(registry, on_group_role, c, fault);
    return error == 0 ? grants_list(registry, on_grant, c, fault) : error;
}

static void tell_missing(const struct checking *c)
{
    struct policy_finding like = { .origin = { "registry", 0, 0 }, .word = "no-such-role" };
    for (size_t i = 0; i < c->missing_count; i++) {
        const struct missing_role *m = &c->missing[i];
        /* The first start makes an administrator, whether the file has a use for one or not. */
        like.severity =
            m->count == 1 && strcmp(m->example, STATE_ADMIN_NAME) == 0 ? LINT_NOTE : LINT_WARNING;
        policy_findings_add(c->findings, &like,
                            "role \"%s\" does not exist, but %zu %s it (\"%s\"%s), and cannot "
                            "come in; define the role, or give another one",
                            m->name, m->count, m->count == 1 ? "identity has" : "identities have",
                            m->example, m->count == 1 ? "" : ", ...");
    }
}

/* ---- who is not in the registry ---- */

static void check_taken(const struct checking *c, const struct policy_stranger *stranger)
{
    char place[PLACE_BYTES];
    const struct config_assign *taker = policy_strangers_taker(c->book->config, stranger, NULL);
    const struct policy_finding like = {
        .origin = stranger->origin,
        .severity = LINT_WARNING,
        .word = "shadowed-assign",
        .role = stranger->role,
    };
    if (taker == NULL || stranger->kind != POLICY_STRANGER_ASSIGN)
        return;
    policy_findings_add(
        c->findings, &like,
        "assign \"%s\" never decides: assign \"%s\" (%s) comes first and fits every "
        "certificate that it fits; put it before the other, or delete it",
        stranger->name, taker->name, policy_print_place_text(&taker->origin, place, sizeof(place)));
}

/* The first grant of that kind: to publish, or with a name in it. NULL: there is none. */
static const struct policy_rule *find_grant(const struct role *role, bool with_names)
{
    for (size_t i = 0; i < role_rule_count(role); i++) {
        const struct policy_rule *rule = role_rule_at(role, i);
        bool has_names = strstr(rule->pattern, "%{") != NULL;
        if (rule->grants && (with_names ? has_names : !has_names && rule->action == POLICY_PUBLISH))
            return rule;
    }
    return NULL;
}

static void tell_anonymous(const struct checking *c, const struct policy_stranger *stranger,
                           const char *word, const struct policy_rule *rule, const char *what)
{
    char place[PLACE_BYTES];
    const struct policy_finding like = {
        .origin = stranger->origin,
        .severity = LINT_WARNING,
        .word = word,
        .role = stranger->role,
    };
    policy_findings_add(c->findings, &like, "listener \"%s\": role \"%s\": %s \"%s\" (%s) %s",
                        stranger->name, stranger->role, policy_print_word(rule), rule->pattern,
                        policy_print_place_text(&rule->origin, place, sizeof(place)), what);
}

static bool is_local(const struct config *config, const char *listener)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (strcmp(config->listeners[i].name, listener) == 0)
            return config_listener_is_local(&config->listeners[i]);
    return false;
}

static void check_anonymous(const struct checking *c, const struct policy_stranger *stranger)
{
    const struct role *role = policy_find_role(c->book->policy, stranger->role);
    const struct policy_finding like = {
        .origin = stranger->origin,
        .severity = LINT_WARNING,
        .word = "anonymous-wildcards",
        .role = stranger->role,
    };
    const struct policy_rule *rule = role != NULL ? find_grant(role, true) : NULL;
    if (rule != NULL)
        tell_anonymous(c, stranger, "anonymous-name", rule,
                       "grants nothing here, for who proves nothing has no name; leave the name "
                       "out, or ask for certificates");
    if (role == NULL || is_local(c->book->config, stranger->name))
        return;
    rule = find_grant(role, false);
    if (rule != NULL)
        tell_anonymous(c, stranger, "anonymous-writes", rule,
                       "lets everybody who reaches this listener write; ask for certificates, or "
                       "name a role that only subscribes");
    if (role_may_use_wildcards(role))
        policy_findings_add(c->findings, &like,
                            "listener \"%s\": role \"%s\" lets everybody who reaches this listener "
                            "use wildcards; ask for certificates, or name a role without them",
                            stranger->name, stranger->role);
}

static int on_stranger(void *context, const struct policy_stranger *stranger)
{
    struct checking *c = context;
    hold(c, stranger->role);
    if (stranger->kind == POLICY_STRANGER_ANONYMOUS)
        check_anonymous(c, stranger);
    else
        check_taken(c, stranger);
    return 0;
}

/* ---- roles that nobody has ---- */

static void tell_unheld(const struct checking *c)
{
    const struct config *config = c->book->config;
    for (size_t i = 0; i < config->role_count; i++) {
        const struct config_role *role = &config->roles[i];
        const struct policy_finding like = {
            .origin = role->origin,
            .severity = LINT_NOTE,
            .word = "unheld-role",
            .role = role->name,
        };
        if (!c->is_held[i] && strcmp(role->origin.file, CONFIG_BUILTIN_NAME) != 0)
            policy_findings_add(c->findings, &like,
                                "role \"%s\": nobody has it; delete it if nobody will", role->name);
    }
}

static int check_all(struct checking *c, struct pki_fault *fault)
{
    (void)policy_strangers_each(c->book->config, on_stranger, c);
    if (c->book->registry == NULL)
        return 0;
    int error = read_registry(c, fault);
    tell_missing(c);
    tell_unheld(c);
    return error;
}

int check_holders(const struct policy_book *book, struct policy_findings *findings,
                  struct pki_fault *fault)
{
    struct checking *c = calloc(1, sizeof(*c));
    bool *is_held = calloc(book->config->role_count + 1, sizeof(*is_held));
    int error = -ENOMEM;
    if (c != NULL && is_held != NULL) {
        c->book = book;
        c->findings = findings;
        c->is_held = is_held;
        error = check_all(c, fault);
    }
    free(is_held);
    free(c);
    return error == -ENOMEM ? pki_fail(fault, error, "out of memory") : error;
}
