/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and retained messages across a restart: one snapshot in the state folder.
 *
 * Main thread, while no shard runs. */
#pragma once

#include "base/attrs.h"
#include "core/persist.h"
#include "daemon/log.h"
#include "daemon/shard.h"

#include <stdint.h>

/* Writes everything to `path`, whole or not at all. */
MQTT_NODISCARD int keep_save(const char *path, struct shard *shards, struct shared *shared,
                             struct log *log);

/* Restores what is there; no file is fine. A damaged file is set aside, said so, and what
 * was readable before the damage is used. Negative errno only when a start would lose
 * something that a repair could save: unreadable, or written by a newer version. */
MQTT_NODISCARD int keep_load(const char *path, struct shard *shards, struct shared *shared,
                             struct log *log);
