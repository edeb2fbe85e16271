/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_status.h"

#include "pki/registry.h"
#include "pki/registry_life.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"
#include "tools/publish_crl.h"

#include <errno.h>
#include <stdio.h>

typedef int (*change_function)(const struct identity_options *options, struct registry *registry,
                               struct pki_fault *fault);

/* `name` is what it is called afterwards. */
static int apply(const struct identity_options *o, change_function change, const char *name,
                 struct registry_entry *out, struct pki_fault *fault)
{
    struct registry *registry = NULL;
    struct registry_entry before;
    int error = identity_registry_open(o, &registry, fault);
    if (error < 0)
        return error;
    error = identity_registry_find(registry, o->operands[0], &before, fault);
    if (error == 0)
        error = change(o, registry, fault);
    if (error == 0) {
        publish_crl(o, registry);
        error = registry_find(registry, name, out, fault);
    }
    registry_close(registry);
    return error;
}

static int run(const struct identity_options *o, change_function change, const char *name,
               const char *more)
{
    struct registry_entry entry = { 0 };
    struct pki_fault fault = { 0 };
    int error = apply(o, change, name, &entry, &fault);
    if (error < 0)
        return identity_registry_fail(o, error, &fault);
    if (o->json)
        return identity_print_document(identity_print_entry_json(&entry));
    (void)printf("%s is %s%s\n", entry.name, registry_status_text(entry.status), more);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int suspend(const struct identity_options *o, struct registry *registry,
                   struct pki_fault *fault)
{
    return registry_suspend(registry, o->operands[0], o->text, fault);
}

int device_status_suspend(const struct identity_options *options)
{
    return run(options, suspend, options->operands[0],
               "; its sessions end within a second and are kept, `tacit device resume` lets it in "
               "again");
}

static int resume(const struct identity_options *o, struct registry *registry,
                  struct pki_fault *fault)
{
    return registry_resume(registry, o->operands[0], fault);
}

int device_status_resume(const struct identity_options *options)
{
    return run(options, resume, options->operands[0], "");
}

static int retire(const struct identity_options *o, struct registry *registry,
                  struct pki_fault *fault)
{
    return registry_retire(registry, o->operands[0], o->text, fault);
}

int device_status_retire(const struct identity_options *options)
{
    return run(options, retire, options->operands[0], "");
}

static int revoke(const struct identity_options *o, struct registry *registry,
                  struct pki_fault *fault)
{
    struct registry_revocation how = { .remark = o->text };
    if (o->reason != NULL && registry_reason_parse(o->reason, &how.reason) < 0)
        return pki_fail(fault, -EINVAL, "'%.40s' is no reason; write one of %s", o->reason,
                        registry_reason_choices());
    /* Who has the key could come with it under another name. */
    how.blocks_key = o->block_key || how.reason == REGISTRY_REASON_KEY_COMPROMISE;
    return registry_revoke(registry, o->operands[0], &how, fault);
}

int device_status_revoke(const struct identity_options *options)
{
    return run(options, revoke, options->operands[0],
               "; its sessions end within a second, without their wills");
}

static int rename_it(const struct identity_options *o, struct registry *registry,
                     struct pki_fault *fault)
{
    return registry_rename(registry, o->operands[0], o->operands[1], fault);
}

int device_status_rename(const struct identity_options *options)
{
    return run(options, rename_it, options->operands[1],
               "; its certificates carry the old name and are refused: renew it with a request for "
               "the same key (tacit device add, --csr)");
}
