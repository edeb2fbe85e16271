/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/known_role.h"

#include "config/config.h"
#include "config/config_file.h"
#include "config/suggest.h"
#include "tools/identity_options.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void on_line(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", text);
}

/* Owned by the caller. */
static const char **names_of(const struct config *config)
{
    const char **names = calloc(config->role_count + 1, sizeof(names[0]));
    for (size_t i = 0; names != NULL && i < config->role_count; i++)
        names[i] = config->roles[i].name;
    return names;
}

static int refuse(const struct config *config, const char *place, const char *role,
                  struct pki_fault *fault)
{
    const char **names = names_of(config);
    const char *nearest = names != NULL ? suggest_nearest(role, names, config->role_count) : NULL;
    int error =
        pki_fail(fault, -ENOENT, "there is no role '%s' in %s%s%s%s (--config names another file)",
                 role, place, nearest != NULL ? "; did you mean '" : "",
                 nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    free(names);
    return error;
}

static int load(const char *path, struct config **out, struct pki_fault *fault)
{
    struct diagnostics diagnostics = { on_line, NULL, 0 };
    int error = config_load(path[0] != '\0' ? path : NULL, &settings_disk, NULL, &diagnostics, out);
    if (error == -EINVAL)
        return pki_fail(fault, -EBADMSG,
                        "the roles of %s are not known before it is right; correct it, or name "
                        "another file with --config",
                        path);
    return error;
}

int known_role_find(const struct identity_options *options, const char *role,
                    struct role_options *out, struct pki_fault *fault)
{
    char path[IDENTITY_OPTIONS_PATH_SIZE];
    struct config *config;
    int error = identity_registry_check_name("role", role, fault);
    if (error < 0)
        return error;
    error = config_file_find(options->config, options->state, path, sizeof(path));
    if (error < 0)
        return pki_fail(fault, error, "the path of the configuration is too long");
    error = load(path, &config, fault);
    if (error < 0)
        return error;

    const struct config_role *found = config_find_role(config, role);
    if (found == NULL)
        error = refuse(config, path[0] != '\0' ? path : "the built-in configuration", role, fault);
    else if (out != NULL)
        *out = found->options;
    config_unref(config);
    return error;
}
