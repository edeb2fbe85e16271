/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/canaries.h"

#include "pki/accounts.h"
#include "pki/registry_life.h"
#include "pki/registry_sql.h"
#include "pki/tokens.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define COLUMNS "name, kind, topic, note, created"

static const char *const kinds[CANARY_KIND_COUNT] = {
    [CANARY_NONE] = "none",   [CANARY_DEVICE] = "device", [CANARY_ACCOUNT] = "account",
    [CANARY_TOKEN] = "token", [CANARY_TOPIC] = "topic",
};

const char *canaries_kind_text(enum canary_kind kind)
{
    return (unsigned)kind < CANARY_KIND_COUNT ? kinds[kind] : kinds[CANARY_NONE];
}

static enum canary_kind parse_kind(const char *text)
{
    for (unsigned i = CANARY_DEVICE; i < CANARY_KIND_COUNT; i++)
        if (strcmp(text, kinds[i]) == 0)
            return (enum canary_kind)i;
    return CANARY_NONE;
}

/* No wildcard, but for a "#" that is all of the last level. */
static bool is_topic(const char *topic)
{
    size_t len = strlen(topic);
    const char *hash = strchr(topic, '#');

    if (len == 0 || len >= CANARY_TOPIC_SIZE || strchr(topic, '+') != NULL)
        return false;
    return hash == NULL || (hash == topic + len - 1 && len > 2 && hash[-1] == '/');
}

static int check(const struct canary *canary, struct pki_fault *fault)
{
    if (!registry_name_is_valid(canary->name))
        return pki_fail(fault, -EINVAL,
                        "'%.80s' cannot be the name of a canary: write printable characters "
                        "without space, '/', '+', '#', '%%' and quotes, not beginning with '$' or "
                        "'.'",
                        canary->name);
    if (canary->kind == CANARY_NONE || canary->kind >= CANARY_KIND_COUNT)
        return pki_fail(fault, -EINVAL, "a canary is a device, an account, a token or a topic");
    if (canary->kind != CANARY_TOPIC)
        return 0;
    if (strncmp(canary->topic, "$share/", strlen("$share/")) == 0 || !is_topic(canary->topic))
        return pki_fail(fault, -EINVAL,
                        "'%.80s' cannot be a decoy: write one topic, or one and /# for all below "
                        "it, without other wildcards",
                        canary->topic);
    return 0;
}

static int insert(struct registry *registry, const struct canary *canary, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(
        registry, "INSERT INTO canary (" COLUMNS ") VALUES (?, ?, ?, ?, ?)", &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, canary->name);
    registry_bind_text(s, 2, canaries_kind_text(canary->kind));
    registry_bind_text(s, 3, canary->kind == CANARY_TOPIC ? canary->topic : "");
    registry_bind_text(s, 4, canary->note);
    (void)sqlite3_bind_int64(s, 5, (int64_t)time(NULL));
    (void)sqlite3_step(s);
    int code = sqlite3_finalize(s);
    if ((code & 0xff) == SQLITE_CONSTRAINT)
        return pki_fail(fault, -EEXIST,
                        "there is a canary '%s' already, or a device, an account or a token of "
                        "that name that is real; a canary needs a name of its own",
                        canary->name);
    return code == SQLITE_OK ? 0 : registry_fail(registry, code, fault);
}

int canaries_add(struct registry *registry, const struct canary *canary, struct pki_fault *fault)
{
    int error = check(canary, fault);

    return error < 0 ? error : insert(registry, canary, fault);
}

/* ---- the end ---- */

static int none(int error)
{
    return error == -ENOENT ? 0 : error;
}

static int disarm(struct registry *registry, const char *name, struct pki_fault *fault)
{
    static const struct registry_revocation how = {
        .reason = REGISTRY_REASON_CESSATION_OF_OPERATION,
        .remark = "a canary that was removed",
        .blocks_key = true,
    };
    struct registry_entry known;
    int error = registry_find(registry, name, &known, fault);

    if (error == 0)
        error = registry_revoke(registry, name, &how, fault);
    error = none(error);
    if (error == 0)
        error = none(accounts_remove(registry, name, fault));
    if (error == 0)
        error = tokens_cancel(registry, name, fault);
    return error < 0 ? error : 0;
}

static int delete_mark(struct registry *registry, const char *name, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, "DELETE FROM canary WHERE name = ?", &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

int canaries_remove(struct registry *registry, const char *name, struct pki_fault *fault)
{
    struct canary canary;
    int error = registry_begin(registry, fault);

    if (error < 0)
        return error;
    error = canaries_find(registry, name, &canary, fault);
    if (error == 0 && canary.kind != CANARY_TOPIC)
        error = disarm(registry, name, fault);
    if (error == 0)
        error = delete_mark(registry, name, fault);
    return registry_end(registry, error, fault);
}

/* ---- looking ---- */

/* People look into this file with other tools, and write. What is marked stays marked, whatever
 * else the row says; a name that cannot be read is nobody's. */
static bool decode(sqlite3_stmt *s, struct canary *out)
{
    char kind[16];

    *out = (struct canary){ .created_s = sqlite3_column_int64(s, 4) };
    if (registry_column_text(s, 1, kind, sizeof(kind)))
        out->kind = parse_kind(kind);
    if (!registry_column_text(s, 2, out->topic, sizeof(out->topic)) || !is_topic(out->topic))
        out->topic[0] = '\0';
    if (!registry_column_text(s, 3, out->note, sizeof(out->note)))
        out->note[0] = '\0';
    return registry_column_text(s, 0, out->name, sizeof(out->name));
}

static int list(struct registry *registry, sqlite3_stmt *s, canaries_visit visit, void *context,
                struct pki_fault *fault)
{
    struct canary canary;
    int result = 0;

    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        if (decode(s, &canary))
            result = visit(context, &canary);
    }
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}

static int take(void *context, const struct canary *canary)
{
    *(struct canary *)context = *canary;
    return 1;
}

int canaries_find(struct registry *registry, const char *name, struct canary *out,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int result =
        registry_prepare(registry, "SELECT " COLUMNS " FROM canary WHERE name = ?", &s, fault);

    if (result < 0)
        return result;
    registry_bind_text(s, 1, name);
    result = list(registry, s, take, out, fault);
    if (result == 0)
        return pki_fail(fault, -ENOENT, "there is no canary '%.128s'; see tacit canary list", name);
    return result < 0 ? result : 0;
}

int canaries_list(struct registry *registry, canaries_visit visit, void *context,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error =
        registry_prepare(registry, "SELECT " COLUMNS " FROM canary ORDER BY name", &s, fault);

    return error < 0 ? error : list(registry, s, visit, context, fault);
}
