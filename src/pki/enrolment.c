/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/enrolment.h"

#include "pki/enrolment_level.h"
#include "pki/holds.h"
#include "pki/issued.h"
#include "pki/key_admission.h"
#include "pki/key_lineage.h"
#include "pki/registry_sql.h"
#include "pki/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECONDS_A_DAY 86400

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static int fill_text(char *out, size_t size, const char *text, struct pki_fault *fault)
{
    if (strlen(text) >= size)
        return pki_fail(fault, -EINVAL, "'%.40s…' is too long; %zu characters at most", text,
                        size - 1);
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

/* The row as it would be, without its certificate. */
static int describe(const struct enrolment *request, const struct csr *csr,
                    const struct enrolment_level *level, struct registry_entry *out,
                    struct pki_fault *fault)
{
    struct registry_entry entry = { .kind = request->kind, .status = REGISTRY_ACTIVE };
    int error = fill_text(entry.name, sizeof(entry.name), request->name, fault);
    if (error == 0)
        error = fill_text(entry.role, sizeof(entry.role), request->role, fault);
    if (error == 0)
        error =
            fill_text(entry.tenant, sizeof(entry.tenant), text_or_empty(request->tenant), fault);
    if (error == 0)
        error = fill_text(entry.site, sizeof(entry.site), text_or_empty(request->site), fault);
    if (error == 0)
        error = registry_check_names(
            entry.name, &(struct registry_place){ entry.role, entry.tenant, entry.site }, fault);
    if (error == 0)
        error = fill_text(entry.protection, sizeof(entry.protection),
                          identity_extension_protection_text(level->protection), fault);
    if (error == 0)
        error = csr_key_sha256(csr, entry.key_sha256);
    csr_algorithm(csr, entry.algorithm, sizeof(entry.algorithm));
    if (error == 0)
        *out = entry;
    return error;
}

enum change {
    CHANGE_NEW = 0,     /* an identity that there was not */
    CHANGE_CERTIFICATE, /* of the key it has */
    CHANGE_KEY,
};

/* May the thing that is registered get another certificate by this request? */
static int check_same(const struct registry_entry *known, const struct registry_entry *wanted,
                      struct pki_fault *fault)
{
    if (known->status != REGISTRY_ACTIVE)
        return pki_fail(fault, -EPERM, "'%s' is %s and gets no certificate%s", known->name,
                        registry_status_text(known->status),
                        known->status == REGISTRY_REVOKED ? " for this key" : "");
    if (known->kind != wanted->kind || strcmp(known->role, wanted->role) != 0
        || strcmp(known->tenant, wanted->tenant) != 0 || strcmp(known->site, wanted->site) != 0)
        return pki_fail(fault, -EEXIST,
                        "'%s' exists already as %s with role %s; a renewal cannot change that",
                        known->name, identity_uri_kind_text(known->kind), known->role);
    return 0;
}

/* May it get another key? */
static int check_other(const struct registry_entry *known, bool replaces, struct pki_fault *fault)
{
    if (!replaces)
        return pki_fail(fault, -EEXIST,
                        "'%s' exists already, with another key (%s, role %s); choose another "
                        "name",
                        known->name, registry_status_text(known->status), known->role);
    if (known->status != REGISTRY_ACTIVE && known->status != REGISTRY_REVOKED)
        return pki_fail(fault, -EPERM, "'%s' is %s and gets no certificate", known->name,
                        registry_status_text(known->status));
    return 0;
}

/* What the certificate says besides the name; the registry stays the authority on it. */
static struct identity_extension extension_of(const struct enrolment_level *level,
                                              const struct registry_entry *entry)
{
    struct identity_extension extension = { .protection = level->protection,
                                            .is_attested = level->is_attested };
    memcpy(extension.role, entry->role, sizeof(extension.role));
    memcpy(extension.tenant, entry->tenant, sizeof(extension.tenant));
    memcpy(extension.site, entry->site, sizeof(extension.site));
    return extension;
}

/* Refuses before anything is signed. */
static int check_free(struct registry *registry, const struct registry_entry *wanted, bool replaces,
                      enum change *out, struct pki_fault *fault)
{
    struct registry_entry known;
    int error = registry_find(registry, wanted->name, &known, fault);
    if (error == 0 && memcmp(known.key_sha256, wanted->key_sha256, sizeof(known.key_sha256)) == 0) {
        *out = CHANGE_CERTIFICATE;
        return check_same(&known, wanted, fault);
    }
    if (error == 0) {
        *out = CHANGE_KEY;
        error = check_other(&known, replaces, fault);
    } else if (error == -ENOENT) {
        *out = CHANGE_NEW;
        error = 0;
    }
    return error == 0 ? key_admission_check_owner(registry, wanted->key_sha256, wanted->name, fault)
                      : error;
}

static int write_down(struct registry *registry, const struct registry_entry *entry,
                      enum change change, int64_t now_s, struct pki_fault *fault)
{
    int error = -EINVAL;

    switch (change) {
    case CHANGE_NEW:
        error = registry_add(registry, entry, fault);
        break;
    case CHANGE_CERTIFICATE:
        error = registry_set_certificate(registry, entry->name, &entry->certificate, fault);
        break;
    case CHANGE_KEY:
        error = issued_replace_key(registry, entry->name, entry->key_sha256, &entry->certificate,
                                   now_s, fault);
        break;
    }
    if (error == 0)
        error = enrolment_level_record(registry, entry, fault);
    return error == 0 ? issued_record(registry, entry->name, entry->key_sha256, &entry->certificate,
                                      now_s, fault)
                      : error;
}

/* Inside a transaction. */
static int sign(const struct ca *ca, struct registry *registry, const struct csr *csr,
                const struct enrolment *request, struct certificate **out, struct pki_fault *fault)
{
    struct registry_entry entry = { 0 };
    struct certificate_facts facts;
    struct certificate *certificate;
    struct enrolment_level level = { .protection = KEY_PROTECTION_UNKNOWN };
    enum change change = CHANGE_NEW;

    int error =
        enrolment_level_decide(registry, csr, request->name, request->protection, &level, fault);
    if (error == 0)
        error = describe(request, csr, &level, &entry, fault);
    if (error == 0)
        error = key_admission_check(registry, csr, fault);
    const struct identity_extension extension = extension_of(&level, &entry);
    if (error == 0)
        error = check_free(registry, &entry, request->replaces, &change, fault);
    if (error == 0)
        error = ca_issue_identity(ca,
                                  &(struct ca_identity_request){ .csr = csr,
                                                                 .kind = request->kind,
                                                                 .name = request->name,
                                                                 .extension = &extension,
                                                                 .now_s = request->now_s,
                                                                 .days = request->days },
                                  &certificate, fault);
    if (error < 0)
        return error;

    error = certificate_facts_of(certificate, &facts, fault);
    if (error == 0) {
        entry.certificate = facts.registered;
        error = write_down(registry, &entry, change, request->now_s, fault);
    }
    if (error < 0) {
        certificate_free(certificate);
        return error;
    }
    *out = certificate;
    return 0;
}

/* Nobody gets a certificate that the registry does not know for good. */
static int settle(struct registry *registry, int error, struct certificate *certificate,
                  struct certificate **out, struct pki_fault *fault)
{
    error = registry_end(registry, error, fault);
    if (error == 0)
        *out = certificate;
    else
        certificate_free(certificate);
    return error;
}

int enrolment_sign(const struct ca *ca, struct registry *registry, const struct csr *csr,
                   const struct enrolment *request, struct certificate **out,
                   struct pki_fault *fault)
{
    struct certificate *certificate = NULL;
    int error = registry_begin(registry, fault);

    if (error < 0)
        return error;
    error = sign(ca, registry, csr, request, &certificate, fault);
    return settle(registry, error, certificate, out, fault);
}

/* ---- by the device itself ---- */

static int check_common_name(const struct csr *csr, const char *name, struct pki_fault *fault)
{
    char asked[IDENTITY_URI_NAME_SIZE];
    int error = csr_common_name(csr, asked, sizeof(asked));

    if (error == -ENOENT || (error == 0 && strcmp(asked, name) == 0))
        return 0;
    return pki_fail(fault, -EINVAL,
                    "the certificate request has another common name than '%s'; leave it out, or "
                    "ask for that one",
                    name);
}

/* What the registry says of an identity today counts, not what a token said when it was made. */
static int take_place(struct registry *registry, struct registry_entry *known,
                      struct enrolment *request, struct pki_fault *fault)
{
    int error = registry_find(registry, request->name, known, fault);

    if (error == 0) {
        request->kind = known->kind;
        request->role = known->role;
        request->tenant = known->tenant;
        request->site = known->site;
    }
    return error == -ENOENT ? 0 : error;
}

static int check_token(struct registry *registry, const struct enrolment_claim *claim,
                       struct token *out, struct pki_fault *fault)
{
    uint8_t key[KEY_SHA256_BYTES];
    int error = tokens_find(registry, claim->token_hash, out, fault);

    if (error == -ENOENT || (error == 0 && out->expires_s == INT64_MAX))
        return pki_fail(fault, -EACCES, "there is no such token; it may have been cancelled");
    if (error == 0)
        error = csr_key_sha256(claim->csr, key);
    if (error < 0)
        return error;
    if (claim->name != NULL && strcmp(claim->name, out->name) != 0)
        return pki_fail(fault, -EINVAL, "the token was made for another name");
    if (claim->now_s >= out->expires_s)
        return pki_fail(fault, -ETIME, "the token has expired; tacit device token %s makes another",
                        out->name);
    if (out->used_s != 0 && memcmp(out->key_sha256, key, sizeof(key)) != 0)
        return pki_fail(fault, -EALREADY,
                        "the token was used already, with another key; tacit device token %s "
                        "makes another",
                        out->name);
    return check_common_name(claim->csr, out->name, fault);
}

static int redeem(const struct ca *ca, struct registry *registry,
                  const struct enrolment_claim *claim, struct token *token,
                  struct certificate **out, struct pki_fault *fault)
{
    struct registry_entry known;
    uint8_t key[KEY_SHA256_BYTES];
    struct enrolment request = { .now_s = claim->now_s };
    int error = check_token(registry, claim, token, fault);

    if (error < 0)
        return error;
    request.name = token->name;
    request.kind = token->kind;
    request.role = token->role;
    request.tenant = token->tenant;
    request.site = token->site;
    request.days = token->days;
    request.replaces = token->replaces && token->used_s == 0;
    error = take_place(registry, &known, &request, fault);
    if (error == 0)
        error = sign(ca, registry, claim->csr, &request, out, fault);
    if (error == 0 && token->used_s == 0)
        error = csr_key_sha256(claim->csr, key);
    if (error == 0 && token->used_s == 0)
        error = tokens_mark_used(registry, token->id, key, claim->now_s, fault);
    return error;
}

int enrolment_redeem(const struct ca *ca, struct registry *registry,
                     const struct enrolment_claim *claim, char *out_name, struct certificate **out,
                     struct pki_fault *fault)
{
    struct token token = { 0 };
    struct certificate *certificate = NULL;
    int error = registry_begin(registry, fault);

    out_name[0] = '\0';
    if (error < 0)
        return error;
    error = redeem(ca, registry, claim, &token, &certificate, fault);
    memcpy(out_name, token.name, sizeof(token.name));
    return settle(registry, error, certificate, out, fault);
}

/* Its key is the identity's, or it was: then it may only fetch what it did not get. */
static int check_holder(struct registry *registry, const struct enrolment_holder *holder,
                        const struct csr *csr, const struct registry_entry *known,
                        struct pki_fault *fault)
{
    uint8_t key[KEY_SHA256_BYTES];
    struct issued shown = { 0 };
    int error = issued_find(registry, holder->fingerprint, &shown, fault);

    if (error < 0 && error != -ENOENT)
        return error;
    bool is_known = error == 0 && strcmp(shown.name, known->name) == 0;
    if (is_known && shown.revoked_s != 0)
        return pki_fail(fault, -EPERM, "this certificate of '%s' was revoked", known->name);
    if (memcmp(holder->key_sha256, known->key_sha256, KEY_SHA256_BYTES) == 0)
        return 0;
    error = csr_key_sha256(csr, key);
    if (error == 0 && is_known && memcmp(key, known->key_sha256, sizeof(key)) == 0)
        return 0;
    return error < 0 ? error : pki_fail(fault, -EACCES, "'%s' has another key by now", known->name);
}

/* As many as the last certificate had. */
static unsigned days_of(const struct registry_certificate *last)
{
    int64_t days = (last->not_after_s - last->not_before_s - CA_BACKDATE_S + SECONDS_A_DAY - 1)
                   / SECONDS_A_DAY;

    return days < 1 ? 1 : days > CA_MAX_DAYS ? CA_MAX_DAYS : (unsigned)days;
}

static int renew(const struct ca *ca, struct registry *registry, const struct csr *csr,
                 const struct enrolment_holder *holder, struct certificate **out,
                 struct pki_fault *fault)
{
    struct registry_entry known;
    int error = registry_find(registry, holder->name, &known, fault);

    if (error == -ENOENT || (error == 0 && known.kind != holder->kind))
        return pki_fail(fault, -EACCES, "there is no %s '%s' in the registry",
                        identity_uri_kind_text(holder->kind), holder->name);
    if (error == 0 && known.status != REGISTRY_ACTIVE)
        error = pki_fail(fault, -EPERM, "'%s' is %s and gets no certificate", known.name,
                         registry_status_text(known.status));
    if (error == 0)
        error = holds_check(registry, known.name, fault);
    if (error == 0)
        error = check_holder(registry, holder, csr, &known, fault);
    if (error == 0)
        error = check_common_name(csr, known.name, fault);
    if (error == 0)
        error = key_lineage_record(registry, csr, known.key_sha256, fault);
    if (error < 0)
        return error;
    return sign(ca, registry, csr,
                &(struct enrolment){ .name = known.name,
                                     .kind = known.kind,
                                     .role = known.role,
                                     .tenant = known.tenant,
                                     .site = known.site,
                                     .days = days_of(&known.certificate),
                                     .replaces = true,
                                     .now_s = holder->now_s },
                out, fault);
}

int enrolment_renew(const struct ca *ca, struct registry *registry, const struct csr *csr,
                    const struct enrolment_holder *holder, struct certificate **out,
                    struct pki_fault *fault)
{
    struct certificate *certificate = NULL;
    int error = registry_begin(registry, fault);

    if (error < 0)
        return error;
    error = renew(ca, registry, csr, holder, &certificate, fault);
    return settle(registry, error, certificate, out, fault);
}

/* Fills in who enrolled and when; -EALREADY: with another key. */
static int check_mark(struct registry *registry, const struct csr *csr, const uint8_t *mark,
                      struct token *out, bool *out_is_new, struct pki_fault *fault)
{
    uint8_t key[KEY_SHA256_BYTES];
    int error = csr_key_sha256(csr, key);

    if (error < 0)
        return error;
    error = tokens_find(registry, mark, out, fault);
    *out_is_new = error == -ENOENT;
    if (*out_is_new) {
        *out = (struct token){ 0 };
        memcpy(out->key_sha256, key, sizeof(key));
        return 0;
    }
    if (error == 0 && memcmp(out->key_sha256, key, sizeof(key)) != 0)
        error = pki_fail(fault, -EALREADY,
                         "this device has enrolled as '%s' already, with another key; tacit "
                         "device token %s lets it have a new one",
                         out->name, out->name);
    return error;
}

static int introduce(const struct ca *ca, struct registry *registry,
                     const struct enrolment_introduction *introduction, struct certificate **out,
                     struct pki_fault *fault)
{
    const struct enrolment *request = introduction->request;
    const struct csr *csr = introduction->csr;
    struct token token;
    struct registry_entry known;
    struct enrolment wanted = *request;
    bool is_new = false;
    int error = check_mark(registry, csr, introduction->mark, &token, &is_new, fault);

    if (error == 0)
        error = check_common_name(csr, request->name, fault);
    if (error == 0)
        error = take_place(registry, &known, &wanted, fault);
    if (error == 0)
        error = sign(ca, registry, csr, &wanted, out, fault);
    if (error < 0 || !is_new)
        return error;
    token.kind = wanted.kind;
    token.created_s = request->now_s;
    token.used_s = request->now_s;
    error = fill_text(token.name, sizeof(token.name), wanted.name, fault);
    if (error == 0)
        error = fill_text(token.role, sizeof(token.role), wanted.role, fault);
    return error == 0 ? tokens_record(registry, &token, introduction->mark, fault) : error;
}

int enrolment_introduce(const struct ca *ca, struct registry *registry,
                        const struct enrolment_introduction *introduction, struct certificate **out,
                        struct pki_fault *fault)
{
    struct certificate *certificate = NULL;
    int error = registry_begin(registry, fault);

    if (error < 0)
        return error;
    error = introduce(ca, registry, introduction, &certificate, fault);
    return settle(registry, error, certificate, out, fault);
}

/* ---- with a key of our own ---- */

int enrolment_create(const struct ca *ca, struct registry *registry,
                     const struct enrolment *request, const struct enrolment_paths *paths,
                     struct pki_fault *fault)
{
    struct key *key;
    struct csr *csr = NULL;
    struct certificate *certificate = NULL;

    /* Before anything is made: a name decides what goes into files and certificates. */
    if (!identity_uri_name_is_valid(request->name))
        return pki_fail(fault, -EINVAL, "'%.80s' cannot be the name of a device", request->name);
    bool is_new = access(paths->key_path, F_OK) < 0;
    struct enrolment own = *request;
    if (own.protection == KEY_PROTECTION_UNKNOWN)
        own.protection = KEY_PROTECTION_PLAIN;
    int error = key_load_or_create_as(paths->key_path, request->algorithm, &key, fault);
    if (error < 0)
        return error;
    error = csr_new(key, request->name, &csr, fault);
    if (error == 0)
        error = enrolment_sign(ca, registry, csr, &own, &certificate, fault);
    /* Refused: the key just made is nobody's. Once registered it stays, whatever happens. */
    if (error < 0 && is_new)
        (void)unlink(paths->key_path);
    if (error == 0)
        error = certificate_save(certificate, paths->certificate_path, fault);
    certificate_free(certificate);
    csr_free(csr);
    key_free(key);
    return error;
}
