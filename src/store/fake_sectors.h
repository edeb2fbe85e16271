/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: the bytes of one file of store/fake_files.h, as the running system sees them and as
 * the disk has them, and all that was changed in between, in its order. Aborts when out of memory.
 * Owner: one thread. */
#pragma once

#include "base/testing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_SECTOR_BYTES 512u
#define FAKE_BLOCK_BYTES  4096u /* what a disk writes at once, and may spoil as a whole */
#define FAKE_MOST_BYTES   (1u << 30)

struct fake_image {
    uint8_t *bytes; /* zero behind `size`, up to the capacity */
    size_t size;
    size_t capacity; /* whole blocks */
};

struct fake_change;

/* Zeroed is an empty file. */
struct fake_sectors {
    struct fake_image now;
    struct fake_image disk;
    struct fake_change *changes; /* since the last sync */
    size_t count;
    size_t capacity;
};

/* How a cut treats what is not synced. */
struct fake_chance {
    struct test_random *random;
    unsigned percent; /* of the sectors, sizes and entries of the folder that are new */
    bool tears;       /* a block that was being written may hold rubbish, what stood in it before
                         included */
};

bool fake_chance_happens(const struct fake_chance *chance);

void fake_sectors_fini(struct fake_sectors *sectors);

/* `at + len` is at most FAKE_MOST_BYTES, `size` likewise. */
void fake_sectors_write(struct fake_sectors *sectors, size_t at, const uint8_t *bytes, size_t len);
void fake_sectors_resize(struct fake_sectors *sectors, size_t size);

void fake_sectors_sync(struct fake_sectors *sectors);

/* A sync that fails as Linux lets it: some of the sectors have reached the disk, and none of the
 * others will be tried again, though the running system still sees them. Sizes are the file
 * system's own affair: they stay undecided until the next sync. */
void fake_sectors_lose(struct fake_sectors *sectors, const struct fake_chance *chance);

/* What is found when the power is back, into `out`, which is zeroed. `from` stays as it is. */
void fake_sectors_cut(const struct fake_sectors *from, const struct fake_chance *chance,
                      struct fake_sectors *out);
