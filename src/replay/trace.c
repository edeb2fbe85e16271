/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/trace.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FIRST_BYTES  (UINT64_C(1) << 20)
#define READ_BYTES   (1u << 20)
#define FIRST_EVENTS 4096u
#define TOLD_MOST    20u

struct reading {
    const char *path;
    trace_objection *object;
    struct replay_header header;
    struct trace trace;
    size_t room;
    size_t line;
    uint32_t run; /* how many runs have begun */
    int error;
};

static int grow(uint8_t **text, uint64_t *room)
{
    if (*room >= TRACE_BYTES_MOST)
        return -EFBIG;
    uint64_t more = *room == 0 ? FIRST_BYTES : *room * 2;
    uint8_t *bigger = realloc(*text, more);
    if (bigger == NULL)
        return -ENOMEM;
    *text = bigger;
    *room = more;
    return 0;
}

static int read_whole(gzFile file, uint8_t **text, size_t *len)
{
    uint64_t room = 0;
    uint64_t used = 0;
    int got = 1;

    while (got > 0) {
        if (room - used < READ_BYTES) {
            int error = grow(text, &room);
            if (error != 0)
                return error;
        }
        got = gzread(file, *text + used, READ_BYTES);
        if (got > 0)
            used += (uint64_t)got;
    }
    *len = used;
    return got < 0 ? -EBADMSG : 0;
}

static int load(const char *path, uint8_t **text, size_t *len)
{
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return errno != 0 ? -errno : -ENOMEM;
    int error = read_whole(file, text, len);
    /* Says so when the file was cut off. */
    if (gzclose(file) != Z_OK && error == 0)
        error = -EBADMSG;
    return error;
}

static void object(struct reading *reading, const char *why)
{
    if (reading->trace.bad++ < TOLD_MOST)
        reading->object(reading->path, reading->line, why);
}

static int add(struct reading *reading, const struct replay_event *event)
{
    struct trace *trace = &reading->trace;

    if (trace->count == UINT32_MAX)
        return -EFBIG;
    if (trace->count == reading->room) {
        size_t room = reading->room == 0 ? FIRST_EVENTS : reading->room * 2;
        struct replay_event *bigger = realloc(trace->events, room * sizeof(*bigger));
        if (bigger == NULL)
            return -ENOMEM;
        trace->events = bigger;
        reading->room = room;
    }
    struct replay_event *added = &trace->events[trace->count];
    *added = *event;
    if (trace->count > 0 && !span_equal(added[-1].run, added->run))
        reading->run++;
    added->order = reading->run;
    trace->count++;
    return 0;
}

static void take_line(struct reading *reading, uint8_t *line, size_t len)
{
    struct replay_event event;
    const char *why;

    reading->line++;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (reading->line == 1) {
        why = replay_header_parse(line, len, &reading->header);
        if (why != NULL) {
            object(reading, why);
            reading->error = -EBADMSG;
        }
        return;
    }
    if (len == 0)
        return;
    why = replay_event_parse(&reading->header, line, len, &event);
    if (why != NULL)
        object(reading, why);
    else
        reading->error = add(reading, &event);
}

static void take_lines(struct reading *reading, uint8_t *text, size_t len)
{
    uint8_t *at = text;
    uint8_t *end = text + len;

    while (at < end && reading->error == 0) {
        uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        take_line(reading, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (reading->line == 0)
        reading->error = -EBADMSG;
}

static int by_time(const void *left, const void *right)
{
    const struct replay_event *a = left;
    const struct replay_event *b = right;

    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    /* As they stand in the file, where every event has bytes of its own. */
    if (a->address.data != b->address.data)
        return a->address.data < b->address.data ? -1 : 1;
    return 0;
}

int trace_open(const char *path, trace_objection *object_to, struct trace *out)
{
    struct reading reading = { .path = path, .object = object_to };
    size_t len = 0;
    int error = load(path, &reading.trace.text, &len);

    if (error == 0) {
        take_lines(&reading, reading.trace.text, len);
        error = reading.error;
    }
    if (error != 0) {
        trace_close(&reading.trace);
        return error;
    }
    if (reading.trace.count > 0)
        qsort(reading.trace.events, reading.trace.count, sizeof(reading.trace.events[0]), by_time);
    *out = reading.trace;
    return 0;
}

void trace_close(struct trace *trace)
{
    free(trace->text);
    free(trace->events);
    *trace = (struct trace){ .text = NULL };
}
