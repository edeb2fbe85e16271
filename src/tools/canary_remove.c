/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/canary_remove.h"

#include "pki/canaries.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"
#include "tools/publish_crl.h"

#include <jansson.h>
#include <stdio.h>

static int print_removed(const struct identity_options *o)
{
    char name[REGISTRY_TEXT_SIZE];

    (void)identity_print_text(o->operands[0], name, sizeof(name));
    if (o->json)
        return identity_print_document(json_pack("{s:s, s:s}", "name", name, "done", "removed"));
    (void)printf(
        "%s is no canary any more, and nothing can be done with it; a running tacitd takes "
        "it up within a second\n",
        name);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int canary_remove(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { "" };
    int error = identity_registry_open(options, &registry, &fault);

    if (error == 0)
        error = canaries_remove(registry, options->operands[0], &fault);
    if (error == 0)
        publish_crl(options, registry);
    registry_close(registry);
    return error == 0 ? print_removed(options) : identity_registry_fail(options, error, &fault);
}
