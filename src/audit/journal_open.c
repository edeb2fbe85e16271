/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/folder.h"
#include "audit/hex.h"
#include "audit/journal_state.h"
#include "audit/record.h"
#include "store/segment_reader.h"

#include <errno.h>
#include <string.h>

/* What one file holds, as far as it is whole. */
struct walk {
    struct audit_position end;
    uint8_t log[AUDIT_ID_BYTES];
    uint8_t key[AUDIT_HASH_BYTES];
    bool has_log;
    uint64_t whole_bytes;
    uint64_t bytes;
    bool tail_has_lines; /* what is behind the whole ones is more than the part of one */
    const struct audit_statement *head; /* NULL: nobody knows */
    bool has_head;                      /* its record is here, or the one before the first is it */
};

/* The first record of a file says whose it is. */
static bool read_first(const struct audit_record *record, struct walk *walk)
{
    if (!span_equal(record->kind, span_of(AUDIT_KIND_LOG))
        && !span_equal(record->kind, span_of(AUDIT_KIND_FILE)))
        return false;
    walk->has_log =
        audit_hex_get(audit_fields_find(record->fields, "log"), walk->log, sizeof(walk->log))
        && audit_hex_get(audit_fields_find(record->fields, "key"), walk->key, sizeof(walk->key));
    return walk->has_log;
}

static bool follows(const struct audit_record *record, struct walk *walk)
{
    if (!walk->has_log)
        return read_first(record, walk);
    return record->sequence == walk->end.sequence + 1
           && memcmp(record->prev, walk->end.hash, sizeof(record->prev)) == 0;
}

static bool is_at(const struct walk *walk, uint64_t sequence, const uint8_t *hash)
{
    return walk->head != NULL && walk->head->sequence == sequence
           && memcmp(walk->head->log, walk->log, sizeof(walk->log)) == 0
           && memcmp(walk->head->hash, hash, AUDIT_HASH_BYTES) == 0;
}

static void take_in(const struct audit_record *record, struct walk *walk)
{
    bool is_signed = span_equal(record->kind, span_of(AUDIT_KIND_CHECKPOINT));

    walk->has_head = walk->has_head || is_at(walk, record->sequence, record->hash)
                     || is_at(walk, record->sequence - 1, record->prev);
    walk->end.unsigned_records = is_signed ? 0 : walk->end.unsigned_records + 1;
    walk->end.sequence = record->sequence;
    memcpy(walk->end.hash, record->hash, sizeof(record->hash));
}

/* out->head is set, the rest is zeroed. */
static void walk_over(struct mqtt_span bytes, const struct audit_port *port, struct walk *out)
{
    struct mqtt_span rest = bytes;
    struct mqtt_span line;
    struct audit_record record;

    out->bytes = bytes.len;
    while (audit_folder_next_line(&rest, &line)) {
        if (audit_record_parse(line, &record) != NULL || !audit_record_is_whole(&record, port)
            || !follows(&record, out)) {
            out->tail_has_lines = true;
            return;
        }
        take_in(&record, out);
        out->whole_bytes = bytes.len - rest.len;
    }
}

static int walk_file(const struct audit_journal *journal, uint64_t number, struct walk *out)
{
    struct segment_bytes bytes = { 0 };
    char name[AUDIT_NAME_BYTES];
    int status = segment_bytes_load(journal->options.files, audit_folder_name(number, name),
                                    UINT32_MAX, &bytes);

    if (status == 0)
        walk_over((struct mqtt_span){ bytes.data, bytes.len }, journal->options.port, out);
    segment_bytes_fini(&bytes);
    return status;
}

static void leave(struct audit_journal *journal)
{
    if (journal->file != NULL)
        journal->options.files->close(journal->file);
    journal->file = NULL;
    journal->bytes = 0;
    journal->is_dirty = false;
}

int audit_journal_next_file(struct audit_journal *journal)
{
    const struct files *files = journal->options.files;
    struct file *file = NULL;
    char name[AUDIT_NAME_BYTES];
    int status = files->open(files->context, audit_folder_name(journal->number + 1, name),
                             FILE_CREATE, &file);

    if (status == 0)
        status = files->sync_folder(files->context);
    if (status != 0) {
        files->close(file);
        /* It may be there now; who looks finds it empty. */
        leave(journal);
        return status;
    }
    leave(journal);
    journal->file = file;
    journal->number++;
    return 0;
}

/* A new log behind what is there. */
static int start_over(struct audit_journal *journal, const struct audit_statement *head)
{
    journal->before = head != NULL ? *head : (struct audit_statement){ 0 };
    journal->written = (struct audit_position){ 0 };
    journal->now = journal->written;
    memcpy(journal->log, journal->options.id, sizeof(journal->log));
    return audit_journal_next_file(journal);
}

static int go_on(struct audit_journal *journal, const struct walk *walk)
{
    const struct files *files = journal->options.files;
    char name[AUDIT_NAME_BYTES];
    int status = files->open(files->context, audit_folder_name(journal->number, name), FILE_CHANGE,
                             &journal->file);

    if (status == 0 && walk->whole_bytes < walk->bytes)
        status = files->truncate(journal->file, walk->whole_bytes);
    if (status != 0) {
        leave(journal);
        return status;
    }
    journal->bytes = walk->whole_bytes;
    journal->written = walk->end;
    journal->now = walk->end;
    memcpy(journal->log, walk->log, sizeof(journal->log));
    return 0;
}

/* Is what is whole all that had ever been synced, and of this key? */
static bool is_complete(const struct audit_journal *journal, const struct walk *walk)
{
    if (memcmp(walk->key, journal->options.port->key, sizeof(walk->key)) != 0)
        return false;
    return walk->head != NULL ? walk->has_head : !walk->tail_has_lines;
}

/* The newest file with a record in it; behind it there is one at most, which a crash left empty. */
static int find_end(const struct audit_journal *journal, const struct audit_folder *folder,
                    const struct audit_statement *head, struct walk *out)
{
    struct walk last = { .head = head };
    struct walk before = { .head = head };
    int status = walk_file(journal, folder->numbers[folder->count - 1], &last);

    if (status == 0 && !last.has_log && folder->count > 1) {
        status = walk_file(journal, folder->numbers[folder->count - 2], &before);
        if (status == 0 && before.has_log && before.whole_bytes == before.bytes
            && !last.tail_has_lines) {
            before.whole_bytes = 0;
            before.bytes = last.bytes;
            last = before;
        }
    }
    if (status == 0)
        *out = last;
    return status;
}

static int find_in(struct audit_journal *journal, const struct audit_folder *folder,
                   struct audit_found *out)
{
    struct audit_statement statement;
    const struct audit_statement *head = NULL;
    struct walk walk;

    journal->number = folder->numbers[folder->count - 1];
    if (audit_folder_read_head(journal->options.files, &statement) == 0
        && audit_statement_is_signed(&statement, AUDIT_STATES_HEAD, journal->options.port))
        head = &statement;
    int status = find_end(journal, folder, head, &walk);
    if (status != 0)
        return status;
    if (!walk.has_log && folder->count == 1 && !walk.tail_has_lines && head == NULL) {
        /* The very first record did not come to be. */
        out->is_new = true;
        memcpy(walk.log, journal->options.id, sizeof(walk.log));
        return go_on(journal, &walk);
    }
    if (!walk.has_log || !is_complete(journal, &walk)) {
        out->is_damaged = true;
        return start_over(journal, head);
    }
    out->cut_bytes = walk.bytes - walk.whole_bytes;
    return go_on(journal, &walk);
}

int audit_journal_find(struct audit_journal *journal, struct audit_found *out)
{
    struct audit_folder folder;
    int status = audit_folder_read(journal->options.files, &folder);

    if (status != 0)
        return status;
    leave(journal);
    journal->before = (struct audit_statement){ 0 };
    if (folder.count > 0) {
        status = find_in(journal, &folder, out);
    } else {
        out->is_new = true;
        journal->number = 0;
        status = start_over(journal, NULL);
    }
    audit_folder_fini(&folder);
    return status;
}
