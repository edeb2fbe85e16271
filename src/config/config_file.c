/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_file.h"

#include "pki/state.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static int put(const char *path, char *out, size_t size)
{
    int len = snprintf(out, size, "%s", path);

    return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

int config_file_find(const char *named, const char *state_dir, char *out, size_t size)
{
    char path[STATE_PATH_SIZE];

    if (named != NULL)
        return put(named, out, size);
    if (state_dir != NULL) {
        int status = state_path(state_dir, STATE_CONFIGURATION, path);
        if (status != 0)
            return status;
        if (access(path, F_OK) == 0)
            return put(path, out, size);
    }
    return put(access(CONFIG_FILE_SYSTEM, F_OK) == 0 ? CONFIG_FILE_SYSTEM : "", out, size);
}
