/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys_past.h"

#include "keystore/device_key.h"
#include "keystore/key_trial.h"
#include "pki/private_file.h"
#include "tools/keys_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int old_of(const struct enroll_files *files, char out[PATH_MAX], struct pki_fault *fault)
{
    if (snprintf(out, PATH_MAX, "%s" KEYS_FIND_OLD, files->key) >= PATH_MAX)
        return pki_fail(fault, -ENAMETOOLONG, "%s: the path is too long", files->key);
    return 0;
}

static int explain(struct pki_fault *fault, int error, const char *path)
{
    return error < 0 ? pki_fail(fault, error, "%s: %s", path, strerror(-error)) : 0;
}

int keys_past_keep(const struct enroll_files *files, struct pki_fault *fault)
{
    char old[PATH_MAX];
    int error = old_of(files, old, fault);

    if (error < 0)
        return error;
    error = link(files->key, old) < 0 ? -errno : private_file_sync_parent(old);
    return explain(fault, error, old);
}

/* ---- afterwards ---- */

static int try_pair(const struct enroll_files *files, struct key *key, struct pki_fault *fault)
{
    struct certificate *certificate;
    int error = key_trial_sign(key, fault);

    if (error == 0)
        error = certificate_load(files->certificate, &certificate, fault);
    if (error < 0)
        return error;
    if (!certificate_matches_key(certificate, key))
        error = pki_fail(fault, -EKEYREJECTED, "%s belongs to another key than %s",
                         files->certificate, files->key);
    certificate_free(certificate);
    return error;
}

static int try_it(const struct enroll_files *files, struct pki_fault *fault)
{
    struct key *key;
    int error = device_key_load(files->key, &key, fault);

    if (error < 0)
        return error;
    error = try_pair(files, key, fault);
    key_free(key);
    return error;
}

static int wipe(const char *old, bool is_secret)
{
    int fd = is_secret ? open(old, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

    if (fd >= 0) {
        private_file_scrub(fd);
        close(fd);
    }
    if (unlink(old) < 0)
        return -errno;
    return private_file_sync_parent(old);
}

int keys_past_settle(const struct enroll_files *files, bool *out_wiped, struct pki_fault *fault)
{
    char old[PATH_MAX];
    struct stat past;
    struct stat present;
    int error = old_of(files, old, fault);

    if (error < 0)
        return error;
    if (lstat(old, &past) < 0) {
        *out_wiped = false;
        return errno == ENOENT ? 0 : explain(fault, -errno, old);
    }
    if (stat(files->key, &present) < 0)
        return explain(fault, -errno, files->key);
    bool is_other = past.st_ino != present.st_ino || past.st_dev != present.st_dev;
    if (is_other)
        error = try_it(files, fault);
    if (error < 0)
        return error;
    error = explain(fault, wipe(old, is_other), old);
    if (error == 0)
        *out_wiped = is_other;
    return error;
}
