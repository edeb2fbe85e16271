/* SPDX-License-Identifier: Apache-2.0 */
/* bench-index COUNT: so many exact filters in the topic index, then as many matches of topics in
 * random order. Prints bytes per filter (of the heap, not of our own counting), nanoseconds per
 * match, and the longest single step of the filling in microseconds. */
#include "core/topic_index.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_BYTES 48

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static struct mqtt_span name(char *memory, unsigned i)
{
    int len = snprintf(memory, NAME_BYTES, "site/plant%05u/device%07u/temp", i / 1000, i);

    return (struct mqtt_span){ (const uint8_t *)memory, (size_t)len };
}

static void on_match(void *context, struct topic_filter *filter)
{
    size_t *hits = context;

    (void)filter;
    (*hits)++;
}

static unsigned next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(*state >> 33);
}

int main(int argc, char **argv)
{
    const struct siphash_key key = { 17, 19 };
    unsigned count = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    struct topic_link *links = calloc(count + 1, sizeof(*links));
    char(*topics)[NAME_BYTES] = calloc(count + 1, NAME_BYTES);
    struct topic_index *index = topic_index_new(&key);
    uint64_t random = 1;
    size_t hits = 0;
    double longest = 0;
    char memory[NAME_BYTES];

    if (count == 0 || links == NULL || topics == NULL || index == NULL) {
        fputs("usage: bench-index COUNT\n", stderr);
        return 2;
    }
    size_t before = heap_bytes();
    for (unsigned i = 0; i < count; i++) {
        double begin = now_ns();
        if (topic_index_attach(index, name(memory, i), &links[i]) < 0)
            return 1;
        double step = now_ns() - begin;
        longest = step > longest ? step : longest;
    }
    double bytes = (double)(heap_bytes() - before) / count;
    for (unsigned i = 0; i < count; i++)
        name(topics[i], next_random(&random) % count);
    double begin = now_ns();
    for (unsigned i = 0; i < count; i++)
        topic_index_match(index, span_of(topics[i]), on_match, &hits);
    double match = (now_ns() - begin) / count;
    printf("%.1f %.1f %.1f\n", bytes, match, longest / 1000);
    for (unsigned i = 0; i < count; i++)
        topic_index_detach(index, &links[i]);
    topic_index_free(index);
    free(topics);
    free(links);
    return hits == count ? 0 : 1;
}
