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
    ,

    /* Certificates are kept after the identity has another one: a revocation list names them. A
     * key stays its first owner's for ever, whoever writes the row. */
    "ALTER TABLE identity ADD COLUMN protection TEXT NOT NULL DEFAULT 'unknown'"
    "  CHECK (protection IN ('unknown', 'plain', 'sealed', 'pkcs11', 'tpm'));"
    "ALTER TABLE identity ADD COLUMN algorithm TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE identity ADD COLUMN reason TEXT NOT NULL DEFAULT '';" /* why it is not active */
    "CREATE TABLE certificate ("
    "  serial      TEXT PRIMARY KEY NOT NULL,"
    "  name        TEXT NOT NULL,"
    "  fingerprint TEXT NOT NULL UNIQUE,"
    "  key_sha256  TEXT NOT NULL,"
    "  not_before  INTEGER NOT NULL,"
    "  not_after   INTEGER NOT NULL,"
    "  issued      INTEGER NOT NULL,"
    "  revoked     INTEGER NOT NULL DEFAULT 0," /* when; 0: is not */
    "  reason      TEXT NOT NULL DEFAULT ''"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX certificate_by_name ON certificate (name);"
    "INSERT INTO certificate SELECT serial, name, fingerprint, key_sha256, not_before, not_after,"
    "  created, CASE status WHEN 'active' THEN 0 ELSE changed END,"
    "  CASE status WHEN 'suspended' THEN 'certificate-hold'"
    "    WHEN 'retired' THEN 'cessation-of-operation' WHEN 'revoked' THEN 'unspecified'"
    "    ELSE '' END FROM identity;"
    "CREATE TABLE key_use ("
    "  key_sha256 TEXT PRIMARY KEY NOT NULL,"
    "  name       TEXT NOT NULL,"
    "  since      INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO key_use SELECT key_sha256, name, created FROM identity;"
    "CREATE TABLE blocked_key ("
    "  key_sha256 TEXT PRIMARY KEY NOT NULL CHECK (length(key_sha256) = 64),"
    "  reason     TEXT NOT NULL,"
    "  source     TEXT NOT NULL DEFAULT '',"
    "  added      INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE token ("
    "  id         INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  hash       TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)," /* never the token itself */
    "  name       TEXT NOT NULL CHECK (name <> ''),"
    "  kind       TEXT NOT NULL CHECK (kind IN ('device', 'service', 'admin')),"
    "  role       TEXT NOT NULL CHECK (role <> ''),"
    "  tenant     TEXT NOT NULL DEFAULT '',"
    "  site       TEXT NOT NULL DEFAULT '',"
    "  days       INTEGER NOT NULL DEFAULT 0," /* of the certificate; 0: the CA's default */
    "  replaces   INTEGER NOT NULL DEFAULT 0 CHECK (replaces IN (0, 1))," /* the name's key */
    "  created    INTEGER NOT NULL,"
    "  expires    INTEGER NOT NULL,"
    "  used       INTEGER NOT NULL DEFAULT 0," /* when; 0: is not */
    "  key_sha256 TEXT NOT NULL DEFAULT ''"    /* by which key */
    ") STRICT;"
    "CREATE INDEX token_by_name ON token (name);"
    "CREATE TABLE account ("
    "  name            TEXT PRIMARY KEY NOT NULL CHECK (name <> ''),"
    "  role            TEXT NOT NULL CHECK (role <> ''),"
    "  tenant          TEXT NOT NULL DEFAULT '',"
    "  site            TEXT NOT NULL DEFAULT '',"
    "  status          TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'revoked')),"
    "  verifier        TEXT NOT NULL DEFAULT ''," /* '': no password over CONNECT */
    "  scram_salt      TEXT NOT NULL DEFAULT ''," /* hex; '': no SCRAM */
    "  scram_rounds    INTEGER NOT NULL DEFAULT 0,"
    "  scram_stored    TEXT NOT NULL DEFAULT '',"
    "  scram_server    TEXT NOT NULL DEFAULT '',"
    "  burnt           INTEGER NOT NULL DEFAULT 0," /* when it was seen in the clear */
    "  burnt_from      TEXT NOT NULL DEFAULT '',"
    "  created         INTEGER NOT NULL,"
    "  changed         INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
#define OWNED(name, when)                                                        \
    "CREATE TRIGGER " name " BEFORE " when " WHEN EXISTS (SELECT 1 FROM key_use" \
    "  WHERE key_sha256 = NEW.key_sha256 AND name <> NEW.name) BEGIN"            \
    "  SELECT RAISE(ABORT, 'this key belongs to another identity'); END;"
    OWNED("key_is_free", "INSERT ON identity")
        OWNED("key_stays_free", "UPDATE OF key_sha256 ON identity")
#undef OWNED
#define USED(name, when)                           \
    "CREATE TRIGGER " name " AFTER " when " BEGIN" \
    "  INSERT OR IGNORE INTO key_use VALUES (NEW.key_sha256, NEW.name, NEW.changed); END;"
            USED("key_is_used", "INSERT ON identity")
                USED("key_is_changed", "UPDATE OF key_sha256 ON identity")
#undef USED
#define MOVES(name, when)                          \
    "CREATE TRIGGER " name " AFTER " when " BEGIN" \
    "  UPDATE policy_version SET counter = counter + 1; END;"
#include "pki/policy_moves_3.def"
#undef MOVES
                    ,

#define ALONE(name, when, other)                                                \
    "CREATE TRIGGER " name " BEFORE " when " WHEN EXISTS (SELECT 1 FROM " other \
    "  WHERE name = NEW.name) BEGIN"                                            \
    "  SELECT RAISE(ABORT, 'this name is taken: " other "'); END;"
#include "pki/names_alone.def"
#undef ALONE
    ,

    /* What is marked is so before it can be used, and as long as it can. */
    "CREATE TABLE canary ("
    "  name    TEXT PRIMARY KEY NOT NULL CHECK (name <> ''),"
    "  kind    TEXT NOT NULL CHECK (kind IN ('device', 'account', 'token', 'topic')),"
    "  topic   TEXT NOT NULL DEFAULT '' CHECK ((kind = 'topic') = (topic <> '')),"
    "  note    TEXT NOT NULL DEFAULT '',"
    "  created INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER canary_is_nobody BEFORE INSERT ON canary"
    "  WHEN NEW.kind <> 'topic' AND (EXISTS (SELECT 1 FROM identity WHERE name = NEW.name)"
    "    OR EXISTS (SELECT 1 FROM account WHERE name = NEW.name)"
    "    OR EXISTS (SELECT 1 FROM token WHERE name = NEW.name AND used = 0)) BEGIN"
    "  SELECT RAISE(ABORT, 'this name is somebody real'); END;"
    "CREATE TRIGGER canary_stays BEFORE DELETE ON canary"
    "  WHEN OLD.kind <> 'topic' AND (EXISTS (SELECT 1 FROM identity WHERE name = OLD.name"
    "      AND status IN ('active', 'suspended'))"
    "    OR EXISTS (SELECT 1 FROM account WHERE name = OLD.name)"
    "    OR EXISTS (SELECT 1 FROM token WHERE name = OLD.name AND used = 0)) BEGIN"
    "  SELECT RAISE(ABORT, 'this canary can still be used'); END;"
    "CREATE TRIGGER canary_follows AFTER UPDATE OF name ON identity BEGIN"
    "  UPDATE canary SET name = NEW.name WHERE name = OLD.name AND kind <> 'topic'; END;"
#define MOVES(name, when)                          \
    "CREATE TRIGGER " name " AFTER " when " BEGIN" \
    "  UPDATE policy_version SET counter = counter + 1; END;"
#include "pki/policy_moves_canaries.def"
#undef MOVES
    ,

    /* A key that was asked for with the one before. */
    "CREATE TABLE key_renewal ("
    "  key_sha256 TEXT PRIMARY KEY NOT NULL CHECK (length(key_sha256) = 64),"
    "  former     TEXT NOT NULL CHECK (length(former) = 64)"
    ") STRICT, WITHOUT ROWID;",

    /* A TPM has proved that it has the key: of that key alone, and as long as it is one of a TPM. */
    "ALTER TABLE identity ADD COLUMN attested TEXT NOT NULL DEFAULT ''" /* by what; '': declared */
    "  CHECK (attested IN ('', 'ek-certificate', 'ek-list'));"
    "ALTER TABLE identity ADD COLUMN attested_by TEXT NOT NULL DEFAULT '';" /* endorsement key */
    "ALTER TABLE identity ADD COLUMN attested_at INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE endorsement (" /* the TPM that the operator named for an identity */
    "  name       TEXT PRIMARY KEY NOT NULL CHECK (name <> ''),"
    "  key_sha256 TEXT NOT NULL CHECK (length(key_sha256) = 64),"
    "  since      INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
#define ENDS(name, when)                                                     \
    "CREATE TRIGGER " name " AFTER " when " BEGIN"                           \
    "  UPDATE identity SET attested = '', attested_by = '', attested_at = 0" \
    "  WHERE name = NEW.name; END;"
    ENDS("key_ends_attestation", "UPDATE OF key_sha256 ON identity"
                                 " WHEN NEW.key_sha256 <> OLD.key_sha256 AND NEW.attested <> ''")
        ENDS("level_ends_attestation", "UPDATE OF protection ON identity"
                                       " WHEN NEW.protection <> 'tpm' AND NEW.attested <> ''")
#undef ENDS
            "CREATE TRIGGER endorsement_follows AFTER UPDATE OF name ON identity BEGIN"
            "  UPDATE endorsement SET name = NEW.name WHERE name = OLD.name; END;"
            "CREATE TRIGGER removal_ends_endorsement AFTER DELETE ON identity BEGIN"
            "  DELETE FROM endorsement WHERE name = OLD.name; END;"
#define MOVES(name, when)                          \
    "CREATE TRIGGER " name " AFTER " when " BEGIN" \
    "  UPDATE policy_version SET counter = counter + 1; END;"
#include "pki/policy_moves_attestation.def"
#undef MOVES
    ,

    /* Holds because of behaviour, which end by themselves; and pardons. */
    "ALTER TABLE hold ADD COLUMN kind TEXT NOT NULL DEFAULT 'clone'"
    "  CHECK (kind IN ('clone', 'behaviour', 'pardon'));"
    "ALTER TABLE hold ADD COLUMN until INTEGER NOT NULL DEFAULT 0;", /* 0: does not */
};

/* The rest of a step: a compiler need not take a text of more than 4095 bytes. */
static const char *const rests[REGISTRY_SCHEMA_VERSION] = {
    [2] = "CREATE TABLE former_name ("
          "  name  TEXT PRIMARY KEY NOT NULL,"
          "  since INTEGER NOT NULL,"
          "  named TEXT NOT NULL" /* whose it was, as it is called now */
          ") STRICT, WITHOUT ROWID;"
          "CREATE TRIGGER name_is_free BEFORE INSERT ON identity"
          "  WHEN EXISTS (SELECT 1 FROM former_name WHERE name = NEW.name) BEGIN"
          "  SELECT RAISE(ABORT, 'this was the name of another identity'); END;"
          /* A token that was given out before must not undo it. */
          "CREATE TRIGGER token_ends AFTER UPDATE OF status ON identity"
          "  WHEN NEW.status <> 'active' BEGIN"
          "  DELETE FROM token WHERE name = NEW.name AND used = 0; END;"
          /* A key was seen in two places. What makes a copied key useless ends the hold. */
          "CREATE TABLE hold ("
          "  name  TEXT PRIMARY KEY NOT NULL CHECK (name <> ''),"
          "  since INTEGER NOT NULL,"
          "  why   TEXT NOT NULL DEFAULT ''"
          ") STRICT, WITHOUT ROWID;"
          "CREATE TRIGGER hold_follows AFTER UPDATE OF name ON identity BEGIN"
          "  UPDATE hold SET name = NEW.name WHERE name = OLD.name; END;"
          "CREATE TRIGGER status_ends_hold AFTER UPDATE OF status ON identity"
          "  WHEN NEW.status IN ('revoked', 'retired') BEGIN"
          "  DELETE FROM hold WHERE name = NEW.name; END;"
          "CREATE TRIGGER key_ends_hold AFTER UPDATE OF key_sha256 ON identity"
          "  WHEN NEW.key_sha256 <> OLD.key_sha256 BEGIN"
          "  DELETE FROM hold WHERE name = NEW.name; END;"
          "CREATE TRIGGER removal_ends_hold AFTER DELETE ON identity BEGIN"
          "  DELETE FROM hold WHERE name = OLD.name; END;"
#define MOVES(name, when)                          \
    "CREATE TRIGGER " name " AFTER " when " BEGIN" \
    "  UPDATE policy_version SET counter = counter + 1; END;"
#include "pki/policy_moves_holds.def"
#undef MOVES
    ,
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

    for (int i = version; i < REGISTRY_SCHEMA_VERSION && code == SQLITE_OK; i++) {
        code = sqlite3_exec(db, steps[i], NULL, NULL, NULL);
        if (code == SQLITE_OK && rests[i] != NULL)
            code = sqlite3_exec(db, rests[i], NULL, NULL, NULL);
    }
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
