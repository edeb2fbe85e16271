/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/walk.h"

#include "audit/folder.h"
#include "audit/hex.h"
#include "audit/record.h"
#include "store/segment_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- one record ---- */

/* The first record of a file says whose it is. */
static bool read_first(const struct audit_record *record, struct audit_walk *walk)
{
    if (!span_equal(record->kind, span_of(AUDIT_KIND_LOG))
        && !span_equal(record->kind, span_of(AUDIT_KIND_FILE)))
        return false;
    walk->has_log =
        audit_hex_get(audit_fields_find(record->fields, "log"), walk->log, sizeof(walk->log))
        && audit_hex_get(audit_fields_find(record->fields, "key"), walk->key, sizeof(walk->key));
    return walk->has_log;
}

static bool follows(const struct audit_record *record, struct audit_walk *walk)
{
    if (!walk->has_log)
        return read_first(record, walk);
    return record->sequence == walk->end.sequence + 1
           && memcmp(record->prev, walk->end.hash, sizeof(record->prev)) == 0;
}

static bool is_at(const struct audit_walk *walk, uint64_t sequence, const uint8_t *hash)
{
    return walk->head != NULL && walk->head->sequence == sequence
           && memcmp(walk->head->log, walk->log, sizeof(walk->log)) == 0
           && memcmp(walk->head->hash, hash, AUDIT_HASH_BYTES) == 0;
}

static bool is_checkpoint(const struct audit_record *record)
{
    return span_equal(record->kind, span_of(AUDIT_KIND_CHECKPOINT));
}

static void take_in(const struct audit_record *record, struct audit_walk *walk)
{
    walk->has_head = walk->has_head || is_at(walk, record->sequence, record->hash)
                     || is_at(walk, record->sequence - 1, record->prev);
    walk->end.unsigned_records = is_checkpoint(record) ? 0 : walk->end.unsigned_records + 1;
    walk->end.sequence = record->sequence;
    memcpy(walk->end.hash, record->hash, sizeof(record->hash));
}

/* ---- many ---- */

/* Until the record `until`, 0: as far as they are whole. */
static void walk_over(struct mqtt_span rest, const struct audit_port *port, uint64_t until,
                      struct audit_walk *out)
{
    struct mqtt_span line;
    struct audit_record record;

    while ((until == 0 || out->end.sequence < until) && audit_folder_next_line(&rest, &line)) {
        if (audit_record_parse(line, &record) != NULL || !audit_record_is_whole(&record, port)
            || !follows(&record, out)) {
            out->tail_has_lines = true;
            return;
        }
        take_in(&record, out);
        out->whole_bytes += line.len + 1;
    }
}

int audit_walk_file(const struct files *files, const struct audit_port *port, uint64_t number,
                    struct audit_walk *out)
{
    struct segment_bytes bytes = { 0 };
    char name[AUDIT_NAME_BYTES];
    int status = segment_bytes_load(files, audit_folder_name(number, name), UINT32_MAX, &bytes);

    if (status == 0) {
        out->bytes = bytes.len;
        walk_over((struct mqtt_span){ bytes.data, bytes.len }, port, 0, out);
    }
    segment_bytes_fini(&bytes);
    return status;
}

/* ---- the end alone ---- */

/* Behind the head's record, and the checkpoint before it: else nobody knows when the next one is due. */
static bool skip_to_head(struct mqtt_span *rest, const struct audit_port *port,
                         struct audit_walk *out)
{
    struct mqtt_span line;
    struct audit_record record = { 0 };
    bool has_checkpoint = false;

    while (record.sequence < out->head->sequence) {
        if (!audit_folder_next_line(rest, &line) || audit_record_parse(line, &record) != NULL)
            return false;
        has_checkpoint = has_checkpoint || is_checkpoint(&record);
        take_in(&record, out);
    }
    return has_checkpoint && is_at(out, record.sequence, record.hash)
           && audit_record_is_whole(&record, port);
}

static bool walk_end(struct mqtt_span first, struct mqtt_span end, const struct audit_port *port,
                     struct audit_walk *out)
{
    struct audit_record record;
    struct mqtt_span line;

    if (!audit_folder_next_line(&first, &line) || audit_record_parse(line, &record) != NULL
        || !audit_record_is_whole(&record, port) || !read_first(&record, out)
        || !audit_folder_next_line(&end, &line) || !skip_to_head(&end, port, out))
        return false;
    out->whole_bytes = out->bytes - end.len;
    walk_over(end, port, 0, out);
    return true;
}

static int64_t read_piece(const struct files *files, uint64_t number, uint64_t at, void *into,
                          size_t len)
{
    char name[AUDIT_NAME_BYTES];
    struct file *file = NULL;
    int status = files->open(files->context, audit_folder_name(number, name), FILE_READ, &file);

    if (status != 0)
        return status;
    int64_t n = files->read(file, at, into, len);
    files->close(file);
    return n;
}

static int64_t size_of(const struct files *files, uint64_t number)
{
    char name[AUDIT_NAME_BYTES];
    struct file *file = NULL;
    int status = files->open(files->context, audit_folder_name(number, name), FILE_READ, &file);

    if (status != 0)
        return status;
    int64_t size = files->size(file);
    files->close(file);
    return size;
}

int audit_walk_tail(const struct files *files, const struct audit_port *port, uint64_t number,
                    struct audit_walk *out)
{
    struct audit_walk walk = *out;
    int64_t size = size_of(files, number);

    if (size <= (int64_t)AUDIT_WALK_TAIL_BYTES || out->head == NULL)
        return size < 0 ? (int)size : -ENODATA;
    uint8_t *bytes = malloc(AUDIT_LINE_BYTES + AUDIT_WALK_TAIL_BYTES);
    if (bytes == NULL)
        return -ENOMEM;
    uint8_t *end = bytes + AUDIT_LINE_BYTES;
    int64_t first_len = read_piece(files, number, 0, bytes, AUDIT_LINE_BYTES);
    int64_t end_len = read_piece(files, number, (uint64_t)size - AUDIT_WALK_TAIL_BYTES, end,
                                 AUDIT_WALK_TAIL_BYTES);
    walk.bytes = (uint64_t)size;
    bool is_found = first_len > 0 && end_len == (int64_t)AUDIT_WALK_TAIL_BYTES
                    && walk_end((struct mqtt_span){ bytes, (size_t)first_len },
                                (struct mqtt_span){ end, (size_t)end_len }, port, &walk);
    free(bytes);
    if (is_found)
        *out = walk;
    return is_found ? 0 : -ENODATA;
}

/* ---- the rest, later ---- */

int audit_walk_on(const struct files *files, const struct audit_port *port, uint64_t number,
                  uint64_t until, size_t bytes, struct audit_walk *walk)
{
    uint64_t before = walk->whole_bytes;
    size_t room = bytes + AUDIT_LINE_BYTES;
    uint8_t *piece = malloc(room);

    if (piece == NULL)
        return -ENOMEM;
    int64_t len = read_piece(files, number, before, piece, room);
    if (len > 0)
        walk_over((struct mqtt_span){ piece, (size_t)len }, port, until, walk);
    free(piece);
    if (len < 0)
        return (int)len;
    if (walk->tail_has_lines || walk->whole_bytes == before)
        return -EBADMSG;
    return walk->end.sequence < until;
}
