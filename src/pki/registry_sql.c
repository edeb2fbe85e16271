/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/registry_sql.h"

#include <errno.h>
#include <string.h>

int registry_fail(const struct registry *r, int code, struct pki_fault *fault)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return pki_fail(fault, -EBUSY, "%s: another process holds the registry; try again",
                        r->path);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return pki_fail(fault, -EBADMSG,
                        "%s is damaged or not a registry of tacit; restore it from a backup",
                        r->path);
    case SQLITE_SCHEMA:
        return pki_fail(fault, -EPROTO, "%s was written by a newer tacit; use that one", r->path);
    case SQLITE_FULL:
        return pki_fail(fault, -ENOSPC, "%s: the disk is full", r->path);
    case SQLITE_READONLY:
        return pki_fail(fault, -EROFS, "%s cannot be written", r->path);
    case SQLITE_NOMEM:
        return pki_fail(fault, -ENOMEM, "%s: out of memory", r->path);
    default:
        return pki_fail(fault, -EIO, "%s: %s", r->path, sqlite3_errstr(code));
    }
}

int registry_prepare(struct registry *registry, const char *sql, sqlite3_stmt **out,
                     struct pki_fault *fault)
{
    int code = sqlite3_prepare_v2(registry->db, sql, -1, out, NULL);

    return code == SQLITE_OK ? 0 : registry_fail(registry, code, fault);
}

int registry_run(struct registry *registry, sqlite3_stmt *statement, struct pki_fault *fault)
{
    (void)sqlite3_step(statement);
    int changed = sqlite3_changes(registry->db);
    int code = sqlite3_finalize(statement);

    return code == SQLITE_OK ? changed : registry_fail(registry, code, fault);
}

void registry_bind_text(sqlite3_stmt *s, int index, const char *text)
{
    (void)sqlite3_bind_text(s, index, text, -1, SQLITE_TRANSIENT);
}

bool registry_column_text(sqlite3_stmt *s, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    if (text == NULL)
        return false;
    /* SQLite keeps zero bytes inside a text: what stands before one is not the whole of it. */
    size_t len = strlen(text);
    if (len >= size || len != (size_t)sqlite3_column_bytes(s, column))
        return false;
    memcpy(out, text, len + 1);
    return true;
}
