/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/registry_schema.h"

#include "pki/registry.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

#define APPLICATION_ID 0x54414354 /* "TACT": `file registry.db` shows it */

/* Step i leads from version i to i + 1. A step that has been released is never edited. */
static const char *const steps[REGISTRY_SCHEMA_VERSION] = {
    "CREATE TABLE identity ("
    "  name        TEXT PRIMARY KEY NOT NULL,"
    "  kind        TEXT NOT NULL CHECK (kind IN ('device', 'service', 'admin')),"
    "  role        TEXT NOT NULL CHECK (role <> ''),"
    "  tenant      TEXT NOT NULL DEFAULT '',"
    "  site        TEXT NOT NULL DEFAULT '',"
    "  status      TEXT NOT NULL"
    "              CHECK (status IN ('active', 'suspended', 'revoked', 'retired')),"
    "  key_sha256  TEXT NOT NULL UNIQUE CHECK (length(key_sha256) = 64),"
    "  serial      TEXT NOT NULL UNIQUE,"
    "  fingerprint TEXT NOT NULL UNIQUE CHECK (length(fingerprint) = 64),"
    "  not_before  INTEGER NOT NULL,"
    "  not_after   INTEGER NOT NULL,"
    "  created     INTEGER NOT NULL,"
    "  changed     INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;",

    "CREATE TABLE grants ("
    "  id           INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  subject_kind TEXT NOT NULL CHECK (subject_kind IN ('device', 'role', 'group')),"
    "  subject      TEXT NOT NULL CHECK (subject <> ''),"
    "  action       TEXT NOT NULL CHECK (action IN ('publish', 'subscribe')),"
    "  denies       INTEGER NOT NULL DEFAULT 0 CHECK (denies IN (0, 1)),"
    "  pattern      TEXT NOT NULL CHECK (pattern <> ''),"
    "  maximum_qos  INTEGER CHECK (maximum_qos BETWEEN 0 AND 2)," /* NULL: as the role */
    "  retain       INTEGER CHECK (retain IN (0, 1)),"
    "  payload      INTEGER CHECK (payload >= 0),"
    "  rate         INTEGER CHECK (rate >= 0),"
    "  rate_seconds INTEGER CHECK (rate_seconds > 0),"
    "  depth        INTEGER CHECK (depth >= 0)," /* NULL: not a scoped wildcard grant */
    "  most_topics  INTEGER CHECK (most_topics > 0),"
    "  owner        TEXT NOT NULL DEFAULT '',"
    "  reason       TEXT NOT NULL DEFAULT '',"
    "  expires      INTEGER NOT NULL DEFAULT 0,"
    "  created      INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX grants_by_subject ON grants (subject_kind, subject);"
    "CREATE TABLE membership ("
    "  grp    TEXT NOT NULL CHECK (grp <> ''),"
    "  device TEXT NOT NULL CHECK (device <> ''),"
    "  PRIMARY KEY (grp, device)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX membership_by_device ON membership (device);"
    "CREATE TABLE group_role ("
    "  grp  TEXT NOT NULL CHECK (grp <> ''),"
    "  role TEXT NOT NULL CHECK (role <> ''),"
    "  PRIMARY KEY (grp, role)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE anchor ("
    "  id         TEXT PRIMARY KEY NOT NULL,"
    "  first_read INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE policy_version ("
    "  one     INTEGER PRIMARY KEY CHECK (one = 1),"
    "  counter INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO policy_version VALUES (1, 1);"
#define MOVES(name, when)                          \
    "CREATE TRIGGER " name " AFTER " when " BEGIN" \
    "  UPDATE policy_version SET counter = counter + 1; END;"
#include "pki/policy_moves.def"
#undef MOVES
};

static int read_number(sqlite3 *db, const char *pragma, int *out)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, pragma, -1, &statement, NULL);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int(statement, 0);
    int end = sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : end != SQLITE_OK ? end : SQLITE_CORRUPT;
}

/* Is it ours, or empty so far? */
static int check_owner(sqlite3 *db)
{
    int application = 0;
    int tables = 0;
    int code = read_number(db, "PRAGMA application_id", &application);
    if (code == SQLITE_OK)
        code = read_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (code != SQLITE_OK)
        return code;
    return application == APPLICATION_ID || (application == 0 && tables == 0) ? SQLITE_OK
                                                                              : SQLITE_NOTADB;
}

/* Inside a transaction: another process may be at the same step. */
static int migrate(sqlite3 *db)
{
    char pragma[96];
    int version = 0;
    int code = check_owner(db);
    if (code == SQLITE_OK)
        code = read_number(db, "PRAGMA user_version", &version);
    if (code != SQLITE_OK)
        return code;
    if (version < 0 || version > REGISTRY_SCHEMA_VERSION)
        return SQLITE_SCHEMA;

    for (int i = version; i < REGISTRY_SCHEMA_VERSION && code == SQLITE_OK; i++)
        code = sqlite3_exec(db, steps[i], NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return code;
    (void)snprintf(pragma, sizeof(pragma), "PRAGMA application_id=%d; PRAGMA user_version=%d;",
                   APPLICATION_ID, REGISTRY_SCHEMA_VERSION);
    return sqlite3_exec(db, pragma, NULL, NULL, NULL);
}

int registry_schema_migrate(struct sqlite3 *db)
{
    int version = 0;
    int code = check_owner(db);
    if (code == SQLITE_OK)
        code = read_number(db, "PRAGMA user_version", &version);
    if (code != SQLITE_OK || version == REGISTRY_SCHEMA_VERSION)
        return code;

    code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return code;
    code = migrate(db);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}
