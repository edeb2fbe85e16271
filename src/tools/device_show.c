/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_show.h"

#include "base/wipe.h"
#include "pki/activity.h"
#include "pki/certificate.h"
#include "pki/holds.h"
#include "pki/ratchet_heir.h"
#include "pki/registry.h"
#include "pki/registry_life.h"
#include "pki/state.h"
#include "tools/device_proof.h"
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

    if (e->status != REGISTRY_ACTIVE || !find_hold(registry, e->name, &hold))
        return registry_status_text(e->status);
    return hold.kind == HOLD_BEHAVIOUR ? "quarantined" : "held";
}

/* NULL out of memory. */
static json_t *hold_json(const struct registry_hold *hold)
{
    char time[IDENTITY_PRINT_TIME_SIZE];
    char why[HOLDS_WHY_SIZE];
    json_t *document = json_pack("{s:s, s:s, s:s}", "kind", holds_kind_text(hold->kind), "since",
                                 identity_print_time_rfc3339(hold->since_s, time), "why",
                                 identity_print_text(hold->why, why, sizeof(why)));

    if (hold->until_s > 0)
        (void)json_object_set_new(document, "until",
                                  json_string(identity_print_time_rfc3339(hold->until_s, time)));
    return document;
}

/* With its hold, if there is one. NULL out of memory. */
static json_t *entry_json(struct registry *registry, const struct registry_entry *e)
{
    struct registry_hold hold;
    json_t *document = identity_print_entry_json(e);
    if (!find_hold(registry, e->name, &hold))
        return document;
    if (json_object_set_new(document, "held", hold_json(&hold)) == 0)
        return document;
    json_decref(document);
    return NULL;
}

static int print_row(void *context, const struct registry_entry *e)
{
    char to[IDENTITY_PRINT_TIME_SIZE];
    char reason[REGISTRY_REASON_SIZE];
    (void)printf("%-24s %-8s %-16s %-12s %-12s %-10s %s%s%s\n", e->name,
                 identity_uri_kind_text(e->kind), e->role, or_dash(e->tenant), or_dash(e->site),
                 status_text(context, e), identity_print_time(e->certificate.not_after_s, to),
                 e->reason[0] != '\0' ? "  " : "",
                 identity_print_text(e->reason, reason, sizeof(reason)));
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
    char reason[REGISTRY_REASON_SIZE];
    char word[REGISTRY_WORD_SIZE];
    (void)printf("name         %s\nkind         %s\nrole         %s\ntenant       %s\n"
                 "site         %s\nstatus       %s\n",
                 e->name, identity_uri_kind_text(e->kind), e->role, or_dash(e->tenant),
                 or_dash(e->site), registry_status_text(e->status));
    if (e->reason[0] != '\0')
        (void)printf("because      %s\n", identity_print_text(e->reason, reason, sizeof(reason)));
    (void)printf("added        %s\n", identity_print_time(e->created_s, text));
    (void)printf("changed      %s\n", identity_print_time(e->changed_s, text));
    (void)printf("serial       %s\n", e->certificate.serial);
    (void)printf("valid until  %s\n", identity_print_time(e->certificate.not_after_s, text));
    (void)printf("key SHA-256  ");
    for (size_t i = 0; i < sizeof(e->key_sha256); i++)
        (void)printf("%02x", e->key_sha256[i]);
    (void)printf("\nkey          %s",
                 or_dash(identity_print_text(e->algorithm, word, sizeof(word))));
    (void)printf(", protection %s%s\n", identity_print_text(e->protection, word, sizeof(word)),
                 identity_print_proof(e->protection, registry_is_attested(e)));
}

/* ---- its certificates, and when it was seen ---- */

static int print_issued(void *context, const struct registry_issued *i)
{
    char until[IDENTITY_PRINT_TIME_SIZE];
    (void)context;
    (void)printf("certificate  %s until %s%s%s\n", i->certificate.serial,
                 identity_print_time(i->certificate.not_after_s, until),
                 i->revoked_s != 0 ? ", revoked: " : "",
                 i->revoked_s != 0 ? registry_reason_text(i->reason) : "");
    return 0;
}

static int append_issued(void *context, const struct registry_issued *i)
{
    char until[IDENTITY_PRINT_TIME_SIZE];
    char when[IDENTITY_PRINT_TIME_SIZE];
    bool is_revoked = i->revoked_s != 0;
    json_t *one =
        json_pack("{s:s, s:s, s:s?, s:s?}", "serial", i->certificate.serial, "not_after",
                  identity_print_time_rfc3339(i->certificate.not_after_s, until), "revoked",
                  is_revoked ? identity_print_time_rfc3339(i->revoked_s, when) : NULL, "reason",
                  is_revoked ? registry_reason_text(i->reason) : NULL);
    return json_array_append_new(context, one) < 0 ? -ENOMEM : 0;
}

/* False: nobody knows. */
static bool find_seen(const struct identity_options *o, const char *name, struct activity_seen *out)
{
    char path[STATE_PATH_SIZE];
    struct activity *activity = NULL;
    bool is_found = state_path(o->state, STATE_ACTIVITY, path) == 0
                    && activity_open(path, false, &activity, NULL) == 0
                    && activity_find(activity, name, out, NULL) == 0;
    activity_close(activity);
    return is_found;
}

static void print_ratchet(const struct ratchet_file_entry *ratchet)
{
    char since[IDENTITY_PRINT_TIME_SIZE];
    char address[RATCHET_FILE_TEXT_SIZE];
    (void)printf("ratchet      turned %llu times, last %s from %s\n",
                 (unsigned long long)ratchet_record_counter(&ratchet->record),
                 identity_print_time(ratchet->since_s, since),
                 identity_print_text(ratchet->address, address, sizeof(address)));
}

static json_t *ratchet_json(const struct ratchet_file_entry *ratchet)
{
    char since[IDENTITY_PRINT_TIME_SIZE];
    char address[RATCHET_FILE_TEXT_SIZE];
    return json_pack("{s:I, s:s, s:s}", "counter",
                     (json_int_t)ratchet_record_counter(&ratchet->record), "last",
                     identity_print_time_rfc3339(ratchet->since_s, since), "address",
                     identity_print_text(ratchet->address, address, sizeof(address)));
}

/* False: it has none, or nobody knows. Without its secrets. */
static bool find_ratchet(const struct identity_options *o, struct registry *registry,
                         const char *name, struct ratchet_file_entry *out)
{
    struct ratchet_file *file = NULL;
    char path[STATE_PATH_SIZE];
    bool is_found = state_path(o->state, STATE_RATCHET, path) == 0
                    && ratchet_file_open(path, false, &file, NULL) == 0
                    && ratchet_heir_find(file, registry, name, out, NULL) == 0;
    ratchet_file_close(file);
    wipe_bytes(out->record.base.secret, sizeof(out->record.base.secret));
    wipe_bytes(out->record.next.secret, sizeof(out->record.next.secret));
    return is_found;
}

static void print_seen(const struct activity_seen *seen)
{
    char last[IDENTITY_PRINT_TIME_SIZE];
    char first[IDENTITY_PRINT_TIME_SIZE];
    char address[ACTIVITY_ADDRESS_SIZE];
    (void)printf("seen         %s from %s, first %s\n", identity_print_time(seen->last_s, last),
                 identity_print_text(seen->address, address, sizeof(address)),
                 identity_print_time(seen->first_s, first));
}

static json_t *seen_json(const struct activity_seen *seen)
{
    char last[IDENTITY_PRINT_TIME_SIZE];
    char first[IDENTITY_PRINT_TIME_SIZE];
    char address[ACTIVITY_ADDRESS_SIZE];
    return json_pack("{s:s, s:s, s:s}", "last", identity_print_time_rfc3339(seen->last_s, last),
                     "first", identity_print_time_rfc3339(seen->first_s, first), "address",
                     identity_print_text(seen->address, address, sizeof(address)));
}

/* What the certificate in the profile says of its key; false: there is none, or it is mute. */
static bool find_extension(const struct profile *profile, struct identity_extension *out)
{
    struct certificate *certificate;
    if (certificate_load(profile->certificate_file, &certificate, NULL) < 0)
        return false;
    int error = certificate_extension_of(certificate, out);
    certificate_free(certificate);
    return error == 0;
}

static void print_extension(const struct profile *profile)
{
    struct identity_extension e;
    if (!find_extension(profile, &e))
        return;
    const char *protection = identity_extension_protection_text(e.protection);
    (void)printf("it says      role %s, tenant %s, site %s, key %s%s\n", e.role, or_dash(e.tenant),
                 or_dash(e.site), protection, identity_print_proof(protection, e.is_attested));
}

static json_t *extension_json(const struct profile *profile)
{
    struct identity_extension e;
    if (!find_extension(profile, &e))
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:b}", "role", e.role, "tenant", e.tenant, "site",
                     e.site, "protection", identity_extension_protection_text(e.protection),
                     "attested", (int)e.is_attested);
}

/* Of the profile of that name, if this user has one. */
static void print_files(const struct profile *profile)
{
    (void)printf("broker       %s:%u\nCA           %s\ncertificate  %s\nkey          %s\n",
                 profile->host, profile->port, profile->ca_file, profile->certificate_file,
                 profile->key_file);
    print_extension(profile);
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
    if (!find_hold(registry, name, &hold))
        return;
    (void)printf("held since   %s: %s\n", identity_print_time(hold.since_s, since),
                 identity_print_text(hold.why, why, sizeof(why)));
    if (hold.until_s > 0)
        (void)printf("held until   %s\n", identity_print_exact_time(hold.until_s, since));
}

/* One identity and all that is known of it. */
struct showing {
    struct registry_entry entry;
    struct profile profile;
    struct activity_seen seen;
    struct ratchet_file_entry ratchet;
    bool has_profile;
    bool was_seen;
    bool has_ratchet;
};

static int show_people(struct registry *registry, const struct showing *s, struct pki_fault *fault)
{
    print_entry(&s->entry);
    device_proof_print(registry, s->entry.name);
    print_hold(registry, s->entry.name);
    int error = registry_list_issued(registry, s->entry.name, print_issued, NULL, fault);
    if (error < 0)
        return error;
    if (s->was_seen)
        print_seen(&s->seen);
    else
        (void)puts("seen         never");
    if (s->has_ratchet)
        print_ratchet(&s->ratchet);
    if (s->has_profile)
        print_files(&s->profile);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

static int show_json(struct registry *registry, const struct showing *s, struct pki_fault *fault)
{
    json_t *document = entry_json(registry, &s->entry);
    json_t *issued = json_array();
    int error = registry_list_issued(registry, s->entry.name, append_issued, issued, fault);
    if (json_object_set_new(document, "certificates", issued) < 0
        || !device_proof_add_json(registry, s->entry.name, document)
        || json_object_set_new(document, "seen", s->was_seen ? seen_json(&s->seen) : json_null())
               < 0
        || json_object_set_new(document, "ratchet",
                               s->has_ratchet ? ratchet_json(&s->ratchet) : json_null())
               < 0
        || (s->has_profile
            && (json_object_set_new(document, "profile", files_json(&s->profile)) < 0
                || json_object_set_new(document, "extension", extension_json(&s->profile)) < 0))) {
        json_decref(document);
        document = NULL;
    }
    if (error == 0)
        return identity_print_document(document);
    json_decref(document);
    return error;
}

int device_show(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct showing s = { .has_profile = false };
    struct pki_fault fault = { 0 };
    int result = identity_registry_open(options, &registry, &fault);
    if (result == 0)
        result = registry_find(registry, options->operands[0], &s.entry, &fault);
    if (result == 0) {
        s.has_profile = profile_load(s.entry.name, &s.profile) == 0;
        s.has_ratchet = find_ratchet(options, registry, s.entry.name, &s.ratchet);
        s.was_seen = find_seen(options, s.entry.name, &s.seen);
        result =
            options->json ? show_json(registry, &s, &fault) : show_people(registry, &s, &fault);
    }
    registry_close(registry);
    return result >= 0 ? result : identity_registry_fail(options, result, &fault);
}
