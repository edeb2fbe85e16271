/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/key_lineage.h"

#include "pki/registry_sql.h"

#include <errno.h>
#include <string.h>

int key_lineage_record(struct registry *registry, const struct csr *csr,
                       const uint8_t former[REGISTRY_KEY_BYTES], struct pki_fault *fault)
{
    uint8_t key[KEY_SHA256_BYTES];
    sqlite3_stmt *s;

    if (csr_key_sha256(csr, key) < 0)
        return pki_fail(fault, -EIO, "cannot read the key of the certificate request");
    if (memcmp(key, former, sizeof(key)) == 0)
        return 0;
    int error =
        registry_prepare(registry, "INSERT OR REPLACE INTO key_renewal VALUES (?, ?)", &s, fault);
    if (error < 0)
        return error;
    registry_bind_hash(s, 1, key);
    registry_bind_hash(s, 2, former);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

int key_lineage_find(struct registry *registry, const char *name,
                     const uint8_t key[REGISTRY_KEY_BYTES],
                     const uint8_t former[REGISTRY_KEY_BYTES], enum key_lineage *out,
                     struct pki_fault *fault)
{
    /* UNION leaves out what was there already: a circle that somebody wrote by hand ends. */
    static const char sql[] =
        "WITH RECURSIVE line(key) AS (SELECT ?2 UNION"
        "  SELECT former FROM key_renewal JOIN line ON key_renewal.key_sha256 = line.key"
        "  WHERE line.key <> ?3 LIMIT ?4)"
        " SELECT EXISTS (SELECT 1 FROM line WHERE key = ?3) OR (SELECT count(*) FROM line) = ?4"
        " FROM identity WHERE name = ?1 AND key_sha256 = ?2 AND status = 'active'";
    sqlite3_stmt *s;
    enum key_lineage found = KEY_LINEAGE_NONE;
    int error = registry_prepare(registry, sql, &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    registry_bind_hash(s, 2, key);
    registry_bind_hash(s, 3, former);
    (void)sqlite3_bind_int(s, 4, KEY_LINEAGE_MAX);
    if (sqlite3_step(s) == SQLITE_ROW)
        found = sqlite3_column_int(s, 0) != 0 ? KEY_LINEAGE_RENEWED : KEY_LINEAGE_GIVEN;
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    *out = found;
    return 0;
}
