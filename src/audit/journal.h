/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log as the one who writes to it has it. Opened by a tacitd for as long as it runs, and
 * by a tool for one record; a lock tells them apart: from audit_journal_begin() to
 * audit_journal_commit() nobody else writes, and what others have written before is followed.
 *
 * A crash leaves at most a part of what was being written; opening cuts off what is no whole record,
 * and says so in a record. What was there at the last sync is never cut: if that is not whole, or
 * is not there, a new log begins behind it, whose first record says where the old one ended.
 *
 * Owner: one thread. Functions return 0 or a negative errno. */
#pragma once

#include "audit/port.h"
#include "base/attrs.h"
#include "base/span.h"
#include "store/files.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_BATCH_BYTES ((size_t)256 * 1024) /* most that is appended between begin and commit */

struct audit_journal;

struct audit_journal_options {
    const struct files *files;     /* borrowed; of the log's folder */
    const struct audit_port *port; /* borrowed; signs */
    void *lock_context;
    int (*lock)(void *context); /* NULL: nobody else writes */
    void (*unlock)(void *context);
    uint8_t id[AUDIT_ID_BYTES]; /* random; of a log that has to begin */
    uint64_t file_bytes; /* a file that has reached this is followed by the next one; 0: never */
    uint64_t files_max;  /* then the oldest ones are removed; at least 2; 0: none is */
    uint64_t checkpoint_records; /* signed after so many; 0: only when it is asked for */
    /* Opening looks at the end of the newest file only, from the record on that the signed head names,
     * where that is enough, and the caller calls audit_journal_check() for the rest. */
    bool checks_later;
};

/* What opening came upon. */
struct audit_found {
    bool is_new;        /* there was no log */
    bool is_damaged;    /* what was there is not whole, so a new log began */
    uint64_t cut_bytes; /* of what a crash had left unfinished */
};

MQTT_NODISCARD int audit_journal_open(const struct audit_journal_options *options, int64_t utc_ms,
                                      struct audit_journal **out, struct audit_found *out_found);
void audit_journal_close(struct audit_journal *journal); /* NULL is fine; writes nothing */

#define AUDIT_CHECK_BYTES ((size_t)64 * 1024)

/* Is there something that opening has not looked at? */
bool audit_journal_wants_check(const struct audit_journal *journal);
/* Looks at about AUDIT_CHECK_BYTES of it. 1: there is more. 0: that was all, and it is whole. -EBADMSG: it is
 * not, and the next audit_journal_begin() begins a new log behind it. Else the system's error; tried again. */
MQTT_NODISCARD int audit_journal_check(struct audit_journal *journal);

/* The bounds of a configuration that was read again. */
void audit_journal_set_bounds(struct audit_journal *journal, uint64_t file_bytes,
                              uint64_t files_max, uint64_t checkpoint_records);

/* Takes the lock, follows what others have written, and goes over to the next file when it is
 * time. After a failure the lock is not held. */
MQTT_NODISCARD int audit_journal_begin(struct audit_journal *journal, int64_t utc_ms);

/* -ENOBUFS: the batch is full, commit it first. Else 0; nothing is written yet. */
MQTT_NODISCARD int audit_journal_append(struct audit_journal *journal, int64_t utc_ms,
                                        const char *kind, struct mqtt_span fields);

enum audit_commit {
    AUDIT_COMMIT_WRITE = 0, /* to the operating system: it survives a crash of this process */
    AUDIT_COMMIT_SYNC,      /* to the disk, and the head says so */
    AUDIT_COMMIT_SEAL,      /* the same behind a checkpoint, unless there is nothing to sign */
};

/* Ends what begin began. *out_written: what was appended is in the log, also when what follows
 * failed; else nothing of it is. */
MQTT_NODISCARD int audit_journal_commit(struct audit_journal *journal, int64_t utc_ms,
                                        enum audit_commit how, bool *out_written);

/* Something was written since the last sync, or the last checkpoint. */
bool audit_journal_wants_sync(const struct audit_journal *journal);
bool audit_journal_wants_seal(const struct audit_journal *journal);

/* The number of the last record that is written, as far as this journal has followed; 0: none. */
uint64_t audit_journal_sequence(const struct audit_journal *journal);
