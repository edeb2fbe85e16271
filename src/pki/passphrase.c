/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/passphrase.h"

#include "base/wipe.h"
#include "pki/private_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES 4096

void passphrase_fini(struct passphrase *passphrase)
{
    wipe_bytes(passphrase, sizeof(*passphrase));
}

int passphrase_set(const char *text, size_t len, struct passphrase *out)
{
    if (len == 0 || len > PASSPHRASE_MAX_BYTES)
        return -EINVAL;
    memcpy(out->text, text, len);
    out->len = len;
    return 0;
}

static int read_line(const char *path, struct passphrase *out, struct pki_fault *fault)
{
    uint8_t *bytes;
    size_t len;
    int error = private_file_read(path, FILE_MAX_BYTES, &bytes, &len);
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot read the passphrase: %s", path, strerror(-error));
    const char *text = (const char *)bytes;
    error = passphrase_set(text, strcspn(text, "\r\n"), out);
    if (error < 0)
        (void)pki_fail(fault, error, "%s: its first line is no passphrase of 1 to %d bytes", path,
                       PASSPHRASE_MAX_BYTES);
    wipe_bytes(bytes, len);
    free(bytes);
    return error;
}

int passphrase_load(const char *path, struct passphrase *out, struct pki_fault *fault)
{
    if (private_file_is_closed(path) == -EPERM)
        return pki_fail(fault, -EPERM, "%s: others can read this passphrase; chmod 600 it", path);
    return read_line(path, out, fault);
}

/* No look at its mode: systemd gives the service access by an ACL, which shows as a readable
 * group, and the folder is closed to everybody else. */
int passphrase_load_credential(const char *name, struct passphrase *out, struct pki_fault *fault)
{
    char path[PATH_MAX];
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (folder == NULL || folder[0] != '/')
        return pki_fail(fault, -ENOENT, "there are no credentials of systemd");
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return pki_fail(fault, -ENAMETOOLONG, "%s: the path is too long", folder);
    return read_line(path, out, fault);
}

int passphrase_check_new(const struct passphrase *passphrase, struct pki_fault *fault)
{
    if (passphrase->len >= PASSPHRASE_MIN_BYTES)
        return 0;
    return pki_fail(fault, -EINVAL, "a passphrase has %d characters at least; some words are best",
                    PASSPHRASE_MIN_BYTES);
}
