/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/identity_registry.h"

#include "pki/state.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"

#include <errno.h>

#define NAME_SHOWN 81 /* bytes of a name that cannot be one, and NUL */

int identity_registry_open(const struct identity_options *options, struct registry **out,
                           struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    int error = state_check(options->state, fault);
    if (error < 0)
        return error;
    error = state_path(options->state, STATE_REGISTRY, path);
    if (error < 0)
        return pki_fail(fault, error, "%s: the path is too long", options->state);
    return registry_open(path, out, fault);
}

int identity_registry_check_device(const char *name, struct pki_fault *fault)
{
    char shown[NAME_SHOWN];
    if (identity_uri_name_is_valid(name))
        return 0;
    return pki_fail(fault, -EINVAL,
                    "'%s' cannot be the name of a device: write 1 to %d letters, digits and . _ -, "
                    "beginning with a letter or a digit",
                    identity_print_text(name, shown, sizeof(shown)), IDENTITY_URI_NAME_SIZE - 1);
}

int identity_registry_check_name(const char *what, const char *name, struct pki_fault *fault)
{
    char shown[NAME_SHOWN];
    if (registry_name_is_valid(name))
        return 0;
    return pki_fail(fault, -EINVAL,
                    "'%s' cannot be the name of a %s: write 1 to %d printable characters without "
                    "space, '/', '+', '#', '%%' and quotes, not beginning with '$' or '.'",
                    identity_print_text(name, shown, sizeof(shown)), what, REGISTRY_TEXT_SIZE - 1);
}

int identity_registry_find(struct registry *registry, const char *name, struct registry_entry *out,
                           struct pki_fault *fault)
{
    int error = identity_registry_check_device(name, fault);
    if (error == 0)
        error = registry_find(registry, name, out, fault);
    if (error != -ENOENT)
        return error;
    return pki_fail(fault, -ENOENT,
                    "there is no device '%s'; `tacit device add %s --role ROLE` adds it, "
                    "`tacit device list` shows all",
                    name, name);
}

int identity_registry_fail(const struct identity_options *options, int error,
                           const struct pki_fault *fault)
{
    return identity_options_fail(options,
                                 error == -EINVAL ? IDENTITY_EXIT_USAGE : IDENTITY_EXIT_FAILED,
                                 "%s", fault->text[0] != '\0' ? fault->text : "out of memory");
}
