/* SPDX-License-Identifier: Apache-2.0 */
#include "steward/warrant.h"

#include "pki/crl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Numbers are about the time in seconds; nobody may use them up. */
#define NUMBERS_AHEAD UINT32_MAX

int warrant_issue(const struct csr *csr, const uint8_t *keys, size_t key_count,
                  struct pki_fault *fault)
{
    uint8_t wanted[KEY_SHA256_BYTES];
    int error = csr_key_sha256(csr, wanted);

    if (error < 0)
        return pki_fail(fault, error, "the key of the certificate request cannot be read");
    for (size_t i = 0; i < key_count; i++) {
        if (memcmp(wanted, keys + i * KEY_SHA256_BYTES, KEY_SHA256_BYTES) == 0)
            return pki_fail(fault, -EPERM, "the key of the CA is nobody else's");
    }
    return 0;
}

/* ---- revocation lists ---- */

static int by_serial(const void *a, const void *b)
{
    const struct crl_entry *one = a;
    const struct crl_entry *other = b;

    return strcmp(one->serial, other->serial);
}

static int sort(struct crl_entries *entries, struct pki_fault *fault)
{
    if (entries->count > 0)
        qsort(entries->all, entries->count, sizeof(entries->all[0]), by_serial);
    for (size_t i = 1; i < entries->count; i++) {
        if (by_serial(&entries->all[i - 1], &entries->all[i]) == 0)
            return pki_fail(fault, -EPERM, "the revocation list names %s twice",
                            entries->all[i].serial);
    }
    return 0;
}

static bool may_go(const struct crl_entry *entry, int64_t now_s)
{
    return entry->reason == REGISTRY_REASON_CERTIFICATE_HOLD
           || entry->not_after_s < now_s - CRL_KEEP_S;
}

/* Of the same certificate. */
static int follow(const struct crl_entry *before, struct crl_entry *next, struct pki_fault *fault)
{
    bool was_final = before->reason != REGISTRY_REASON_CERTIFICATE_HOLD;

    if (was_final
        && (next->reason == REGISTRY_REASON_CERTIFICATE_HOLD
            || next->revoked_s > before->revoked_s))
        return pki_fail(fault, -EPERM, "%s was revoked, and that is final", before->serial);
    next->not_after_s = before->not_after_s;
    return 0;
}

int warrant_list(const struct crl_entries *before, struct crl_entries *next, int64_t now_s,
                 struct pki_fault *fault)
{
    size_t at = 0;

    if (next->number > (uint64_t)now_s + NUMBERS_AHEAD || before->number == UINT64_MAX)
        return pki_fail(fault, -EPERM, "a revocation list of number %" PRIu64 " is out of turn",
                        next->number);
    if (next->number <= before->number)
        next->number = before->number + 1;
    int error = sort(next, fault);
    for (size_t i = 0; i < before->count && error == 0; i++) {
        const struct crl_entry *old = &before->all[i];
        while (at < next->count && by_serial(&next->all[at], old) < 0)
            at++;
        if (at < next->count && by_serial(&next->all[at], old) == 0)
            error = follow(old, &next->all[at], fault);
        else if (!may_go(old, now_s))
            error = pki_fail(fault, -EPERM,
                             "%s was revoked, and the next list does not name it; restart tacitd "
                             "if that is meant",
                             old->serial);
    }
    return error;
}

/* ---- statements ---- */

int warrant_vouch(const struct certificate *server, const struct ca *ca, int64_t now_s,
                  struct pki_fault *fault)
{
    struct certificate_facts facts;
    int error = certificate_facts_of(server, &facts, fault);

    if (error < 0)
        return error;
    if (facts.is_ca || facts.uri[0] != '\0')
        return pki_fail(fault, -EPERM, "'%s' is no certificate of a server", facts.common_name);
    if (!certificate_is_valid_under(server, ca_certificate(ca), now_s))
        return pki_fail(fault, -EPERM, "the certificate of '%s' is not of this CA, or not valid",
                        facts.common_name);
    return 0;
}
