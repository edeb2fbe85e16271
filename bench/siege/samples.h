/* SPDX-License-Identifier: Apache-2.0 */
/* Durations that bench-siege has measured, every one of them: quantiles are exact. One thread. */
#pragma once

#include <stddef.h>

/* Zero: none yet. */
struct samples {
    double *ms;
    size_t count;
    size_t room;
};

void samples_add(struct samples *samples, double ms);
/* `"NAME": {"count": ..., "p50": ..., "p99": ..., "p999": ..., "max": ...}` to standard output;
 * sorts them. */
void samples_print(struct samples *samples, const char *name);
void samples_fini(struct samples *samples);
