/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_set.h"

#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"
#include "tools/known_role.h"

#include <errno.h>
#include <stdio.h>

static int check(const struct identity_options *o, struct pki_fault *fault)
{
    int error = 0;
    if (o->tenant != NULL && o->no_tenant)
        return pki_fail(fault, -EINVAL, "--tenant and --no-tenant: say one of them");
    if (o->site != NULL && o->no_site)
        return pki_fail(fault, -EINVAL, "--site and --no-site: say one of them");
    if (o->role == NULL && o->tenant == NULL && o->site == NULL && !o->no_tenant && !o->no_site)
        return pki_fail(fault, -EINVAL,
                        "what? Say --role ROLE, --tenant T or --no-tenant, --site S or --no-site");
    if (o->tenant != NULL)
        error = identity_registry_check_name("tenant", o->tenant, fault);
    if (error == 0 && o->site != NULL)
        error = identity_registry_check_name("site", o->site, fault);
    if (error == 0 && o->role != NULL)
        error = known_role_find(o, o->role, NULL, fault);
    return error;
}

/* What is set, else none where that is asked for, else what it was. */
static const char *choose(const char *given, bool none, const char *before)
{
    if (given != NULL)
        return given;
    return none ? "" : before;
}

static int set(const struct identity_options *o, struct registry *registry,
               struct registry_entry *out, struct pki_fault *fault)
{
    const char *name = o->operands[0];
    struct registry_entry before;
    int error = identity_registry_find(registry, name, &before, fault);
    if (error < 0)
        return error;
    const struct registry_place place = {
        .role = choose(o->role, false, before.role),
        .tenant = choose(o->tenant, o->no_tenant, before.tenant),
        .site = choose(o->site, o->no_site, before.site),
    };
    error = registry_set_place(registry, name, &place, fault);
    return error == 0 ? registry_find(registry, name, out, fault) : error;
}

static int print_set(const struct identity_options *o, const struct registry_entry *e)
{
    if (o->json)
        return identity_print_document(identity_print_entry_json(e));
    (void)printf("%s has role %s, %s%s and %s%s; a running tacitd takes it up within a second\n",
                 e->name, e->role, e->tenant[0] != '\0' ? "tenant " : "no tenant", e->tenant,
                 e->site[0] != '\0' ? "site " : "no site", e->site);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int device_set(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct registry_entry entry = { 0 };
    struct pki_fault fault = { 0 };
    int error = identity_registry_check_device(options->operands[0], &fault);
    if (error == 0)
        error = check(options, &fault);
    if (error == 0)
        error = identity_registry_open(options, &registry, &fault);
    if (error == 0)
        error = set(options, registry, &entry, &fault);
    registry_close(registry);
    return error < 0 ? identity_registry_fail(options, error, &fault) : print_set(options, &entry);
}
