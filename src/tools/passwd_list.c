/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/passwd_list.h"

#include "pki/accounts.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

static const char *kind_of(const struct account *a)
{
    if (a->burnt_s != 0)
        return "burnt";
    if (a->verifier[0] == '\0')
        return "none";
    return strncmp(a->verifier, "$argon2id$", 10) == 0 ? "good" : "imported";
}

static int print_row(void *context, const struct account *a)
{
    char when[IDENTITY_PRINT_TIME_SIZE];

    (void)context;
    (void)printf("%-24s %-16s %-12s %-12s %-10s %-9s %s\n", a->name, a->role, or_dash(a->tenant),
                 or_dash(a->site), registry_status_text(a->status), kind_of(a),
                 identity_print_time(a->changed_s, when));
    return 0;
}

static int append_json(void *context, const struct account *a)
{
    char changed[IDENTITY_PRINT_TIME_SIZE];
    char burnt[IDENTITY_PRINT_TIME_SIZE] = "";

    if (a->burnt_s != 0)
        (void)identity_print_time_rfc3339(a->burnt_s, burnt);
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s}", "name", a->name,
                            "role", a->role, "tenant", a->tenant, "site", a->site, "status",
                            registry_status_text(a->status), "password", kind_of(a), "scram",
                            (int)a->has_scram, "burnt", burnt, "burnt_from", a->burnt_from,
                            "changed", identity_print_time_rfc3339(a->changed_s, changed));
    return json_array_append_new(context, row) < 0 ? -ENOMEM : 0;
}

static int list_json(struct registry *registry, struct pki_fault *fault)
{
    json_t *array = json_array();
    int error = accounts_list(registry, append_json, array, fault);

    if (error == 0)
        return identity_print_document(array);
    json_decref(array);
    return error;
}

static int list_people(struct registry *registry, struct pki_fault *fault)
{
    (void)printf("%-24s %-16s %-12s %-12s %-10s %-9s %s\n", "NAME", "ROLE", "TENANT", "SITE",
                 "STATUS", "PASSWORD", "SET");
    int error = accounts_list(registry, print_row, NULL, fault);
    if (error < 0)
        return error;
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int passwd_list(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { 0 };
    int result = identity_registry_open(options, &registry, &fault);

    if (result == 0)
        result = options->json ? list_json(registry, &fault) : list_people(registry, &fault);
    registry_close(registry);
    return result >= 0 ? result : identity_registry_fail(options, result, &fault);
}
