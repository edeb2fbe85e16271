/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/groups.h"

#include "pki/registry_sql.h"

#include <errno.h>
#include <string.h>

bool groups_name_is_valid(const char *name)
{
    return registry_name_is_valid(name) && strlen(name) <= GROUPS_NAME_BYTES;
}

static int check_group(const char *group, struct pki_fault *fault)
{
    if (groups_name_is_valid(group))
        return 0;
    return pki_fail(fault, -EINVAL, "'%.80s' cannot be the name of a group", group);
}

/* A change with two names. */
static int change(struct registry *registry, const char *sql, const char *group, const char *name,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = check_group(group, fault);

    if (error == 0)
        error = registry_prepare(registry, sql, &s, fault);
    if (error < 0)
        return error;
    registry_bind_text(s, 1, group);
    registry_bind_text(s, 2, name);
    int changed = registry_run(registry, s, fault);
    return changed > 0 ? 1 : changed;
}

int groups_join(struct registry *registry, const char *group, const char *device,
                struct pki_fault *fault)
{
    struct registry_entry entry;
    int error = registry_find(registry, device, &entry, fault);

    if (error < 0)
        return error;
    return change(registry, "INSERT OR IGNORE INTO membership (grp, device) VALUES (?, ?)", group,
                  device, fault);
}

int groups_leave(struct registry *registry, const char *group, const char *device,
                 struct pki_fault *fault)
{
    return change(registry, "DELETE FROM membership WHERE grp = ? AND device = ?", group, device,
                  fault);
}

int groups_add_role(struct registry *registry, const char *group, const char *role,
                    struct pki_fault *fault)
{
    if (!registry_name_is_valid(role))
        return pki_fail(fault, -EINVAL, "'%.80s' cannot be the name of a role", role);
    return change(registry, "INSERT OR IGNORE INTO group_role (grp, role) VALUES (?, ?)", group,
                  role, fault);
}

int groups_remove_role(struct registry *registry, const char *group, const char *role,
                       struct pki_fault *fault)
{
    return change(registry, "DELETE FROM group_role WHERE grp = ? AND role = ?", group, role,
                  fault);
}

static int list(struct registry *registry, const char *sql, groups_visit visit, void *context,
                struct pki_fault *fault)
{
    sqlite3_stmt *s;
    char group[REGISTRY_TEXT_SIZE];
    char name[REGISTRY_TEXT_SIZE];
    int result = registry_prepare(registry, sql, &s, fault);

    if (result < 0)
        return result;
    while (result == 0 && sqlite3_step(s) == SQLITE_ROW) {
        if (!registry_column_text(s, 0, group, sizeof(group))
            || !registry_column_text(s, 1, name, sizeof(name)))
            group[0] = name[0] = '\0';
        result = visit(context, group, name);
    }
    int code = sqlite3_finalize(s);
    return code == SQLITE_OK ? result : registry_fail(registry, code, fault);
}

int groups_members(struct registry *registry, groups_visit visit, void *context,
                   struct pki_fault *fault)
{
    return list(registry, "SELECT grp, device FROM membership ORDER BY grp, device", visit, context,
                fault);
}

int groups_roles(struct registry *registry, groups_visit visit, void *context,
                 struct pki_fault *fault)
{
    return list(registry, "SELECT grp, role FROM group_role ORDER BY grp, role", visit, context,
                fault);
}

int groups_find_anchor(struct registry *registry, const char *id, int64_t *out_first_s,
                       struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = registry_prepare(registry, "SELECT first_read FROM anchor WHERE id = ?", &s, fault);

    if (error < 0)
        return error;
    registry_bind_text(s, 1, id);
    bool is_found = sqlite3_step(s) == SQLITE_ROW;
    if (is_found)
        *out_first_s = sqlite3_column_int64(s, 0);
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    return is_found ? 0 : pki_fail(fault, -ENOENT, "'%.80s' has not been asked for yet", id);
}

int groups_anchor(struct registry *registry, const char *id, int64_t now_s, int64_t *out_first_s,
                  struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int error = groups_find_anchor(registry, id, out_first_s, fault);

    if (error != -ENOENT)
        return error;
    error = registry_prepare(
        registry, "INSERT OR IGNORE INTO anchor (id, first_read) VALUES (?, ?)", &s, fault);
    if (error < 0)
        return error;
    registry_bind_text(s, 1, id);
    (void)sqlite3_bind_int64(s, 2, now_s);
    int changed = registry_run(registry, s, fault);
    /* Another process may have been first: its answer counts. */
    return changed < 0 ? changed : groups_find_anchor(registry, id, out_first_s, fault);
}
