/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_strangers.h"

#include <string.h>

const char *policy_stranger_kind_text(enum policy_stranger_kind kind)
{
    switch (kind) {
    case POLICY_STRANGER_ANONYMOUS:
        return "anonymous";
    case POLICY_STRANGER_CERTIFICATE:
        return "certificate";
    case POLICY_STRANGER_ASSIGN:
        return "assign";
    }
    return "?";
}

bool policy_stranger_has_name(const struct policy_stranger *stranger, const char **out_name)
{
    *out_name = stranger->assign != NULL ? stranger->assign->common_name : NULL;
    return stranger->kind != POLICY_STRANGER_ANONYMOUS;
}

static bool takes_certificates(const struct config_listener *listener)
{
    return listener->is_tls && listener->clients != CONFIG_CLIENTS_NONE;
}

static int visit_listener(const struct config *config, const struct config_listener *l,
                          policy_stranger_visit visit, void *context)
{
    struct policy_stranger stranger = {
        .kind = POLICY_STRANGER_ANONYMOUS,
        .name = l->name,
        .origin = { l->file, l->line, l->column },
        .role = l->anonymous_role,
        .before = config->assign_count,
    };
    int result = 0;
    /* With certificates required the handshake fails before anybody is anonymous. */
    bool needs_certificate = takes_certificates(l) && l->clients == CONFIG_CLIENTS_REQUIRED;
    if (l->anonymous_role != NULL && !needs_certificate)
        result = visit(context, &stranger);
    stranger.kind = POLICY_STRANGER_CERTIFICATE;
    stranger.role = l->certificate_role;
    if (result == 0 && l->certificate_role != NULL && takes_certificates(l))
        result = visit(context, &stranger);
    return result;
}

int policy_strangers_each(const struct config *config, policy_stranger_visit visit, void *context)
{
    bool has_certificates = false;
    int result = 0;
    for (size_t i = 0; result == 0 && i < config->listener_count; i++) {
        has_certificates |= takes_certificates(&config->listeners[i]);
        result = visit_listener(config, &config->listeners[i], visit, context);
    }
    for (size_t i = 0; result == 0 && has_certificates && i < config->assign_count; i++) {
        const struct config_assign *assign = &config->assigns[i];
        const struct policy_stranger stranger = {
            .kind = POLICY_STRANGER_ASSIGN,
            .name = assign->name,
            .origin = assign->origin,
            .role = assign->role,
            .tenant = assign->tenant,
            .site = assign->site,
            .assign = assign,
            .before = i,
        };
        result = visit(context, &stranger);
    }
    return result;
}

/* Does what the block wants follow from what is known? NULL is not known. */
static bool fits(const char *wanted, const char *known)
{
    return wanted == NULL || (known != NULL && strcmp(wanted, known) == 0);
}

const struct config_assign *policy_strangers_taker(const struct config *config,
                                                   const struct policy_stranger *stranger,
                                                   const char *common_name)
{
    static const struct config_assign anything = { 0 };
    const struct config_assign *own = stranger->assign != NULL ? stranger->assign : &anything;
    const char *name = common_name != NULL ? common_name : own->common_name;
    if (stranger->kind == POLICY_STRANGER_ANONYMOUS)
        return NULL;
    for (size_t i = 0; i < stranger->before; i++) {
        const struct config_assign *other = &config->assigns[i];
        if (fits(other->common_name, name) && fits(other->organization, own->organization)
            && fits(other->organizational_unit, own->organizational_unit)
            && fits(other->issuer, own->issuer))
            return other;
    }
    return NULL;
}
