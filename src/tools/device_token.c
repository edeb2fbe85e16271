/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_token.h"

#include "tools/enrolment_offer.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int print_offer(const struct identity_options *o, const struct token *token,
                       const struct enrolment_offer *offer)
{
    if (o->json) {
        json_t *document = enrolment_offer_json(offer);
        if (document != NULL
            && (json_object_set_new(document, "name", json_string(token->name)) < 0
                || json_object_set_new(document, "role", json_string(token->role)) < 0)) {
            json_decref(document);
            document = NULL;
        }
        return identity_print_document(document);
    }
    (void)printf("%s may enrol as %s\n", token->name, token->role);
    enrolment_offer_print(offer);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* Releases the registry. */
static int finish(const struct identity_options *o, struct registry *registry, int error,
                  const struct token *token, const struct enrolment_offer *offer,
                  const struct pki_fault *fault)
{
    registry_close(registry);
    return error < 0 ? identity_registry_fail(o, error, fault) : print_offer(o, token, offer);
}

static void copy(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

int device_token_introduce(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { "" };
    struct enrolment_offer offer;
    struct token token = { .kind = IDENTITY_DEVICE, .days = options->days };
    int error = 0;

    copy(token.name, sizeof(token.name), options->operands[0]);
    copy(token.role, sizeof(token.role), options->role);
    copy(token.tenant, sizeof(token.tenant), options->tenant);
    copy(token.site, sizeof(token.site), options->site);
    if (options->kind != NULL)
        error = identity_uri_kind_parse(options->kind, &token.kind);
    if (error == 0)
        error = identity_registry_open(options, &registry, &fault);
    if (error == 0)
        error = enrolment_offer_make(options, registry, &token, false, &offer, &fault);
    return finish(options, registry, error, &token, &offer, &fault);
}

int device_token_make(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { "" };
    struct enrolment_offer offer;
    struct registry_entry known;
    struct token token = { .replaces = true, .days = options->days };
    int error = identity_registry_open(options, &registry, &fault);

    if (error == 0)
        error = identity_registry_find(registry, options->operands[0], &known, &fault);
    if (error == 0) {
        token.kind = known.kind;
        copy(token.name, sizeof(token.name), known.name);
        copy(token.role, sizeof(token.role), known.role);
        copy(token.tenant, sizeof(token.tenant), known.tenant);
        copy(token.site, sizeof(token.site), known.site);
        error = enrolment_offer_make(options, registry, &token, true, &offer, &fault);
    }
    return finish(options, registry, error, &token, &offer, &fault);
}

/* ---- the list ---- */

static int print_row(void *context, const struct token *t)
{
    char until[IDENTITY_PRINT_TIME_SIZE];

    (void)context;
    (void)printf("%-24s %-8s %-16s %-8s %s\n", t->name, identity_uri_kind_text(t->kind), t->role,
                 t->replaces ? "yes" : "no", identity_print_time(t->expires_s, until));
    return 0;
}

static int append_json(void *context, const struct token *t)
{
    char until[IDENTITY_PRINT_TIME_SIZE];
    json_t *one =
        json_pack("{s:s, s:s, s:s, s:b, s:s}", "name", t->name, "kind",
                  identity_uri_kind_text(t->kind), "role", t->role, "replaces_key",
                  (int)t->replaces, "expires", identity_print_time_rfc3339(t->expires_s, until));

    return json_array_append_new(context, one) < 0 ? -ENOMEM : 0;
}

int device_token_list(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { "out of memory" };
    json_t *array = json_array();
    int error = identity_registry_open(options, &registry, &fault);

    if (error == 0 && !options->json)
        (void)printf("%-24s %-8s %-16s %-8s %s\n", "NAME", "KIND", "ROLE", "NEW KEY", "UNTIL");
    if (error == 0)
        error = tokens_list(registry, (int64_t)time(NULL), options->json ? append_json : print_row,
                            array, &fault);
    registry_close(registry);
    if (error == 0 && options->json)
        return identity_print_document(array);
    json_decref(array);
    if (error < 0)
        return identity_registry_fail(options, error, &fault);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int device_token_cancel(const struct identity_options *options)
{
    const char *name = options->operands[0];
    struct registry *registry = NULL;
    struct pki_fault fault = { "" };
    int error = identity_registry_check_device(name, &fault);

    if (error == 0)
        error = identity_registry_open(options, &registry, &fault);
    if (error == 0)
        error = tokens_cancel(registry, name, &fault);
    registry_close(registry);
    if (error == 0)
        error = pki_fail(&fault, -ENOENT,
                         "'%s' has no token that could still be used; tacit device tokens lists "
                         "all",
                         name);
    if (error < 0)
        return identity_registry_fail(options, error, &fault);
    if (options->json)
        return identity_print_document(json_pack("{s:s, s:i}", "name", name, "cancelled", error));
    (void)printf("the token of %s is cancelled\n", name);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}
