/* SPDX-License-Identifier: Apache-2.0 */
/* What a preloaded library (shim.c) does to the calls with which tacitd keeps its store, and how a
 * test tells it: by a file of this layout, mapped by both, whose path is in the environment as
 * TACIT_SHIM. Changes count from the next call on. tests/support/shim.py knows the layout as well.
 *
 * Only files named log-* and spare-* count, and the folder they lie in. */
#pragma once

#include <stdint.h>

#define SHIM_ENVIRONMENT "TACIT_SHIM"

enum shim_class {
    SHIM_WRITE = 0, /* write, pwrite, pwritev and so on */
    SHIM_SYNC,      /* fdatasync, fsync of a file */
    SHIM_RESERVE,   /* fallocate, ftruncate */
    SHIM_FOLDER,    /* a new file, rename, unlink, fsync of the folder */
    SHIM_CLASSES,
};

/* Fields from `seen` on are written by the shim only. */
struct shim_rule {
    uint32_t error;    /* errno that calls fail with; 0: none */
    uint32_t pass;     /* so many calls are let through before that; counted down */
    uint32_t times;    /* so many fail, then error becomes 0; 0: all */
    uint32_t delay_us; /* each call takes so much longer */
    uint32_t is_held;  /* calls wait until this is 0 */
    uint32_t seen;     /* calls */
    uint32_t failed;
    uint32_t waiting; /* calls that wait now */
    uint64_t bytes;   /* of writes that were done */
};

enum shim_moment {
    SHIM_BEFORE = 0,
    SHIM_MIDDLE, /* half of a write; else as SHIM_BEFORE */
    SHIM_AFTER,
    SHIM_MOMENTS,
};

struct shim_control {
    uint32_t calls;     /* of all classes; written by the shim only */
    uint32_t kill_at;   /* the process ends by SIGKILL at this call, the first one is 1; 0: never */
    uint32_t kill_when; /* enum shim_moment */
    uint32_t loss;      /* not 0: with the process go writes that were not synced, as if the power
                           had failed; which ones is decided by this seed */
    struct shim_rule rules[SHIM_CLASSES];
};
