/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_sink.h"

#include "bench/ground.h"

#include <stdlib.h>

void fleet_sink_init(struct fleet_sink *sink, FILE *out)
{
    *sink = (struct fleet_sink){ .out = out };
}

void fleet_sink_fini(struct fleet_sink *sink)
{
    free(sink->rows);
    free(sink->waiting);
    free(sink->unused);
}

static void grow(struct fleet_sink *sink)
{
    const uint32_t room = sink->room > 0 ? 2 * sink->room : 1024;

    sink->rows = realloc(sink->rows, room * sizeof *sink->rows);
    sink->waiting = realloc(sink->waiting, room * sizeof *sink->waiting);
    sink->unused = realloc(sink->unused, room * sizeof *sink->unused);
    must(sink->rows != NULL && sink->waiting != NULL && sink->unused != NULL, "memory for rows");
    for (uint32_t i = sink->room; i < room; i++)
        sink->unused[room - 1 - i] = i;
    sink->room = room;
}

static bool earlier(const struct fleet_sink *sink, uint32_t a, uint32_t b)
{
    const struct fleet_row *x = &sink->rows[a];
    const struct fleet_row *y = &sink->rows[b];

    return x->at_us != y->at_us ? x->at_us < y->at_us : x->order < y->order;
}

void fleet_sink_put(struct fleet_sink *sink, const struct fleet_row *row)
{
    /* As many places are unused as do not wait. */
    if (sink->count == sink->room)
        grow(sink);
    const uint32_t place = sink->unused[sink->room - sink->count - 1];
    uint32_t at = sink->count++;
    sink->rows[place] = *row;
    for (; at > 0 && earlier(sink, place, sink->waiting[(at - 1) / 2]); at = (at - 1) / 2)
        sink->waiting[at] = sink->waiting[(at - 1) / 2];
    sink->waiting[at] = place;
}

/* Takes the first of the heap out of it. */
static uint32_t take(struct fleet_sink *sink)
{
    const uint32_t first = sink->waiting[0];
    const uint32_t last = sink->waiting[--sink->count];
    uint32_t at = 0;

    for (uint32_t child = 1; child < sink->count; child = 2 * at + 1) {
        if (child + 1 < sink->count
            && earlier(sink, sink->waiting[child + 1], sink->waiting[child]))
            child++;
        if (!earlier(sink, sink->waiting[child], last))
            break;
        sink->waiting[at] = sink->waiting[child];
        at = child;
    }
    sink->waiting[at] = last;
    sink->unused[sink->room - sink->count - 1] = first;
    return first;
}

void fleet_sink_flush(struct fleet_sink *sink, int64_t until_us)
{
    char line[FLEET_LINE_MAX];

    while (sink->count > 0 && sink->rows[sink->waiting[0]].at_us < until_us) {
        const struct fleet_row *row = &sink->rows[take(sink)];

        if (row->at_us < sink->from_us)
            continue;
        const size_t len = fleet_row_line(row, line);
        must(fwrite(line, 1, len, sink->out) == len, "writing the trace");
    }
}
