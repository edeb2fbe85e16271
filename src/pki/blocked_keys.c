/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/blocked_keys.h"

#include "keycheck/keycheck.h"
#include "pki/blocked_folder.h"
#include "pki/id_array.h"
#include "pki/private_file.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COLUMNS "key_sha256, reason, source, added"

/* ---- the table ---- */

static int prepare_insert(struct registry *registry, sqlite3_stmt **out, struct pki_fault *fault)
{
    return registry_prepare(registry,
                            "INSERT OR IGNORE INTO blocked_key (" COLUMNS ") VALUES (?, ?, ?, ?)",
                            out, fault);
}

static void bind(sqlite3_stmt *s, const struct blocked_key *key)
{
    registry_bind_hash(s, 1, key->key_sha256);
    registry_bind_text(s, 2, key->reason);
    registry_bind_text(s, 3, key->source);
    (void)sqlite3_bind_int64(s, 4, (int64_t)time(NULL));
}

int blocked_keys_add(struct registry *registry, const struct blocked_key *key,
                     struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int status = prepare_insert(registry, &s, fault);
    if (status < 0)
        return status;
    bind(s, key);
    int added = registry_run(registry, s, fault);
    if (added == 0)
        return pki_fail(fault, -EEXIST, "this key is blocked already");
    return added < 0 ? added : 0;
}

int blocked_keys_remove(struct registry *registry, const uint8_t *key_sha256,
                        struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int status =
        registry_prepare(registry, "DELETE FROM blocked_key WHERE key_sha256 = ?", &s, fault);
    if (status < 0)
        return status;
    registry_bind_hash(s, 1, key_sha256);
    int removed = registry_run(registry, s, fault);
    if (removed == 0)
        return pki_fail(fault, -ENOENT, "this key is not in the registry's list of blocked keys");
    return removed < 0 ? removed : 0;
}

static bool decode(sqlite3_stmt *s, struct blocked_key *out)
{
    struct blocked_key key = { .added_s = sqlite3_column_int64(s, 3) };

    if (!registry_column_hash(s, 0, key.key_sha256)
        || !registry_column_text(s, 1, key.reason, sizeof(key.reason))
        || !registry_column_text(s, 2, key.source, sizeof(key.source)))
        return false;
    *out = key;
    return true;
}

int blocked_keys_find(struct registry *registry, const uint8_t *key_sha256, struct blocked_key *out,
                      struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int status = registry_prepare(
        registry, "SELECT " COLUMNS " FROM blocked_key WHERE key_sha256 = ?", &s, fault);
    if (status < 0)
        return status;
    registry_bind_hash(s, 1, key_sha256);
    bool is_found = sqlite3_step(s) == SQLITE_ROW;
    /* A row that somebody else wrote, with a reason that is too long, blocks all the same. */
    if (is_found && !decode(s, out)) {
        *out = (struct blocked_key){ .reason = "the reason cannot be read" };
        memcpy(out->key_sha256, key_sha256, sizeof(out->key_sha256));
    }
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    return is_found ? 0 : pki_fail(fault, -ENOENT, "this key is not blocked");
}

int blocked_keys_list(struct registry *registry, blocked_keys_visit visit, void *context,
                      struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct blocked_key key;
    int result = registry_prepare(
        registry, "SELECT " COLUMNS " FROM blocked_key ORDER BY key_sha256", &s, fault);
    if (result < 0)
        return result;
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        if (decode(s, &key))
            result = visit(context, &key);
        else
            result = pki_fail(fault, -EBADMSG, "%s: the row of the blocked key %.64s is not valid",
                              registry->path, (const char *)sqlite3_column_text(s, 0));
    }
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}

int blocked_keys_count(struct registry *registry, size_t *out, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int status = registry_prepare(registry, "SELECT count(*) FROM blocked_key", &s, fault);
    if (status < 0)
        return status;
    size_t count = sqlite3_step(s) == SQLITE_ROW ? (size_t)sqlite3_column_int64(s, 0) : 0;
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    *out = count;
    return 0;
}

/* ---- may a key be used? ---- */

struct look_up {
    const uint8_t *key_sha256;
    const uint8_t *tag; /* NULL: it is no RSA key */
    char file[128];     /* the list that has it */
    char reason[BLOCKED_REASON_SIZE];
};

static int on_entry(void *context, const char *file, const struct blocked_line *line)
{
    struct look_up *sought = context;
    bool is_key = line->kind == BLOCKED_LINE_KEY;
    const uint8_t *id = is_key ? sought->key_sha256 : sought->tag;

    if (id == NULL || memcmp(id, line->id, is_key ? BLOCKED_KEY_BYTES : BLOCKED_TAG_BYTES) != 0)
        return 0;
    (void)snprintf(sought->file, sizeof(sought->file), "%s", file);
    memcpy(sought->reason, line->reason, sizeof(sought->reason));
    return 1;
}

static int refuse(const char *reason, const char *place, struct pki_fault *fault)
{
    return pki_fail(fault, -EKEYREJECTED, "this key is blocked%s%s%s%s%s; make a new one",
                    reason[0] != '\0' ? ": " : "", reason, place[0] != '\0' ? " (" : "", place,
                    place[0] != '\0' ? ")" : "");
}

int blocked_keys_check(struct registry *registry, struct mqtt_span spki, struct pki_fault *fault)
{
    uint8_t key_sha256[EVP_MAX_MD_SIZE];
    uint8_t tag[KEYCHECK_TAG_BYTES];
    struct blocked_key known = { 0 };
    _Static_assert(KEYCHECK_TAG_BYTES == BLOCKED_TAG_BYTES, "the tag of the lists");

    if (EVP_Digest(spki.data, spki.len, key_sha256, NULL, EVP_sha256(), NULL) != 1)
        return pki_fail_crypto(fault, -EIO, "cannot hash the key");
    int status = blocked_keys_find(registry, key_sha256, &known, fault);
    if (status == 0)
        return refuse(known.reason, known.source, fault);
    if (status != -ENOENT)
        return status;
    struct look_up sought = { .key_sha256 = key_sha256,
                              .tag = keycheck_modulus_tag(spki, tag) ? tag : NULL };
    status = blocked_folder_read(registry, NULL, on_entry, &sought, fault);
    return status == 1 ? refuse(sought.reason, sought.file, fault) : status;
}

/* ---- import ---- */

struct import {
    struct registry *registry;
    const char *path;
    sqlite3_stmt *insert;
    struct blocked_key key; /* scratch; its source stays */
    struct id_array moduli;
    struct blocked_import counts;
    struct pki_fault *fault;
};

static int take_key(struct import *import, const struct blocked_line *line)
{
    sqlite3 *db = import->registry->db;

    memcpy(import->key.key_sha256, line->id, sizeof(import->key.key_sha256));
    (void)snprintf(import->key.reason, sizeof(import->key.reason), "%s",
                   line->reason[0] != '\0' ? line->reason : "on an imported list");
    bind(import->insert, &import->key);
    (void)sqlite3_step(import->insert);
    bool is_new = sqlite3_changes(db) > 0;
    int code = sqlite3_reset(import->insert);
    if (code != SQLITE_OK)
        return registry_fail(import->registry, code, import->fault);
    import->counts.added += is_new;
    import->counts.known += !is_new;
    return 0;
}

static int on_line(void *context, size_t number, const struct blocked_line *line)
{
    struct import *import = context;
    int status = 0;

    switch (line->kind) {
    case BLOCKED_LINE_EMPTY:
        break;
    case BLOCKED_LINE_MODULUS:
        status = id_array_add(&import->moduli, line->id);
        break;
    case BLOCKED_LINE_KEY:
        status = take_key(import, line);
        break;
    case BLOCKED_LINE_WRONG:
        status = pki_fail(import->fault, -EBADMSG, "%s:%zu: %s; nothing was imported", import->path,
                          number, line->why);
        break;
    }
    return status;
}

static int execute(struct registry *registry, const char *sql, struct pki_fault *fault)
{
    int code = sqlite3_exec(registry->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : registry_fail(registry, code, fault);
}

/* All or nothing, the list of moduli included: it is written before the rest counts. */
static int take(struct import *import, struct mqtt_span text)
{
    const char *slash = strrchr(import->path, '/');
    int status = execute(import->registry, "BEGIN IMMEDIATE", import->fault);

    if (status < 0)
        return status;
    status = prepare_insert(import->registry, &import->insert, import->fault);
    if (status == 0)
        status = blocked_list_read(text, on_line, import);
    (void)sqlite3_finalize(import->insert);
    if (status == 0 && import->moduli.count > 0) {
        id_array_sort(&import->moduli);
        import->counts.moduli = import->moduli.count;
        status = blocked_folder_write(import->registry, slash != NULL ? slash + 1 : import->path,
                                      import->key.source, &import->moduli, import->fault);
    }
    if (status == 0)
        status = execute(import->registry, "COMMIT", import->fault);
    if (status < 0)
        (void)execute(import->registry, "ROLLBACK", NULL);
    return status;
}

static int set_source(struct import *import, const char *source)
{
    const char *slash = strrchr(import->path, '/');
    const char *text = source != NULL ? source : slash != NULL ? slash + 1 : import->path;
    size_t len = strlen(text);

    if (len >= sizeof(import->key.source))
        return pki_fail(import->fault, -EINVAL, "'%.40s…' is too long for a source", text);
    for (size_t i = 0; i < len; i++)
        import->key.source[i] = (unsigned char)text[i] < ' ' ? '?' : text[i];
    import->key.source[len] = '\0';
    return 0;
}

int blocked_keys_import(struct registry *registry, const char *path, const char *source,
                        struct blocked_import *out, struct pki_fault *fault)
{
    struct import import = {
        .registry = registry, .path = path, .moduli = { .width = BLOCKED_TAG_BYTES }, .fault = fault
    };
    uint8_t *bytes;
    size_t len;
    int status = set_source(&import, source);

    if (status < 0)
        return status;
    status = private_file_read(path, BLOCKED_FOLDER_LIST_MAX, &bytes, &len);
    if (status < 0)
        return pki_fail(fault, status, "%s: cannot read the list: %s", path, strerror(-status));
    status = take(&import, (struct mqtt_span){ bytes, len });
    free(bytes);
    id_array_fini(&import.moduli);
    if (status == -ENOMEM)
        (void)pki_fail(fault, status, "%s: out of memory", path);
    if (status == 0)
        *out = import.counts;
    return status;
}
