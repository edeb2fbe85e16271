/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/key_use.h"

#include "pki/registry_sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

int key_use_find(struct registry *registry, const uint8_t *key_sha256,
                 char out_name[IDENTITY_URI_NAME_SIZE], struct pki_fault *fault)
{
    sqlite3_stmt *s;
    int status =
        registry_prepare(registry, "SELECT name FROM key_use WHERE key_sha256 = ?", &s, fault);
    if (status < 0)
        return status;
    registry_bind_hash(s, 1, key_sha256);
    bool is_found = sqlite3_step(s) == SQLITE_ROW;
    bool is_valid = is_found && registry_column_text(s, 0, out_name, IDENTITY_URI_NAME_SIZE);
    int code = sqlite3_finalize(s);
    if (code != SQLITE_OK)
        return registry_fail(registry, code, fault);
    if (!is_found)
        return pki_fail(fault, -ENOENT, "nobody has used this key");
    return is_valid
               ? 0
               : pki_fail(fault, -EBADMSG, "%s: a row of key_use is not valid", registry->path);
}

int key_use_check(struct registry *registry, const uint8_t *key_sha256, const char *name,
                  struct pki_fault *fault)
{
    char owner[IDENTITY_URI_NAME_SIZE];
    struct registry_entry entry;
    int status = key_use_find(registry, key_sha256, owner, fault);

    if (status == -ENOENT || (status == 0 && strcmp(owner, name) == 0))
        return 0;
    if (status < 0)
        return status;
    if (registry_find(registry, owner, &entry, NULL) == 0
        && memcmp(entry.key_sha256, key_sha256, sizeof(entry.key_sha256)) == 0)
        return pki_fail(fault, -ENOTUNIQ,
                        "this key belongs to '%s' already; every device needs a key of its own",
                        owner);
    return pki_fail(fault, -ENOTUNIQ,
                    "this key was the one of '%s' before, and a key stays its first owner's for "
                    "ever; every device needs a key of its own",
                    owner);
}
