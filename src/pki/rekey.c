/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/rekey.h"

#include "pki/key_admission.h"

#include <errno.h>

static int take_up(struct registry *registry, const struct certificate *certificate,
                   const struct csr *csr, const struct rekey *request, struct pki_fault *fault)
{
    struct certificate_facts facts;
    char algorithm[REGISTRY_WORD_SIZE];
    struct registry_new_key key = { .protection = request->protection, .algorithm = algorithm };
    int error = certificate_facts_of(certificate, &facts, fault);

    if (error == 0 && csr_key_sha256(csr, key.key_sha256) < 0)
        error = pki_fail(fault, -EIO, "cannot read the key of the certificate request");
    if (error < 0)
        return error;
    csr_algorithm(csr, algorithm, sizeof(algorithm));
    key.certificate = facts.registered;
    return registry_rekey(registry, request->name, &key, fault);
}

int rekey_sign(const struct ca *ca, struct registry *registry, const struct csr *csr,
               const struct rekey *request, struct certificate **out, struct pki_fault *fault)
{
    struct registry_entry entry;
    struct certificate *certificate;
    int error = registry_find(registry, request->name, &entry, fault);

    if (error == 0)
        error = key_admission_check(registry, csr, fault);
    if (error < 0)
        return error;
    const struct ca_identity_request wanted = {
        .csr = csr,
        .kind = entry.kind,
        .name = entry.name,
        .now_s = request->now_s,
        .days = request->days,
    };
    error = ca_issue_identity(ca, &wanted, &certificate, fault);
    if (error < 0)
        return error;
    /* Nobody has it yet: refused by the registry, it is as if it had never been signed. */
    error = take_up(registry, certificate, csr, request, fault);
    if (error < 0) {
        certificate_free(certificate);
        return error;
    }
    *out = certificate;
    return 0;
}
