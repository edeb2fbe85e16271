/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/accounts.h"

#include "base/wipe.h"
#include "pki/registry_life.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COLUMNS                                                                            \
    "name, role, tenant, site, status, verifier, scram_salt, scram_rounds, scram_stored, " \
    "scram_server, burnt, burnt_from, created, changed"

#define HEX_SIZE(bytes) (2 * (bytes) + 1)

int accounts_make_secret(struct mqtt_span password, struct account *out, struct pki_fault *fault)
{
    int error = password_check(password, fault);

    if (error == 0)
        error = password_hash(password, out->verifier, fault);
    if (error == 0 && scram_keys_new(password, &out->scram) < 0)
        error = pki_fail(fault, -EIO, "the password cannot be hashed for SCRAM");
    out->has_scram = error == 0;
    return error;
}

/* ---- columns ---- */

/* NULL: "". */
static void bind_hex(sqlite3_stmt *s, int index, const uint8_t *bytes, size_t len)
{
    char hex[HEX_SIZE(SCRAM_KEY_BYTES)] = "";

    for (size_t i = 0; bytes != NULL && i < len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    registry_bind_text(s, index, hex);
    wipe_bytes(hex, sizeof(hex));
}

/* Four columns from `index` on. */
static void bind_scram(sqlite3_stmt *s, int index, const struct scram_keys *keys)
{
    bind_hex(s, index, keys != NULL ? keys->salt : NULL, SCRAM_SALT_BYTES);
    (void)sqlite3_bind_int64(s, index + 1, keys != NULL ? keys->rounds : 0);
    bind_hex(s, index + 2, keys != NULL ? keys->stored : NULL, SCRAM_KEY_BYTES);
    bind_hex(s, index + 3, keys != NULL ? keys->server : NULL, SCRAM_KEY_BYTES);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool column_hex(sqlite3_stmt *s, int column, uint8_t *out, size_t len)
{
    const char *text = (const char *)sqlite3_column_text(s, column);

    if (text == NULL || strlen(text) != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Somebody else may have written the row: what is not whole is none. */
static bool column_scram(sqlite3_stmt *s, int column, struct scram_keys *out)
{
    int64_t rounds = sqlite3_column_int64(s, column + 1);

    if (rounds < SCRAM_ROUNDS_MIN || rounds > SCRAM_ROUNDS_MAX
        || !column_hex(s, column, out->salt, sizeof(out->salt))
        || !column_hex(s, column + 2, out->stored, sizeof(out->stored))
        || !column_hex(s, column + 3, out->server, sizeof(out->server)))
        return false;
    out->rounds = (uint32_t)rounds;
    return true;
}

static bool column_status(sqlite3_stmt *s, int column, enum registry_status *out)
{
    char text[16];

    if (!registry_column_text(s, column, text, sizeof(text)))
        return false;
    for (unsigned i = 0; i < REGISTRY_STATUS_COUNT; i++) {
        if (strcmp(text, registry_status_text((enum registry_status)i)) == 0) {
            *out = (enum registry_status)i;
            return true;
        }
    }
    return false;
}

static bool row_decode(sqlite3_stmt *s, struct account *out)
{
    *out = (struct account){ 0 };
    if (!registry_column_text(s, 0, out->name, sizeof(out->name))
        || !registry_column_text(s, 1, out->role, sizeof(out->role))
        || !registry_column_text(s, 2, out->tenant, sizeof(out->tenant))
        || !registry_column_text(s, 3, out->site, sizeof(out->site))
        || !column_status(s, 4, &out->status)
        || !registry_column_text(s, 5, out->verifier, sizeof(out->verifier))
        || !registry_column_text(s, 11, out->burnt_from, sizeof(out->burnt_from)))
        return false;
    out->has_scram = column_scram(s, 6, &out->scram);
    out->burnt_s = sqlite3_column_int64(s, 10);
    out->created_s = sqlite3_column_int64(s, 12);
    out->changed_s = sqlite3_column_int64(s, 13);
    return true;
}

/* ---- changes ---- */

static int check(const struct account *account, struct pki_fault *fault)
{
    if (!registry_name_is_valid(account->name))
        return pki_fail(fault, -EINVAL,
                        "'%.80s' cannot be the name of an account: write printable characters "
                        "without space, '/', '+', '#', '%%' and quotes, not beginning with '$' or "
                        "'.'",
                        account->name);
    if (!registry_name_is_valid(account->role))
        return pki_fail(fault, -EINVAL, "'%.80s' cannot be the name of a role", account->role);
    if ((account->tenant[0] != '\0' && !registry_name_is_valid(account->tenant))
        || (account->site[0] != '\0' && !registry_name_is_valid(account->site)))
        return pki_fail(fault, -EINVAL, "'%.80s' cannot be the name of a tenant or site",
                        account->tenant[0] != '\0' ? account->tenant : account->site);
    if (account->status == REGISTRY_RETIRED || (unsigned)account->status >= REGISTRY_STATUS_COUNT
        || (account->verifier[0] != '\0' && !password_verifier_is_valid(account->verifier)))
        return pki_fail(fault, -EINVAL, "'%s' cannot be an account: no such status or verifier",
                        account->name);
    return 0;
}

static int explain_conflict(struct registry *r, const struct account *account,
                            struct pki_fault *fault)
{
    struct registry_entry device;
    char successor[IDENTITY_URI_NAME_SIZE];

    if (registry_find(r, account->name, &device, NULL) == 0)
        return pki_fail(fault, -EEXIST,
                        "'%s' is a device with a certificate; an account needs another name",
                        account->name);
    if (registry_find_successor(r, account->name, successor, NULL) == 0)
        return pki_fail(fault, -EEXIST,
                        "'%s' was the name of '%s' before; what was kept for it must not come to "
                        "another, so choose a new name",
                        account->name, successor);
    return pki_fail(fault, -EEXIST, "there is an account '%s' already", account->name);
}

int accounts_add(struct registry *registry, const struct account *account, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int64_t now_s = (int64_t)time(NULL);
    int error = check(account, fault);

    if (error == 0)
        error = registry_prepare(
            registry, "INSERT INTO account (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,0,'',?,?)", &s,
            fault);
    if (error < 0)
        return error;
    registry_bind_text(s, 1, account->name);
    registry_bind_text(s, 2, account->role);
    registry_bind_text(s, 3, account->tenant);
    registry_bind_text(s, 4, account->site);
    registry_bind_text(s, 5, registry_status_text(account->status));
    registry_bind_text(s, 6, account->verifier);
    bind_scram(s, 7, account->has_scram ? &account->scram : NULL);
    (void)sqlite3_bind_int64(s, 11, now_s);
    (void)sqlite3_bind_int64(s, 12, now_s);
    (void)sqlite3_step(s);
    int code = sqlite3_finalize(s);
    if (code == SQLITE_OK)
        return 0;
    return (code & 0xff) == SQLITE_CONSTRAINT ? explain_conflict(registry, account, fault)
                                              : registry_fail(registry, code, fault);
}

static int no_account(const char *name, struct pki_fault *fault)
{
    return pki_fail(fault, -ENOENT, "there is no account '%.128s'; see tacit passwd --list", name);
}

static int expect_one(int changed, const char *name, struct pki_fault *fault)
{
    if (changed == 0)
        return no_account(name, fault);
    return changed < 0 ? changed : 0;
}

int accounts_set_secret(struct registry *registry, const char *name,
                        const struct account_secret *secret, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "UPDATE account SET verifier = ?1, scram_salt = ?2, "
                                 "scram_rounds = ?3, scram_stored = ?4, scram_server = ?5, "
                                 "burnt = 0, burnt_from = '', changed = ?6 WHERE name = ?7",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, secret->verifier);
    bind_scram(s, 2, secret->scram);
    (void)sqlite3_bind_int64(s, 6, (int64_t)time(NULL));
    registry_bind_text(s, 7, name);
    return expect_one(registry_run(registry, s, fault), name, fault);
}

int accounts_renew_secret(struct registry *registry, const char *name, const char *from,
                          const struct account_secret *secret, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "UPDATE account SET verifier = ?1, scram_salt = ?2, "
                                 "scram_rounds = ?3, scram_stored = ?4, scram_server = ?5 "
                                 "WHERE name = ?6 AND verifier = ?7",
                                 &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, secret->verifier);
    bind_scram(s, 2, secret->scram);
    registry_bind_text(s, 6, name);
    registry_bind_text(s, 7, from);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

int accounts_burn(struct registry *registry, const char *name, const char *verifier,
                  const char *from, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry,
                                 "UPDATE account SET burnt = ?1, burnt_from = ?2 "
                                 "WHERE name = ?3 AND verifier = ?4 AND burnt = 0",
                                 &s, fault);

    if (error < 0)
        return error;
    (void)sqlite3_bind_int64(s, 1, (int64_t)time(NULL));
    registry_bind_text(s, 2, from);
    registry_bind_text(s, 3, name);
    registry_bind_text(s, 4, verifier);
    return registry_run(registry, s, fault);
}

int accounts_set_place(struct registry *registry, const char *name,
                       const struct registry_place *place, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct account account = { .status = REGISTRY_ACTIVE };

    (void)snprintf(account.name, sizeof(account.name), "%s", name);
    (void)snprintf(account.role, sizeof(account.role), "%s", place->role);
    (void)snprintf(account.tenant, sizeof(account.tenant), "%s", place->tenant);
    (void)snprintf(account.site, sizeof(account.site), "%s", place->site);
    int error = check(&account, fault);
    if (error == 0)
        error = registry_prepare(
            registry, "UPDATE account SET role = ?1, tenant = ?2, site = ?3 WHERE name = ?4", &s,
            fault);
    if (error < 0)
        return error;
    registry_bind_text(s, 1, account.role);
    registry_bind_text(s, 2, account.tenant);
    registry_bind_text(s, 3, account.site);
    registry_bind_text(s, 4, name);
    return expect_one(registry_run(registry, s, fault), name, fault);
}

int accounts_set_status(struct registry *registry, const char *name, enum registry_status status,
                        struct pki_fault *fault)
{
    sqlite3_stmt *s;

    if (status == REGISTRY_RETIRED || (unsigned)status >= REGISTRY_STATUS_COUNT)
        return pki_fail(fault, -EINVAL, "an account has no such status");
    int error =
        registry_prepare(registry, "UPDATE account SET status = ?1 WHERE name = ?2", &s, fault);
    if (error < 0)
        return error;
    registry_bind_text(s, 1, registry_status_text(status));
    registry_bind_text(s, 2, name);
    return expect_one(registry_run(registry, s, fault), name, fault);
}

int accounts_remove(struct registry *registry, const char *name, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, "DELETE FROM account WHERE name = ?", &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    return expect_one(registry_run(registry, s, fault), name, fault);
}

/* ---- questions ---- */

int accounts_find(struct registry *registry, const char *name, struct account *out,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct account found;
    int error =
        registry_prepare(registry, "SELECT " COLUMNS " FROM account WHERE name = ?", &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    int step = sqlite3_step(s);
    if (step == SQLITE_ROW && row_decode(s, &found))
        *out = found;
    else if (step == SQLITE_ROW)
        error = pki_fail(fault, -EBADMSG, "%s: the row of account '%.128s' is not valid",
                         registry->path, name);
    int code = sqlite3_finalize(s);
    wipe_bytes(&found, sizeof(found));
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    return step == SQLITE_ROW ? error : no_account(name, fault);
}

int accounts_list(struct registry *registry, accounts_visit visit, void *context,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct account account;
    int result =
        registry_prepare(registry, "SELECT " COLUMNS " FROM account ORDER BY name", &s, fault);

    if (result < 0)
        return result;
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        if (row_decode(s, &account))
            result = visit(context, &account);
        else
            result = pki_fail(fault, -EBADMSG, "%s: the row of account '%.128s' is not valid",
                              registry->path, (const char *)sqlite3_column_text(s, 0));
    }
    int code = sqlite3_finalize(s);
    wipe_bytes(&account, sizeof(account));
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}
