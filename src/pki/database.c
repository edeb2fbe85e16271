/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 2000

int database_fail(const struct database *database, int code, struct pki_fault *fault)
{
    const struct database_kind *kind = database->kind;

    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return pki_fail(fault, -EBUSY, "%s: another process holds it; try again", database->path);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return pki_fail(fault, -EBADMSG, "%s is damaged or no %s; %s", database->path, kind->what,
                        kind->advice);
    case SQLITE_CANTOPEN:
        return pki_fail(fault, -ENOENT, "%s: there is no %s", database->path, kind->what);
    default:
        return pki_fail(fault, -EIO, "%s: %s", database->path, sqlite3_errstr(code));
    }
}

/* Ours, or empty? */
static int check_owner(struct database *database)
{
    char sql[256];
    sqlite3_stmt *s;

    (void)snprintf(sql, sizeof(sql),
                   "SELECT (SELECT application_id FROM pragma_application_id) = %s"
                   " OR (SELECT count(*) FROM sqlite_schema) = 0",
                   database->kind->application);
    int code = sqlite3_prepare_v2(database->db, sql, -1, &s, NULL);
    if (code != SQLITE_OK)
        return code;
    bool is_ours = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 0) == 1;
    code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return code;
    return is_ours ? SQLITE_OK : SQLITE_NOTADB;
}

static int prepare(struct database *database)
{
    char sql[64];
    int code = sqlite3_busy_timeout(database->db, BUSY_MS);

    if (code == SQLITE_OK)
        code = check_owner(database);
    if (code == SQLITE_OK)
        code = sqlite3_exec(database->db, database->kind->tables, NULL, NULL, NULL);
    (void)snprintf(sql, sizeof(sql), "PRAGMA application_id=%s", database->kind->application);
    return code == SQLITE_OK ? sqlite3_exec(database->db, sql, NULL, NULL, NULL) : code;
}

/* SQLite would create it 0644 less the umask. */
static int create_file(const char *path, struct pki_fault *fault)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno != EEXIST)
        return pki_fail(fault, -errno, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return 0;
}

int database_init(struct database *out, const char *path, bool makes,
                  const struct database_kind *kind, struct pki_fault *fault)
{
    int error = makes ? create_file(path, fault) : 0;

    if (error < 0)
        return error;
    *out = (struct database){ .kind = kind };
    (void)snprintf(out->path, sizeof(out->path), "%s", path);
    if (access(path, F_OK) < 0)
        return pki_fail(fault, -ENOENT, "%s: there is no %s", path, kind->what);
    int code = sqlite3_open_v2(path, &out->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = prepare(out);
    if (code == SQLITE_OK)
        return 0;
    error = database_fail(out, code, fault);
    database_fini(out);
    return error;
}

void database_fini(struct database *database)
{
    (void)sqlite3_close(database->db);
    database->db = NULL;
}

int database_begin(struct database *database)
{
    return sqlite3_exec(database->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

int database_end(struct database *database, int code)
{
    if (code == SQLITE_OK)
        code = sqlite3_exec(database->db, "COMMIT", NULL, NULL, NULL);
    if (code != SQLITE_OK && sqlite3_get_autocommit(database->db) == 0)
        (void)sqlite3_exec(database->db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

void database_column_text(sqlite3_stmt *statement, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}
