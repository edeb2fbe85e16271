/* SPDX-License-Identifier: Apache-2.0 */
/* A new key, a new name: contract in registry_life.h. */
#include "pki/registry_life.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Is there a row? 1, 0 or a negative errno; its first column, a name, goes to `out` if not NULL. */
static int ask(struct registry *registry, const char *sql, const char *text, char *out,
               struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, sql, &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, text);
    bool is_there = sqlite3_step(s) == SQLITE_ROW;
    if (is_there && out != NULL && !registry_column_text(s, 0, out, IDENTITY_URI_NAME_SIZE))
        error = pki_fail(fault, -EBADMSG, "%s: a name is not valid", registry->path);
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    return error < 0 ? error : is_there;
}

/* The same for a key. */
static int ask_key(struct registry *registry, const char *sql, const uint8_t *key_sha256, char *out,
                   struct pki_fault *fault)
{
    char hex[2 * REGISTRY_KEY_BYTES + 1];
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < REGISTRY_KEY_BYTES; i++) {
        hex[2 * i] = digits[key_sha256[i] >> 4];
        hex[2 * i + 1] = digits[key_sha256[i] & 15];
    }
    hex[2 * REGISTRY_KEY_BYTES] = '\0';
    return ask(registry, sql, hex, out, fault);
}

int registry_find_successor(struct registry *registry, const char *name, char *out,
                            struct pki_fault *fault)
{
    int found = ask(registry, "SELECT named FROM former_name WHERE name = ?1", name, out, fault);

    if (found == 0)
        return pki_fail(fault, -ENOENT, "nobody was called '%s'", name);
    return found < 0 ? found : 0;
}

/* `name` may be NULL where the query asks for none. What is no name, because somebody has changed it by
 * hand, is nobody's. */
static int visit_names(struct registry *registry, const char *sql, const char *name,
                       registry_name_visit visit, void *context, struct pki_fault *fault)
{
    char found[IDENTITY_URI_NAME_SIZE];
    sqlite3_stmt *s;
    int result = registry_prepare(registry, sql, &s, fault);

    if (result < 0)
        return result;
    if (name != NULL)
        registry_bind_text(s, 1, name);
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW)
        if (registry_column_text(s, 0, found, sizeof(found)))
            result = visit(context, found);
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}

int registry_each_former_name(struct registry *registry, const char *name,
                              registry_name_visit visit, void *context, struct pki_fault *fault)
{
    return visit_names(registry, "SELECT name FROM former_name WHERE named = ?1", name, visit,
                       context, fault);
}

int registry_each_renamed(struct registry *registry, registry_name_visit visit, void *context,
                          struct pki_fault *fault)
{
    return visit_names(registry, "SELECT DISTINCT named FROM former_name", NULL, visit, context,
                       fault);
}

int registry_check_unused(struct registry *registry, const char *name, struct pki_fault *fault)
{
    char successor[IDENTITY_URI_NAME_SIZE] = "";
    int found =
        ask(registry, "SELECT named FROM former_name WHERE name = ?1", name, successor, fault);

    if (found > 0)
        return pki_fail(fault, -EEXIST,
                        "'%s' was the name of '%s' before; what was kept for it must not come to "
                        "another, so choose a new name",
                        name, successor);
    if (found == 0)
        found = ask(registry, "SELECT 1 FROM account WHERE name = ?1", name, NULL, fault);
    return found > 0
               ? pki_fail(fault, -EEXIST,
                          "'%s' is an account with a password; a device needs another name", name)
               : found;
}

/* ---- a new key ---- */

static int check_key(struct registry *registry, const char *name,
                     const struct registry_new_key *key, struct pki_fault *fault)
{
    char owner[IDENTITY_URI_NAME_SIZE];
    int found = ask_key(registry, "SELECT name FROM key_use WHERE key_sha256 = ?1", key->key_sha256,
                        owner, fault);

    if (found < 0)
        return found;
    if (found > 0 && strcmp(owner, name) == 0)
        return pki_fail(fault, -ENOTUNIQ,
                        "'%s' has had this key before; it comes back with a new one only", name);
    if (found > 0)
        return pki_fail(fault, -ENOTUNIQ,
                        "this key belongs to '%s' already; every device needs a key of its own",
                        owner);
    found = ask_key(registry, "SELECT source FROM blocked_key WHERE key_sha256 = ?1",
                    key->key_sha256, NULL, fault);
    if (found > 0)
        return pki_fail(fault, -EKEYREJECTED, "this key is blocked: nobody may use it");
    return found;
}

static int check_standing(struct registry *registry, const char *name, struct pki_fault *fault)
{
    struct registry_entry entry;
    int error = registry_find(registry, name, &entry, fault);

    if (error == 0 && entry.status == REGISTRY_SUSPENDED)
        return pki_fail(fault, -EPERM, "'%s' is suspended; resume it, and then give it a new key",
                        name);
    return error;
}

static int supersede(struct registry *registry, const char *name, int64_t now_s, bool with_held,
                     struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "UPDATE certificate SET revoked = ?2, reason = 'superseded' "
                                 "WHERE name = ?1 AND not_after > ?2 AND (revoked = 0 OR "
                                 "(?3 AND reason = 'certificate-hold'))",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    (void)sqlite3_bind_int64(s, 2, now_s);
    (void)sqlite3_bind_int(s, 3, with_held);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

static int take_key(struct registry *registry, const char *name, const struct registry_new_key *key,
                    int64_t now_s, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(
        registry,
        "UPDATE identity SET status = 'active', reason = '', changed = ?2, key_sha256 = ?3, "
        "serial = ?4, fingerprint = ?5, not_before = ?6, not_after = ?7, protection = ?8, "
        "algorithm = ?9 WHERE name = ?1",
        &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    (void)sqlite3_bind_int64(s, 2, now_s);
    registry_bind_hash(s, 3, key->key_sha256);
    registry_bind_text(s, 4, key->certificate.serial);
    registry_bind_hash(s, 5, key->certificate.fingerprint);
    (void)sqlite3_bind_int64(s, 6, key->certificate.not_before_s);
    (void)sqlite3_bind_int64(s, 7, key->certificate.not_after_s);
    registry_bind_text(s, 8, key->protection != NULL ? key->protection : "unknown");
    registry_bind_text(s, 9, key->algorithm != NULL ? key->algorithm : "");
    (void)sqlite3_step(s);
    int code = sqlite3_finalize(s);
    if (code == SQLITE_OK)
        code = registry_remember(registry, name, now_s);
    if (code == SQLITE_OK)
        return 0;
    if ((code & 0xff) != SQLITE_CONSTRAINT)
        return registry_fail(registry, code, fault);
    return pki_fail(fault, -ENOTUNIQ, "'%s': this certificate is registered already", name);
}

int registry_rekey(struct registry *registry, const char *name, const struct registry_new_key *key,
                   struct pki_fault *fault)
{
    int64_t now_s = (int64_t)time(NULL);
    int error = registry_begin(registry, fault);

    if (error < 0)
        return error;
    error = check_standing(registry, name, fault);
    if (error == 0)
        error = check_key(registry, name, key, fault);
    if (error == 0)
        error = supersede(registry, name, now_s, false, fault);
    if (error == 0)
        error = take_key(registry, name, key, now_s, fault);
    return registry_end(registry, error, fault);
}

/* ---- a new name ---- */

static int check_free(struct registry *registry, const char *name, const char *new_name,
                      struct pki_fault *fault)
{
    char other[IDENTITY_URI_NAME_SIZE] = "";
    int found = ask(registry, "SELECT name FROM identity WHERE name = ?1", new_name, NULL, fault);

    if (found > 0)
        return pki_fail(fault, -EEXIST, "'%s' exists already", new_name);
    if (found == 0)
        found =
            ask(registry, "SELECT named FROM former_name WHERE name = ?1", new_name, other, fault);
    /* Not even itself: its certificates of then are revoked, and would fit again. */
    if (found > 0)
        return pki_fail(fault, -EEXIST, "'%s' was the name of '%s' before; choose another",
                        new_name, other);
    if (found >= 0)
        found = ask(registry,
                    "SELECT 1 FROM account WHERE name = ?1 UNION ALL "
                    "SELECT 1 FROM token WHERE name = ?1 UNION ALL "
                    "SELECT 1 FROM membership WHERE device = ?1 UNION ALL "
                    "SELECT 1 FROM grants WHERE subject_kind = 'device' AND subject = ?1",
                    new_name, NULL, fault);
    if (found > 0)
        return pki_fail(fault, -EEXIST,
                        "there are grants, groups, tokens or an account for '%s' already, which "
                        "would become those of '%s'; take them away first",
                        new_name, name);
    return found;
}

static int check_names(struct registry *registry, const char *name, const char *new_name,
                       struct pki_fault *fault)
{
    struct registry_entry entry;
    int error = registry_find(registry, name, &entry, fault);

    if (error == 0)
        error = registry_check_names(
            new_name, &(struct registry_place){ entry.role, entry.tenant, entry.site }, fault);
    if (error < 0)
        return error;
    if (entry.status != REGISTRY_ACTIVE && entry.status != REGISTRY_SUSPENDED)
        return pki_fail(fault, -EPERM, "'%s' is %s; it needs no other name", name,
                        registry_status_text(entry.status));
    return check_free(registry, name, new_name, fault);
}

/* ?1 the old name, ?2 the new one, ?3 now. The status is written, too: that is what tells tacitd
 * that the standing of an identity has changed. */
static const char *const renamings[] = {
    "UPDATE key_use SET name = ?2 WHERE name = ?1",
    "UPDATE certificate SET name = ?2 WHERE name = ?1",
    "UPDATE membership SET device = ?2 WHERE device = ?1",
    "UPDATE grants SET subject = ?2 WHERE subject_kind = 'device' AND subject = ?1",
    "UPDATE token SET name = ?2 WHERE name = ?1",
    "UPDATE former_name SET named = ?2 WHERE named = ?1",
    "INSERT INTO former_name (name, named, since) VALUES (?1, ?2, ?3)",
    "UPDATE identity SET name = ?2, status = status, changed = ?3 WHERE name = ?1",
};

static int rename_all(struct registry *registry, const char *name, const char *new_name,
                      int64_t now_s, struct pki_fault *fault)
{
    int result = 0;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(renamings) && result >= 0; i++) {
        sqlite3_stmt *s;
        result = registry_prepare(registry, renamings[i], &s, fault);
        if (result < 0)
            return result;
        if (sqlite3_bind_parameter_count(s) >= 3)
            (void)sqlite3_bind_int64(s, 3, now_s);
        registry_bind_text(s, 1, name);
        registry_bind_text(s, 2, new_name);
        result = registry_run(registry, s, fault);
    }
    return result < 0 ? result : 0;
}

int registry_rename(struct registry *registry, const char *name, const char *new_name,
                    struct pki_fault *fault)
{
    int64_t now_s = (int64_t)time(NULL);
    int error = registry_begin(registry, fault);

    if (error < 0)
        return error;
    error = check_names(registry, name, new_name, fault);
    if (error == 0)
        error = supersede(registry, name, now_s, true, fault);
    if (error == 0)
        error = rename_all(registry, name, new_name, now_s, fault);
    return registry_end(registry, error, fault);
}
