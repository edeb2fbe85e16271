/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/enrolment_level.h"

#include "pki/csr_protection.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <string.h>

static bool is_captive(enum key_protection protection)
{
    return protection == KEY_PROTECTION_PKCS11 || protection == KEY_PROTECTION_TPM;
}

/* Of a key that is registered with `known`. */
static enum key_protection settle(enum key_protection declared, const char *known)
{
    enum key_protection before = identity_extension_protection_of(known);

    if (declared == KEY_PROTECTION_UNKNOWN || (is_captive(declared) && declared > before))
        return before;
    return declared;
}

int enrolment_level_decide(struct registry *registry, const struct csr *csr, const char *name,
                           enum key_protection said, struct enrolment_level *out,
                           struct pki_fault *fault)
{
    struct registry_entry known;
    uint8_t key[KEY_SHA256_BYTES];
    enum key_protection declared = said != KEY_PROTECTION_UNKNOWN ? said : csr_protection_of(csr);
    int error = registry_find(registry, name, &known, fault);

    if (error < 0 && error != -ENOENT)
        return error;
    if (csr_key_sha256(csr, key) < 0)
        return pki_fail(fault, -EIO, "cannot read the key of the certificate request");
    bool is_same = error == 0 && memcmp(known.key_sha256, key, sizeof(key)) == 0;
    out->protection = is_same ? settle(declared, known.protection) : declared;
    out->is_attested =
        is_same && out->protection == KEY_PROTECTION_TPM && registry_is_attested(&known);
    return 0;
}

/* A role may ask for a level: whoever gets a better one with the key that it has comes in at once, and
 * whoever gets a lesser one goes. */
static int move_policy(struct registry *registry, const struct registry_entry *entry,
                       struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "UPDATE policy_version SET counter = counter + 1 WHERE EXISTS"
                                 " (SELECT 1 FROM identity WHERE name = ?1 AND protection <> ?2)",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, entry->name);
    registry_bind_text(s, 2, entry->protection);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

int enrolment_level_record(struct registry *registry, const struct registry_entry *entry,
                           struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = move_policy(registry, entry, fault);

    if (error < 0)
        return error;
    error = registry_prepare(
        registry, "UPDATE identity SET protection = ?, algorithm = ? WHERE name = ?", &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, entry->protection);
    registry_bind_text(s, 2, entry->algorithm);
    registry_bind_text(s, 3, entry->name);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}
