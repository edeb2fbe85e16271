/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/folder.h"

#include "audit/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LEN       26 /* audit-0123456789abcdef.log */
#define COMING         ".new"
#define FORWARDED_NAME "forwarded"

const char *audit_folder_name(uint64_t number, char out[AUDIT_NAME_BYTES])
{
    (void)snprintf(out, AUDIT_NAME_BYTES, "audit-%016" PRIx64 ".log", number);
    return out;
}

/* 0: it is another file. */
static uint64_t number_of(const char *name)
{
    char again[AUDIT_NAME_BYTES];

    if (strlen(name) != NAME_LEN || strncmp(name, "audit-", 6) != 0)
        return 0;
    uint64_t number = strtoull(name + 6, NULL, 16);
    return strcmp(audit_folder_name(number, again), name) == 0 ? number : 0;
}

static int on_name(void *visitor, const char *name)
{
    struct audit_folder *folder = visitor;
    uint64_t number = number_of(name);

    if (number == 0)
        return 0;
    if (folder->count == folder->room) {
        size_t room = folder->room > 0 ? 2 * folder->room : 16;
        uint64_t *numbers = realloc(folder->numbers, room * sizeof(numbers[0]));
        if (numbers == NULL)
            return -ENOMEM;
        folder->numbers = numbers;
        folder->room = room;
    }
    folder->numbers[folder->count++] = number;
    return 0;
}

static int compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

int audit_folder_read(const struct files *files, struct audit_folder *out)
{
    struct audit_folder folder = { 0 };
    int status = files->list(files->context, on_name, &folder);

    if (status != 0) {
        audit_folder_fini(&folder);
        return status;
    }
    if (folder.count > 1)
        qsort(folder.numbers, folder.count, sizeof(folder.numbers[0]), compare);
    *out = folder;
    return 0;
}

void audit_folder_fini(struct audit_folder *folder)
{
    free(folder->numbers);
    *folder = (struct audit_folder){ 0 };
}

/* -ENOENT: there is no such file; -EBADMSG: it is no statement. */
static int read_statement(const struct files *files, const char *name, struct audit_statement *out)
{
    char text[AUDIT_HEAD_BYTES];
    struct file *file = NULL;
    int status = files->open(files->context, name, FILE_READ, &file);

    if (status != 0)
        return status;
    int64_t len = files->read(file, 0, text, sizeof(text));
    files->close(file);
    if (len < 0)
        return (int)len;
    const struct mqtt_span line = { (const uint8_t *)text, (size_t)len };
    return audit_statement_read_head(line, out) ? 0 : -EBADMSG;
}

/* `coming`: the file that then takes the place of `name`. */
static int write_statement(const struct files *files, const char *name, const char *coming,
                           const struct audit_statement *statement)
{
    char text[AUDIT_HEAD_BYTES];
    size_t len = audit_statement_write_head(statement, text);
    const struct mqtt_span line = { (const uint8_t *)text, len };
    struct file *file = NULL;

    /* What an interrupted try has left. */
    (void)files->remove(files->context, coming);
    int status = files->open(files->context, coming, FILE_CREATE, &file);
    if (status != 0)
        return status;
    status = files->write(file, 0, &line, 1);
    if (status == 0)
        status = files->sync(file);
    files->close(file);
    return status == 0 ? files->rename(files->context, coming, name) : status;
}

int audit_folder_read_head(const struct files *files, struct audit_statement *out)
{
    return read_statement(files, AUDIT_HEAD_NAME, out);
}

int audit_folder_write_head(const struct files *files, const struct audit_statement *head)
{
    return write_statement(files, AUDIT_HEAD_NAME, AUDIT_HEAD_NAME COMING, head);
}

int audit_folder_read_forwarded(const struct files *files, struct audit_statement *out)
{
    return read_statement(files, FORWARDED_NAME, out);
}

int audit_folder_write_forwarded(const struct files *files, const struct audit_statement *last)
{
    return write_statement(files, FORWARDED_NAME, FORWARDED_NAME COMING, last);
}

uint64_t audit_folder_first_sequence(const struct files *files, uint64_t number)
{
    char name[AUDIT_NAME_BYTES];
    char text[AUDIT_LINE_BYTES];
    struct audit_record record = { 0 };
    struct mqtt_span line;
    struct file *file = NULL;

    if (files->open(files->context, audit_folder_name(number, name), FILE_READ, &file) != 0)
        return 0;
    int64_t len = files->read(file, 0, text, sizeof(text));
    files->close(file);
    struct mqtt_span rest = { (const uint8_t *)text, len > 0 ? (size_t)len : 0 };
    if (!audit_folder_next_line(&rest, &line) || audit_record_parse(line, &record) != NULL)
        return 0;
    return record.sequence;
}

bool audit_folder_next_line(struct mqtt_span *rest, struct mqtt_span *out)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;

    if (end == NULL)
        return false;
    size_t len = (size_t)(end - rest->data);
    *out = (struct mqtt_span){ rest->data, len };
    rest->data += len + 1;
    rest->len -= len + 1;
    return true;
}
