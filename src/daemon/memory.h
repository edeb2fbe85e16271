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
    uint64_t given_bytes;   /* what the machine or the control group has; UINT64_MAX: not known */
    uint64_t segment_bytes; /* of the store, as it was opened; set by the owner; 0: there is none */
};

/* Negative errno: there is nothing to look at. memory_close() is fine all the same. */
MQTT_NODISCARD int memory_open(struct memory *memory);
void memory_close(struct memory *memory);

/* Resident now; 0: not known. */
uint64_t memory_used_bytes(const struct memory *memory);

/* The bound that follows from limits.memory_bytes; 0: none, as nothing is known. */
uint64_t memory_bound_bytes(const struct memory *memory, uint64_t limit_bytes);

/* Of the bound, what the stages leave free: what a turn of the loop takes before anybody looks, and
 * what the store holds while it gives up a segment (that one, and its copies until the disk has
 * them). At most half of it: below that the bound is too small for such segments. */
uint64_t memory_reserve_bytes(const struct memory *memory, uint64_t bound_bytes);

/* The bound has room for all of that. True also where there is no bound. */
bool memory_is_enough(const struct memory *memory, uint64_t bound_bytes);

/* Gives back to the kernel what the process does not use. Takes a while. */
void memory_trim(void);

/* Likewise, and lets go of the pages of programs and libraries, most of which only a start needs:
 * what is used again comes back from the file's pages that the kernel has. */
void memory_settle(void);

/* The same of what only handshakes need: OpenSSL's code and constants, and memory that is kept for the next one. Any
 * thread, some 0.1 ms; what others use meanwhile they find again. */
void memory_calm(void);

/* ---- parts, for tests ---- */

/* The smallest bound of a control group and of those around it. `root` is where the groups are
 * mounted, `groups` the text of /proc/self/cgroup. UINT64_MAX: none. */
uint64_t memory_group_bytes(const char *root, const char *groups);
