/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_status.h"

#include "pki/registry.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <stdio.h>

static int set_status(const struct identity_options *o, enum registry_status status,
                      struct registry_entry *out, struct pki_fault *fault)
{
    struct registry *registry = NULL;
    int error = identity_registry_open(o, &registry, fault);
    if (error < 0)
        return error;
    error = registry_set_status(registry, o->operands[0], status, fault);
    if (error == 0)
        error = registry_find(registry, o->operands[0], out, fault);
    registry_close(registry);
    return error;
}

static int change(const struct identity_options *o, enum registry_status status)
{
    struct registry_entry entry = { 0 };
    struct pki_fault fault = { 0 };
    if (set_status(o, status, &entry, &fault) < 0)
        return identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s", fault.text);
    if (o->json)
        return identity_print_document(identity_print_entry_json(&entry));
    (void)printf("%s is %s\n", entry.name, registry_status_text(entry.status));
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int device_status_suspend(const struct identity_options *options)
{
    return change(options, REGISTRY_SUSPENDED);
}

int device_status_resume(const struct identity_options *options)
{
    return change(options, REGISTRY_ACTIVE);
}

int device_status_retire(const struct identity_options *options)
{
    return change(options, REGISTRY_RETIRED);
}

int device_status_revoke(const struct identity_options *options)
{
    return change(options, REGISTRY_REVOKED);
}
