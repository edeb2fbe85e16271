/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/grants.h"

#include "pki/groups.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define COLUMNS                                                                            \
    "subject_kind, subject, action, denies, pattern, maximum_qos, retain, payload, rate, " \
    "rate_seconds, depth, most_topics, owner, reason, expires, created"

static const char *const subject_names[GRANT_SUBJECT_COUNT] = { "device", "role", "group" };

const char *grants_subject_text(enum grant_subject kind)
{
    return (unsigned)kind < GRANT_SUBJECT_COUNT ? subject_names[kind] : "unknown";
}

/* -1 is NULL in the table. */
static void bind_optional(sqlite3_stmt *s, int index, int64_t value)
{
    if (value < 0)
        (void)sqlite3_bind_null(s, index);
    else
        (void)sqlite3_bind_int64(s, index, value);
}

static void bind_grant(sqlite3_stmt *s, const struct registry_grant *grant)
{
    bool is_scoped = grant->most_topics > 0;

    registry_bind_text(s, 1, grants_subject_text(grant->subject_kind));
    registry_bind_text(s, 2, grant->subject);
    registry_bind_text(s, 3, grant->subscribes ? "subscribe" : "publish");
    (void)sqlite3_bind_int(s, 4, grant->denies);
    registry_bind_text(s, 5, grant->pattern);
    bind_optional(s, 6, grant->maximum_qos);
    bind_optional(s, 7, grant->retain);
    bind_optional(s, 8, grant->payload_bytes);
    bind_optional(s, 9, grant->rate_messages);
    bind_optional(s, 10, grant->rate_messages < 0 ? -1 : grant->rate_seconds);
    bind_optional(s, 11, is_scoped ? grant->depth : -1);
    bind_optional(s, 12, is_scoped ? grant->most_topics : -1);
    registry_bind_text(s, 13, grant->owner);
    registry_bind_text(s, 14, grant->reason);
    (void)sqlite3_bind_int64(s, 15, grant->expires_s);
    (void)sqlite3_bind_int64(s, 16, (int64_t)time(NULL));
}

static bool subject_is_valid(const struct registry_grant *grant)
{
    switch (grant->subject_kind) {
    case GRANT_TO_DEVICE:
        return identity_uri_name_is_valid(grant->subject);
    case GRANT_TO_ROLE:
        return registry_name_is_valid(grant->subject);
    case GRANT_TO_GROUP:
        return groups_name_is_valid(grant->subject);
    case GRANT_SUBJECT_COUNT:
        break;
    }
    return false;
}

static int check(const struct registry_grant *grant, struct pki_fault *fault)
{
    if (!subject_is_valid(grant))
        return pki_fail(fault, -EINVAL, "'%.80s' cannot be the name of a %s", grant->subject,
                        grants_subject_text(grant->subject_kind));
    if (grant->pattern[0] == '\0' || grant->maximum_qos > 2 || grant->retain > 1
        || (grant->rate_messages >= 0 && grant->rate_seconds <= 0)
        || (grant->most_topics > 0 && grant->depth < 0) || grant->expires_s < 0)
        return pki_fail(fault, -EINVAL, "the grant has no pattern, or a number is out of bounds");
    return 0;
}

int grants_add(struct registry *registry, const struct registry_grant *grant, int64_t *out_id,
               struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = check(grant, fault);

    if (error == 0)
        error = registry_prepare(
            registry, "INSERT INTO grants (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            &s, fault);
    if (error < 0)
        return error;
    bind_grant(s, grant);
    int changed = registry_run(registry, s, fault);
    if (changed < 0)
        return changed;
    *out_id = sqlite3_last_insert_rowid(registry->db);
    return 0;
}

int grants_remove(struct registry *registry, int64_t id, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, "DELETE FROM grants WHERE id = ?", &s, fault);

    if (error < 0)
        return error;
    (void)sqlite3_bind_int64(s, 1, id);
    int changed = registry_run(registry, s, fault);
    if (changed == 0)
        return pki_fail(fault, -ENOENT, "there is no grant %lld; see tacit grant list",
                        (long long)id);
    return changed < 0 ? changed : 0;
}

static bool decode_subject(sqlite3_stmt *s, struct registry_grant *out)
{
    char kind[16];

    if (!registry_column_text(s, 1, kind, sizeof(kind)))
        return false;
    for (unsigned i = 0; i < GRANT_SUBJECT_COUNT; i++) {
        if (strcmp(kind, subject_names[i]) != 0)
            continue;
        out->subject_kind = (enum grant_subject)i;
        return registry_column_text(s, 2, out->subject, sizeof(out->subject));
    }
    return false;
}

static bool decode_texts(sqlite3_stmt *s, struct registry_grant *out)
{
    char action[16];

    if (!registry_column_text(s, 3, action, sizeof(action)))
        return false;
    out->subscribes = strcmp(action, "subscribe") == 0;
    return (out->subscribes || strcmp(action, "publish") == 0)
           && registry_column_text(s, 5, out->pattern, sizeof(out->pattern))
           && registry_column_text(s, 13, out->owner, sizeof(out->owner))
           && registry_column_text(s, 14, out->reason, sizeof(out->reason));
}

/* A number of the table, at most `most`; NULL is -1. False: out of bounds. */
static bool decode_optional(sqlite3_stmt *s, int column, int64_t most, int64_t *out)
{
    *out = sqlite3_column_type(s, column) == SQLITE_NULL ? -1 : sqlite3_column_int64(s, column);
    return *out <= most && (*out >= 0 || sqlite3_column_type(s, column) == SQLITE_NULL);
}

static bool decode_terms(sqlite3_stmt *s, struct registry_grant *out)
{
    int64_t denies;
    int64_t qos;
    int64_t retain;
    bool is_valid = decode_optional(s, 4, 1, &denies) && decode_optional(s, 6, 2, &qos)
                    && decode_optional(s, 7, 1, &retain)
                    && decode_optional(s, 8, INT64_MAX, &out->payload_bytes)
                    && decode_optional(s, 9, INT64_MAX, &out->rate_messages)
                    && decode_optional(s, 10, INT64_MAX, &out->rate_seconds)
                    && (out->rate_messages < 0 || out->rate_seconds > 0);

    if (!is_valid)
        return false;
    out->denies = denies > 0;
    out->maximum_qos = (int)qos;
    out->retain = (int)retain;
    return true;
}

/* A wildcard grant has both: a depth that is missing may not be taken for "any". */
static bool decode_scope(sqlite3_stmt *s, struct registry_grant *out)
{
    int64_t depth;
    int64_t most_topics;

    if (!decode_optional(s, 11, INT64_MAX, &depth)
        || !decode_optional(s, 12, INT64_MAX, &most_topics) || most_topics == 0
        || (most_topics > 0 && depth < 0))
        return false;
    out->depth = most_topics > 0 ? depth : 0;
    out->most_topics = most_topics > 0 ? most_topics : 0;
    return true;
}

/* People look into this file with other tools, and write: a row that cannot be what grants_add()
 * writes is not half understood. */
static void decode(sqlite3_stmt *s, struct registry_grant *out)
{
    *out = (struct registry_grant){ .id = sqlite3_column_int64(s, 0) };
    if (!decode_subject(s, out) || !decode_texts(s, out) || !decode_terms(s, out)
        || !decode_scope(s, out))
        out->pattern[0] = '\0';
    out->expires_s = sqlite3_column_int64(s, 15);
    out->created_s = sqlite3_column_int64(s, 16);
}

int grants_list(struct registry *registry, grants_visit visit, void *context,
                struct pki_fault *fault)
{
    sqlite3_stmt *s;
    struct registry_grant grant;
    int result =
        registry_prepare(registry, "SELECT id, " COLUMNS " FROM grants ORDER BY id", &s, fault);

    if (result < 0)
        return result;
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        decode(s, &grant);
        result = visit(context, &grant);
    }
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}
