/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/read_all.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_BYTES 65536
#define LEAST_BYTES 4096 /* of room, to read into */

bool read_all_room(char **buffer, size_t *size, size_t len)
{
    if (*size - len >= LEAST_BYTES)
        return true;
    size_t wanted = *size == 0 ? FIRST_BYTES : *size * 2;
    char *bigger = realloc(*buffer, wanted);
    if (bigger == NULL)
        return false;
    *buffer = bigger;
    *size = wanted;
    return true;
}

int read_all(FILE *file, size_t most, char **out_bytes, size_t *out_len)
{
    size_t size = 0;
    size_t len = 0;
    size_t got;
    char *bytes = NULL;

    do {
        if (!read_all_room(&bytes, &size, len)) {
            free(bytes);
            return -ENOMEM;
        }
        got = fread(bytes + len, 1, size - len, file);
        len += got;
    } while (got > 0 && len <= most);
    int error = ferror(file) ? -errno : len > most ? -EFBIG : 0;
    if (error != 0) {
        free(bytes);
        return error;
    }
    *out_bytes = bytes;
    *out_len = len;
    return 0;
}
