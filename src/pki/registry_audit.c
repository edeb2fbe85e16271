/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/registry_audit.h"

#include "pki/registry_sql.h"

/* The numbers are those of enum registry_trouble; ?1 is now. */
static const char query[] =
    "SELECT 0, c.name, k.name FROM certificate c JOIN key_use k USING (key_sha256)"
    " WHERE k.name <> c.name "
    "UNION SELECT 0, i.name, k.name FROM identity i JOIN key_use k USING (key_sha256)"
    " WHERE k.name <> i.name "
    "UNION SELECT 1, i.name, b.reason FROM identity i JOIN blocked_key b USING (key_sha256)"
    " WHERE i.status IN ('active', 'suspended') "
    "UNION SELECT 2, name, serial FROM certificate WHERE revoked = 0 AND not_after > ?1"
    " AND name NOT IN (SELECT name FROM identity) "
    "UNION SELECT 3, i.name, c.reason FROM identity i JOIN certificate c USING (serial)"
    " WHERE i.status = 'active' AND c.revoked <> 0 "
    "UNION SELECT 4, name, strftime('%Y-%m-%dT%H:%M:%SZ', expires, 'unixepoch') FROM token"
    " WHERE used = 0 AND expires > ?1 "
    "ORDER BY 2, 1, 3";

int registry_list_troubles(struct registry *registry, int64_t now_s, registry_visit_trouble visit,
                           void *context, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int result = registry_prepare(registry, query, &s, fault);

    if (result < 0)
        return result;
    (void)sqlite3_bind_int64(s, 1, now_s);
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 1);
        const char *detail = (const char *)sqlite3_column_text(s, 2);
        result = visit(context, (enum registry_trouble)sqlite3_column_int(s, 0),
                       name != NULL ? name : "", detail != NULL ? detail : "");
    }
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}
