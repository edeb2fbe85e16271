/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and retained messages across a restart: the store in the state folder, opened, read and
 * handed to the scribe.
 *
 * Main thread, while no shard runs. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "core/limits.h"
#include "core/shared.h"
#include "daemon/log.h"
#include "store/store.h"

#include <limits.h>
#include <stdbool.h>

struct shard;
struct scribe;

struct keep {
    char folder[PATH_MAX];
    struct log *log;
    struct files files;
    struct store *store;
    struct store_found found;
    bool has_key; /* it was in use before: which shard a client identifier belongs to is fixed */
    struct siphash_key key;
};

/* Opens the store in `folder`, which exists. What is damaged is said so and left out; a disk that
 * cannot be written is no reason not to start. Negative errno, said so, when a start would lose
 * something that could be saved: written by a newer version, not to be read at all. */
MQTT_NODISCARD int keep_open(struct keep *keep, const char *folder, const struct limits *limits,
                             struct log *log);

/* Restores everything, and moves what an earlier version kept (`snapshot` in the folder) into the
 * store. The shards submit to `scribe`, which is started here. */
MQTT_NODISCARD int keep_load(struct keep *keep, struct shard *shards, struct shared *shared,
                             struct scribe *scribe);

/* After the scribe has stopped. Zeroed is fine. */
void keep_close(struct keep *keep);
