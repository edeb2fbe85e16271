/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/grant_add.h"

#include "config/rulebook_grant.h"
#include "pki/groups.h"
#include "tools/grant_print.h"
#include "tools/grant_request.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"
#include "tools/known_role.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct addition {
    const struct identity_options *options;
    struct registry *registry;
    struct registry_grant grant;
    bool has_members; /* of a group */
    struct pki_fault fault;
};

/* The policy has the last word, before anything is written. */
static int ask_policy(struct addition *a)
{
    struct role_options options = rulebook_grant_carrier_options;
    const char *why = "";
    char pattern[101];
    int error = 0;

    if (a->grant.subject_kind == GRANT_TO_ROLE)
        error = known_role_find(a->options, a->grant.subject, &options, &a->fault);
    if (error == 0)
        error = rulebook_grant_check(&a->grant, &options, &why);
    if (error == -EINVAL && why[0] != '\0')
        return pki_fail(&a->fault, error, "%s %s, \"%s\": %s",
                        grants_subject_text(a->grant.subject_kind), a->grant.subject,
                        identity_print_text(a->grant.pattern, pattern, sizeof(pattern)), why);
    return error;
}

static int on_member(void *context, const char *group, const char *device)
{
    struct addition *a = context;
    (void)device;
    if (strcmp(group, a->grant.subject) == 0)
        a->has_members = true;
    return 0;
}

static int find_subject(struct addition *a)
{
    struct registry_entry entry;
    if (a->grant.subject_kind == GRANT_TO_DEVICE)
        return identity_registry_find(a->registry, a->grant.subject, &entry, &a->fault);
    if (a->grant.subject_kind == GRANT_TO_GROUP)
        return groups_members(a->registry, on_member, a, &a->fault);
    return 0;
}

/* The row as it was written. */
static int on_written(void *context, const struct registry_grant *grant)
{
    struct addition *a = context;
    if (grant->id == a->grant.id)
        a->grant = *grant;
    return 0;
}

static int add(struct addition *a)
{
    int error = grant_request_read(a->options, (int64_t)time(NULL), &a->grant, &a->fault);
    if (error == 0)
        error = ask_policy(a);
    if (error == 0)
        error = identity_registry_open(a->options, &a->registry, &a->fault);
    if (error == 0)
        error = find_subject(a);
    if (error == 0)
        error = grants_add(a->registry, &a->grant, &a->grant.id, &a->fault);
    if (error == 0)
        error = grants_list(a->registry, on_written, a, &a->fault);
    return error;
}

static int print_added(const struct addition *a)
{
    char sentence[GRANT_PRINT_SIZE];
    if (a->options->json)
        return identity_print_document(grant_print_json(&a->grant, (int64_t)time(NULL)));
    (void)printf("grant %" PRId64 ": %s; a running tacitd takes it up within a second\n",
                 a->grant.id, grant_print_sentence(&a->grant, sentence, sizeof(sentence)));
    if (a->grant.subject_kind == GRANT_TO_GROUP && !a->has_members)
        (void)printf("group %s has no member yet: tacit group add %s DEVICE\n", a->grant.subject,
                     a->grant.subject);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int grant_add(const struct identity_options *options)
{
    struct addition a = { .options = options };
    int error = add(&a);
    int result = error < 0 ? identity_registry_fail(options, error, &a.fault) : print_added(&a);
    registry_close(a.registry);
    return result;
}
