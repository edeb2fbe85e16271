/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tail.h"

#include "audit/folder.h"

#include <errno.h>

void audit_tail_init(struct audit_tail *tail, const struct files *files, uint64_t number,
                     uint64_t at)
{
    tail->files = files;
    tail->file = NULL;
    tail->number = number;
    tail->at = at;
}

void audit_tail_fini(struct audit_tail *tail)
{
    if (tail->file != NULL)
        tail->files->close(tail->file);
    tail->file = NULL;
}

/* -ENOENT: it was removed to make room. */
static int open_file(struct audit_tail *tail)
{
    const struct files *files = tail->files;
    char name[AUDIT_NAME_BYTES];

    return files->open(files->context, audit_folder_name(tail->number, name), FILE_READ,
                       &tail->file);
}

/* As audit_tail_read(), of the open file only. */
static int take_lines(struct audit_tail *tail, audit_tail_line on_line, void *context)
{
    struct mqtt_span line;
    int64_t len = tail->files->read(tail->file, tail->at, tail->buffer, sizeof(tail->buffer));
    struct mqtt_span rest = { tail->buffer, len > 0 ? (size_t)len : 0 };
    int status = len < 0 ? (int)len : 0;
    uint64_t before = tail->at;

    while (status == 0 && audit_folder_next_line(&rest, &line)) {
        status = on_line(context, line);
        if (status == 0)
            tail->at += line.len + 1;
    }
    return status != 0 ? status : tail->at > before;
}

static int take_open(struct audit_tail *tail, audit_tail_line on_line, void *context)
{
    int status = tail->file == NULL && tail->number > 0 ? open_file(tail) : 0;

    if (status == -ENOENT)
        return 0;
    return status != 0 || tail->file == NULL ? status : take_lines(tail, on_line, context);
}

/* The first file behind this one; 0: there is none. */
static int find_next(const struct audit_tail *tail, uint64_t *out)
{
    struct audit_folder folder;
    uint64_t next = 0;
    int status = audit_folder_read(tail->files, &folder);

    if (status != 0)
        return status;
    for (size_t i = 0; i < folder.count && next == 0; i++)
        if (folder.numbers[i] > tail->number)
            next = folder.numbers[i];
    audit_folder_fini(&folder);
    *out = next;
    return 0;
}

int audit_tail_read(struct audit_tail *tail, audit_tail_line on_line, void *context)
{
    uint64_t next = 0;
    int status = take_open(tail, on_line, context);

    if (status != 0)
        return status;
    status = find_next(tail, &next);
    if (status != 0 || next == 0)
        return status;
    /* Nothing comes to a file any more that has a next one; but it may have come just before. */
    status = take_open(tail, on_line, context);
    if (status != 0)
        return status;
    audit_tail_fini(tail);
    tail->number = next;
    tail->at = 0;
    return 1;
}
