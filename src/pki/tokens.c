/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/tokens.h"

#include "base/wipe.h"
#include "pki/attestation.h"
#include "pki/registry_life.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <string.h>

#define COLUMNS \
    "name, kind, role, tenant, site, days, replaces, created, expires, used, key_sha256, hash"

static void bind_token(sqlite3_stmt *s, const struct token *token, const uint8_t *hash)
{
    registry_bind_text(s, 1, token->name);
    registry_bind_text(s, 2, identity_uri_kind_text(token->kind));
    registry_bind_text(s, 3, token->role);
    registry_bind_text(s, 4, token->tenant);
    registry_bind_text(s, 5, token->site);
    (void)sqlite3_bind_int64(s, 6, token->days);
    (void)sqlite3_bind_int(s, 7, token->replaces);
    (void)sqlite3_bind_int64(s, 8, token->created_s);
    (void)sqlite3_bind_int64(s, 9, token->expires_s);
    (void)sqlite3_bind_int64(s, 10, token->used_s);
    if (token->used_s != 0)
        registry_bind_hash(s, 11, token->key_sha256);
    else
        registry_bind_text(s, 11, "");
    registry_bind_hash(s, 12, hash);
}

static int insert(struct registry *registry, const struct token *token, const uint8_t *hash,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(
        registry, "INSERT INTO token (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", &s, fault);

    if (error < 0)
        return error;
    bind_token(s, token, hash);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

/* A row in the order id, COLUMNS. People look into this file with other tools, and write. */
static bool decode(sqlite3_stmt *s, struct token *out)
{
    char kind[16];
    struct token t = { .id = sqlite3_column_int64(s, 0) };

    if (!registry_column_text(s, 1, t.name, sizeof(t.name))
        || !registry_column_text(s, 2, kind, sizeof(kind))
        || identity_uri_kind_parse(kind, &t.kind) < 0
        || !registry_column_text(s, 3, t.role, sizeof(t.role))
        || !registry_column_text(s, 4, t.tenant, sizeof(t.tenant))
        || !registry_column_text(s, 5, t.site, sizeof(t.site)))
        return false;
    t.days = (unsigned)sqlite3_column_int64(s, 6);
    t.replaces = sqlite3_column_int(s, 7) != 0;
    t.created_s = sqlite3_column_int64(s, 8);
    t.expires_s = sqlite3_column_int64(s, 9);
    t.used_s = sqlite3_column_int64(s, 10);
    if (t.used_s != 0 && !registry_column_hash(s, 11, t.key_sha256))
        return false;
    *out = t;
    return true;
}

static int spoilt(const struct registry *registry, struct pki_fault *fault)
{
    return pki_fail(fault, -EBADMSG, "%s: a row of a token is not valid", registry->path);
}

/* Whether the name can have such a token: what would be refused at enrolment is refused now. */
static int check_identity(struct registry *registry, const struct token *wanted,
                          struct pki_fault *fault)
{
    struct registry_entry known;
    int error = registry_find(registry, wanted->name, &known, fault);

    if (error == -ENOENT)
        return wanted->replaces ? error : registry_check_unused(registry, wanted->name, fault);
    if (error < 0)
        return error;
    if (!wanted->replaces)
        return pki_fail(fault, -EEXIST,
                        "'%s' exists already (%s, role %s); tacit device token %s makes a token "
                        "for another key of it",
                        known.name, registry_status_text(known.status), known.role, known.name);
    if (known.status == REGISTRY_SUSPENDED || known.status == REGISTRY_RETIRED)
        return pki_fail(fault, -EPERM, "'%s' is %s and gets no certificate", known.name,
                        registry_status_text(known.status));
    return 0;
}

static int check(const struct token *wanted, int64_t now_s, struct pki_fault *fault)
{
    const struct registry_place place = { wanted->role, wanted->tenant, wanted->site };
    int error = registry_check_names(wanted->name, &place, fault);

    if (error < 0)
        return error;
    if ((unsigned)wanted->kind >= IDENTITY_KIND_COUNT)
        return pki_fail(fault, -EINVAL, "'%s' cannot have a token: no such kind", wanted->name);
    if (wanted->expires_s < now_s + TOKENS_LIFE_MIN_S
        || wanted->expires_s > now_s + TOKENS_LIFE_MAX_S)
        return pki_fail(fault, -EINVAL, "a token lives for a minute at least and %d days at most",
                        TOKENS_LIFE_MAX_S / 86400);
    return 0;
}

/* What nobody needs any more: long expired. */
static int forget_old(struct registry *registry, int64_t now_s, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, "DELETE FROM token WHERE expires < ?", &s, fault);

    if (error < 0)
        return error;
    (void)sqlite3_bind_int64(s, 1, now_s - TOKENS_KEPT_S);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

static int create(struct registry *registry, const struct token *token, const uint8_t *hash,
                  struct pki_fault *fault)
{
    int error = check_identity(registry, token, fault);

    if (error == 0)
        error = tokens_cancel(registry, token->name, fault);
    if (error >= 0)
        error = forget_old(registry, token->created_s, fault);
    if (error == 0 && token->endorsement != NULL)
        error =
            attestation_expect(registry, token->name, token->endorsement, token->created_s, fault);
    return error == 0 ? insert(registry, token, hash, fault) : error;
}

int tokens_create(struct registry *registry, const struct token *wanted, int64_t now_s,
                  char *out_text, struct pki_fault *fault)
{
    char text[TOKEN_TEXT_SIZE];
    uint8_t hash[TOKEN_HASH_BYTES];
    struct token token = *wanted;

    token.created_s = now_s;
    token.used_s = 0;
    int error = check(&token, now_s, fault);
    if (error < 0)
        return error;
    if (token_text_new(text) < 0 || token_text_hash(span_of(text), hash) < 0)
        return pki_fail(fault, -EIO, "no random number for a token");
    error = registry_begin(registry, fault);
    if (error == 0)
        error = registry_end(registry, create(registry, &token, hash, fault), fault);
    if (error == 0)
        memcpy(out_text, text, sizeof(text));
    wipe_bytes(text, sizeof(text));
    return error;
}

int tokens_list(struct registry *registry, int64_t now_s, tokens_visit visit, void *context,
                struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct token token;
    int result = registry_prepare(registry,
                                  "SELECT id, " COLUMNS " FROM token"
                                  " WHERE used = 0 AND expires > ? ORDER BY name, id",
                                  &s, fault);

    if (result < 0)
        return result;
    (void)sqlite3_bind_int64(s, 1, now_s);
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW)
        result = decode(s, &token) ? visit(context, &token) : spoilt(registry, fault);
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}

int tokens_cancel(struct registry *registry, const char *name, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error =
        registry_prepare(registry, "DELETE FROM token WHERE name = ? AND used = 0", &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    return registry_run(registry, s, fault);
}

int tokens_find(struct registry *registry, const uint8_t hash[TOKEN_HASH_BYTES], struct token *out,
                struct pki_fault *fault)
{
    sqlite3_stmt *s;
    uint8_t stored[TOKEN_HASH_BYTES] = { 0 };
    int error =
        registry_prepare(registry, "SELECT id, " COLUMNS " FROM token WHERE hash = ?", &s, fault);

    if (error < 0)
        return error;
    registry_bind_hash(s, 1, hash);
    /* The index has compared already, in a time that tells something about a hash, of which nobody
     * gets to the token. What decides compares in constant time. */
    bool is_found = sqlite3_step(s) == SQLITE_ROW && registry_column_hash(s, 12, stored)
                    && wipe_equal((struct mqtt_span){ stored, sizeof(stored) },
                                  (struct mqtt_span){ hash, TOKEN_HASH_BYTES });
    if (is_found && !decode(s, out))
        error = spoilt(registry, fault);
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    return is_found ? error : pki_fail(fault, -ENOENT, "there is no such token");
}

int tokens_mark_used(struct registry *registry, int64_t id,
                     const uint8_t key_sha256[REGISTRY_KEY_BYTES], int64_t now_s,
                     struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(
        registry, "UPDATE token SET used = ?, key_sha256 = ? WHERE id = ? AND used = 0", &s, fault);

    if (error < 0)
        return error;
    (void)sqlite3_bind_int64(s, 1, now_s);
    registry_bind_hash(s, 2, key_sha256);
    (void)sqlite3_bind_int64(s, 3, id);
    int changed = registry_run(registry, s, fault);
    if (changed == 0)
        return pki_fail(fault, -EALREADY, "the token was used before");
    return changed < 0 ? changed : 0;
}

int tokens_record(struct registry *registry, const struct token *token,
                  const uint8_t hash[TOKEN_HASH_BYTES], struct pki_fault *fault)
{
    struct token kept = *token;

    kept.expires_s = INT64_MAX;
    return insert(registry, &kept, hash, fault);
}
