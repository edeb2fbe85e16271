/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: writes what version 0.1 wrote. Under a temporary name, synced, renamed; the folder
 * is synced. */
#pragma once

#include "store/snapshot.h"

struct snapshot_writer;

/* Starts a snapshot that will be `path`. The folder must exist. `created_ms`: wall-clock time
 * in milliseconds since 1970, given back by snapshot_read(). */
MQTT_NODISCARD int snapshot_writer_open(const char *path, int64_t created_ms,
                                        struct snapshot_writer **out);

/* Appends a record (copied). The first failure sticks: later calls return it, and so does the
 * commit. -EMSGSIZE: larger than SNAPSHOT_RECORD_MAX_BYTES. */
MQTT_NODISCARD int snapshot_writer_add(void *writer, struct mqtt_span record);

/* Makes it durable under its name and frees the writer. On failure the older snapshot, if
 * there was one, is untouched. */
MQTT_NODISCARD int snapshot_writer_commit(struct snapshot_writer *writer);

/* Drops what was written and frees the writer. NULL is fine. */
void snapshot_writer_abort(struct snapshot_writer *writer);
