/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/behaviour_file.h"

#include "pki/private_file.h"
#include "pki/state.h"

#include <errno.h>
#include <stdio.h>
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

void behaviour_file_sweep(const char *state_dir, unsigned first, unsigned end)
{
    char path[PATH_MAX];

    for (unsigned i = first; i < end; i++)
        if (behaviour_file_path(state_dir, i, path) == 0)
            (void)unlink(path);
}
