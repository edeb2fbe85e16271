/* SPDX-License-Identifier: Apache-2.0 */
/* A store under a broker without threads: frames are gathered, and written, synced and confirmed when
 * the bench says so. One shard. Ends the program when the disk refuses. */
#pragma once

#include "core/broker.h"
#include "store/store.h"

struct disk {
    struct files files;
    struct store *store;
    struct store_found found;
    struct store_frame *first; /* not written yet */
    struct store_frame *last;
    struct journal_progress progress;
};

/* The folder exists. */
void disk_open(struct disk *disk, const char *folder);
struct journal_port disk_port(struct disk *disk); /* borrows it */

/* Writes and syncs all that was submitted, and tells the broker. */
void disk_settle(struct disk *disk, struct broker *broker, uint64_t now_ms);

/* What was kept, into the broker, which is empty: how many things there were. */
uint64_t disk_restore(struct disk *disk, struct broker *broker, struct shared *shared,
                      uint64_t now_ms);

void disk_close(struct disk *disk);
