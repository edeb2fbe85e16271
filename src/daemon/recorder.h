/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that keeps the audit log: what log_write() is told of the kinds in log_kinds.def becomes
 * records.
 *
 * Who tells waits for nobody: a line is copied to a queue of limits.audit_queue_bytes. What has no
 * room there, and what is beyond the limit of its kind, is counted, and the count is a record of its
 * own: the chain has no gaps. What is in the queue when the disk does not take it waits there, and is
 * written once it does. The thread writes what has come at once, but not more often than once in
 * RECORDER_GATHER_MS, syncs once in RECORDER_SYNC_MS (kinds that are ALWAYS recorded: both at once), and
 * signs as the limits say. It
 * forwards what is written (daemon/forward.h), and never waits for the receiver but at the end, for
 * FORWARD_LAST_MS. */
#pragma once

#include "audit/place.h"
#include "base/attrs.h"
#include "config/config.h"
#include "core/limits.h"
#include "daemon/log.h"

#include <stdint.h>

#define RECORDER_GATHER_MS 5
#define RECORDER_SYNC_MS   1000

struct recorder;

struct recorder_options {
    const char *state_dir; /* borrowed as long as there is the recorder */
    struct log *log;       /* borrowed; told when the log cannot be written, and of its witness */
    struct limits limits;
    struct config_audit_target target;
    /* Opened already: then its content is taken, and it is empty. NULL, or one without a key: the
     * recorder opens it. */
    struct audit_place *place;
};

/* Opens the log and starts the thread; from then on the log's lines come here. -ENOMEM, or why the
 * thread cannot be started. `must`: also what is wrong with the audit log; else that is said, and
 * tried again by and by. */
MQTT_NODISCARD int recorder_open(const struct recorder_options *options, bool must,
                                 struct recorder **out);

/* Other limits, but for that of the queue, and another receiver. Thread-safe. */
void recorder_follow(struct recorder *recorder, const struct limits *limits,
                     const struct config_audit_target *target);

/* Uses what it uses once a second while something comes: pages that memory_settle() has let go of, and which the first
 * connection would wait for. Thread-safe. */
void recorder_warm(struct recorder *recorder);

/* Writes what has come, signed, as far as the disk takes it, and ends the thread. Nobody tells the
 * log anything any more. NULL is fine. */
void recorder_close(struct recorder *recorder);
