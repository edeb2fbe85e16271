/* SPDX-License-Identifier: Apache-2.0 */
/* What the detector finds, as a line of the log and a record of the audit log: who, what kind of
 * doing, how sure, why, in fields for programs and in one sentence for people.
 *
 * Thread-safe as the log is. */
#pragma once

#include "core/sensing.h"
#include "daemon/log.h"
#include "pki/barred.h"

/* A role has entered a phase, on that shard. */
void event_sense_entered(struct log *log, unsigned shard, const char *role, enum sense_phase phase);

void event_sense_report(struct log *log, const struct sensing_notice *notice);

/* What is done about it, or why not, and how that is taken back. `until_s`: UTC, when a quarantine ends
 * by itself; 0: it does not. */
void event_sense_responded(struct log *log, const struct sensing_response *response,
                           int64_t until_s);

/* An address, which is blocked, or would be. Borrowed. */
struct event_sense_block {
    const struct sensing_notice *why; /* of a source */
    const struct barred_place *place;
    const char *not_done; /* why not; NULL: it is done, or would be */
    int64_t until_s;      /* UTC */
    bool is_dry;
};

void event_sense_blocked(struct log *log, const struct event_sense_block *block);

/* It is free by an operator's word, and not to be blocked until then. */
void event_sense_unblocked(struct log *log, const struct barred_place *place, bool was_blocked,
                           int64_t until_s);
