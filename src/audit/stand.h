/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: an audit log in memory, with cryptography that costs nothing and keeps no secret. */
#pragma once

#include "audit/journal.h"
#include "audit/verify.h"
#include "store/fake_files.h"

#include <stddef.h>

#define STAND_TIME_MS INT64_C(1811764800000) /* 2027-05-31T12:00:00Z or so; any would do */

struct audit_port audit_stand_port(void);

/* A log that nobody else writes to, of one file and checkpoints of every `checkpoint_records`. */
struct audit_journal_options audit_stand_options(const struct files *files,
                                                 const struct audit_port *port,
                                                 uint64_t checkpoint_records);

/* Opens one that begins a new file after 4096 bytes and keeps three of them. */
struct audit_journal *audit_stand_open_small(const struct files *files,
                                             const struct audit_port *port);

/* Appends a record about `what` that has every kind of field, and commits when the batch is full. */
void audit_stand_append(struct audit_journal *journal, unsigned what);

/* `count` records in batches of `batch`, each synced, then a checkpoint. */
void audit_stand_fill(struct audit_journal *journal, unsigned count, unsigned batch);

/* What was found wrong last, and how often something was. */
struct audit_stand_findings {
    unsigned count;
    uint64_t file;
    uint64_t line;
    uint64_t sequence;
    char what[16];
    char text[AUDIT_TROUBLE_BYTES];
};
struct audit_verify_hooks audit_stand_hooks(struct audit_stand_findings *out);

/* All of the folder; returns what was verified, which borrows nothing any more but `port`. */
struct audit_verify audit_stand_verify(const struct files *files, const struct audit_port *port,
                                       const struct audit_noted *noted,
                                       struct audit_stand_findings *out);
