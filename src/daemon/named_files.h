/* SPDX-License-Identifier: Apache-2.0 */
/* Every file that a configuration names, in one place: for what has to be readable later. */
#pragma once

#include "config/config.h"
#include "confine/confine.h"

/* A file, or a folder with everything below it. `path` is borrowed for the call. */
typedef void (*named_files_visit)(void *context, const char *path, enum confine_access access);

/* Calls `visit` for the files of the configuration itself, certificates, keys and lists;
 * for the folders of Unix sockets; and for what sandbox-read and sandbox-write add. A path may
 * come more than once. Thread: any. */
void named_files_walk(const struct config *config, named_files_visit visit, void *context);

/* The same for what opens the key of the CA: a passphrase, a PIN. */
void named_files_walk_authority(const struct config *config, named_files_visit visit,
                                void *context);
