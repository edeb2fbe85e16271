/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's inside, for its own files. */
#pragma once

#include "audit/journal.h"
#include "audit/statement.h"
#include "audit/walk.h"

/* What was not looked at when the log was opened: a file up to the record that its head named. */
struct audit_check {
    uint64_t number; /* 0: nothing */
    uint64_t until;
    uint8_t hash[AUDIT_HASH_BYTES]; /* of that record */
    struct audit_walk walk;
};

struct audit_journal {
    struct audit_journal_options options;
    uint8_t log[AUDIT_ID_BYTES];
    struct file *file; /* the newest; NULL: none is open */
    uint64_t number;   /* of it; 0: there is none */
    uint64_t bytes;    /* of it, that are whole records */
    bool is_dirty;     /* behind them there may be what a failed write has left */
    bool wants_sync;
    bool is_doubtful; /* what was looked at later is not whole: another log is to begin */
    struct audit_check check;
    struct audit_statement before; /* head of a log that this one follows; sequence 0: none */
    struct audit_position written;
    struct audit_position now; /* the batch included */
    size_t batch_len;
    char batch[AUDIT_BATCH_BYTES];
};

/* In journal_open.c. Finds out where the log has come to, and cuts off what is unfinished; where
 * there is none, or none that can be gone on with, the newest file is a new one, which is empty, as
 * is one that a crash has left so. The lock is held. */
MQTT_NODISCARD int audit_journal_find(struct audit_journal *journal, struct audit_found *out);

/* In journal_open.c. Creates the file of the next number and makes it the newest. */
MQTT_NODISCARD int audit_journal_next_file(struct audit_journal *journal);

/* In journal.c. Writes the batch; after a failure it is thrown away. */
MQTT_NODISCARD int audit_journal_write(struct audit_journal *journal);
/* In journal.c. Makes durable what is written, and then the head that says so. */
MQTT_NODISCARD int audit_journal_sync(struct audit_journal *journal, int64_t utc_ms);
