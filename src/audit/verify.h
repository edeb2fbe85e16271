/* SPDX-License-Identifier: Apache-2.0 */
/* Is an audit log whole? The lines are handed in one by one, so that it costs the same per record
 * however long the log is; each thing that is wrong is named once, where it is.
 *
 * Found is: a record that was changed, dropped, put in, moved or repeated; files that are missing
 * at the front without a signed record that they were removed, in the middle, or at the end; an end
 * before what the head or a statement noted elsewhere says. Not found is what one who has the
 * signing key writes anew, and an end that was cut together with a head that is as old, unless a
 * newer statement was noted elsewhere (docs/audit-log.md).
 *
 * Nothing here allocates or reads files. Owner: one thread. */
#pragma once

#include "audit/port.h"
#include "audit/record.h"
#include "audit/statement.h"
#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_TROUBLE_BYTES 320

struct audit_trouble {
    uint64_t file;     /* its number; 0: the log as a whole */
    uint64_t line;     /* from 1; 0: the file as a whole */
    uint64_t sequence; /* of the record that it is about; 0: none */
    const char *what;  /* one word: "changed", "missing", … as docs/audit-log.md has them */
    const char *text;  /* a sentence without its full stop; borrowed until the call returns */
};

struct audit_verify_hooks {
    void *context;
    void (*trouble)(void *context, const struct audit_trouble *trouble);
};

/* A record that the log has to have. */
struct audit_noted {
    uint64_t sequence;
    uint8_t hash[AUDIT_HASH_BYTES];
};

/* Zeroed but for `port` and `hooks`, and perhaps `noted`. */
struct audit_verify {
    const struct audit_port *port; /* borrowed; sign is not called */
    struct audit_verify_hooks hooks;
    const struct audit_statement *head; /* borrowed; signed; NULL: there is none */
    const struct audit_noted *noted;    /* borrowed; NULL: none */
    uint64_t file;                      /* being read */
    uint64_t line;                      /* of it, the last one */
    uint64_t sequence;                  /* of the last record that is in its place; 0: none yet */
    uint8_t hash[AUDIT_HASH_BYTES];     /* of it, as it says */
    uint64_t first;                     /* sequence of the first record */
    uint64_t oldest;                    /* the log may begin here; 0: nothing was removed */
    uint64_t signed_sequence;           /* everything up to here is behind a good signature */
    uint64_t lost_lines;                /* that are no records, since the last one that is */
    uint64_t records;
    uint64_t troubles;
    uint8_t log[AUDIT_ID_BYTES];
    bool has_log;
    bool is_doubtful; /* the hash is not to be compared with: that was said already */
    bool has_head;    /* the head's record was there, or the one that was noted */
    bool has_noted;
};

/* In the order of their numbers. */
void audit_verify_file(struct audit_verify *verify, uint64_t number);

/* Without its newline. */
void audit_verify_line(struct audit_verify *verify, struct mqtt_span line);

/* What is behind the last newline of the file, `len` bytes. In the last file it is what a crash
 * leaves, or one who writes just now: no trouble of its own. */
void audit_verify_rest(struct audit_verify *verify, size_t len, bool is_last_file);

/* All files are read. */
void audit_verify_finish(struct audit_verify *verify);

/* ---- parts, in verify_record.c ---- */

/* A line that is a record and has the hash of its bytes stands behind the last one. */
void audit_verify_record(struct audit_verify *verify, const struct audit_record *record);

/* Says what is wrong, here. */
void audit_verify_say(struct audit_verify *verify, uint64_t sequence, const char *what,
                      const char *format, ...) MQTT_PRINTF(4, 5);
