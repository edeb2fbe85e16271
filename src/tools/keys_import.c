/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys_import.h"

#include "keystore/device_key.h"
#include "keystore/key_facts.h"
#include "pki/private_file.h"
#include "tools/keys_find.h"
#include "tools/keys_past.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int staging_of(const struct enroll_files *files, char out[PATH_MAX], struct pki_fault *fault)
{
    if (snprintf(out, PATH_MAX, "%s" KEYS_FIND_SEALING, files->key) >= PATH_MAX)
        return pki_fail(fault, -ENAMETOOLONG, "%s: the path is too long", files->key);
    return 0;
}

/* The seal has to open, and what is in it has to be what was put there. */
static int compare(const char *one, const char *other, struct pki_fault *fault)
{
    struct key_facts was;
    struct key_facts is;

    key_facts_of(one, &was);
    key_facts_of(other, &is);
    if (!was.is_open || !is.is_open)
        return pki_fail(fault, is.is_open ? was.error : is.error, "%s",
                        is.is_open ? was.why.text : is.why.text);
    return memcmp(was.sha256, is.sha256, sizeof(was.sha256)) == 0
               ? 0
               : pki_fail(fault, -EIO, "%s: another key came out of the seal", other);
}

static int exchange(const struct enroll_files *files, const char *staging, struct pki_fault *fault)
{
    int error = keys_past_keep(files, fault);

    if (error < 0)
        return error;
    error = rename(staging, files->key) < 0 ? -errno : private_file_sync_parent(files->key);
    return error < 0 ? pki_fail(fault, error, "%s: %s", files->key, strerror(-error)) : 0;
}

int keys_import_seal(const struct enroll_files *files, struct pki_fault *fault)
{
    char staging[PATH_MAX];
    int error = staging_of(files, staging, fault);

    if (error < 0)
        return error;
    if (unlink(staging) < 0 && errno != ENOENT)
        return pki_fail(fault, -errno, "%s: %s", staging, strerror(errno));
    error = device_key_seal(files->key, staging, fault);
    if (error == 0)
        error = compare(files->key, staging, fault);
    if (error == 0)
        error = exchange(files, staging, fault);
    if (error < 0)
        (void)unlink(staging);
    return error;
}
