/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's state as a series of records, as version 0.1 kept it: read at an upgrade, then kept
 * by the journal (core/journal.h).
 *
 * A record is opaque bytes of at most PERSIST_RECORD_BYTES plus one message. Times in it are relative:
 * what remained when it was saved, less the time the broker was away. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "core/broker.h"

/* Which shard a record is for: 0..shard_count-1; -1 for a record of shared state; -EINVAL
 * for one that is not understood. */
int persist_record_home(const struct broker *broker, struct mqtt_span record);

/* Restores from one record. `away_ms`: time between saving and now. -EINVAL for
 * a record that is not understood (nothing restored then), -ENOMEM. Restored
 * sessions get their role from the admission port. */
MQTT_NODISCARD int broker_load(struct broker *broker, struct mqtt_span record, uint64_t away_ms,
                               uint64_t now_ms);
MQTT_NODISCARD int shared_load(struct shared *shared, struct mqtt_span record, uint64_t away_ms,
                               uint64_t now_ms);
