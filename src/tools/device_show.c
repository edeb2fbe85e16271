/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_show.h"

#include "pki/holds.h"
#include "pki/registry.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"
#include "tools/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

/* An array being made of the registry that is being read. */
struct listing {
    struct registry *registry;
    json_t *array;
};

static bool find_hold(struct registry *registry, const char *name, struct registry_hold *out)
{
    return holds_find(registry, name, out, NULL) == 0;
}

static const char *status_text(struct registry *registry, const struct registry_entry *e)
{
    struct registry_hold hold;
    bool is_held = e->status == REGISTRY_ACTIVE && find_hold(registry, e->name, &hold);
    return is_held ? "held" : registry_status_text(e->status);
}

/* With its hold, if there is one. NULL out of memory. */
static json_t *entry_json(struct registry *registry, const struct registry_entry *e)
{
    char since[IDENTITY_PRINT_TIME_SIZE];
    char why[HOLDS_WHY_SIZE];
    struct registry_hold hold;
    json_t *document = identity_print_entry_json(e);
    if (!find_hold(registry, e->name, &hold))
        return document;
    json_t *held =
        json_pack("{s:s, s:s}", "since", identity_print_time_rfc3339(hold.since_s, since), "why",
                  identity_print_text(hold.why, why, sizeof(why)));
    if (json_object_set_new(document, "held", held) == 0)
        return document;
    json_decref(document);
    return NULL;
}

static int print_row(void *context, const struct registry_entry *e)
{
    char to[IDENTITY_PRINT_TIME_SIZE];
    (void)printf("%-24s %-8s %-16s %-12s %-12s %-10s %s\n", e->name,
                 identity_uri_kind_text(e->kind), e->role, or_dash(e->tenant), or_dash(e->site),
                 status_text(context, e), identity_print_time(e->certificate.not_after_s, to));
    return 0;
}

static int append_json(void *context, const struct registry_entry *e)
{
    const struct listing *listing = context;
    json_t *document = entry_json(listing->registry, e);
    return json_array_append_new(listing->array, document) < 0 ? -ENOMEM : 0;
}

static int list_json(struct registry *registry, struct pki_fault *fault)
{
    json_t *array = json_array();
    int error = registry_list(registry, append_json, &(struct listing){ registry, array }, fault);
    if (error == 0)
        return identity_print_document(array);
    json_decref(array);
    return error;
}

static int list_people(struct registry *registry, struct pki_fault *fault)
{
    (void)printf("%-24s %-8s %-16s %-12s %-12s %-10s %s\n", "NAME", "KIND", "ROLE", "TENANT",
                 "SITE", "STATUS", "CERTIFICATE UNTIL");
    int error = registry_list(registry, print_row, registry, fault);
    if (error < 0)
        return error;
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int device_show_all(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct pki_fault fault = { 0 };
    int result = identity_registry_open(options, &registry, &fault);
    if (result == 0) {
        result = options->json ? list_json(registry, &fault) : list_people(registry, &fault);
        registry_close(registry);
    }
    if (result >= 0)
        return result;
    return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
}

static void print_entry(const struct registry_entry *e)
{
    char text[IDENTITY_PRINT_TIME_SIZE];
    (void)printf("name         %s\nkind         %s\nrole         %s\ntenant       %s\n"
                 "site         %s\nstatus       %s\n",
                 e->name, identity_uri_kind_text(e->kind), e->role, or_dash(e->tenant),
                 or_dash(e->site), registry_status_text(e->status));
    (void)printf("added        %s\n", identity_print_time(e->created_s, text));
    (void)printf("changed      %s\n", identity_print_time(e->changed_s, text));
    (void)printf("serial       %s\n", e->certificate.serial);
    (void)printf("valid until  %s\n", identity_print_time(e->certificate.not_after_s, text));
    (void)printf("key SHA-256  ");
    for (size_t i = 0; i < sizeof(e->key_sha256); i++)
        (void)printf("%02x", e->key_sha256[i]);
    (void)putchar('\n');
}

/* Of the profile of that name, if this user has one. */
static void print_files(const struct profile *profile)
{
    (void)printf("broker       %s:%u\nCA           %s\ncertificate  %s\nkey          %s\n",
                 profile->host, profile->port, profile->ca_file, profile->certificate_file,
                 profile->key_file);
}

static json_t *files_json(const struct profile *p)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:s}", "host", p->host, "port", (int)p->port, "ca_file",
                     p->ca_file, "certificate_file", p->certificate_file, "key_file", p->key_file);
}

static void print_hold(struct registry *registry, const char *name)
{
    char since[IDENTITY_PRINT_TIME_SIZE];
    char why[HOLDS_WHY_SIZE];
    struct registry_hold hold;
    if (find_hold(registry, name, &hold))
        (void)printf("held since   %s: %s\n", identity_print_time(hold.since_s, since),
                     identity_print_text(hold.why, why, sizeof(why)));
}

static int print_one(const struct identity_options *o, struct registry *registry,
                     const struct registry_entry *entry)
{
    struct profile profile;
    bool has_profile = profile_load(entry->name, &profile) == 0;
    if (o->json) {
        json_t *document = entry_json(registry, entry);
        if (has_profile && json_object_set_new(document, "profile", files_json(&profile)) < 0) {
            json_decref(document);
            document = NULL;
        }
        return identity_print_document(document);
    }
    print_entry(entry);
    print_hold(registry, entry->name);
    if (has_profile)
        print_files(&profile);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int device_show(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct registry_entry entry = { 0 };
    struct pki_fault fault = { 0 };
    int result = IDENTITY_EXIT_FAILED;
    int error = identity_registry_open(options, &registry, &fault);
    if (error == 0)
        error = registry_find(registry, options->operands[0], &entry, &fault);
    if (error == 0)
        result = print_one(options, registry, &entry);
    registry_close(registry);
    if (error < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    return result;
}
