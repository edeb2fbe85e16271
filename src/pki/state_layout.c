/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/state_layout.h"

#include "pki/certificate.h"
#include "pki/private_file.h"
#include "pki/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRUST_MAX_BYTES (256 * 1024)

static int make_folder(const char *dir, const char *name, struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    bool is_new = false;
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

    if (n >= STATE_PATH_SIZE)
        return pki_fail(fault, -ENAMETOOLONG, "%s: the path is too long", dir);
    int error = private_file_make_dir(path, &is_new);
    return error == 0
               ? 0
               : pki_fail(fault, error, "%s: cannot make the folder: %s", path, strerror(-error));
}

/* A tacitd of before wrote it into the state folder itself; one that was run again after this one
 * has newer news. */
void state_layout_move_observed(const char *dir)
{
    char before[STATE_PATH_SIZE];
    char now[STATE_PATH_SIZE];
    int n = snprintf(before, sizeof(before), "%s/observed", dir);

    if (n >= STATE_PATH_SIZE || access(before, F_OK) != 0 || make_folder(dir, "learning", NULL) != 0
        || state_path(dir, STATE_OBSERVED, now) != 0)
        return;
    if (rename(before, now) == 0)
        (void)!private_file_sync_parent(now);
}

int state_layout_prepare(const char *dir, struct pki_fault *fault)
{
    static const char *const folders[] = { "server", "store", "crl", "blocked-keys", "learning" };
    int error = 0;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(folders) && error == 0; i++)
        error = make_folder(dir, folders[i], fault);
    if (error == 0)
        state_layout_move_observed(dir);
    return error;
}

/* ---- what is shown of the CA ---- */

static bool has_content(const char *path, struct mqtt_span wanted)
{
    uint8_t *bytes;
    size_t len;

    if (private_file_read(path, TRUST_MAX_BYTES, &bytes, &len) != 0)
        return false;
    bool is_same = span_equal((struct mqtt_span){ bytes, len }, wanted);
    free(bytes);
    return is_same;
}

static int write_list(const struct certificate_list *list, const char *path,
                      struct pki_fault *fault)
{
    char *text;
    int error = certificate_list_encode(list, &text);

    if (error < 0)
        return pki_fail(fault, error, "out of memory");
    if (!has_content(path, span_of(text)))
        error = private_file_write(path, span_of(text), PRIVATE_FILE_REPLACE);
    free(text);
    return error == 0 ? 0 : pki_fail(fault, error, "%s: cannot write: %s", path, strerror(-error));
}

/* A file that is not there leaves no copy behind. */
static int show(const char *dir, enum state_file secret, enum state_file open,
                struct pki_fault *fault)
{
    char from[STATE_PATH_SIZE];
    char to[STATE_PATH_SIZE];
    struct certificate_list list = { 0 };

    if (state_path(dir, secret, from) != 0 || state_path(dir, open, to) != 0)
        return pki_fail(fault, -ENAMETOOLONG, "%s: the path is too long", dir);
    int error = certificate_list_load(from, &list, fault);
    if (error == 0)
        error = write_list(&list, to, fault);
    else if (error == -ENOENT)
        error = unlink(to) == 0 || errno == ENOENT ? 0 : -errno;
    certificate_list_fini(&list);
    return error;
}

int state_layout_show_trust(const char *dir, struct pki_fault *fault)
{
    int error = make_folder(dir, "trust", fault);

    if (error == 0)
        error = show(dir, STATE_CA_CERTIFICATE, STATE_SHOWN_CA, fault);
    return error == 0 ? show(dir, STATE_ROOT_CERTIFICATE, STATE_SHOWN_ROOT, fault) : error;
}
