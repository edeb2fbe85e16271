/* SPDX-License-Identifier: Apache-2.0 */
/* The files: whose they are, who can put others in their place, and copies beside them. */
#include "keystore/machine_secret.h"
#include "pki/private_file.h"
#include "pki/public_key.h"
#include "tools/doctor_patient.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 1000 /* of a folder are looked at */

/* ---- modes ---- */

static void look_at_mode(const struct doctor_patient *p, struct doctor_report *report)
{
    bool is_closed = private_file_is_closed(p->place->key_file) == 0;

    doctor_report_add(report, "file.mode", is_closed ? DOCTOR_OK : DOCTOR_FAIL,
                      "chmod 600, and chown to the user who runs the device",
                      "%s: mode %04o, of user %lu", p->place->key_file, p->facts.mode,
                      p->facts.owner);
}

/* Without it no seal of the machine opens, and with it everybody's does. */
static void look_at_secret(const struct doctor_patient *p, struct doctor_report *report)
{
    char path[PATH_MAX];
    const struct key_facts *key = &p->facts.key;

    if (key->protection != KEY_PROTECTION_SEALED || key->is_sealed_by_tpm
        || machine_secret_path(path, NULL) < 0)
        return;
    int error = private_file_is_closed(path);
    doctor_report_add(report, "file.secret", error == 0 ? DOCTOR_OK : DOCTOR_FAIL,
                      "chmod 600; if it is gone, the key is gone: enrol again", "%s: %s", path,
                      error == 0        ? "only its owner can read it"
                      : error == -EPERM ? "others can read this machine's secret"
                                        : strerror(-error));
}

/* Who may write to a folder can put a file of his own into the place of the key. With the sticky bit
 * only of what is his. */
static bool is_open_folder(const struct stat *status)
{
    bool others_write = (status->st_mode & (S_IWGRP | S_IWOTH)) != 0;

    return others_write && (status->st_mode & S_ISVTX) == 0;
}

/* False: others can write to `path`, or it cannot be looked at. */
static bool is_safe(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0 || is_open_folder(&status))
        return false;
    return status.st_uid == 0 || status.st_uid == geteuid();
}

/* The first folder above the file, from below, that is not safe; false: all are. */
static bool find_open_folder(const char *file, char folder[PATH_MAX])
{
    (void)snprintf(folder, PATH_MAX, "%s", file);
    for (char *slash = strrchr(folder, '/'); slash != NULL; slash = strrchr(folder, '/')) {
        slash[slash == folder ? 1 : 0] = '\0';
        if (!is_safe(folder))
            return true;
        if (slash == folder)
            break;
    }
    return false;
}

static void look_at_folders(const struct doctor_patient *p, struct doctor_report *report)
{
    char folder[PATH_MAX];
    bool is_open = find_open_folder(p->place->key_file, folder);

    doctor_report_add(report, "file.folders", is_open ? DOCTOR_FAIL : DOCTOR_OK,
                      "chmod go-w, and chown it to this user or to root", "%s%s",
                      is_open ? folder : "every folder above the key",
                      is_open ? ": others can put something else into the place of the key, or "
                                "nobody can look"
                              : " can be changed by this user and root only");
}

/* ---- copies ---- */

static bool is_copy(const struct doctor_patient *p, const char *path)
{
    struct public_key key;
    struct stat status;

    if (strcmp(path, p->place->key_file) == 0 || lstat(path, &status) < 0
        || !S_ISREG(status.st_mode) || public_key_load(path, &key, NULL) < 0)
        return false;
    bool is = key.was_private
              && memcmp(key.sha256, p->facts.certificate.key_sha256, sizeof(key.sha256)) == 0;
    public_key_fini(&key);
    return is;
}

/* Whoever wants to be safe before he changes something copies it first. */
static bool find_copy(const struct doctor_patient *p, char out[PATH_MAX])
{
    char folder[PATH_MAX];
    bool is_found = false;

    (void)snprintf(folder, sizeof(folder), "%s", p->place->key_file);
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    DIR *dir = slash != NULL ? opendir(folder) : NULL;
    int left = ENTRIES_MAX;
    for (struct dirent *e = NULL; dir != NULL && !is_found && left > 0; left--) {
        e = readdir(dir);
        if (e == NULL)
            break;
        is_found =
            snprintf(out, PATH_MAX, "%s/%s", folder, e->d_name) < PATH_MAX && is_copy(p, out);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return is_found;
}

static void look_for_copies(const struct doctor_patient *p, struct doctor_report *report)
{
    char path[PATH_MAX] = "";

    if (p->facts.state == KEYS_CERTIFICATE_MISSING)
        return;
    bool is_found = find_copy(p, path);
    doctor_report_add(report, "file.copies", is_found ? DOCTOR_FAIL : DOCTOR_OK,
                      "a copy in clear makes all else worthless: tacit keys migrate --new-key, and "
                      "remove it",
                      "%s%s", is_found ? path : "beside the key lies",
                      is_found ? " has the same key, in clear" : " no other file with it in clear");
}

void doctor_look_at_files(const struct doctor_patient *patient, struct doctor_report *report)
{
    look_at_mode(patient, report);
    look_at_secret(patient, report);
    look_at_folders(patient, report);
    look_for_copies(patient, report);
}
