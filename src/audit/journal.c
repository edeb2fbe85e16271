/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/journal.h"

#include "audit/fields.h"
#include "audit/folder.h"
#include "audit/hex.h"
#include "audit/journal_state.h"
#include "audit/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the batch ---- */

static int add(struct audit_journal *journal, int64_t utc_ms, const char *kind,
               struct mqtt_span fields)
{
    const struct audit_entry entry = {
        .sequence = journal->now.sequence + 1,
        .utc_ms = utc_ms,
        .kind = kind,
        .fields = fields,
    };

    /* A checkpoint always fits behind it. */
    if (AUDIT_BATCH_BYTES - journal->batch_len < (size_t)2 * AUDIT_LINE_BYTES)
        return -ENOBUFS;
    journal->batch_len += audit_record_write(&entry, journal->options.port, journal->now.hash,
                                             journal->batch + journal->batch_len);
    journal->now.sequence++;
    journal->now.unsigned_records++;
    return 0;
}

static int add_checkpoint(struct audit_journal *journal, int64_t utc_ms)
{
    struct audit_statement statement = { .sequence = journal->now.sequence };
    struct audit_fields fields = { 0 };
    char hex[2 * AUDIT_SIGNATURE_BYTES + 1];
    const struct audit_entry entry = {
        .sequence = journal->now.sequence + 1,
        .utc_ms = utc_ms,
        .kind = AUDIT_KIND_CHECKPOINT,
    };

    memcpy(statement.log, journal->log, sizeof(statement.log));
    memcpy(statement.hash, journal->now.hash, sizeof(statement.hash));
    (void)audit_stamp_put(utc_ms, statement.time);
    int status = audit_statement_sign(&statement, AUDIT_STATES_CHECKPOINT, journal->options.port);
    if (status != 0)
        return status;
    audit_fields_add_text(&fields, "signature",
                          audit_hex_put(statement.signature, sizeof(statement.signature), hex));
    struct audit_entry signing = entry;
    signing.fields = audit_fields_end(&fields);
    journal->batch_len += audit_record_write(&signing, journal->options.port, journal->now.hash,
                                             journal->batch + journal->batch_len);
    journal->now.sequence++;
    journal->now.unsigned_records = 0;
    return 0;
}

int audit_journal_append(struct audit_journal *journal, int64_t utc_ms, const char *kind,
                         struct mqtt_span fields)
{
    uint64_t most = journal->options.checkpoint_records;
    int status = add(journal, utc_ms, kind, fields);

    /* One that cannot be signed now is tried again with the next record. */
    if (status == 0 && most > 0 && journal->now.unsigned_records >= most)
        (void)!add_checkpoint(journal, utc_ms);
    return status;
}

/* ---- the disk ---- */

int audit_journal_write(struct audit_journal *journal)
{
    const struct files *files = journal->options.files;
    const struct mqtt_span piece = { (const uint8_t *)journal->batch, journal->batch_len };

    if (piece.len == 0)
        return 0;
    int status = files->write(journal->file, journal->bytes, &piece, 1);
    journal->batch_len = 0;
    if (status != 0) {
        journal->now = journal->written;
        journal->is_dirty = files->truncate(journal->file, journal->bytes) != 0;
        return status;
    }
    journal->bytes += piece.len;
    journal->written = journal->now;
    journal->wants_sync = true;
    return 0;
}

int audit_journal_sync(struct audit_journal *journal, int64_t utc_ms)
{
    struct audit_statement head = { .sequence = journal->written.sequence };
    int status = journal->options.files->sync(journal->file);

    if (status != 0)
        return status;
    memcpy(head.log, journal->log, sizeof(head.log));
    memcpy(head.hash, journal->written.hash, sizeof(head.hash));
    (void)audit_stamp_put(utc_ms, head.time);
    status = audit_statement_sign(&head, AUDIT_STATES_HEAD, journal->options.port);
    if (status == 0)
        status = audit_folder_write_head(journal->options.files, &head);
    journal->wants_sync = status != 0;
    return status;
}

int audit_journal_commit(struct audit_journal *journal, int64_t utc_ms, enum audit_commit how,
                         bool *out_written)
{
    int signing = 0;

    if (how == AUDIT_COMMIT_SEAL && journal->now.unsigned_records > 0)
        signing = add_checkpoint(journal, utc_ms);
    int status = audit_journal_write(journal);
    *out_written = status == 0;
    if (status == 0 && how != AUDIT_COMMIT_WRITE && journal->wants_sync)
        status = audit_journal_sync(journal, utc_ms);
    if (journal->options.unlock != NULL)
        journal->options.unlock(journal->options.lock_context);
    return status != 0 ? status : signing;
}

bool audit_journal_wants_sync(const struct audit_journal *journal)
{
    return journal->wants_sync;
}

bool audit_journal_wants_seal(const struct audit_journal *journal)
{
    return journal->written.unsigned_records > 0;
}

uint64_t audit_journal_sequence(const struct audit_journal *journal)
{
    return journal->written.sequence;
}

/* ---- from file to file ---- */

static int add_recovered(struct audit_journal *journal, int64_t utc_ms, uint64_t cut_bytes)
{
    struct audit_fields fields = { 0 };

    audit_fields_add_number(&fields, "cut_bytes", cut_bytes);
    return add(journal, utc_ms, AUDIT_KIND_RECOVERED, audit_fields_end(&fields));
}

/* The first of the files that stay, and how many before it go. */
static size_t count_old(const struct audit_journal *journal, const struct audit_folder *folder)
{
    uint64_t most = journal->options.files_max;

    return most > 0 && folder->count > most ? folder->count - (size_t)most : 0;
}

/* Where the log before this one ended, as its head says. */
static void add_before(const struct audit_journal *journal, struct audit_fields *fields)
{
    char log[2 * AUDIT_ID_BYTES + 1];
    char hash[2 * AUDIT_HASH_BYTES + 1];

    if (journal->before.sequence == 0)
        return;
    audit_fields_add_text(fields, "before_log",
                          audit_hex_put(journal->before.log, AUDIT_ID_BYTES, log));
    audit_fields_add_number(fields, "before_seq", journal->before.sequence);
    audit_fields_add_text(fields, "before_hash",
                          audit_hex_put(journal->before.hash, AUDIT_HASH_BYTES, hash));
}

static int add_first(struct audit_journal *journal, int64_t utc_ms, uint64_t oldest)
{
    struct audit_fields fields = { 0 };
    char log[2 * AUDIT_ID_BYTES + 1];
    char key[2 * AUDIT_HASH_BYTES + 1];
    bool is_new = journal->written.sequence == 0;

    audit_fields_add_text(&fields, "version", AUDIT_VERSION);
    audit_fields_add_text(&fields, "log", audit_hex_put(journal->log, AUDIT_ID_BYTES, log));
    audit_fields_add_text(&fields, "key",
                          audit_hex_put(journal->options.port->key, AUDIT_HASH_BYTES, key));
    audit_fields_add_number(&fields, "file", journal->number);
    if (is_new)
        add_before(journal, &fields);
    else
        audit_fields_add_number(&fields, "oldest", oldest);
    return add(journal, utc_ms, is_new ? AUDIT_KIND_LOG : AUDIT_KIND_FILE,
               audit_fields_end(&fields));
}

/* Only what is signed to be gone may go, so the first record comes first. */
static int introduce(struct audit_journal *journal, int64_t utc_ms)
{
    const struct files *files = journal->options.files;
    struct audit_folder folder;
    char name[AUDIT_NAME_BYTES];
    int status = audit_folder_read(files, &folder);

    if (status != 0)
        return status;
    size_t old = count_old(journal, &folder);
    uint64_t oldest =
        old < folder.count ? audit_folder_first_sequence(files, folder.numbers[old]) : 0;
    status = add_first(journal, utc_ms, oldest);
    if (status == 0)
        status = audit_journal_write(journal);
    if (status == 0)
        status = audit_journal_sync(journal, utc_ms);
    /* From now on there is a head, whatever becomes of later ones. */
    if (status == 0)
        status = files->sync_folder(files->context);
    for (size_t i = 0; i < old && status == 0; i++)
        (void)files->remove(files->context, audit_folder_name(folder.numbers[i], name));
    audit_folder_fini(&folder);
    return status;
}

/* Everything in the old file is signed and on the disk before there is a new one. */
static int rotate(struct audit_journal *journal, int64_t utc_ms)
{
    int status = 0;

    if (journal->now.unsigned_records > 0)
        status = add_checkpoint(journal, utc_ms);
    if (status == 0)
        status = audit_journal_write(journal);
    if (status == 0)
        status = audit_journal_sync(journal, utc_ms);
    return status == 0 ? audit_journal_next_file(journal) : status;
}

/* Somebody else went on from here. */
static bool has_next(const struct audit_journal *journal)
{
    const struct files *files = journal->options.files;
    char name[AUDIT_NAME_BYTES];
    struct file *next = NULL;
    int status =
        files->open(files->context, audit_folder_name(journal->number + 1, name), FILE_READ, &next);

    files->close(next);
    return status == 0;
}

static bool has_moved(const struct audit_journal *journal)
{
    return journal->file == NULL || journal->is_dirty || journal->is_doubtful
           || journal->options.files->size(journal->file) != (int64_t)journal->bytes
           || has_next(journal);
}

static int follow(struct audit_journal *journal, int64_t utc_ms, struct audit_found *out)
{
    uint64_t most = journal->options.file_bytes;
    uint64_t cut_bytes = 0;
    int status = has_moved(journal) ? audit_journal_find(journal, out) : 0;

    if (status == 0 && most > 0 && journal->bytes >= most)
        status = rotate(journal, utc_ms);
    if (status == 0 && journal->bytes == 0)
        status = introduce(journal, utc_ms);
    if (status == 0)
        cut_bytes = out->cut_bytes;
    return status == 0 && cut_bytes > 0 ? add_recovered(journal, utc_ms, cut_bytes) : status;
}

static int begin(struct audit_journal *journal, int64_t utc_ms, struct audit_found *out)
{
    const struct audit_journal_options *options = &journal->options;
    int status = options->lock != NULL ? options->lock(options->lock_context) : 0;

    if (status != 0)
        return status;
    status = follow(journal, utc_ms, out);
    if (status != 0 && options->unlock != NULL)
        options->unlock(options->lock_context);
    return status;
}

int audit_journal_begin(struct audit_journal *journal, int64_t utc_ms)
{
    struct audit_found found = { 0 };

    return begin(journal, utc_ms, &found);
}

void audit_journal_set_bounds(struct audit_journal *journal, uint64_t file_bytes,
                              uint64_t files_max, uint64_t checkpoint_records)
{
    journal->options.file_bytes = file_bytes;
    journal->options.files_max = files_max;
    journal->options.checkpoint_records = checkpoint_records;
}

void audit_journal_close(struct audit_journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->file != NULL)
        journal->options.files->close(journal->file);
    free(journal);
}

int audit_journal_open(const struct audit_journal_options *options, int64_t utc_ms,
                       struct audit_journal **out, struct audit_found *out_found)
{
    struct audit_journal *journal = calloc(1, sizeof(*journal));
    struct audit_found found = { 0 };
    bool is_written = false;

    if (journal == NULL)
        return -ENOMEM;
    journal->options = *options;
    int status = begin(journal, utc_ms, &found);
    if (status == 0)
        status = audit_journal_commit(journal, utc_ms, AUDIT_COMMIT_SYNC, &is_written);
    if (status != 0) {
        audit_journal_close(journal);
        return status;
    }
    *out_found = found;
    *out = journal;
    return 0;
}
