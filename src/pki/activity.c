/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/activity.h"

#include "pki/activity_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION_ID "1413571393" /* "TACA" */
#define BUSY_MS        2000

int activity_fail(const struct activity *a, int code, struct pki_fault *fault)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return pki_fail(fault, -EBUSY, "%s: another process holds it; try again", a->path);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return pki_fail(fault, -EBADMSG,
                        "%s is damaged or no list of who was seen; delete it, and tacitd makes "
                        "a new one at its next start",
                        a->path);
    case SQLITE_CANTOPEN:
        return pki_fail(fault, -ENOENT, "%s: there is no list of who was seen", a->path);
    default:
        return pki_fail(fault, -EIO, "%s: %s", a->path, sqlite3_errstr(code));
    }
}

/* Ours, or empty? */
static int check_owner(struct activity *a)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(a->db,
                                  "SELECT (SELECT application_id FROM pragma_application_id) "
                                  "= " APPLICATION_ID " OR (SELECT count(*) FROM sqlite_schema) "
                                  "= 0",
                                  -1, &s, NULL);

    if (code != SQLITE_OK)
        return code;
    bool is_ours = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 0) == 1;
    code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return code;
    return is_ours ? SQLITE_OK : SQLITE_NOTADB;
}

static int prepare(struct activity *a)
{
    /* What a power cut takes away is seen again. */
    static const char tables[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                                 "PRAGMA application_id=" APPLICATION_ID ";"
                                 "CREATE TABLE IF NOT EXISTS seen ("
                                 "  name    TEXT PRIMARY KEY NOT NULL,"
                                 "  first   INTEGER NOT NULL,"
                                 "  last    INTEGER NOT NULL,"
                                 "  address TEXT NOT NULL"
                                 ") STRICT, WITHOUT ROWID;"
                                 "CREATE TABLE IF NOT EXISTS canary_use ("
                                 "  name    TEXT NOT NULL,"
                                 "  what    TEXT NOT NULL,"
                                 "  address TEXT NOT NULL,"
                                 "  client  TEXT NOT NULL,"
                                 "  topic   TEXT NOT NULL,"
                                 "  count   INTEGER NOT NULL,"
                                 "  bytes   INTEGER NOT NULL,"
                                 "  first   INTEGER NOT NULL,"
                                 "  last    INTEGER NOT NULL,"
                                 "  UNIQUE (name, what, address, client, topic)"
                                 ") STRICT;";
    int code = sqlite3_busy_timeout(a->db, BUSY_MS);

    if (code == SQLITE_OK)
        code = check_owner(a);
    return code == SQLITE_OK ? sqlite3_exec(a->db, tables, NULL, NULL, NULL) : code;
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

int activity_open(const char *path, bool makes, struct activity **out, struct pki_fault *fault)
{
    int error = makes ? create_file(path, fault) : 0;
    if (error < 0)
        return error;
    if (access(path, F_OK) < 0)
        return pki_fail(fault, -ENOENT, "%s: there is no list of who was seen", path);
    struct activity *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    (void)snprintf(a->path, sizeof(a->path), "%s", path);

    int code = sqlite3_open_v2(path, &a->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = prepare(a);
    if (code != SQLITE_OK) {
        error = activity_fail(a, code, fault);
        activity_close(a);
        return error;
    }
    *out = a;
    return 0;
}

void activity_close(struct activity *activity)
{
    if (activity == NULL)
        return;
    (void)sqlite3_close(activity->db);
    free(activity);
}

static int write_all(struct activity *a, const struct activity_seen *seen, size_t count)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(a->db,
                                  "INSERT INTO seen (name, first, last, address) VALUES (?,?,?,?) "
                                  "ON CONFLICT (name) DO UPDATE SET "
                                  "first = min(first, excluded.first), "
                                  "address = CASE WHEN excluded.last >= last "
                                  "  THEN excluded.address ELSE address END, "
                                  "last = max(last, excluded.last)",
                                  -1, &s, NULL);

    for (size_t i = 0; i < count && code == SQLITE_OK; i++) {
        (void)sqlite3_bind_text(s, 1, seen[i].name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(s, 2, seen[i].first_s);
        (void)sqlite3_bind_int64(s, 3, seen[i].last_s);
        (void)sqlite3_bind_text(s, 4, seen[i].address, -1, SQLITE_STATIC);
        (void)sqlite3_step(s);
        code = sqlite3_reset(s);
    }
    (void)sqlite3_finalize(s);
    return code;
}

int activity_begin(struct activity *activity)
{
    return sqlite3_exec(activity->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

int activity_end(struct activity *activity, int code)
{
    if (code == SQLITE_OK)
        code = sqlite3_exec(activity->db, "COMMIT", NULL, NULL, NULL);
    if (code != SQLITE_OK && sqlite3_get_autocommit(activity->db) == 0)
        (void)sqlite3_exec(activity->db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

int activity_note(struct activity *activity, const struct activity_seen *seen, size_t count,
                  struct pki_fault *fault)
{
    int code = activity_begin(activity);

    if (code == SQLITE_OK)
        code = write_all(activity, seen, count);
    code = activity_end(activity, code);
    return code == SQLITE_OK ? 0 : activity_fail(activity, code, fault);
}

void activity_column_text(sqlite3_stmt *s, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(s, column);

    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

int activity_find(struct activity *activity, const char *name, struct activity_seen *out,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct activity_seen seen = { .first_s = 0 };
    int code = sqlite3_prepare_v2(
        activity->db, "SELECT name, address, first, last FROM seen WHERE name = ?", -1, &s, NULL);

    if (code != SQLITE_OK)
        return activity_fail(activity, code, fault);
    (void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    bool is_there = sqlite3_step(s) == SQLITE_ROW;
    if (is_there) {
        activity_column_text(s, 0, seen.name, sizeof(seen.name));
        activity_column_text(s, 1, seen.address, sizeof(seen.address));
        seen.first_s = sqlite3_column_int64(s, 2);
        seen.last_s = sqlite3_column_int64(s, 3);
    }
    code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return activity_fail(activity, code, fault);
    if (!is_there)
        return pki_fail(fault, -ENOENT, "'%s' was never seen", name);
    *out = seen;
    return 0;
}
