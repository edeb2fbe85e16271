/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/machine_secret.h"

#include "base/wipe.h"
#include "pki/private_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define FOLDER     "tacit-device"
#define FILE_NAME  "machine-secret"
#define OF_ROOT    "/var/lib"
#define OF_OTHERS  "/.local/state"
#define MACHINE_ID "/etc/machine-id"

/* Where states are kept: a folder, and what is below it. */
static bool state_folder(const char **out, const char **out_below)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    *out_below = "";
    if (state != NULL && state[0] == '/')
        *out = state;
    else if (geteuid() == 0)
        *out = OF_ROOT;
    else if (home != NULL && home[0] == '/') {
        *out = home;
        *out_below = OF_OTHERS;
    } else {
        return false;
    }
    return true;
}

static int folder_path(char out[PATH_MAX], struct pki_fault *fault)
{
    const char *state;
    const char *below;

    if (!state_folder(&state, &below))
        return pki_fail(fault, -ENOENT,
                        "nowhere to keep this machine's secret: neither HOME nor XDG_STATE_HOME");
    if (snprintf(out, PATH_MAX, "%s%s/" FOLDER, state, below)
        >= PATH_MAX - (int)sizeof(FILE_NAME) - 1)
        return pki_fail(fault, -ENAMETOOLONG, "%s: the path is too long", state);
    return 0;
}

int machine_secret_path(char out[PATH_MAX], struct pki_fault *fault)
{
    int error = folder_path(out, fault);

    if (error == 0)
        memcpy(out + strlen(out), "/" FILE_NAME, sizeof("/" FILE_NAME));
    return error;
}

static int take(uint8_t *bytes, size_t len, const char *path, uint8_t out[MACHINE_SECRET_BYTES],
                struct pki_fault *fault)
{
    bool is_good = len == MACHINE_SECRET_BYTES;

    if (is_good)
        memcpy(out, bytes, MACHINE_SECRET_BYTES);
    wipe_bytes(bytes, len);
    free(bytes);
    return is_good
               ? 0
               : pki_fail(fault, -EBADMSG, "%s is not this machine's secret: it has not %d bytes",
                          path, MACHINE_SECRET_BYTES);
}

int machine_secret_load(uint8_t out[MACHINE_SECRET_BYTES], struct pki_fault *fault)
{
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t len;
    int error = machine_secret_path(path, fault);

    if (error < 0)
        return error;
    error = private_file_is_closed(path);
    if (error == -EPERM)
        return pki_fail(fault, error, "%s: others can read this machine's secret; chmod 600 it",
                        path);
    if (error == 0)
        error = private_file_read(path, MACHINE_SECRET_BYTES, &bytes, &len);
    if (error == -ENOENT)
        return pki_fail(fault, error, "%s: this machine has no secret for sealing keys", path);
    return error < 0 ? pki_fail(fault, error, "%s: cannot read this machine's secret: %s", path,
                                strerror(-error))
                     : take(bytes, len, path, out, fault);
}

static int make(struct pki_fault *fault)
{
    char folder[PATH_MAX];
    char path[PATH_MAX];
    uint8_t secret[MACHINE_SECRET_BYTES];
    bool was_made;
    int error = folder_path(folder, fault);

    if (error < 0)
        return error;
    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
        return pki_fail(fault, -EIO, "the kernel gives no random numbers");
    error = private_file_make_dir(folder, &was_made);
    if (error == 0)
        error = machine_secret_path(path, fault);
    if (error == 0)
        error = private_file_write(path, (struct mqtt_span){ secret, sizeof(secret) },
                                   PRIVATE_FILE_KEEP);
    wipe_bytes(secret, sizeof(secret));
    /* Somebody else was faster: theirs is as good. */
    if (error == 0 || error == -EEXIST)
        return 0;
    return pki_fail(fault, error, "%s: cannot keep this machine's secret: %s", folder,
                    strerror(-error));
}

int machine_secret_make(uint8_t out[MACHINE_SECRET_BYTES], struct pki_fault *fault)
{
    int error = machine_secret_load(out, fault);

    if (error != -ENOENT)
        return error;
    error = make(fault);
    return error == 0 ? machine_secret_load(out, fault) : error;
}

void machine_secret_id(char out[MACHINE_SECRET_ID_SIZE])
{
    uint8_t *bytes;
    size_t len;

    out[0] = '\0';
    if (private_file_read(MACHINE_ID, MACHINE_SECRET_ID_SIZE - 1, &bytes, &len) < 0)
        return;
    memcpy(out, bytes, len);
    out[len] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    free(bytes);
}
