/* SPDX-License-Identifier: Apache-2.0 */
/* What the detector finds, as a line of the log and a record of the audit log: who, what kind of
 * doing, how sure, why, in fields for programs and in one sentence for people.
 *
 * Thread-safe as the log is. */
#pragma once

#include "core/sensing.h"
#include "daemon/log.h"

/* A role has entered a phase, on that shard. */
void event_sense_entered(struct log *log, unsigned shard, const char *role, enum sense_phase phase);

void event_sense_report(struct log *log, const struct sensing_notice *notice);
