/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of an audit log from a place on, also those that come later: from file to file, beside
 * whoever writes and removes files to make room. Owner: one thread. */
#pragma once

#include "audit/record.h"
#include "base/attrs.h"
#include "base/span.h"
#include "store/files.h"

#include <stdint.h>

#define AUDIT_TAIL_BYTES ((size_t)16 * AUDIT_LINE_BYTES) /* that are read at once */

struct audit_tail {
    const struct files *files; /* borrowed; of the log's folder */
    struct file *file;         /* NULL: none is open */
    uint64_t number;           /* of it; 0: before the first */
    uint64_t at;               /* its bytes before here were taken */
    uint8_t buffer[AUDIT_TAIL_BYTES];
};

/* From byte `at` of file `number` on; 0, 0: from the oldest on. Opens nothing yet. */
void audit_tail_init(struct audit_tail *tail, const struct files *files, uint64_t number,
                     uint64_t at);
void audit_tail_fini(struct audit_tail *tail); /* zeroed is fine */

/* Is given a line without its newline, which is borrowed. Other than 0: it does not take it now, and
 * is given it again; a negative errno. */
typedef int (*audit_tail_line)(void *context, struct mqtt_span line);

/* What is there now of whole lines, AUDIT_TAIL_BYTES at most. 1: something was taken, or there is a
 * next file: ask again; 0: there is no more now; else what `on_line` said, or why the log cannot be
 * read. A file that was removed to make room is passed over, as is the part of a line at the end of a file
 * that has a next one. */
MQTT_NODISCARD int audit_tail_read(struct audit_tail *tail, audit_tail_line on_line, void *context);
