/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory this process has, and how much it may have, as the kernel says.
 *
 * Owner: one thread. The files it reads are opened once: what confines the process later does not
 * keep it from looking. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stdint.h>

struct memory {
    int fd; /* of /proc/self/statm; -1: not open, also when zeroed by memory_close() */
    uint64_t page_bytes;
    uint64_t given_bytes; /* what the machine or the control group has; UINT64_MAX: not known */
};

/* Negative errno: there is nothing to look at. memory_close() is fine all the same. */
MQTT_NODISCARD int memory_open(struct memory *memory);
void memory_close(struct memory *memory);

/* Resident now; 0: not known. */
uint64_t memory_used_bytes(const struct memory *memory);

/* The bound that follows from limits.memory_bytes; 0: none, as nothing is known. */
uint64_t memory_bound_bytes(const struct memory *memory, uint64_t limit_bytes);

/* Gives back to the kernel what the process does not use. Takes a while. */
void memory_trim(void);

/* ---- parts, for tests ---- */

/* The smallest bound of a control group and of those around it. `root` is where the groups are
 * mounted, `groups` the text of /proc/self/cgroup. UINT64_MAX: none. */
uint64_t memory_group_bytes(const char *root, const char *groups);
