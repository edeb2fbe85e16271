/* SPDX-License-Identifier: Apache-2.0 */
/* Where rows go: whoever acts may write some seconds ahead, and the rows come out in order of time.
 * Owner: one thread. Ends the program where there is no memory or where they cannot be written. */
#pragma once

#include "bench/sense/fleet_row.h"

#include <stdio.h>

struct fleet_sink {
    FILE *out;       /* borrowed */
    int64_t from_us; /* what is earlier is not written */
    struct fleet_row *rows;
    uint32_t *waiting; /* a heap of places in rows; the earliest is the first */
    uint32_t *unused;  /* places in rows that are free */
    uint32_t count;    /* of waiting */
    uint32_t room;     /* of all three */
};

void fleet_sink_init(struct fleet_sink *sink, FILE *out);

/* Copies the row. It is not earlier than what has been flushed. */
void fleet_sink_put(struct fleet_sink *sink, const struct fleet_row *row);

/* Writes what is earlier than that. */
void fleet_sink_flush(struct fleet_sink *sink, int64_t until_us);

/* Does not flush. */
void fleet_sink_fini(struct fleet_sink *sink);
