/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys this user has on this machine: those that profiles name, and those that lie where
 * `tacit enroll` puts them. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "tools/profile.h"

#include <stddef.h>

/* What stands behind the name of a key's file while it changes. */
#define KEYS_FIND_NEXT    ".next"
#define KEYS_FIND_OLD     ".old"
#define KEYS_FIND_SEALING ".sealing"

/* A profile each, owned; of a key that no profile names only its files, and as a name that of the
 * file without what ends it. A file that an interrupted change left names no certificate. */
struct keys_found {
    struct profile *all;
    size_t count;
};

/* In that folder; NULL: everywhere. Sorted by profile, then by file. Negative errno. */
MQTT_NODISCARD int keys_find(const char *folder, struct keys_found *out, struct pki_fault *fault);
void keys_find_fini(struct keys_found *found);
