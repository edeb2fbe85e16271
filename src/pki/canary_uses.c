/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/canary_uses.h"

#include "pki/activity_sql.h"

static void bind_text(sqlite3_stmt *s, int index, const char *text)
{
    (void)sqlite3_bind_text(s, index, text, -1, SQLITE_STATIC);
}

static int write_all(struct activity *a, const struct canary_use *uses, size_t count)
{
    sqlite3_stmt *s;
    int code =
        sqlite3_prepare_v2(a->file.db,
                           "INSERT INTO canary_use VALUES (?,?,?,?,?,?,?,?,?)"
                           "  ON CONFLICT (name, what, address, client, topic) DO UPDATE SET"
                           "  count = count + excluded.count, bytes = bytes + excluded.bytes,"
                           "  first = min(first, excluded.first), last = max(last, excluded.last)",
                           -1, &s, NULL);

    for (size_t i = 0; i < count && code == SQLITE_OK; i++) {
        bind_text(s, 1, uses[i].name);
        bind_text(s, 2, uses[i].what);
        bind_text(s, 3, uses[i].address);
        bind_text(s, 4, uses[i].client);
        bind_text(s, 5, uses[i].topic);
        (void)sqlite3_bind_int64(s, 6, (int64_t)uses[i].count);
        (void)sqlite3_bind_int64(s, 7, (int64_t)uses[i].bytes);
        (void)sqlite3_bind_int64(s, 8, uses[i].first_s);
        (void)sqlite3_bind_int64(s, 9, uses[i].last_s);
        (void)sqlite3_step(s);
        code = sqlite3_reset(s);
    }
    (void)sqlite3_finalize(s);
    return code;
}

/* The rows used longest ago go. */
static int trim(struct activity *a, const char *name, uint64_t most)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(a->file.db,
                                  "DELETE FROM canary_use WHERE rowid IN (SELECT rowid"
                                  "  FROM canary_use WHERE name = ?1 ORDER BY last DESC, rowid DESC"
                                  "  LIMIT -1 OFFSET ?2)",
                                  -1, &s, NULL);

    if (code != SQLITE_OK)
        return code;
    bind_text(s, 1, name);
    (void)sqlite3_bind_int64(s, 2, (int64_t)most);
    (void)sqlite3_step(s);
    return sqlite3_finalize(s);
}

int canary_uses_note(struct activity *activity, const struct canary_use *uses, size_t count,
                     uint64_t most, struct pki_fault *fault)
{
    int code = database_begin(&activity->file);

    if (code == SQLITE_OK)
        code = write_all(activity, uses, count);
    for (size_t i = 0; i < count && code == SQLITE_OK; i++)
        code = trim(activity, uses[i].name, most);
    code = database_end(&activity->file, code);
    return code == SQLITE_OK ? 0 : database_fail(&activity->file, code, fault);
}

static void decode(sqlite3_stmt *s, struct canary_use *out)
{
    database_column_text(s, 0, out->name, sizeof(out->name));
    database_column_text(s, 1, out->what, sizeof(out->what));
    database_column_text(s, 2, out->address, sizeof(out->address));
    database_column_text(s, 3, out->client, sizeof(out->client));
    database_column_text(s, 4, out->topic, sizeof(out->topic));
    out->count = (uint64_t)sqlite3_column_int64(s, 5);
    out->bytes = (uint64_t)sqlite3_column_int64(s, 6);
    out->first_s = sqlite3_column_int64(s, 7);
    out->last_s = sqlite3_column_int64(s, 8);
}

int canary_uses_list(struct activity *activity, const char *name, canary_uses_visit visit,
                     void *context, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct canary_use use;
    int result = 0;
    int code = sqlite3_prepare_v2(activity->file.db,
                                  "SELECT name, what, address, client, topic, count, bytes, first, "
                                  "last FROM canary_use WHERE ?1 IS NULL OR name = ?1 "
                                  "ORDER BY first, rowid",
                                  -1, &s, NULL);

    if (code != SQLITE_OK)
        return database_fail(&activity->file, code, fault);
    bind_text(s, 1, name);
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        decode(s, &use);
        result = visit(context, &use);
    }
    code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : database_fail(&activity->file, code, fault);
}
