/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the audit log as a datagram: of syslog, or of the journal's own protocol. Pure;
 * thread-safe. */
#pragma once

#include "base/span.h"

#include <stddef.h>

#define FORWARD_DATAGRAM_BYTES 16384 /* always enough for a record, in either form */

/* `<85>tacitd[ID]: LINE`, priority and facility authpriv.notice. Without a time: the record has its
 * own, and the receiver adds that of receipt. `line`: without its newline, AUDIT_LINE_BYTES at most.
 * To `out` of FORWARD_DATAGRAM_BYTES; returns the length. */
size_t forward_wire_syslog(struct mqtt_span line, long process_id, uint8_t *out);

/* Fields for the journal: MESSAGE is the line as it is, so that what is kept there can be verified;
 * PRIORITY, SYSLOG_FACILITY, SYSLOG_IDENTIFIER; TACIT_AUDIT=1, TACIT_AUDIT_SEQ, TACIT_AUDIT_KIND,
 * TACIT_AUDIT_TIME; and each field of the record as TACIT_NAME, as the text that it stands for, whatever
 * bytes that has. What is no record has no more than a message. As above. */
size_t forward_wire_journal(struct mqtt_span line, uint8_t *out);
