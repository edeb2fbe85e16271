/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: the trace of a small fleet in memory, row by row. */
#pragma once

#include "bench/sense/fleet.h"

#define FLEET_COLUMNS 13
#define FLEET_VICTIMS 64

/* A trace in memory, and who is touched by what happened. */
struct fleet_trace {
    char *text;
    size_t len;
    char *truth;
    size_t truth_len;
    unsigned victims;
    char ids[FLEET_VICTIMS][32];
};

/* One line of it. */
struct fleet_fields {
    char *columns[FLEET_COLUMNS];
    const char *whole; /* as it is in the trace, */
    size_t len;        /* with its end */
};

/* Two of each of personas 1 to 10, from 8 o'clock of a Monday on, for twenty minutes. */
struct fleet_plan fleet_testing_plan(void);

/* The plan is possible. The trace is to be given to fleet_testing_free(). */
struct fleet_trace fleet_testing_trace(const struct fleet_plan *plan);
void fleet_testing_free(struct fleet_trace *trace);

/* Calls it with each row; what a row points at is gone afterwards. */
void fleet_testing_each_row(const struct fleet_trace *trace,
                            void (*visit)(struct fleet_fields *, void *), void *context);
