/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/scratch.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int scratch_make(void **state)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));
    if (scratch == NULL)
        return -1;
    /* In memory where there is such a place: the tests sync thousands of times. */
    bool has_memory = access("/dev/shm", W_OK | X_OK) == 0;
    (void)snprintf(scratch->folder, sizeof(scratch->folder), "%s/tacit-pki-XXXXXX",
                   has_memory ? "/dev/shm" : "/tmp");
    *state = scratch;
    return mkdtemp(scratch->folder) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type;
    return where->level == 0 ? 0 : remove(path);
}

void scratch_clear(const struct scratch *scratch)
{
    if (nftw(scratch->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        abort();
}

int scratch_remove(void **state)
{
    struct scratch *scratch = *state;
    scratch_clear(scratch);
    int result = rmdir(scratch->folder);
    free(scratch);
    return result;
}

void scratch_path(const struct scratch *scratch, const char *name, char out[SCRATCH_PATH_SIZE])
{
    (void)snprintf(out, SCRATCH_PATH_SIZE, "%s/%s", scratch->folder, name);
}

size_t scratch_count(const struct scratch *scratch)
{
    size_t count = 0;
    DIR *dir = opendir(scratch->folder);
    if (dir == NULL)
        abort();
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return count;
}

struct registry_entry scratch_entry(const char *name, unsigned seed)
{
    struct registry_entry entry = { .kind = IDENTITY_DEVICE, .status = REGISTRY_ACTIVE };
    (void)snprintf(entry.name, sizeof(entry.name), "%s", name);
    (void)snprintf(entry.role, sizeof(entry.role), "device");
    (void)snprintf(entry.tenant, sizeof(entry.tenant), "house");
    memset(entry.key_sha256, (int)seed, sizeof(entry.key_sha256));
    memset(entry.certificate.fingerprint, (int)(seed ^ 0xa5), 32);
    (void)snprintf(entry.certificate.serial, sizeof(entry.certificate.serial), "%02x", seed);
    entry.certificate.not_before_s = 1700000000;
    entry.certificate.not_after_s = 1800000000;
    return entry;
}
