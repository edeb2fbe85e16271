/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/neighbour.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096u

int neighbour_find(const char *name, char *out, size_t size)
{
    char self[PATH_BYTES];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len <= 0)
        return -ENOENT;
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return -ENOENT;
    *slash = '\0';
    int written = snprintf(out, size, "%s/%s", self, name);
    if (written < 0 || (size_t)written >= size)
        return -ENOENT;
    return access(out, X_OK) == 0 ? 0 : -ENOENT;
}
