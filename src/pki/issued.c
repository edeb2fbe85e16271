/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/issued.h"

#include "pki/registry_sql.h"

#include <errno.h>

int issued_record(struct registry *registry, const char *name,
                  const uint8_t key_sha256[REGISTRY_KEY_BYTES],
                  const struct registry_certificate *certificate, int64_t now_s,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "INSERT OR IGNORE INTO certificate (serial, name, fingerprint,"
                                 " key_sha256, not_before, not_after, issued)"
                                 " VALUES (?, ?, ?, ?, ?, ?, ?)",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, certificate->serial);
    registry_bind_text(s, 2, name);
    registry_bind_hash(s, 3, certificate->fingerprint);
    registry_bind_hash(s, 4, key_sha256);
    (void)sqlite3_bind_int64(s, 5, certificate->not_before_s);
    (void)sqlite3_bind_int64(s, 6, certificate->not_after_s);
    (void)sqlite3_bind_int64(s, 7, now_s);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

/* A row of certificate: name, key_sha256, not_after, revoked. */
static int decode(struct registry *registry, sqlite3_stmt *s, struct issued *out,
                  struct pki_fault *fault)
{
    struct issued issued = { .not_after_s = sqlite3_column_int64(s, 2),
                             .revoked_s = sqlite3_column_int64(s, 3) };

    if (!registry_column_text(s, 0, issued.name, sizeof(issued.name))
        || !registry_column_hash(s, 1, issued.key_sha256))
        return pki_fail(fault, -EBADMSG, "%s: a row of a certificate is not valid", registry->path);
    *out = issued;
    return 0;
}

int issued_find(struct registry *registry, const uint8_t fingerprint[32], struct issued *out,
                struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "SELECT name, key_sha256, not_after, revoked FROM certificate"
                                 " WHERE fingerprint = ?",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_hash(s, 1, fingerprint);
    bool is_found = sqlite3_step(s) == SQLITE_ROW;
    if (is_found)
        error = decode(registry, s, out, fault);
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    return is_found ? error
                    : pki_fail(fault, -ENOENT, "the registry knows nothing of this certificate");
}

int issued_key_is_revoked(struct registry *registry, const uint8_t key_sha256[REGISTRY_KEY_BYTES],
                          bool *out, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(
        registry, "SELECT 1 FROM certificate WHERE key_sha256 = ? AND revoked <> 0", &s, fault);

    if (error < 0)
        return error;
    registry_bind_hash(s, 1, key_sha256);
    bool is_found = sqlite3_step(s) == SQLITE_ROW;
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    *out = is_found;
    return 0;
}

int issued_replace_key(struct registry *registry, const char *name,
                       const uint8_t key_sha256[REGISTRY_KEY_BYTES],
                       const struct registry_certificate *certificate, int64_t now_s,
                       struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(
        registry,
        "UPDATE identity SET key_sha256 = ?1, serial = ?2, fingerprint = ?3, not_before = ?4,"
        " not_after = ?5, changed = ?6, status = 'active', reason = '', protection = 'unknown',"
        " algorithm = '' WHERE name = ?7",
        &s, fault);

    if (error < 0)
        return error;
    registry_bind_hash(s, 1, key_sha256);
    registry_bind_text(s, 2, certificate->serial);
    registry_bind_hash(s, 3, certificate->fingerprint);
    (void)sqlite3_bind_int64(s, 4, certificate->not_before_s);
    (void)sqlite3_bind_int64(s, 5, certificate->not_after_s);
    (void)sqlite3_bind_int64(s, 6, now_s);
    registry_bind_text(s, 7, name);
    (void)sqlite3_step(s);
    int changed = sqlite3_changes(registry->db);
    int code = sqlite3_finalize(s);
    if ((code & 0xff) == SQLITE_CONSTRAINT)
        return pki_fail(fault, -ENOTUNIQ,
                        "this key belongs to another identity; every device needs a key of its "
                        "own");
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    return changed > 0 ? 0 : pki_fail(fault, -ENOENT, "there is no '%s' in the registry", name);
}
