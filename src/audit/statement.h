/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit log's key signs: that a log had come to this record at that time. Checkpoints of
 * the log and its head are such statements.
 *
 * The signed bytes are five lines: "tacit audit WHAT 1", the log's id, the sequence, the hash, the
 * time. The head is a file of one line, the newest statement: what is behind it in the log may have
 * been lost with the power, what is before it may not. Thread-safe. */
#pragma once

#include "audit/port.h"
#include "audit/stamp.h"
#include "base/attrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_HEAD_NAME  "head" /* of the file in the log's folder */
#define AUDIT_HEAD_BYTES 512    /* longest line with its newline */

enum audit_statement_use {
    AUDIT_STATES_CHECKPOINT = 0, /* of the record before the checkpoint */
    AUDIT_STATES_HEAD,
};

struct audit_statement {
    uint8_t log[AUDIT_ID_BYTES];
    uint64_t sequence;
    uint8_t hash[AUDIT_HASH_BYTES];
    char time[AUDIT_STAMP_SIZE];
    uint8_t signature[AUDIT_SIGNATURE_BYTES];
};

/* Sets the signature by the rest. What the port's sign() says. */
MQTT_NODISCARD int audit_statement_sign(struct audit_statement *statement,
                                        enum audit_statement_use use,
                                        const struct audit_port *port);
bool audit_statement_is_signed(const struct audit_statement *statement,
                               enum audit_statement_use use, const struct audit_port *port);

/* The head's line with its newline, to `out` of AUDIT_HEAD_BYTES. Returns the length. */
size_t audit_statement_write_head(const struct audit_statement *head, char *out);

/* Exactly such a line, newline included; else false. */
MQTT_NODISCARD bool audit_statement_read_head(struct mqtt_span line, struct audit_statement *out);
