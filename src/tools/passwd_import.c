/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/passwd_import.h"

#include "base/wipe.h"
#include "pki/accounts.h"
#include "pki/password_file.h"
#include "tools/identity_options.h"
#include "tools/identity_registry.h"
#include "tools/known_role.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 1024

struct import {
    const struct identity_options *options;
    struct registry *registry;
    struct pki_fault fault;
    unsigned added;
    unsigned refused;
};

static int add(struct import *import, const struct password_line *line)
{
    const struct identity_options *o = import->options;
    struct account account = { .status = REGISTRY_ACTIVE };

    (void)snprintf(account.name, sizeof(account.name), "%s", line->user);
    (void)snprintf(account.role, sizeof(account.role), "%s", o->role);
    (void)snprintf(account.tenant, sizeof(account.tenant), "%s", o->tenant ? o->tenant : "");
    (void)snprintf(account.site, sizeof(account.site), "%s", o->site ? o->site : "");
    (void)snprintf(account.verifier, sizeof(account.verifier), "%s", line->verifier);
    int error = accounts_add(import->registry, &account, &import->fault);
    wipe_bytes(&account, sizeof(account));
    return error;
}

static void take_line(struct import *import, const char *text, unsigned number)
{
    struct password_line line;
    int result = password_line_parse(span_of(text), &line, &import->fault);

    if (result == 0)
        return;
    if (result > 0)
        result = add(import, &line);
    wipe_bytes(&line, sizeof(line));
    if (result == 0) {
        import->added++;
        return;
    }
    import->refused++;
    (void)identity_options_fail(import->options, IDENTITY_EXIT_FAILED, "%.200s:%u: %s",
                                import->options->import, number, import->fault.text);
}

static int take_file(struct import *import)
{
    const char *path = import->options->import;
    char text[LINE_BYTES];
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return pki_fail(&import->fault, -ENOENT, "%.200s: %s", path, strerror(errno));
    for (unsigned number = 1; fgets(text, sizeof(text), file) != NULL; number++) {
        bool is_whole = strchr(text, '\n') != NULL || feof(file);
        if (is_whole) {
            take_line(import, text, number);
            continue;
        }
        import->refused++;
        (void)identity_options_fail(import->options, IDENTITY_EXIT_FAILED,
                                    "%.200s:%u: the line is too long", path, number);
        for (int c = 0; c != '\n' && c != EOF;)
            c = fgetc(file);
    }
    wipe_bytes(text, sizeof(text));
    int error = ferror(file) ? pki_fail(&import->fault, -EIO, "%.200s cannot be read", path) : 0;
    (void)fclose(file);
    return error;
}

static int check(const struct identity_options *o, struct pki_fault *fault)
{
    int error = 0;

    if (o->role == NULL)
        return pki_fail(fault, -EINVAL, "in which role? Say --role ROLE");
    if (o->tenant != NULL)
        error = identity_registry_check_name("tenant", o->tenant, fault);
    if (error == 0 && o->site != NULL)
        error = identity_registry_check_name("site", o->site, fault);
    return error == 0 ? known_role_find(o, o->role, NULL, fault) : error;
}

int passwd_import(const struct identity_options *options)
{
    struct import import = { .options = options };
    int error = check(options, &import.fault);

    if (error == 0)
        error = identity_registry_open(options, &import.registry, &import.fault);
    if (error == 0)
        error = take_file(&import);
    registry_close(import.registry);
    if (error < 0)
        return identity_registry_fail(options, error, &import.fault);
    if (options->json)
        (void)printf("{\"added\": %u, \"refused\": %u}\n", import.added, import.refused);
    else
        (void)printf("%u accounts added with role %s, %u lines refused\n", import.added,
                     options->role, import.refused);
    return fflush(stdout) == 0 && import.refused == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}
