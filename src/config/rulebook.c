/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rulebook.h"

#include "base/bytes_map.h"
#include "codec/topic.h"
#include "config/rulebook_grant.h"
#include "config/rulebook_members.h"
#include "pki/grants.h"
#include "pki/groups.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct building {
    const struct config *config;
    const struct rulebook_basis *basis;
    const struct rulebook_doubts *doubts;
    struct pki_fault *fault;
    struct policy *policy;
    struct members members;
    int status;
};

__attribute__((format(printf, 2, 3))) static void doubt(const struct building *b,
                                                        const char *format, ...)
{
    char text[256];
    va_list arguments;

    if (b->doubts == NULL || b->doubts->doubt == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    b->doubts->doubt(b->doubts->context, text);
}

/* ---- what the file says ---- */

/* Two blocks with the same words are one: neither can be prolonged by moving it. */
static void name_anchor(const struct config_role *role, const struct config_scope *scope,
                        char out[33])
{
    static const struct siphash_key keys[2] = { { 1, 2 }, { 3, 4 } };
    char text[1024];
    int len =
        snprintf(text, sizeof(text), "%s\n%s\n%" PRIu32 "\n%" PRIu32 "\n%" PRId64 "\n%s\n%s",
                 role->name, scope->scope.prefix, scope->scope.depth, scope->scope.most_topics,
                 scope->lasts_s, scope->scope.owner, scope->scope.reason);
    size_t used = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    struct mqtt_span span = { (const uint8_t *)text, used };

    snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, siphash(&keys[0], span),
             siphash(&keys[1], span));
}

static int64_t expiry_of(void *context, const struct config_role *role,
                         const struct config_scope *scope)
{
    struct building *b = context;
    int64_t first_s = b->basis->now_s;
    char id[33];

    if (b->basis->registry == NULL)
        return b->basis->now_s + scope->lasts_s;
    name_anchor(role, scope, id);
    int error = b->basis->only_looks
                    ? groups_find_anchor(b->basis->registry, id, &first_s, b->fault)
                    : groups_anchor(b->basis->registry, id, b->basis->now_s, &first_s, b->fault);
    if (error < 0 && error != -ENOENT)
        b->status = error;
    return first_s + scope->lasts_s;
}

static int add_roles(struct building *b)
{
    for (size_t i = 0; i < b->config->role_count; i++) {
        struct role *role;
        int error =
            config_role_add(&b->config->roles[i], b->policy, b->basis->now_s, expiry_of, b, &role);

        if (error < 0)
            return pki_fail(b->fault, error, "role \"%s\" cannot be built: %s",
                            b->config->roles[i].name, strerror(-error));
        error = members_add_role(&b->members, b->config->roles[i].name, role);
        if (error < 0)
            return error;
    }
    return b->status;
}

/* ---- what the registry grants ---- */

/* The role that carries what is granted to a subject; made when it is first needed. */
static struct role *carrier_of(struct building *b, const struct registry_grant *grant)
{
    char name[IDENTITY_NAME_BYTES + 1];

    if (rulebook_grant_carrier(grant, name) < 0)
        return NULL;
    struct role *role = members_find_role(&b->members, name);
    if (role != NULL)
        return role;
    role = policy_add_role(b->policy, name, &rulebook_grant_carrier_options);
    if (role != NULL && members_add_role(&b->members, name, role) < 0)
        return NULL;
    return role;
}

static int on_grant(void *context, const struct registry_grant *grant)
{
    struct building *b = context;
    const char *why = "";

    if (grant->expires_s != 0 && grant->expires_s <= b->basis->now_s)
        return 0;
    if (grant->pattern[0] == '\0') {
        doubt(b, "grant %" PRId64 " of the registry cannot be read; remove it", grant->id);
        return 0;
    }
    struct role *role = carrier_of(b, grant);
    if (role == NULL) {
        doubt(b, "grant %" PRId64 " of the registry is for nobody: '%.80s'", grant->id,
              grant->subject);
        return 0;
    }
    int error = rulebook_grant_add(role, grant, &why);
    if (error == -EINVAL)
        doubt(b, "grant %" PRId64 " of the registry is left out: %s", grant->id, why);
    return error == -ENOMEM ? error : 0;
}

/* ---- who is in which group ---- */

static int on_group_role(void *context, const char *group, const char *role)
{
    struct building *b = context;
    struct role *found = members_find_role(&b->members, role);

    if (found != NULL)
        return members_group_has(&b->members, group, found);
    doubt(b, "group '%s' has role '%s', which does not exist", group, role);
    return 0;
}

static int on_member(void *context, const char *group, const char *device)
{
    struct building *b = context;

    return members_join(&b->members, group, device);
}

/* Its own role, then those of its groups and what is granted to them, then its own grants. */
static int assign(void *context, const char *device, const struct member_groups *groups)
{
    struct building *b = context;
    struct registry_entry entry;
    struct role *roles[MEMBER_ROLES_MAX];
    size_t count = 0;
    char name[sizeof(RULEBOOK_DEVICE) + IDENTITY_NAME_BYTES];

    if (registry_find(b->basis->registry, device, &entry, NULL) != 0) {
        doubt(b, "'%s' is given rights, but there is no such device", device);
        return 0;
    }
    roles[count] = members_find_role(&b->members, entry.role);
    if (roles[count] == NULL) {
        doubt(b, "'%s' has role '%s', which does not exist", device, entry.role);
        return 0;
    }
    count++;
    count += members_roles(&b->members, groups, roles + count, MEMBER_ROLES_MAX - count - 1);
    snprintf(name, sizeof(name), RULEBOOK_DEVICE "%s", device);
    struct role *own = members_find_role(&b->members, name);
    if (own != NULL)
        roles[count++] = own;
    return policy_assign(b->policy, device, roles, count);
}

static int on_device_grant(void *context, const struct registry_grant *grant)
{
    struct building *b = context;

    return grant->subject_kind == GRANT_TO_DEVICE ? members_note(&b->members, grant->subject) : 0;
}

static int add_registry(struct building *b)
{
    int error = grants_list(b->basis->registry, on_grant, b, b->fault);

    if (error == 0)
        error = groups_roles(b->basis->registry, on_group_role, b, b->fault);
    if (error == 0)
        error = groups_members(b->basis->registry, on_member, b, b->fault);
    if (error == 0)
        error = grants_list(b->basis->registry, on_device_grant, b, b->fault);
    return error == 0 ? members_each(&b->members, assign, b) : error;
}

int rulebook_build(const struct config *config, const struct rulebook_basis *basis,
                   const struct rulebook_doubts *doubts, struct policy **out,
                   struct pki_fault *fault)
{
    struct building b = {
        .config = config,
        .basis = basis,
        .doubts = doubts,
        .fault = fault,
        .policy = policy_new(),
    };

    members_init(&b.members);
    b.status = b.policy != NULL ? add_roles(&b) : -ENOMEM;
    if (b.status == 0 && basis->registry != NULL)
        b.status = add_registry(&b);
    members_fini(&b.members);
    if (b.status < 0) {
        policy_unref(b.policy);
        return b.status == -ENOMEM ? pki_fail(fault, -ENOMEM, "out of memory") : b.status;
    }
    policy_seal(b.policy);
    *out = b.policy;
    return 0;
}
