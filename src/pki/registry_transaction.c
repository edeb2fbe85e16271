/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/registry_sql.h"

#include <errno.h>

static int begin(struct registry *registry, const char *how, struct pki_fault *fault)
{
    int code = SQLITE_OK;

    if (registry->depth == 0)
        code = sqlite3_exec(registry->db, how, NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        /* The transaction may have begun all the same: what interrupts comes at any step. */
        int error = registry_fail(registry, code, fault);
        if (registry->depth == 0 && sqlite3_get_autocommit(registry->db) == 0)
            (void)sqlite3_exec(registry->db, "ROLLBACK", NULL, NULL, NULL);
        return error;
    }
    registry->depth++;
    return 0;
}

int registry_begin(struct registry *registry, struct pki_fault *fault)
{
    /* At once for writing: what is read inside stays true until it is written. */
    return begin(registry, "BEGIN IMMEDIATE", fault);
}

int registry_begin_reading(struct registry *registry, struct pki_fault *fault)
{
    return begin(registry, "BEGIN", fault);
}

int registry_end(struct registry *registry, int error, struct pki_fault *fault)
{
    int code = SQLITE_OK;

    registry->depth--;
    registry->is_spoilt = registry->is_spoilt || error != 0;
    if (registry->depth > 0)
        return error;
    if (!registry->is_spoilt)
        code = sqlite3_exec(registry->db, "COMMIT", NULL, NULL, NULL);
    else if (error == 0)
        error = pki_fail(fault, -ECANCELED, "%s: a part of the change has failed", registry->path);
    if (registry->is_spoilt || code != SQLITE_OK)
        (void)sqlite3_exec(registry->db, "ROLLBACK", NULL, NULL, NULL);
    registry->is_spoilt = false;
    return code == SQLITE_OK ? error : registry_fail(registry, code, fault);
}
