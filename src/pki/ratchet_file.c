/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ratchet_file.h"

#include "base/wipe.h"
#include "pki/database.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* NULL for a base or a next that there is not. */
static const struct database_kind kind = {
    .what = "list of ratchets",
    .application = "1413571410", /* "TACR" */
    .tables = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
              "CREATE TABLE IF NOT EXISTS ratchet ("
              "  name         TEXT PRIMARY KEY NOT NULL,"
              "  key          BLOB NOT NULL,"
              "  base_counter INTEGER NOT NULL,"
              "  base         BLOB,"
              "  next_counter INTEGER NOT NULL,"
              "  next         BLOB,"
              "  run          INTEGER NOT NULL,"
              "  arrival      INTEGER NOT NULL,"
              "  since        INTEGER NOT NULL,"
              "  address      TEXT NOT NULL,"
              "  serial       TEXT NOT NULL,"
              "  client       TEXT NOT NULL"
              ") STRICT, WITHOUT ROWID;",
    .advice = "put back a copy, or delete it: then each device is believed once",
};

struct ratchet_file {
    struct database file;
};

int ratchet_file_open(const char *path, bool makes, struct ratchet_file **out,
                      struct pki_fault *fault)
{
    struct ratchet_file *file = malloc(sizeof(*file));

    if (file == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    int error = database_init(&file->file, path, makes, &kind, fault);
    if (error == 0)
        *out = file;
    else
        free(file);
    return error;
}

void ratchet_file_close(struct ratchet_file *file)
{
    if (file == NULL)
        return;
    database_fini(&file->file);
    free(file);
}

static int result_of(const struct ratchet_file *file, int code, struct pki_fault *fault)
{
    return code == SQLITE_OK ? 0 : database_fail(&file->file, code, fault);
}

int ratchet_file_begin(struct ratchet_file *file, struct pki_fault *fault)
{
    return result_of(file, database_begin(&file->file), fault);
}

int ratchet_file_end(struct ratchet_file *file, bool keeps, struct pki_fault *fault)
{
    int code = database_end(&file->file, keeps ? SQLITE_OK : SQLITE_ABORT);

    return keeps ? result_of(file, code, fault) : 0;
}

/* ---- rows ---- */

static bool take_blob(sqlite3_stmt *s, int column, uint8_t *out, int size)
{
    const void *blob = sqlite3_column_blob(s, column);

    if (blob == NULL || sqlite3_column_bytes(s, column) != size)
        return false;
    memcpy(out, blob, (size_t)size);
    return true;
}

/* False: neither a step nor none. */
static bool take_step(sqlite3_stmt *s, int column, bool *out_has, struct ratchet_step *out)
{
    out->counter = (uint64_t)sqlite3_column_int64(s, column);
    *out_has = sqlite3_column_type(s, column + 1) != SQLITE_NULL;
    return !*out_has || take_blob(s, column + 1, out->secret, (int)sizeof(out->secret));
}

static int decode(const struct ratchet_file *file, sqlite3_stmt *s, struct ratchet_file_entry *out,
                  struct pki_fault *fault)
{
    struct ratchet_record *record = &out->record;

    database_column_text(s, 0, out->name, sizeof(out->name));
    if (!take_blob(s, 1, out->key_sha256, (int)sizeof(out->key_sha256))
        || !take_step(s, 2, &record->has_base, &record->base)
        || !take_step(s, 4, &record->has_next, &record->next))
        return pki_fail(fault, -EBADMSG,
                        "%s: the row of %s is no ratchet; tacit device release --reset-ratchet "
                        "makes a new one",
                        file->file.path, out->name);
    record->arrival.run = (uint64_t)sqlite3_column_int64(s, 6);
    record->arrival.order = (uint64_t)sqlite3_column_int64(s, 7);
    out->since_s = sqlite3_column_int64(s, 8);
    database_column_text(s, 9, out->address, sizeof(out->address));
    database_column_text(s, 10, out->serial, sizeof(out->serial));
    database_column_text(s, 11, out->client_id, sizeof(out->client_id));
    return 0;
}

int ratchet_file_find(struct ratchet_file *file, const char *name, struct ratchet_file_entry *out,
                      struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct ratchet_file_entry entry = { .since_s = 0 };
    int result = -ENOENT;
    int code =
        sqlite3_prepare_v2(file->file.db, "SELECT * FROM ratchet WHERE name = ?", -1, &s, NULL);

    if (code != SQLITE_OK)
        return database_fail(&file->file, code, fault);
    (void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(s) == SQLITE_ROW)
        result = decode(file, s, &entry, fault);
    code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        result = database_fail(&file->file, code, fault);
    if (result == 0)
        *out = entry;
    wipe_bytes(&entry, sizeof(entry));
    return result;
}

static void bind_step(sqlite3_stmt *s, int column, bool has, const struct ratchet_step *step)
{
    (void)sqlite3_bind_int64(s, column, has ? (int64_t)step->counter : 0);
    if (has)
        (void)sqlite3_bind_blob(s, column + 1, step->secret, (int)sizeof(step->secret),
                                SQLITE_STATIC);
}

int ratchet_file_save(struct ratchet_file *file, const struct ratchet_file_entry *entry,
                      struct pki_fault *fault)
{
    const struct ratchet_record *record = &entry->record;
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(file->file.db,
                                  "INSERT OR REPLACE INTO ratchet VALUES "
                                  "(?,?,?,?,?,?,?,?,?,?,?,?)",
                                  -1, &s, NULL);

    if (code != SQLITE_OK)
        return database_fail(&file->file, code, fault);
    (void)sqlite3_bind_text(s, 1, entry->name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_blob(s, 2, entry->key_sha256, (int)sizeof(entry->key_sha256), SQLITE_STATIC);
    bind_step(s, 3, record->has_base, &record->base);
    bind_step(s, 5, record->has_next, &record->next);
    (void)sqlite3_bind_int64(s, 7, (int64_t)record->arrival.run);
    (void)sqlite3_bind_int64(s, 8, (int64_t)record->arrival.order);
    (void)sqlite3_bind_int64(s, 9, entry->since_s);
    (void)sqlite3_bind_text(s, 10, entry->address, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(s, 11, entry->serial, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(s, 12, entry->client_id, -1, SQLITE_STATIC);
    (void)sqlite3_step(s);
    return result_of(file, sqlite3_finalize(s), fault);
}

int ratchet_file_forget(struct ratchet_file *file, const char *name, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int code =
        sqlite3_prepare_v2(file->file.db, "DELETE FROM ratchet WHERE name = ?", -1, &s, NULL);

    if (code != SQLITE_OK)
        return database_fail(&file->file, code, fault);
    (void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    (void)sqlite3_step(s);
    code = sqlite3_finalize(s);
    return code == SQLITE_OK ? sqlite3_changes(file->file.db) : result_of(file, code, fault);
}

int ratchet_file_each(struct ratchet_file *file, ratchet_file_visit visit, void *context,
                      struct pki_fault *fault)
{
    char name[IDENTITY_URI_NAME_SIZE];
    sqlite3_stmt *s;
    int result = 0;
    int code = sqlite3_prepare_v2(file->file.db, "SELECT name FROM ratchet", -1, &s, NULL);

    if (code != SQLITE_OK)
        return database_fail(&file->file, code, fault);
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        database_column_text(s, 0, name, sizeof(name));
        result = visit(context, name);
    }
    code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : database_fail(&file->file, code, fault);
}
