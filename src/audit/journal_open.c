/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/folder.h"
#include "audit/journal_state.h"

#include <errno.h>
#include <string.h>

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

static int go_on(struct audit_journal *journal, const struct audit_walk *walk)
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
static bool is_complete(const struct audit_journal *journal, const struct audit_walk *walk)
{
    if (memcmp(walk->key, journal->options.port->key, sizeof(walk->key)) != 0)
        return false;
    return walk->head != NULL ? walk->has_head : !walk->tail_has_lines;
}

/* All of it, or its end now and the rest by audit_journal_check(). */
static int walk_newest(struct audit_journal *journal, uint64_t number, struct audit_walk *out)
{
    const struct audit_journal_options *options = &journal->options;
    int status = options->checks_later ? audit_walk_tail(options->files, options->port, number, out)
                                       : -ENODATA;

    journal->check = (struct audit_check){ 0 };
    if (status == -ENODATA)
        return audit_walk_file(options->files, options->port, number, out);
    if (status == 0) {
        journal->check.number = number;
        journal->check.until = out->head->sequence;
        memcpy(journal->check.hash, out->head->hash, sizeof(journal->check.hash));
    }
    return status;
}

/* The newest file with a record in it; behind it there is one at most, which a crash left empty. */
static int find_end(struct audit_journal *journal, const struct audit_folder *folder,
                    const struct audit_statement *head, struct audit_walk *out)
{
    struct audit_walk last = { .head = head };
    struct audit_walk before = { .head = head };
    int status = walk_newest(journal, folder->numbers[folder->count - 1], &last);

    if (status == 0 && !last.has_log && folder->count > 1) {
        status = audit_walk_file(journal->options.files, journal->options.port,
                                 folder->numbers[folder->count - 2], &before);
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
    struct audit_walk walk;

    journal->number = folder->numbers[folder->count - 1];
    if (audit_folder_read_head(journal->options.files, &statement) == 0
        && audit_statement_is_signed(&statement, AUDIT_STATES_HEAD, journal->options.port))
        head = &statement;
    if (journal->is_doubtful) {
        journal->is_doubtful = false;
        out->is_damaged = true;
        return start_over(journal, head);
    }
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

/* ---- afterwards ---- */

bool audit_journal_wants_check(const struct audit_journal *journal)
{
    return journal->check.number != 0;
}

int audit_journal_check(struct audit_journal *journal)
{
    const struct audit_journal_options *options = &journal->options;
    struct audit_check *check = &journal->check;

    if (check->number == 0)
        return 0;
    int more = audit_walk_on(options->files, options->port, check->number, check->until,
                             AUDIT_CHECK_BYTES, &check->walk);
    if (more == 1 || more == -ENOMEM)
        return more;
    bool leads_there = memcmp(check->walk.end.hash, check->hash, sizeof(check->hash)) == 0;
    *check = (struct audit_check){ 0 };
    /* A file that is gone has made room for others meanwhile. */
    if (more != -EBADMSG && (more != 0 || leads_there))
        return 0;
    journal->is_doubtful = true;
    return -EBADMSG;
}
