/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_follow.h"

#include "audit/tail.h"
#include "tools/log_filter.h"
#include "tools/log_place.h"
#include "tools/log_print.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define LOOK_MS    200
#define LAST_LINES 10 /* that are shown first */

struct following {
    const struct identity_options *options;
    struct log_place place;
    struct audit_tail tail;
};

/* ---- where to begin ---- */

static int count_line(void *context, struct mqtt_span line)
{
    size_t *count = context;

    (void)line;
    (*count)++;
    return 0;
}

struct beginning {
    const struct identity_options *options;
    size_t skip;
};

static int show_last(void *context, struct mqtt_span line)
{
    struct beginning *beginning = context;

    if (beginning->skip > 0) {
        beginning->skip--;
        return 0;
    }
    return log_print_line(beginning->options, line);
}

/* The last lines of the newest file; the rest comes when it is whole. */
static int show_end(struct following *following)
{
    const struct log_place *place = &following->place;
    size_t count = 0;
    size_t rest = 0;
    size_t last = place->files.count - 1;

    if (place->files.count == 0)
        return 0;
    int error = log_place_read(place, last, count_line, &count, &rest);
    struct beginning beginning = { following->options,
                                   count > LAST_LINES ? count - LAST_LINES : 0 };
    if (error == 0)
        error = log_place_read(place, last, show_last, &beginning, &rest);
    following->tail.number = place->files.numbers[last];
    following->tail.at = place->last_bytes - rest;
    return error;
}

/* ---- what comes ---- */

static int print_line(void *context, struct mqtt_span line)
{
    const struct following *following = context;

    return log_print_line(following->options, line);
}

/* 1: there may be more; 0: nothing more is there now; negative errno. */
static int print_new(struct following *following)
{
    int more = audit_tail_read(&following->tail, print_line, following);

    return more >= 0 && fflush(stdout) != 0 ? -EIO : more;
}

static int follow(struct following *following)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    sigset_t ends;
    int error = show_end(following);

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    while (error >= 0) {
        error = print_new(following);
        if (error == 0 && sigtimedwait(&ends, NULL, &pause) > 0)
            break;
    }
    return error;
}

int log_follow(const struct identity_options *options)
{
    struct following following = { .options = options };
    int code = log_place_open(options, &following.place);

    if (code != 0)
        return code;
    audit_tail_init(&following.tail, &following.place.audit.files, 0, 0);
    int error = follow(&following);
    if (error < 0 && error != -EIO)
        code = log_place_fail(&following.place, error);
    audit_tail_fini(&following.tail);
    log_place_close(&following.place);
    return code;
}
