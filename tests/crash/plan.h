/* SPDX-License-Identifier: Apache-2.0 */
/* How each life of the broker is to end. */
#pragma once

#include "crash/shim.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum moment {
    MOMENT_FROM_START, /* so many microseconds after exec: often before it listens */
    MOMENT_FROM_HELLO, /* ... after the first CONNACK */
    MOMENT_AT_PACKET,  /* when so many messages and acknowledgements have come */
    MOMENT_AT_CALL,    /* at a call of the store: struct shim_control */
};

/* How a life goes: follows from the seed of the series and the number of the life. */
struct plan {
    unsigned shards;
    enum moment moment;
    unsigned bound; /* microseconds, packets, calls */
    enum shim_moment when;
    bool is_lossy;    /* unsynced writes go as well */
    unsigned pace;    /* of 1000: how often a client does something in a turn */
    unsigned sync_us; /* a sync takes so much longer */
    bool has_probe;
};

struct plan plan_of(uint64_t seed, unsigned life);

/* In words, for a report. */
void plan_text(const struct plan *plan, char *out, size_t bytes);
