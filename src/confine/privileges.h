/* SPDX-License-Identifier: Apache-2.0 */
/* Who the process is, and what it may do beyond others. Thread: the first, alone: each thread has
 * its own in the kernel. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <sys/types.h>

#define PRIVILEGES_NAME_BYTES 64

struct privileges_user {
    char name[PRIVILEGES_NAME_BYTES];
    uid_t id;
    gid_t group;
};

/* -ENOENT: there is no such user; -ENAMETOOLONG; otherwise what the databases said. Reads what the
 * system's name services read, so before confinement. */
MQTT_NODISCARD int privileges_find_user(const char *name, struct privileges_user *out);

/* From root to that user and the groups it is in, for good. Negative errno: the process may be
 * somebody in between and has to end. */
MQTT_NODISCARD int privileges_become(const struct privileges_user *user);

/* Gives up all capabilities, those of programs to be started included, and the chance that a
 * program gives some (no-new-privileges). -EPERM: some are still there. */
MQTT_NODISCARD int privileges_drop(void);
