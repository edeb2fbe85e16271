/* SPDX-License-Identifier: Apache-2.0 */
/* The disk of a world: keeps frames as they come and, after a crash, gives back what those say
 * that had come so far. Slow and plain, so that it can be believed. */
#include "core/world_disk.h"

#include "core/journal_op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "world: %s\n", what);
    abort();
}

void world_disk_add(struct world_disk *disk, unsigned shard, uint64_t number, uint8_t *bytes,
                    size_t len)
{
    if (disk->count == disk->capacity) {
        disk->capacity = disk->capacity > 0 ? 2 * disk->capacity : 64;
        disk->frames = realloc(disk->frames, disk->capacity * sizeof(disk->frames[0]));
        must(disk->frames != NULL, "out of memory");
    }
    disk->frames[disk->count++] = (struct world_frame){ bytes, len, number, shard };
}

void world_disk_fini(struct world_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        free(disk->frames[i].bytes);
    free(disk->frames);
    *disk = (struct world_disk){ 0 };
}

/* ---- what is there ---- */

struct shelf {
    struct journal_op *things; /* by key */
    size_t count;
    size_t capacity;
};

/* Where it is, or would be. */
static size_t place_of(const struct shelf *shelf, uint64_t key)
{
    size_t low = 0;
    size_t high = shelf->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (shelf->things[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const struct shelf *shelf, size_t place, uint64_t key)
{
    return place < shelf->count && shelf->things[place].key == key;
}

static void put(struct shelf *shelf, const struct journal_op *op)
{
    size_t place = place_of(shelf, op->key);

    if (has(shelf, place, op->key)) {
        shelf->things[place] = *op;
        return;
    }
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity > 0 ? 2 * shelf->capacity : 64;
        shelf->things = realloc(shelf->things, shelf->capacity * sizeof(shelf->things[0]));
        must(shelf->things != NULL, "out of memory");
    }
    memmove(&shelf->things[place + 1], &shelf->things[place],
            (shelf->count - place) * sizeof(shelf->things[0]));
    shelf->things[place] = *op;
    shelf->count++;
}

static void drop(struct shelf *shelf, uint64_t key)
{
    size_t place = place_of(shelf, key);

    if (!has(shelf, place, key))
        return;
    shelf->count--;
    memmove(&shelf->things[place], &shelf->things[place + 1],
            (shelf->count - place) * sizeof(shelf->things[0]));
}

static void apply(struct shelf *shelf, const struct world_frame *frame)
{
    struct mqtt_span rest = { frame->bytes, frame->len };
    struct journal_op op;
    int found;

    while ((found = journal_op_next(&rest, &op)) > 0) {
        if (op.verb == JOURNAL_PUT)
            put(shelf, &op);
        else
            drop(shelf, op.key);
    }
    must(found == 0, "a frame that is not a series of operations");
}

static bool is_needed(const struct shelf *shelf, uint64_t body)
{
    for (size_t i = 0; i < shelf->count; i++)
        if (shelf->things[i].body == body)
            return true;
    return false;
}

/* The only frame from now on. */
static void rewrite(struct world_disk *disk, const struct shelf *shelf)
{
    size_t len = 0;

    for (size_t i = 0; i < shelf->count; i++)
        len += JOURNAL_PUT_BYTES + shelf->things[i].bytes.len;
    uint8_t *bytes = malloc(len + 1);
    must(bytes != NULL, "out of memory");
    uint8_t *at = bytes;
    for (size_t i = 0; i < shelf->count; i++) {
        const struct journal_op *op = &shelf->things[i];

        if (journal_kind_of(op->key) == JOURNAL_BODY && !is_needed(shelf, op->key))
            continue;
        at = journal_put_head(at, op->key, op->body, (uint32_t)op->bytes.len);
        if (op->bytes.len > 0)
            memcpy(at, op->bytes.data, op->bytes.len);
        at += op->bytes.len;
    }
    world_disk_fini(disk);
    world_disk_add(disk, 0, 0, bytes, (size_t)(at - bytes));
}

void world_disk_cut(struct world_disk *disk, size_t frames)
{
    struct shelf shelf = { 0 };

    for (size_t i = 0; i < frames && i < disk->count; i++)
        apply(&shelf, &disk->frames[i]);
    rewrite(disk, &shelf);
    free(shelf.things);
}

static struct mqtt_span body_of(const struct shelf *shelf, uint64_t key)
{
    size_t place = place_of(shelf, key);

    if (key == 0)
        return (struct mqtt_span){ 0 };
    must(has(shelf, place, key), "a message that is needed is not there");
    return shelf->things[place].bytes;
}

void world_disk_each(const struct world_disk *disk,
                     void (*visit)(void *, const struct journal_thing *), void *context)
{
    struct shelf shelf = { 0 };

    for (size_t i = 0; i < disk->count; i++)
        apply(&shelf, &disk->frames[i]);
    for (size_t i = 0; i < shelf.count; i++) {
        const struct journal_op *op = &shelf.things[i];
        const struct journal_thing thing = { op->key, op->body, op->bytes,
                                             body_of(&shelf, op->body) };

        if (journal_kind_of(op->key) != JOURNAL_BODY)
            visit(context, &thing);
    }
    free(shelf.things);
}

size_t world_disk_things(const struct world_disk *disk, enum journal_kind kind)
{
    struct shelf shelf = { 0 };
    size_t count = 0;

    for (size_t i = 0; i < disk->count; i++)
        apply(&shelf, &disk->frames[i]);
    for (size_t i = 0; i < shelf.count; i++)
        count += journal_kind_of(shelf.things[i].key) == kind
                 && (kind != JOURNAL_BODY || is_needed(&shelf, shelf.things[i].key));
    free(shelf.things);
    return count;
}
