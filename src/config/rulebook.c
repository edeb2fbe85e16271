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

/* The role without any right; the colon keeps it apart from those of devices. */
#define NO_RIGHTS RULEBOOK_DEVICE ":too-many-roles"

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

bool rulebook_name_is_reserved(const char *role)
{
    return strncmp(role, RULEBOOK_GROUP, strlen(RULEBOOK_GROUP)) == 0
           || strncmp(role, RULEBOOK_DEVICE, strlen(RULEBOOK_DEVICE)) == 0;
}

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

/* -ENOENT: it has not begun yet. */
static int find_beginning(struct building *b, const char *id, int64_t *out_first_s)
{
    const struct rulebook_basis *basis = b->basis;

    if (basis->registry == NULL && basis->anchors == NULL)
        return -ENOENT;
    if (basis->registry == NULL)
        return anchors_first(basis->anchors, id, basis->now_s, out_first_s);
    if (basis->only_looks)
        return groups_find_anchor(basis->registry, id, out_first_s, b->fault);
    return groups_anchor(basis->registry, id, basis->now_s, out_first_s, b->fault);
}

static int64_t expiry_of(void *context, const struct config_role *role,
                         const struct config_scope *scope)
{
    struct building *b = context;
    int64_t first_s = b->basis->now_s;
    char id[33];

    name_anchor(role, scope, id);
    int error = find_beginning(b, id, &first_s);
    if (error < 0 && error != -ENOENT)
        b->status = error;
    /* Whoever writes into the registry by hand moves no deadline beyond what the block says. */
    if (first_s > b->basis->now_s)
        first_s = b->basis->now_s;
    return first_s > 0 ? first_s + scope->lasts_s : scope->lasts_s;
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

/* The role of that name, which carries what is granted to a subject; made when it is first
 * needed. */
static struct role *carrier(struct building *b, const char *name)
{
    struct role *role = members_find_role(&b->members, name);

    if (role != NULL)
        return role;
    role = policy_add_role(b->policy, name, &rulebook_grant_carrier_options);
    if (role != NULL && members_add_role(&b->members, name, role) < 0)
        return NULL;
    return role;
}

/* Of the roles that the file defines. */
static struct role *find_said(const struct building *b, const char *name)
{
    return rulebook_name_is_reserved(name) ? NULL : members_find_role(&b->members, name);
}

static bool subject_is_known(const struct building *b, const struct registry_grant *grant)
{
    switch (grant->subject_kind) {
    case GRANT_TO_DEVICE:
        return identity_uri_name_is_valid(grant->subject);
    case GRANT_TO_GROUP:
        return groups_name_is_valid(grant->subject);
    case GRANT_TO_ROLE:
        return find_said(b, grant->subject) != NULL;
    case GRANT_SUBJECT_COUNT:
        break;
    }
    return false;
}

/* NULL out of memory. */
static struct role *carrier_of(struct building *b, const struct registry_grant *grant)
{
    char name[IDENTITY_NAME_BYTES + 1];

    if (grant->subject_kind == GRANT_TO_ROLE)
        return find_said(b, grant->subject);
    return rulebook_grant_carrier(grant, name) == 0 ? carrier(b, name) : NULL;
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
    if (!subject_is_known(b, grant)) {
        doubt(b, "grant %" PRId64 " of the registry is for nobody: there is no %s '%.80s'",
              grant->id, grants_subject_text(grant->subject_kind), grant->subject);
        return 0;
    }
    struct role *role = carrier_of(b, grant);
    if (role == NULL)
        return -ENOMEM;
    int error = rulebook_grant_add(role, grant, &why);
    if (error == -EINVAL)
        doubt(b, "grant %" PRId64 " of the registry is left out: %s", grant->id, why);
    return error == -ENOMEM ? error : 0;
}

/* ---- who is in which group ---- */

static int on_group_role(void *context, const char *group, const char *role)
{
    struct building *b = context;
    struct role *found = find_said(b, role);

    if (found != NULL && groups_name_is_valid(group))
        return members_group_has(&b->members, group, found);
    if (group[0] == '\0')
        doubt(b, "a role of a group cannot be read; remove it from the registry");
    else if (found != NULL)
        doubt(b, "'%.80s' has role '%s', but cannot be the name of a group", group, role);
    else
        doubt(b, "group '%.80s' has role '%.80s', which does not exist", group, role);
    return 0;
}

static int on_member(void *context, const char *group, const char *device)
{
    struct building *b = context;

    if (groups_name_is_valid(group) && identity_uri_name_is_valid(device))
        return members_join(&b->members, group, device);
    if (group[0] == '\0')
        doubt(b, "a member of a group cannot be read; remove it from the registry");
    else
        doubt(b, "'%.80s' is a member of '%.80s', but one of them cannot be a name", device, group);
    return 0;
}

/* What a device has that must not have a part of its roles only. */
static int assign_nothing(struct building *b, const char *device)
{
    struct role *nothing = carrier(b, NO_RIGHTS);

    if (nothing == NULL)
        return -ENOMEM;
    doubt(b,
          "'%s' has more than %d roles, those of its groups and what is granted to them together; "
          "it is given no right until there are fewer",
          device, MEMBER_ROLES_MAX);
    return policy_assign(b->policy, device, &nothing, 1);
}

/* The role that the registry names. NULL: none, for *out_error, 0 when only a doubt is said. */
static struct role *find_own_role(struct building *b, const char *device, int *out_error)
{
    struct registry_entry entry;

    *out_error = registry_find(b->basis->registry, device, &entry, b->fault);
    if (*out_error == 0) {
        struct role *role = find_said(b, entry.role);
        if (role == NULL)
            doubt(b, "'%s' has role '%.80s', which does not exist", device, entry.role);
        return role;
    }
    /* Without what denies it something it may not be there either. */
    if (*out_error != -ENOENT && *out_error != -EBADMSG)
        return NULL;
    doubt(b, "'%s' is given rights, but %s", device,
          *out_error == -ENOENT ? "there is no such device" : "its row is not valid");
    *out_error = 0;
    return NULL;
}

/* Its own role, then those of its groups and what is granted to them, then its own grants. */
static int assign(void *context, const char *device, const struct member_groups *groups)
{
    struct building *b = context;
    struct role *roles[MEMBER_ROLES_MAX];
    size_t count = 1;
    char name[sizeof(RULEBOOK_DEVICE) + IDENTITY_NAME_BYTES];
    int error;

    roles[0] = find_own_role(b, device, &error);
    if (roles[0] == NULL)
        return error;
    snprintf(name, sizeof(name), RULEBOOK_DEVICE "%s", device);
    struct role *alone = members_find_role(&b->members, name);
    size_t most = alone != NULL ? MEMBER_ROLES_MAX - 1 : MEMBER_ROLES_MAX;
    if (!members_roles(&b->members, groups, roles, &count, most))
        return assign_nothing(b, device);
    if (alone != NULL)
        roles[count++] = alone;
    return policy_assign(b->policy, device, roles, count);
}

static int on_device_grant(void *context, const struct registry_grant *grant)
{
    struct building *b = context;

    /* Of one that is for nobody on_grant() has said so. */
    return grant->subject_kind == GRANT_TO_DEVICE && identity_uri_name_is_valid(grant->subject)
               ? members_note(&b->members, grant->subject)
               : 0;
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
