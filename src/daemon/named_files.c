/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/named_files.h"

#include "pki/pkcs11.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static void visit_file(const char *path, named_files_visit visit, void *context)
{
    if (path != NULL)
        visit(context, path, CONFINE_READ);
}

/* Its path is absolute. */
static void visit_socket(const char *path, named_files_visit visit, void *context)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = slash == NULL || slash == path ? 1 : (int)(slash - path);

    if (snprintf(folder, sizeof(folder), "%.*s", len, path) < (int)sizeof(folder))
        visit(context, folder, CONFINE_SOCKETS);
}

static void walk_listener(const struct config_listener *listener, named_files_visit visit,
                          void *context)
{
    visit_file(listener->certificate, visit, context);
    visit_file(listener->key, visit, context);
    visit_file(listener->client_ca, visit, context);
    visit_file(listener->crl, visit, context);
    for (size_t i = 0; i < listener->token_count; i++)
        visit_file(listener->tokens[i].key, visit, context);
    if (listener->path != NULL)
        visit_socket(listener->path, visit, context);
}

void named_files_walk_authority(const struct config *config, named_files_visit visit, void *context)
{
    const struct config_ca *ca = &config->ca;
    char pin_path[PATH_MAX];

    visit_file(ca->passphrase_file, visit, context);
    if (ca->key != NULL && pkcs11_uri_pin_path(ca->key, pin_path))
        visit(context, pin_path, CONFINE_READ);
}

void named_files_walk(const struct config *config, named_files_visit visit, void *context)
{
    const struct config_enrolment *enrolment = &config->enrolment;
    const struct config_sandbox *sandbox = &config->sandbox;

    for (size_t i = 0; i < config->settings.file_count; i++)
        visit_file(config->settings.files[i], visit, context);
    for (size_t i = 0; i < config->listener_count; i++)
        walk_listener(&config->listeners[i], visit, context);
    for (size_t i = 0; i < enrolment->manufacturer_count; i++)
        visit_file(enrolment->manufacturers[i].ca, visit, context);
    visit_file(enrolment->attestation_roots, visit, context);
    for (size_t i = 0; i < sandbox->readable.count; i++)
        visit(context, sandbox->readable.all[i], CONFINE_READ);
    for (size_t i = 0; i < sandbox->writable.count; i++)
        visit(context, sandbox->writable.all[i], CONFINE_WRITE);
}
