/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_follow.h"

#include "audit/record.h"
#include "tools/log_filter.h"
#include "tools/log_place.h"
#include "tools/log_print.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_MS    200
#define LAST_LINES 10 /* that are shown first */
#define ROOM       ((size_t)16 * AUDIT_LINE_BYTES)

struct following {
    const struct identity_options *options;
    struct log_place place;
    struct file *file; /* NULL: there is none yet */
    uint64_t number;   /* of it */
    uint64_t at;       /* its bytes before here were printed */
    uint8_t *buffer;   /* of ROOM */
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
    following->number = place->files.numbers[last];
    following->at = place->last_bytes - rest;
    return error;
}

/* ---- what comes ---- */

static int open_file(struct following *following, uint64_t number)
{
    const struct files *files = &following->place.audit.files;
    char name[AUDIT_NAME_BYTES];

    files->close(following->file);
    following->file = NULL;
    following->number = number;
    return files->open(files->context, audit_folder_name(number, name), FILE_READ,
                       &following->file);
}

/* Prints the whole lines that have come. 1: there were some; 0: none; negative errno. */
static int print_new(struct following *following)
{
    const struct files *files = &following->place.audit.files;
    struct mqtt_span line;
    int64_t len = files->read(following->file, following->at, following->buffer, ROOM);
    int error = len < 0 ? (int)len : 0;
    struct mqtt_span rest = { following->buffer, len > 0 ? (size_t)len : 0 };

    while (error == 0 && audit_folder_next_line(&rest, &line))
        error = log_print_line(following->options, line);
    size_t taken = (len > 0 ? (size_t)len : 0) - rest.len;
    following->at += taken;
    if (error == 0 && fflush(stdout) != 0)
        error = -EIO;
    return error < 0 ? error : taken > 0;
}

/* The first file behind the one that is being read; 0: there is none. */
static uint64_t next_number(const struct following *following)
{
    struct audit_folder folder;
    uint64_t next = 0;

    if (audit_folder_read(&following->place.audit.files, &folder) != 0)
        return 0;
    for (size_t i = 0; i < folder.count && next == 0; i++)
        if (folder.numbers[i] > following->number)
            next = folder.numbers[i];
    audit_folder_fini(&folder);
    return next;
}

/* A file is left when there is a next one: nothing comes to it then any more. 1: it was left;
 * 0: nothing more is there now; negative errno. */
static int look(struct following *following)
{
    uint64_t next = next_number(following);
    int more = 1;

    while (more == 1 && following->file != NULL)
        more = print_new(following);
    if (more < 0 || next == 0)
        return more < 0 ? more : 0;
    following->at = 0;
    int error = open_file(following, next);
    /* Removed to make room since it was listed: there is one behind it. */
    return error == 0 || error == -ENOENT ? 1 : error;
}

static int follow(struct following *following)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    sigset_t ends;
    int error = show_end(following);

    if (error == 0 && following->number != 0)
        error = open_file(following, following->number);
    if (error == -ENOENT) /* more than all of the log has come since it was listed */
        error = 0;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    while (error >= 0) {
        error = look(following);
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
    following.buffer = malloc(ROOM);
    int error = following.buffer != NULL ? follow(&following) : -ENOMEM;
    if (error < 0 && error != -EIO)
        code = log_place_fail(&following.place, error);
    following.place.audit.files.close(following.file);
    free(following.buffer);
    log_place_close(&following.place);
    return code;
}
