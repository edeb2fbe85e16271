/* SPDX-License-Identifier: Apache-2.0 */
/* Goes over the records of one file of an audit log, as far as they are whole: all of them, or only
 * those from the one on that the signed head names, at the end of the file. The head says that all
 * before it were whole when it was signed; whether they still are can be looked at piece by piece
 * later. Owner: one thread. */
#pragma once

#include "audit/port.h"
#include "audit/statement.h"
#include "base/attrs.h"
#include "base/span.h"
#include "store/files.h"

#include <stdbool.h>
#include <stdint.h>

/* So much of the end is looked through for the head's record. */
#define AUDIT_WALK_TAIL_BYTES ((size_t)128 * 1024)

/* Where the chain has come to. */
struct audit_position {
    uint64_t sequence; /* 0: there is no record */
    uint8_t hash[AUDIT_HASH_BYTES];
    uint64_t unsigned_records; /* since the last checkpoint */
};

/* What one file holds, as far as it is whole. Zeroed but for `head` is the beginning. */
struct audit_walk {
    struct audit_position end;
    uint8_t log[AUDIT_ID_BYTES];
    uint8_t key[AUDIT_HASH_BYTES];
    bool has_log;
    uint64_t whole_bytes;
    uint64_t bytes;
    bool tail_has_lines; /* what is behind the whole ones is more than the part of one */
    const struct audit_statement *head; /* borrowed; NULL: nobody knows */
    bool has_head;                      /* its record is here, or the one before the first is it */
};

/* All of the file. -ENOMEM, or what open() says. */
MQTT_NODISCARD int audit_walk_file(const struct files *files, const struct audit_port *port,
                                   uint64_t number, struct audit_walk *out);

/* The first record, and what is behind the one of out->head. -ENODATA: the end of the file does not tell
 * enough, or the file is short: see audit_walk_file(); *out is as it was. Else as that. */
MQTT_NODISCARD int audit_walk_tail(const struct files *files, const struct audit_port *port,
                                   uint64_t number, struct audit_walk *out);

/* Goes on from where `walk` has come to by about `bytes`, until the record `until`. 1: there is more. 0:
 * that record was reached. -EBADMSG: the file is not whole before it. -ENOMEM, or what open() says. */
MQTT_NODISCARD int audit_walk_on(const struct files *files, const struct audit_port *port,
                                 uint64_t number, uint64_t until, size_t bytes,
                                 struct audit_walk *walk);
