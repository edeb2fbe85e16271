/* SPDX-License-Identifier: Apache-2.0 */
/* The rivals over event files, in the way of sense-replay:
 * bench-rivals --rival NAME --train FILE... --test FILE... --apart --json. Each test file is judged by
 * the training alone. Devices are one role, and so are addresses. */
#include "bench/sense/rival.h"
#include "bench/sense/rival_book.h"
#include "replay/trace.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2
#define CALM_MS    300000u  /* without an odd window an alarm is over */
#define HOLE_MS    3600000u /* without an event of anybody: the trace has a hole */
#define KINDS      2u       /* of those who are judged: addresses, devices */

static const struct rival_kind *const rivals[] = { &rival_static, &rival_percentile,
                                                   &rival_robust_z, &rival_trees, &rival_kitnet };

struct rows {
    struct rival_row *rows;
    size_t count;
    size_t room;
};

struct judge {
    const struct rival_kind *kind;
    struct rival_book book;
    struct rows learned[KINDS];
    void *models[KINDS]; /* NULL: it learns */
    const char *path;
    bool failed;
};

static void keep(struct judge *judge, struct rows *rows, const struct rival_row *row)
{
    if (rows->count == rows->room) {
        size_t room = rows->room == 0 ? 4096 : 2 * rows->room;
        struct rival_row *bigger = realloc(rows->rows, room * sizeof(*bigger));
        judge->failed = judge->failed || bigger == NULL;
        if (bigger == NULL)
            return;
        rows->rows = bigger;
        rows->room = room;
    }
    rows->rows[rows->count++] = *row;
}

static void tell(const struct judge *judge, const struct rival_who *who, uint64_t now_ms,
                 enum rival_feature why)
{
    bool is_device = rival_who_is_device(who);
    json_t *alarm = json_pack("{s:s, s:f, s:s, s:s?, s:s?, s:s, s:[{s:s}], s:s}", "event",
                              is_device ? "device" : "source", "t", (double)now_ms / 1000.0, "file",
                              judge->path, "device", is_device ? who->key + 1 : NULL, "source",
                              is_device ? NULL : who->key + 1, "verdict", "attacking", "top",
                              "feature", rival_feature_key(why), "text", rival_feature_key(why));

    (void)json_dumpf(alarm, stdout, JSON_COMPACT | JSON_REAL_PRECISION(13));
    (void)putchar('\n');
    json_decref(alarm);
}

static void close_window(struct judge *judge, struct rival_who *who, uint64_t now_ms)
{
    const unsigned kind = rival_who_is_device(who) ? 1 : 0;
    enum rival_feature why = RIVAL_PUBLISHES;
    struct rival_row row;

    rival_who_close(who, now_ms, &row);
    if (judge->models[kind] == NULL) {
        keep(judge, &judge->learned[kind], &row);
        return;
    }
    if (judge->kind->score(judge->models[kind], &row, &why) <= RIVAL_ODD)
        return;
    if (who->alarm_ms == 0 || now_ms > who->alarm_ms + CALM_MS)
        tell(judge, who, now_ms, why);
    who->alarm_ms = now_ms;
}

static void advance(struct judge *judge, uint64_t now_ms)
{
    for (size_t i = 0; i < judge->book.count; i++) {
        struct rival_who *who = judge->book.whos[i];
        while (who->start_ms != 0 && now_ms >= who->start_ms + judge->kind->window_ms)
            close_window(judge, who, who->start_ms + judge->kind->window_ms);
    }
}

/* Lines that cannot be read are sense-replay's to object to. */
static void ignore(const char *path, size_t line, const char *why)
{
    (void)path;
    (void)line;
    (void)why;
}

static bool run_file(struct judge *judge, const char *path)
{
    struct trace trace;
    uint64_t next_ms = 0;

    if (trace_open(path, ignore, &trace) != 0)
        return false;
    judge->path = path;
    rival_book_rest(&judge->book);
    for (size_t i = 0; i < trace.count && !judge->failed; i++) {
        const struct replay_event *event = &trace.events[i];
        if (i > 0 && event->time_ms > event[-1].time_ms + HOLE_MS)
            rival_book_rest(&judge->book);
        else if (event->time_ms >= next_ms)
            advance(judge, event->time_ms);
        if (event->time_ms >= next_ms)
            next_ms = event->time_ms + 1000;
        judge->failed = !rival_book_count(&judge->book, event, event->time_ms + 1);
    }
    if (trace.count > 0)
        advance(judge, trace.events[trace.count - 1].time_ms + judge->kind->window_ms + 1);
    trace_close(&trace);
    return !judge->failed;
}

static bool fit(struct judge *judge)
{
    for (unsigned i = 0; i < KINDS; i++) {
        judge->models[i] = calloc(1, judge->kind->bytes);
        if (judge->models[i] == NULL)
            return false;
        judge->kind->fit(judge->models[i], judge->learned[i].rows, judge->learned[i].count);
    }
    return true;
}

static const struct rival_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++)
        if (strcmp(rivals[i]->name, name) == 0)
            return rivals[i];
    return NULL;
}

/* The files behind one option, each in turn. */
static bool run_files(struct judge *judge, int argc, char **argv, const char *option)
{
    int at = 1;
    int ran = 0;

    while (at < argc && strcmp(argv[at], option) != 0)
        at++;
    for (at++; at < argc && strncmp(argv[at], "--", 2) != 0; at++, ran++)
        if (!run_file(judge, argv[at])) {
            (void)fprintf(stderr, "bench-rivals: cannot read %s\n", argv[at]);
            return false;
        }
    return ran > 0;
}

int main(int argc, char **argv)
{
    struct judge judge = { .kind = NULL };

    if (argc > 2 && strcmp(argv[1], "--rival") == 0)
        judge.kind = kind_of(argv[2]);
    if (judge.kind == NULL) {
        (void)fputs("usage: bench-rivals --rival static|percentile|robust-z|trees|kitnet\n"
                    "       --train FILE... --test FILE... [--apart] [--json]\n",
                    stderr);
        return EXIT_USAGE;
    }
    rival_book_init(&judge.book);
    bool ok = run_files(&judge, argc, argv, "--train") && fit(&judge)
              && run_files(&judge, argc, argv, "--test");
    for (unsigned i = 0; i < KINDS; i++) {
        free(judge.models[i]);
        free(judge.learned[i].rows);
    }
    rival_book_fini(&judge.book);
    return ok && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
