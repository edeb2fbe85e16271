/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/samples.h"

#include "bench/siege/line.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOM_FIRST 65536u

void samples_add(struct samples *samples, double ms)
{
    if (samples->count == samples->room) {
        samples->room = samples->room == 0 ? ROOM_FIRST : samples->room * 2;
        samples->ms = realloc(samples->ms, samples->room * sizeof(*samples->ms));
        must(samples->ms != NULL, "memory");
    }
    samples->ms[samples->count++] = ms;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double quantile(const struct samples *samples, double share)
{
    size_t at = (size_t)((double)samples->count * share);

    return samples->count == 0 ? 0 : samples->ms[at < samples->count ? at : samples->count - 1];
}

void samples_print(struct samples *samples, const char *name)
{
    if (samples->count > 0)
        qsort(samples->ms, samples->count, sizeof(*samples->ms), compare);
    printf("\"%s\": {\"count\": %zu, \"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}",
           name, samples->count, quantile(samples, 0.5), quantile(samples, 0.99),
           quantile(samples, 0.999), quantile(samples, 1));
}

void samples_fini(struct samples *samples)
{
    free(samples->ms);
    *samples = (struct samples){ 0 };
}
