/* SPDX-License-Identifier: Apache-2.0 */
/* What version 0.1 kept in one file, moved into the store at the first start of a later one. */
#pragma once

#include "base/attrs.h"
#include "core/shared.h"

#include <stdbool.h>
#include <stdint.h>

struct keep;
struct shard;

/* Reads the snapshot, if there is one, and writes everything into the journal of the first shard
 * as one frame: it is moved whole or, after a crash, from the beginning again. A store that was in
 * use is newer: then the snapshot is set aside. Negative errno as keep_load(). */
MQTT_NODISCARD int keep_snapshot_load(struct keep *keep, struct shard *shards,
                                      struct shared *shared, bool *out_has_moved);

/* Everything of it is on disk. */
void keep_snapshot_forget(const struct keep *keep);
