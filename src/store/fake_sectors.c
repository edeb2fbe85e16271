/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fake_sectors.h"

#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

#define NEVER_A_SECTOR SIZE_MAX

/* A sector was written, or the size has changed. */
struct fake_change {
    size_t sector; /* NEVER_A_SECTOR: the size */
    size_t size;
    uint8_t bytes[FAKE_SECTOR_BYTES];
};

bool fake_chance_happens(const struct fake_chance *chance)
{
    return test_random_below(chance->random, 100) < chance->percent;
}

/* ---- images ---- */

static void have_room(struct fake_image *image, size_t size)
{
    size_t blocks = (size + FAKE_BLOCK_BYTES - 1) / FAKE_BLOCK_BYTES * FAKE_BLOCK_BYTES;

    MQTT_INVARIANT(size <= FAKE_MOST_BYTES);
    if (blocks <= image->capacity)
        return;
    if (blocks < 2 * image->capacity)
        blocks = 2 * image->capacity;
    uint8_t *bytes = realloc(image->bytes, blocks);
    MQTT_INVARIANT(bytes != NULL);
    memset(bytes + image->capacity, 0, blocks - image->capacity);
    image->bytes = bytes;
    image->capacity = blocks;
}

static void resize_image(struct fake_image *image, size_t size)
{
    have_room(image, size);
    if (size < image->size)
        memset(image->bytes + size, 0, image->size - size);
    image->size = size;
}

static void copy_image(const struct fake_image *from, struct fake_image *to)
{
    have_room(to, from->capacity);
    if (from->capacity > 0)
        memcpy(to->bytes, from->bytes, from->capacity);
    to->size = from->size;
}

static void set_sector(struct fake_image *image, size_t sector, const uint8_t *bytes)
{
    have_room(image, (sector + 1) * FAKE_SECTOR_BYTES);
    memcpy(image->bytes + sector * FAKE_SECTOR_BYTES, bytes, FAKE_SECTOR_BYTES);
}

/* ---- what the running system does ---- */

void fake_sectors_fini(struct fake_sectors *sectors)
{
    free(sectors->now.bytes);
    free(sectors->disk.bytes);
    free(sectors->changes);
    *sectors = (struct fake_sectors){ 0 };
}

static struct fake_change *add_change(struct fake_sectors *sectors)
{
    if (sectors->count == sectors->capacity) {
        size_t capacity = sectors->capacity > 0 ? 2 * sectors->capacity : 64;
        struct fake_change *changes = realloc(sectors->changes, capacity * sizeof(*changes));
        MQTT_INVARIANT(changes != NULL);
        sectors->changes = changes;
        sectors->capacity = capacity;
    }
    return &sectors->changes[sectors->count++];
}

static void remember_sectors(struct fake_sectors *sectors, size_t at, size_t end)
{
    for (size_t sector = at / FAKE_SECTOR_BYTES; sector * FAKE_SECTOR_BYTES < end; sector++) {
        struct fake_change *change = add_change(sectors);
        change->sector = sector;
        memcpy(change->bytes, sectors->now.bytes + sector * FAKE_SECTOR_BYTES, FAKE_SECTOR_BYTES);
    }
}

static void remember_size(struct fake_sectors *sectors)
{
    struct fake_change *change = add_change(sectors);
    change->sector = NEVER_A_SECTOR;
    change->size = sectors->now.size;
}

void fake_sectors_write(struct fake_sectors *sectors, size_t at, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return;
    have_room(&sectors->now, at + len);
    memcpy(sectors->now.bytes + at, bytes, len);
    remember_sectors(sectors, at, at + len);
    if (at + len > sectors->now.size) {
        sectors->now.size = at + len;
        remember_size(sectors);
    }
}

void fake_sectors_resize(struct fake_sectors *sectors, size_t size)
{
    bool is_cut_inside = size < sectors->now.size && size % FAKE_SECTOR_BYTES != 0;

    if (size == sectors->now.size)
        return;
    resize_image(&sectors->now, size);
    remember_size(sectors);
    if (is_cut_inside)
        remember_sectors(sectors, size, size + 1);
}

/* ---- what the disk has ---- */

void fake_sectors_sync(struct fake_sectors *sectors)
{
    for (size_t i = 0; i < sectors->count; i++) {
        const struct fake_change *change = &sectors->changes[i];
        if (change->sector == NEVER_A_SECTOR)
            resize_image(&sectors->disk, change->size);
        else
            set_sector(&sectors->disk, change->sector, change->bytes);
    }
    sectors->count = 0;
}

static void spoil_block(struct fake_image *image, size_t sector, struct test_random *random)
{
    size_t block = sector * FAKE_SECTOR_BYTES / FAKE_BLOCK_BYTES * FAKE_BLOCK_BYTES;
    size_t good = test_random_below(random, FAKE_BLOCK_BYTES);

    have_room(image, block + FAKE_BLOCK_BYTES);
    for (size_t i = good; i < FAKE_BLOCK_BYTES; i++)
        image->bytes[block + i] = (uint8_t)(test_random_next(random) >> 32);
}

/* Of the changes of the size so many happen, the first ones, as a journal of the file system would
 * have it; of the sectors any. A sector that was written twice may be found as it was in between.
 */
static void apply_some(struct fake_image *image, const struct fake_sectors *from,
                       const struct fake_chance *chance)
{
    bool sizes_stand = true;

    for (size_t i = 0; i < from->count; i++) {
        const struct fake_change *change = &from->changes[i];
        if (change->sector == NEVER_A_SECTOR) {
            sizes_stand = sizes_stand && fake_chance_happens(chance);
            if (sizes_stand)
                resize_image(image, change->size);
        } else if (fake_chance_happens(chance)) {
            set_sector(image, change->sector, change->bytes);
        } else if (chance->tears && test_random_below(chance->random, 16) == 0) {
            spoil_block(image, change->sector, chance->random);
        }
    }
    /* What lies behind the end is never read again. */
    if (image->capacity > image->size)
        memset(image->bytes + image->size, 0, image->capacity - image->size);
}

void fake_sectors_lose(struct fake_sectors *sectors, const struct fake_chance *chance)
{
    size_t kept = 0;

    for (size_t i = 0; i < sectors->count; i++) {
        const struct fake_change *change = &sectors->changes[i];
        if (change->sector == NEVER_A_SECTOR)
            sectors->changes[kept++] = *change;
        else if ((change->sector + 1) * FAKE_SECTOR_BYTES <= sectors->disk.size
                 && fake_chance_happens(chance))
            set_sector(&sectors->disk, change->sector, change->bytes);
    }
    sectors->count = kept;
}

void fake_sectors_cut(const struct fake_sectors *from, const struct fake_chance *chance,
                      struct fake_sectors *out)
{
    copy_image(&from->disk, &out->disk);
    apply_some(&out->disk, from, chance);
    copy_image(&out->disk, &out->now);
}
