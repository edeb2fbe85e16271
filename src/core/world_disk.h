/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: the disk of a world (world.h). */
#pragma once

#include "core/journal_op.h"
#include "core/journal_restore.h"

#include <stddef.h>
#include <stdint.h>

struct world_frame {
    uint8_t *bytes;
    size_t len;
    uint64_t number;
    unsigned shard;
};

/* Zero is empty. */
struct world_disk {
    struct world_frame *frames; /* in the order in which they came */
    size_t count;
    size_t capacity;
};

void world_disk_add(struct world_disk *disk, unsigned shard, uint64_t number, uint8_t *bytes,
                    size_t len); /* takes `bytes` */
void world_disk_fini(struct world_disk *disk);

/* The power goes: only the first so many frames have come. They are one from now on. */
void world_disk_cut(struct world_disk *disk, size_t frames);

/* What lives, in the order of the keys. */
void world_disk_each(const struct world_disk *disk,
                     void (*visit)(void *, const struct journal_thing *), void *context);
size_t world_disk_things(const struct world_disk *disk, enum journal_kind kind);
