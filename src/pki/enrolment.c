/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/enrolment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
                    struct registry_entry *out, struct pki_fault *fault)
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
        error = csr_key_sha256(csr, entry.key_sha256);
    csr_algorithm(csr, entry.algorithm, sizeof(entry.algorithm));
    if (error == 0)
        *out = entry;
    return error;
}

/* May the thing that is registered get another certificate by this request? */
static int check_same(const struct registry_entry *known, const struct registry_entry *wanted,
                      struct pki_fault *fault)
{
    if (memcmp(known->key_sha256, wanted->key_sha256, sizeof(known->key_sha256)) != 0)
        return pki_fail(fault, -EEXIST,
                        "'%s' exists already, with another key (%s, role %s); choose another "
                        "name",
                        known->name, registry_status_text(known->status), known->role);
    if (known->status != REGISTRY_ACTIVE)
        return pki_fail(fault, -EPERM, "'%s' is %s and gets no certificate", known->name,
                        registry_status_text(known->status));
    if (known->kind != wanted->kind || strcmp(known->role, wanted->role) != 0
        || strcmp(known->tenant, wanted->tenant) != 0 || strcmp(known->site, wanted->site) != 0)
        return pki_fail(fault, -EEXIST,
                        "'%s' exists already as %s with role %s; a renewal cannot change that",
                        known->name, identity_uri_kind_text(known->kind), known->role);
    return 0;
}

/* Refuses before anything is signed. `out_known`: it is a renewal. */
static int check_free(struct registry *registry, const struct registry_entry *wanted,
                      bool *out_known, struct pki_fault *fault)
{
    struct registry_entry known;
    int error = registry_find(registry, wanted->name, &known, fault);
    if (error == 0) {
        *out_known = true;
        return check_same(&known, wanted, fault);
    }
    if (error != -ENOENT)
        return error;
    error = registry_find_by_key(registry, wanted->key_sha256, &known, fault);
    if (error == 0)
        return pki_fail(fault, -ENOTUNIQ,
                        "this key belongs to '%s' already; every device needs a key of its own",
                        known.name);
    if (error != -ENOENT)
        return error;
    *out_known = false;
    return 0;
}

int enrolment_sign(const struct ca *ca, struct registry *registry, const struct csr *csr,
                   const struct enrolment *request, struct certificate **out,
                   struct pki_fault *fault)
{
    struct registry_entry entry;
    struct certificate_facts facts;
    struct certificate *certificate;
    bool is_known = false;

    int error = describe(request, csr, &entry, fault);
    if (error == 0)
        error = check_free(registry, &entry, &is_known, fault);
    if (error == 0)
        error = ca_issue_identity(ca,
                                  &(struct ca_identity_request){ .csr = csr,
                                                                 .kind = request->kind,
                                                                 .name = request->name,
                                                                 .now_s = request->now_s,
                                                                 .days = request->days },
                                  &certificate, fault);
    if (error < 0)
        return error;

    error = certificate_facts_of(certificate, &facts, fault);
    if (error == 0) {
        entry.certificate = facts.registered;
        error = is_known ? registry_set_certificate(registry, entry.name, &entry.certificate, fault)
                         : registry_add(registry, &entry, fault);
    }
    if (error < 0) {
        certificate_free(certificate);
        return error;
    }
    *out = certificate;
    return 0;
}

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
    int error = key_load_or_create(paths->key_path, &key, fault);
    if (error < 0)
        return error;
    error = csr_new(key, request->name, &csr, fault);
    if (error == 0)
        error = enrolment_sign(ca, registry, csr, request, &certificate, fault);
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
