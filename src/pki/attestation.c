/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/attestation.h"

#include "pki/holds.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <string.h>

int attestation_expect(struct registry *registry, const char *name,
                       const uint8_t endorsement[REGISTRY_KEY_BYTES], int64_t now_s,
                       struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, "INSERT OR REPLACE INTO endorsement VALUES (?, ?, ?)",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    registry_bind_hash(s, 2, endorsement);
    (void)sqlite3_bind_int64(s, 3, now_s);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

/* People look into this file with other tools, and write. */
static int spoilt(const struct registry *registry, struct pki_fault *fault)
{
    return pki_fail(fault, -EBADMSG, "%s: a row about a TPM is not valid", registry->path);
}

int attestation_expected(struct registry *registry, const char *name,
                         uint8_t out[REGISTRY_KEY_BYTES], struct pki_fault *fault)
{
    sqlite3_stmt *s;
    uint8_t found[REGISTRY_KEY_BYTES];
    int error =
        registry_prepare(registry, "SELECT key_sha256 FROM endorsement WHERE name = ?", &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    bool is_there = sqlite3_step(s) == SQLITE_ROW;
    if (is_there && !registry_column_hash(s, 0, found))
        error = spoilt(registry, fault);
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    if (!is_there || error < 0)
        return error < 0 ? error : -ENOENT;
    memcpy(out, found, sizeof(found));
    return 0;
}

/* Inside a transaction. */
static int record(struct registry *registry, const char *name, const struct attestation *proved,
                  struct pki_fault *fault)
{
    static const char sql[] =
        "UPDATE identity SET protection = 'tpm', attested = ?1, attested_by = ?2,"
        " attested_at = ?3, changed = ?3 WHERE name = ?4 AND key_sha256 = ?5 AND status = 'active'";
    struct registry_entry known;
    sqlite3_stmt *s;
    int error = registry_find(registry, name, &known, fault);

    if (error == -ENOENT
        || (error == 0 && memcmp(known.key_sha256, proved->key_sha256, REGISTRY_KEY_BYTES) != 0))
        return pki_fail(fault, -EACCES, "'%s' has another key by now", name);
    if (error == 0 && known.status != REGISTRY_ACTIVE)
        return pki_fail(fault, -EPERM, "'%s' is %s", name, registry_status_text(known.status));
    if (error == 0)
        error = holds_check(registry, name, fault);
    if (error == 0)
        error = registry_prepare(registry, sql, &s, fault);
    if (error < 0)
        return error;
    registry_bind_text(s, 1, proved->by);
    registry_bind_hash(s, 2, proved->endorsement);
    (void)sqlite3_bind_int64(s, 3, proved->since_s);
    registry_bind_text(s, 4, name);
    registry_bind_hash(s, 5, proved->key_sha256);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

int attestation_record(struct registry *registry, const char *name,
                       const struct attestation *proved, struct pki_fault *fault)
{
    int error = registry_begin(registry, fault);

    return error < 0 ? error : registry_end(registry, record(registry, name, proved, fault), fault);
}

static bool decode(sqlite3_stmt *s, struct attestation *out)
{
    struct attestation found = { .since_s = sqlite3_column_int64(s, 3) };

    if (!registry_column_hash(s, 0, found.key_sha256)
        || !registry_column_hash(s, 1, found.endorsement)
        || !registry_column_text(s, 2, found.by, sizeof(found.by)))
        return false;
    *out = found;
    return true;
}

int attestation_find(struct registry *registry, const char *name, struct attestation *out,
                     struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "SELECT key_sha256, attested_by, attested, attested_at FROM"
                                 " identity WHERE name = ? AND attested <> ''"
                                 " AND protection = 'tpm'",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    bool is_there = sqlite3_step(s) == SQLITE_ROW;
    if (is_there && !decode(s, out))
        error = spoilt(registry, fault);
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    return is_there || error < 0 ? error : -ENOENT;
}
