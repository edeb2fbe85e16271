/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/holds.h"

#include "pki/registry_sql.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

int holds_begin(struct registry *registry, const char *name, const char *why,
                struct pki_fault *fault)
{
    char text[HOLDS_WHY_SIZE];
    sqlite3_stmt *s;
    int error =
        registry_prepare(registry, "INSERT OR REPLACE INTO hold VALUES (?, ?, ?)", &s, fault);

    if (error < 0)
        return error;
    (void)snprintf(text, sizeof(text), "%s", why);
    registry_bind_text(s, 1, name);
    (void)sqlite3_bind_int64(s, 2, (int64_t)time(NULL));
    registry_bind_text(s, 3, text);
    int changed = registry_run(registry, s, fault);
    return changed < 0 ? changed : 0;
}

int holds_end(struct registry *registry, const char *name, struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, "DELETE FROM hold WHERE name = ?", &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, name);
    return registry_run(registry, s, fault);
}

/* People look into this file with other tools, and write. A reason that cannot be read ends no
 * hold; a name that cannot be read is nobody's. */
static bool decode(sqlite3_stmt *s, struct registry_hold *out)
{
    *out = (struct registry_hold){ .since_s = sqlite3_column_int64(s, 1) };
    if (!registry_column_text(s, 2, out->why, sizeof(out->why)))
        out->why[0] = '\0';
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
    *(struct registry_hold *)context = *hold;
    return 1;
}

int holds_find(struct registry *registry, const char *name, struct registry_hold *out,
               struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int result =
        registry_prepare(registry, "SELECT name, since, why FROM hold WHERE name = ?", &s, fault);

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
    int error =
        registry_prepare(registry, "SELECT name, since, why FROM hold ORDER BY name", &s, fault);

    return error < 0 ? error : list(registry, s, visit, context, fault);
}

int holds_check(struct registry *registry, const char *name, struct pki_fault *fault)
{
    struct registry_hold hold;
    int error = holds_find(registry, name, &hold, fault);

    if (error == -ENOENT)
        return 0;
    return error < 0 ? error
                     : pki_fail(fault, -EPERM,
                                "'%s' is held, its key was seen in two places; it gets no "
                                "certificate before tacit device release, or by a new token",
                                name);
}
