/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders for their owner's eyes, safe against crashes: created with their final
 * mode under a temporary name in the same folder, written, synced, renamed, the folder
 * synced. A reader sees the old file or the new one. No function changes the mode of a file
 * that was there. Thread-safe. Functions return 0 or a negative errno. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum private_file_existing {
    PRIVATE_FILE_KEEP = 0, /* -EEXIST when there is one */
    PRIVATE_FILE_REPLACE,
};

/* A file of mode 0600 with these bytes. */
MQTT_NODISCARD int private_file_write(const char *path, struct mqtt_span bytes,
                                      enum private_file_existing existing);

/* Everything in a file of at most `limit` bytes, and a NUL after it, from malloc. -EFBIG. The
 * caller wipes what is secret and frees. `out_len` without the NUL. */
MQTT_NODISCARD int private_file_read(const char *path, size_t limit, uint8_t **out,
                                     size_t *out_len);

/* Makes the folder (mode 0700) and those above it; `out_made` says whether it was not there. */
MQTT_NODISCARD int private_file_make_dir(const char *path, bool *out_made);

/* Syncs the folder that holds `path`. */
MQTT_NODISCARD int private_file_sync_parent(const char *path);

/* Removes what interrupted writes left in a folder; for when nobody writes there. */
MQTT_NODISCARD int private_file_sweep(const char *folder);

/* -EPERM: somebody but the owner can read or write it, or the owner is neither the caller nor
 * root. For files that hold a secret. */
MQTT_NODISCARD int private_file_is_closed(const char *path);

/* Overwrites what the file behind `fd` holds: for a secret whose file has lost its name. As far
 * as the file system lets it: a copy that it keeps elsewhere is out of reach. */
void private_file_scrub(int fd);
