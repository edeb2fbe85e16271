/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_release.h"

#include "pki/holds.h"
#include "pki/ratchet_heir.h"
#include "pki/state.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <stdio.h>

/* Without the file nobody has one. */
static int reset_ratchet(const struct identity_options *o, struct registry *registry,
                         struct pki_fault *fault)
{
    struct ratchet_file *file = NULL;
    char path[STATE_PATH_SIZE];
    int error = state_path(o->state, STATE_RATCHET, path);

    if (error == 0)
        error = ratchet_file_open(path, false, &file, fault);
    if (error == 0)
        error = ratchet_heir_forget(file, registry, o->operands[0], fault);
    ratchet_file_close(file);
    return error == -ENOENT ? 0 : error;
}

/* 1: it was held; 0: it was not. */
static int release(const struct identity_options *o, struct registry *registry,
                   struct registry_entry *out, struct pki_fault *fault)
{
    int error = identity_registry_find(registry, o->operands[0], out, fault);

    if (error == 0 && o->reset_ratchet)
        error = reset_ratchet(o, registry, fault);
    return error < 0 ? error : holds_end(registry, o->operands[0], fault);
}

static int print_released(const struct identity_options *o, const struct registry_entry *e,
                          bool was_held)
{
    if (o->json)
        return identity_print_document(
            json_pack("{s:s, s:b}", "name", e->name, "was_held", was_held ? 1 : 0));
    if (was_held)
        (void)printf("%s is released: a running tacitd closes its connections within a second, "
                     "and the next one goes on with its session\n",
                     e->name);
    else
        (void)printf("%s is not held\n", e->name);
    if (o->reset_ratchet)
        (void)printf("the next one that comes as %s is believed where its ratchet stands\n",
                     e->name);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int device_release(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct registry_entry entry = { 0 };
    struct pki_fault fault = { 0 };
    int result = identity_registry_open(options, &registry, &fault);

    if (result == 0)
        result = release(options, registry, &entry, &fault);
    registry_close(registry);
    return result < 0 ? identity_registry_fail(options, result, &fault)
                      : print_released(options, &entry, result == 1);
}
