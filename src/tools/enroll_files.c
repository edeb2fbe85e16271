/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll_files.h"

#include "keystore/device_key.h"
#include "pki/private_file.h"
#include "tools/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool fill(char out[PATH_MAX], const char *folder, const char *name, const char *suffix)
{
    int len = snprintf(out, PATH_MAX, "%s/%s%s", folder, name, suffix);

    return len > 0 && len < PATH_MAX;
}

int enroll_files_place(const char *out, const char *trust_domain, const char *name,
                       struct enroll_files *files, struct pki_fault *fault)
{
    char folder[PATH_MAX];
    char absolute[PATH_MAX];
    bool made;
    int error = 0;

    if (out == NULL)
        error = profile_device_folder(trust_domain, folder, sizeof(folder));
    else if (snprintf(folder, sizeof(folder), "%s", out) >= PATH_MAX)
        error = -ENAMETOOLONG;
    if (error < 0)
        return pki_fail(fault, error, "no folder for key and certificate; choose one: --out DIR");
    error = private_file_make_dir(folder, &made);
    if (error == 0 && realpath(folder, absolute) == NULL)
        error = -errno;
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot make the folder: %s", folder, strerror(-error));
    if (!fill(files->key, absolute, name, ".key")
        || !fill(files->certificate, absolute, name, ".crt")
        || !fill(files->next_key, absolute, name, ".key.next")
        || !fill(files->next_certificate, absolute, name, ".crt.next")
        || !fill(files->ratchet, absolute, name, ".ratchet")
        || !fill(files->authority, absolute, "ca", ".crt"))
        return pki_fail(fault, -ENAMETOOLONG, "%s: the path is too long", absolute);
    return 0;
}

int enroll_files_of(const char *key, const char *certificate, const char *authority,
                    struct enroll_files *files, struct pki_fault *fault)
{
    if (key[0] == '\0' || certificate[0] == '\0' || authority[0] == '\0')
        return pki_fail(fault, -ENOENT, "the profile names no key, certificate and CA");
    if (snprintf(files->key, PATH_MAX, "%s", key) >= PATH_MAX
        || snprintf(files->certificate, PATH_MAX, "%s", certificate) >= PATH_MAX
        || snprintf(files->next_key, PATH_MAX, "%s.next", key) >= PATH_MAX
        || snprintf(files->next_certificate, PATH_MAX, "%s.next", certificate) >= PATH_MAX
        || snprintf(files->authority, PATH_MAX, "%s", authority) >= PATH_MAX)
        return pki_fail(fault, -ENAMETOOLONG, "%s: the path is too long", key);
    return 0;
}

static bool belongs(const struct certificate *certificate, const char *key_path)
{
    struct key *key;

    if (device_key_load(key_path, &key, NULL) < 0)
        return false;
    bool matches = certificate_matches_key(certificate, key);
    key_free(key);
    return matches;
}

static int rename_one(const char *from, const char *to, struct pki_fault *fault)
{
    int error = rename(from, to) < 0 ? -errno : private_file_sync_parent(to);

    return error < 0 ? pki_fail(fault, error, "%s cannot be renamed to %s: %s", from, to,
                                strerror(-error))
                     : 0;
}

/* Both lie there whole; the key goes first, and from then on the certificate of old is no use. */
static int move_next(const struct enroll_files *files, struct pki_fault *fault)
{
    int error = rename_one(files->next_key, files->key, fault);

    return error == 0 ? rename_one(files->next_certificate, files->certificate, fault) : error;
}

int enroll_files_recover(const struct enroll_files *files, struct pki_fault *fault)
{
    struct certificate *next;
    int error = 0;

    if (access(files->next_certificate, F_OK) < 0)
        return 0;
    if (certificate_load(files->next_certificate, &next, fault) < 0)
        return unlink(files->next_certificate) == 0 ? 0 : -errno;
    if (belongs(next, files->next_key))
        error = move_next(files, fault);
    else if (belongs(next, files->key))
        error = rename_one(files->next_certificate, files->certificate, fault);
    else
        error = unlink(files->next_certificate) == 0 ? 0 : -errno;
    certificate_free(next);
    return error;
}

int enroll_files_store(const struct enroll_files *files, const struct certificate *certificate,
                       bool is_next, struct pki_fault *fault)
{
    if (!is_next)
        return certificate_save(certificate, files->certificate, fault);
    int error = certificate_save(certificate, files->next_certificate, fault);
    return error == 0 ? move_next(files, fault) : error;
}
