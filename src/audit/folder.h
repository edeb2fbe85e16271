/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an audit log in their folder: audit-NUMBER.log, 16 digits in hex, counted from 1;
 * and the files "head" (audit/statement.h) and "forwarded". Thread: any, one at a time. */
#pragma once

#include "audit/statement.h"
#include "base/attrs.h"
#include "base/span.h"
#include "store/files.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_NAME_BYTES 32 /* of a file, and NUL */

/* Zeroed is empty. Owns its numbers. */
struct audit_folder {
    uint64_t *numbers; /* in rising order */
    size_t count;
    size_t room;
};

/* -ENOMEM, or what list() says; nothing is owned then. */
MQTT_NODISCARD int audit_folder_read(const struct files *files, struct audit_folder *out);
void audit_folder_fini(struct audit_folder *folder);

/* Returns `out`. */
const char *audit_folder_name(uint64_t number, char out[AUDIT_NAME_BYTES]);

/* The newest statement. -ENOENT: there is none; -EBADMSG: it is no head. Its signature is for the
 * caller to look at. */
MQTT_NODISCARD int audit_folder_read_head(const struct files *files, struct audit_statement *out);

/* Replaces it at once; after a power cut it is the old or the new one. */
MQTT_NODISCARD int audit_folder_write_head(const struct files *files,
                                           const struct audit_statement *head);

/* The last record that was forwarded: a statement that nobody signs, in a file "forwarded". As with the
 * head. */
MQTT_NODISCARD int audit_folder_read_forwarded(const struct files *files,
                                               struct audit_statement *out);
MQTT_NODISCARD int audit_folder_write_forwarded(const struct files *files,
                                                const struct audit_statement *last);

/* The number of the first record of a file; 0: it cannot be read. */
uint64_t audit_folder_first_sequence(const struct files *files, uint64_t number);

/* Takes the next whole line off `rest`, without its newline. False: what is left has none. */
bool audit_folder_next_line(struct mqtt_span *rest, struct mqtt_span *out);
