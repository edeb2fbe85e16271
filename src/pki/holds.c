/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/holds.h"

#include "pki/registry_sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COLUMNS "SELECT name, since, why, kind, until FROM hold"

static const char *const kinds[] = {
    [HOLD_CLONE] = "clone",
    [HOLD_BEHAVIOUR] = "behaviour",
    [HOLD_PARDON] = "pardon",
};

const char *holds_kind_text(enum hold_kind kind)
{
    return kinds[kind];
}

/* What is further back in the text is stronger. */
#define STRENGTH(kind) "instr('behaviour pardon clone', " kind ")"

static int prepare_put(struct registry *registry, sqlite3_stmt **out, struct pki_fault *fault)
{
    return registry_prepare(
        registry,
        "INSERT INTO hold (name, since, why, kind, until) VALUES (?, ?, ?, ?, ?)"
        "  ON CONFLICT (name) DO UPDATE SET since = excluded.since, why = excluded.why,"
        "  kind = excluded.kind, until = excluded.until"
        "  WHERE " STRENGTH("excluded.kind") " >= " STRENGTH(
            "hold.kind") "  OR (hold.until > 0 AND hold.until <= excluded.since)",
        out, fault);
}

int holds_put(struct registry *registry, const struct registry_hold *hold, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = prepare_put(registry, &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, hold->name);
    (void)sqlite3_bind_int64(s, 2, (int64_t)time(NULL));
    registry_bind_text(s, 3, hold->why);
    registry_bind_text(s, 4, kinds[hold->kind]);
    (void)sqlite3_bind_int64(s, 5, hold->until_s);
    return registry_run(registry, s, fault);
}

int holds_begin(struct registry *registry, const char *name, const char *why,
                struct pki_fault *fault)
{
    struct registry_hold hold = { .kind = HOLD_CLONE };

    (void)snprintf(hold.name, sizeof(hold.name), "%s", name);
    (void)snprintf(hold.why, sizeof(hold.why), "%s", why);
    int changed = holds_put(registry, &hold, fault);
    return changed < 0 ? changed : 0;
}

static int end(struct registry *registry, const char *sql, const char *name,
               struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, sql, &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    return registry_run(registry, s, fault);
}

int holds_end(struct registry *registry, const char *name, struct pki_fault *fault)
{
    return end(registry, "DELETE FROM hold WHERE name = ? AND kind <> 'pardon'", name, fault);
}

int holds_end_pardon(struct registry *registry, const char *name, struct pki_fault *fault)
{
    return end(registry, "DELETE FROM hold WHERE name = ? AND kind = 'pardon'", name, fault);
}

int holds_expire(struct registry *registry, int64_t now_s, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error =
        registry_prepare(registry, "DELETE FROM hold WHERE until > 0 AND until <= ?", &s, fault);

    if (error < 0)
        return error;
    (void)sqlite3_bind_int64(s, 1, now_s);
    return registry_run(registry, s, fault);
}

bool holds_is_current(const struct registry_hold *hold, int64_t now_s)
{
    return hold->until_s == 0 || hold->until_s > now_s;
}

static enum hold_kind kind_of(const char *text)
{
    for (unsigned i = 0; i < HOLD_KIND_COUNT; i++)
        if (strcmp(text, kinds[i]) == 0)
            return (enum hold_kind)i;
    return HOLD_CLONE;
}

/* People look into this file with other tools, and write. A reason or a kind that cannot be read
 * ends no hold; a name that cannot be read is nobody's. */
static bool decode(sqlite3_stmt *s, struct registry_hold *out)
{
    char kind[16];

    *out = (struct registry_hold){ .since_s = sqlite3_column_int64(s, 1),
                                   .until_s = sqlite3_column_int64(s, 4) };
    if (!registry_column_text(s, 2, out->why, sizeof(out->why)))
        out->why[0] = '\0';
    if (registry_column_text(s, 3, kind, sizeof(kind)))
        out->kind = kind_of(kind);
    return registry_column_text(s, 0, out->name, sizeof(out->name));
}

static int list(struct registry *registry, sqlite3_stmt *s, holds_visit visit, void *context,
                struct pki_fault *fault)
{
    struct registry_hold hold;
    int result = 0;

    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        if (decode(s, &hold))
            result = visit(context, &hold);
    }
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}

static int take(void *context, const struct registry_hold *hold)
{
    if (hold->kind == HOLD_PARDON || !holds_is_current(hold, (int64_t)time(NULL)))
        return 0;
    *(struct registry_hold *)context = *hold;
    return 1;
}

int holds_find(struct registry *registry, const char *name, struct registry_hold *out,
               struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int result = registry_prepare(registry, COLUMNS " WHERE name = ?", &s, fault);

    if (result < 0)
        return result;
    registry_bind_text(s, 1, name);
    result = list(registry, s, take, out, fault);
    if (result == 0)
        return -ENOENT;
    return result < 0 ? result : 0;
}

int holds_list(struct registry *registry, holds_visit visit, void *context, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, COLUMNS " ORDER BY name", &s, fault);

    return error < 0 ? error : list(registry, s, visit, context, fault);
}

int holds_check(struct registry *registry, const char *name, struct pki_fault *fault)
{
    struct registry_hold hold = { .kind = HOLD_CLONE };
    int error = holds_find(registry, name, &hold, fault);

    if (error == -ENOENT)
        return 0;
    if (error < 0)
        return error;
    if (hold.kind == HOLD_BEHAVIOUR)
        return pki_fail(fault, -EPERM,
                        "'%s' is in quarantine because of how it behaves; it gets no certificate "
                        "before that is over or tacit sense release, or by a new token",
                        name);
    return pki_fail(fault, -EPERM,
                    "'%s' is held, its key was seen in two places; it gets no certificate before "
                    "tacit device release, or by a new token",
                    name);
}
