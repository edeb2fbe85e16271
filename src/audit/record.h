/* SPDX-License-Identifier: Apache-2.0 */
/* One record of the audit log: a line of JSON, written in one way only (docs/audit-log.md).
 *
 *     {"seq":7,"time":"…","kind":"…",FIELDS,"prev":"HASH OF 6","hash":"HASH OF 7"}
 *
 * The hash is that of the line's bytes up to the comma before "hash": it covers "prev", and so all
 * records before it. Nothing here allocates. Thread-safe. */
#pragma once

#include "audit/fields.h"
#include "audit/port.h"
#include "base/attrs.h"

#include <stddef.h>
#include <stdint.h>

#define AUDIT_LINE_BYTES (AUDIT_FIELDS_BYTES + 320) /* longest line with its newline */
#define AUDIT_VERSION    "1"
#define AUDIT_KIND_BYTES 40 /* longest kind: a..z and - */

/* Kinds that the log itself is made of; all others are its users'. */
#define AUDIT_KIND_LOG        "log"        /* the first record of all */
#define AUDIT_KIND_FILE       "file"       /* the first of each further file */
#define AUDIT_KIND_CHECKPOINT "checkpoint" /* signs everything before it */
#define AUDIT_KIND_RECOVERED  "recovered"  /* what a crash had left unfinished was cut off */

/* Borrows the line. */
struct audit_record {
    uint64_t sequence; /* from 1 */
    struct mqtt_span time;
    struct mqtt_span kind;
    struct mqtt_span fields; /* audit_fields_next() */
    struct mqtt_span hashed; /* what its hash is of */
    uint8_t prev[AUDIT_HASH_BYTES];
    uint8_t hash[AUDIT_HASH_BYTES]; /* as it says; audit_record_is_whole() */
};

/* Reads a line without its newline. NULL, or what is wrong with it: a static text that goes behind
 * "is no record: ". Every line that is accepted is the one way to write what it says. */
MQTT_NODISCARD const char *audit_record_parse(struct mqtt_span line, struct audit_record *out);

/* Is the hash that it has the one of its bytes? */
bool audit_record_is_whole(const struct audit_record *record, const struct audit_port *port);

struct audit_entry {
    uint64_t sequence;
    int64_t utc_ms;
    const char *kind;
    struct mqtt_span fields; /* of audit_fields_end(); borrowed */
};

/* Writes the line with its newline to `out` of AUDIT_LINE_BYTES, and makes `chain` the hash of it:
 * going in it is that of the record before. Returns the length. */
size_t audit_record_write(const struct audit_entry *entry, const struct audit_port *port,
                          uint8_t chain[AUDIT_HASH_BYTES], char *out);
