/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/activity.h"

#include "pki/activity_sql.h"

#include <errno.h>
#include <stdlib.h>

/* What a power cut takes away is seen again. */
static const struct database_kind kind = {
    .what = "list of who was seen",
    .application = "1413571393", /* "TACA" */
    .tables = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
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
              ") STRICT;",
    .advice = "delete it, and tacitd makes a new one at its next start",
};

int activity_open(const char *path, bool makes, struct activity **out, struct pki_fault *fault)
{
    struct activity *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    int error = database_init(&a->file, path, makes, &kind, fault);
    if (error == 0)
        *out = a;
    else
        free(a);
    return error;
}

void activity_close(struct activity *activity)
{
    if (activity == NULL)
        return;
    database_fini(&activity->file);
    free(activity);
}

static int write_all(struct activity *a, const struct activity_seen *seen, size_t count)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(a->file.db,
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

int activity_note(struct activity *activity, const struct activity_seen *seen, size_t count,
                  struct pki_fault *fault)
{
    int code = database_begin(&activity->file);

    if (code == SQLITE_OK)
        code = write_all(activity, seen, count);
    code = database_end(&activity->file, code);
    return code == SQLITE_OK ? 0 : database_fail(&activity->file, code, fault);
}

int activity_find(struct activity *activity, const char *name, struct activity_seen *out,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct activity_seen seen = { .first_s = 0 };
    int code = sqlite3_prepare_v2(activity->file.db,
                                  "SELECT name, address, first, last FROM seen WHERE name = ?", -1,
                                  &s, NULL);

    if (code != SQLITE_OK)
        return database_fail(&activity->file, code, fault);
    (void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    bool is_there = sqlite3_step(s) == SQLITE_ROW;
    if (is_there) {
        database_column_text(s, 0, seen.name, sizeof(seen.name));
        database_column_text(s, 1, seen.address, sizeof(seen.address));
        seen.first_s = sqlite3_column_int64(s, 2);
        seen.last_s = sqlite3_column_int64(s, 3);
    }
    code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return database_fail(&activity->file, code, fault);
    if (!is_there)
        return pki_fail(fault, -ENOENT, "'%s' was never seen", name);
    *out = seen;
    return 0;
}
