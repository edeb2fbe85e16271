/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/grant_list.h"

#include "config/config_term.h"
#include "tools/grant_print.h"
#include "tools/grant_request.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct listing {
    struct grant_request_subject only; /* these; GRANT_SUBJECT_COUNT: all */
    int64_t now_s;
    json_t *array; /* NULL: for people */
};

static bool is_asked_for(const struct listing *l, const struct registry_grant *grant)
{
    return l->only.kind == GRANT_SUBJECT_COUNT
           || (l->only.kind == grant->subject_kind && strcmp(l->only.name, grant->subject) == 0);
}

static const char *until(const struct listing *l, const struct registry_grant *grant,
                         char out[IDENTITY_PRINT_TIME_SIZE])
{
    if (grant->expires_s == 0)
        return "-";
    return grant->expires_s <= l->now_s ? "expired"
                                        : identity_print_exact_time(grant->expires_s, out);
}

static void print_notes(const struct registry_grant *grant)
{
    char text[GRANT_PRINT_SIZE];
    const char *terms = grant_print_terms(grant, text, sizeof(text));
    const char *before = "";
    if (terms[0] != '\0') {
        (void)printf("%s", terms);
        before = "; ";
    }
    if (grant->owner[0] != '\0') {
        (void)printf("%s%s", before, identity_print_text(grant->owner, text, sizeof(text)));
        before = ": ";
    }
    if (grant->reason[0] != '\0')
        (void)printf("%s%s", before, identity_print_text(grant->reason, text, sizeof(text)));
    (void)putchar('\n');
}

static int print_row(void *context, const struct registry_grant *grant)
{
    const struct listing *l = context;
    char to[REGISTRY_TEXT_SIZE + 16];
    char text[GRANT_PATTERN_SIZE];
    char time[IDENTITY_PRINT_TIME_SIZE];
    if (!is_asked_for(l, grant))
        return 0;
    if (grant->pattern[0] == '\0') {
        (void)printf("%6" PRId64 "  cannot be read, and counts for nobody; remove it\n", grant->id);
        return 0;
    }
    (void)snprintf(to, sizeof(to), "%s %s", grants_subject_text(grant->subject_kind),
                   identity_print_text(grant->subject, text, sizeof(text)));
    (void)printf("%6" PRId64 "  %-24s %-13s %-32s %-20s ", grant->id, to, grant_print_action(grant),
                 identity_print_text(grant->pattern, text, sizeof(text)), until(l, grant, time));
    print_notes(grant);
    return 0;
}

static int append_json(void *context, const struct registry_grant *grant)
{
    const struct listing *l = context;
    if (!is_asked_for(l, grant))
        return 0;
    return json_array_append_new(l->array, grant_print_json(grant, l->now_s)) < 0 ? -ENOMEM : 0;
}

static int list_json(struct registry *registry, struct listing *l, struct pki_fault *fault)
{
    l->array = json_array();
    int error = grants_list(registry, append_json, l, fault);
    if (error == 0)
        return identity_print_document(l->array);
    json_decref(l->array);
    return error;
}

static int list_people(struct registry *registry, struct listing *l, struct pki_fault *fault)
{
    (void)printf("%6s  %-24s %-13s %-32s %-20s %s\n", "ID", "WHO", "MAY", "TOPICS", "UNTIL",
                 "TERMS; OWNER: REASON");
    int error = grants_list(registry, print_row, l, fault);
    if (error < 0)
        return error;
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int grant_list(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { 0 };
    struct listing l = { .now_s = (int64_t)time(NULL) };
    int result = grant_request_subject(options, &l.only, &fault);
    if (result == 0)
        result = identity_registry_open(options, &registry, &fault);
    if (result == 0)
        result =
            options->json ? list_json(registry, &l, &fault) : list_people(registry, &l, &fault);
    registry_close(registry);
    return result < 0 ? identity_registry_fail(options, result, &fault) : result;
}

/* ---- removing ---- */

static int read_id(const char *text, int64_t *out, struct pki_fault *fault)
{
    uint64_t id;
    char shown[41];
    if (config_term_number(text, 1, INT64_MAX, &id) < 0)
        return pki_fail(fault, -EINVAL, "'%s' is not the number of a grant; see tacit grant list",
                        identity_print_text(text, shown, sizeof(shown)));
    *out = (int64_t)id;
    return 0;
}

/* Each by itself: that one is gone already does not keep the others. */
static int remove_all(const struct identity_options *o, struct registry *registry)
{
    int result = IDENTITY_EXIT_DONE;
    for (int i = 0; i < o->operand_count; i++) {
        struct pki_fault fault = { 0 };
        int64_t id = 0;
        int error = read_id(o->operands[i], &id, &fault);
        if (error == 0)
            error = grants_remove(registry, id, &fault);
        if (error < 0)
            result = identity_registry_fail(o, error, &fault);
        else
            (void)printf("grant %" PRId64 " is removed\n", id);
    }
    return fflush(stdout) == 0 ? result : IDENTITY_EXIT_FAILED;
}

int grant_list_remove(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { 0 };
    int64_t id;
    int error = 0;

    /* A slip of the finger removes nothing. */
    for (int i = 0; error == 0 && i < options->operand_count; i++)
        error = read_id(options->operands[i], &id, &fault);
    if (error == 0)
        error = identity_registry_open(options, &registry, &fault);
    if (error < 0)
        return identity_registry_fail(options, error, &fault);
    int result = remove_all(options, registry);
    registry_close(registry);
    return result;
}
