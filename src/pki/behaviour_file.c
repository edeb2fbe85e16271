/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/behaviour_file.h"

#include "pki/private_file.h"
#include "pki/state.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_BYTES (UINT64_C(4) << 30) /* that is read; limits bound what is written */

int behaviour_file_beside(const char *state_dir, enum behaviour_beside which, char *out)
{
    static const char *const names[] = {
        [BEHAVIOUR_ORDER] = "order",
        [BEHAVIOUR_ANSWER] = "answer",
        [BEHAVIOUR_BEFORE] = "before",
    };
    char base[STATE_PATH_SIZE];
    int status = state_path(state_dir, STATE_BEHAVIOUR, base);

    if (status != 0)
        return status;
    int written = snprintf(out, PATH_MAX, "%s.%s", base, names[which]);
    return written > 0 && written < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int behaviour_file_path(const char *state_dir, unsigned shard, char *out)
{
    char base[STATE_PATH_SIZE];
    int status = state_path(state_dir, STATE_BEHAVIOUR, base);

    if (status != 0)
        return status;
    int written = snprintf(out, PATH_MAX, "%s.%u", base, shard);
    return written > 0 && written < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int behaviour_file_write(const char *state_dir, unsigned shard, struct mqtt_span bytes)
{
    char path[PATH_MAX];
    int status = behaviour_file_path(state_dir, shard, path);

    return status == 0 ? private_file_write(path, bytes, PRIVATE_FILE_REPLACE) : status;
}

int behaviour_file_read(const char *state_dir, unsigned shard, uint8_t **out, size_t *out_len)
{
    char path[PATH_MAX];
    int status = behaviour_file_path(state_dir, shard, path);

    return status == 0 ? private_file_read(path, LONGEST_BYTES, out, out_len) : status;
}

/* `name` is that of a file of a shard: *out is which, as behaviour_file_path() writes it. */
static bool shard_of(const char *name, const char *base, unsigned *out)
{
    size_t len = strlen(base);
    char *end;

    if (strncmp(name, base, len) != 0 || name[len] != '.' || name[len + 1] < '0'
        || name[len + 1] > '9')
        return false;
    unsigned long number = strtoul(name + len + 1, &end, 10);
    *out = (unsigned)number;
    return *end == '\0' && number == *out;
}

void behaviour_file_find(const char *state_dir, bool *has, unsigned count)
{
    char path[STATE_PATH_SIZE];
    DIR *folder = NULL;
    char *base = NULL;
    unsigned shard;

    if (state_path(state_dir, STATE_BEHAVIOUR, path) == 0)
        base = strrchr(path, '/');
    if (base != NULL) {
        *base++ = '\0';
        folder = opendir(path);
    }
    for (unsigned i = 0; i < count; i++)
        has[i] = folder == NULL;
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        if (shard_of(entry->d_name, base, &shard) && shard < count)
            has[shard] = true;
    (void)closedir(folder);
}

void behaviour_file_sweep(const char *state_dir, unsigned first, unsigned end)
{
    char path[PATH_MAX];

    for (unsigned i = first; i < end; i++)
        if (behaviour_file_path(state_dir, i, path) == 0)
            (void)unlink(path);
}
