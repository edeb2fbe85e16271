/* SPDX-License-Identifier: Apache-2.0 */
#include "store/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define SPARES_MOST     2u
#define KEEP_ASIDE_MOST 10000u

/* ---- in memory ---- */

static struct segment *of_node(struct list *node)
{
    return MQTT_CONTAINER_OF(node, struct segment, node);
}

struct segment *segments_oldest(const struct store *store)
{
    return list_is_empty(&store->segments) ? NULL : of_node(store->segments.next);
}

struct segment *segments_next(const struct store *store, const struct segment *segment)
{
    return segment->node.next == &store->segments ? NULL : of_node(segment->node.next);
}

struct segment *segments_new(void)
{
    return calloc(1, sizeof(struct segment));
}

void segments_free(struct store *store, struct segment *segment)
{
    list_unlink(&segment->node);
    store->files.close(segment->file);
    free(segment);
}

int segments_take_slot(struct store *store, struct segment *segment)
{
    if (store->has_limbo) {
        segment->slot = store->limbo;
        store->has_limbo = false;
        return 0;
    }
    if (store->free_slot_count > 0) {
        segment->slot = store->free_slots[--store->free_slot_count];
        return 0;
    }
    int error = living_reserve_slots(&store->living, (size_t)store->slot_count + 1);
    if (error < 0)
        return error;
    /* Giving a slot back needs no memory. */
    uint32_t *larger =
        reallocarray(store->free_slots, (size_t)store->slot_count + 1, sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    store->free_slots = larger;
    segment->slot = store->slot_count++;
    return 0;
}

void segments_give_slot(struct store *store, const struct segment *segment)
{
    if (store->living.slots[segment->slot].bytes != 0) {
        store->limbo = segment->slot;
        store->has_limbo = true;
        return;
    }
    store->living.slots[segment->slot] = (struct living_slot){ 0 };
    store->free_slots[store->free_slot_count++] = segment->slot;
}

uint64_t segments_bytes(const struct store *store)
{
    uint64_t bytes = 0;
    list_for_each (node, &store->segments)
        bytes += of_node(node)->bytes;
    list_for_each (node, &store->spares)
        bytes += of_node(node)->bytes;
    return bytes;
}

uint64_t segments_used_bytes(const struct store *store)
{
    uint64_t bytes = 0;
    list_for_each (node, &store->segments) {
        const struct segment *segment = of_node(node);
        bytes += segment == store->current ? segment->used : segment->bytes;
    }
    return bytes;
}

/* ---- spares ---- */

static void add_spare(struct store *store, struct segment *segment)
{
    list_push_back(&store->spares, &segment->node);
    store->spare_count++;
    store->is_short = false;
}

int segments_reserve(struct store *store, uint64_t bytes, struct segment **out)
{
    struct segment *segment = segments_new();
    if (segment == NULL)
        return -ENOMEM;
    segment->number = store->next_spare++;
    segment->bytes = bytes;
    log_format_spare_name(segment->number, segment->name);
    int error = store->files.open(store->files.context, segment->name, FILE_CREATE, &segment->file);
    if (error == 0) {
        error = store->files.reserve(segment->file, bytes);
        if (error < 0)
            (void)store->files.remove(store->files.context, segment->name);
    }
    if (error < 0) {
        segments_free(store, segment);
        store->is_short = store->is_short || engine_is_no_space(error);
        return error;
    }
    add_spare(store, segment);
    *out = segment;
    return 0;
}

void segments_drop_spare(struct store *store, struct segment *segment)
{
    (void)store->files.remove(store->files.context, segment->name);
    store->spare_count--;
    segments_free(store, segment);
}

void segments_choose_spares(struct store *store)
{
    list_for_each_safe (node, following, &store->spares) {
        struct segment *segment = of_node(node);
        if (segment->bytes != store->segment_bytes || store->spare_count > SPARES_MOST)
            segments_drop_spare(store, segment);
    }
}

/* One of the ordinary size serves everything but a frame that is longer. */
static int find_spare(struct store *store, uint64_t bytes, struct segment **out)
{
    list_for_each (node, &store->spares) {
        *out = of_node(node);
        if ((*out)->bytes >= bytes)
            return 0;
    }
    /* Space was asked for and refused: again when it is time to. */
    if (store->is_short)
        return store->error < 0 ? store->error : -ENOSPC;
    return segments_reserve(store, bytes, out);
}

/* ---- beginning one ---- */

static int64_t wall_clock_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) < 0)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int choose_mark(uint64_t *out)
{
    ssize_t n = getrandom(out, sizeof(*out), 0);
    if (n < 0)
        return -errno;
    return n == (ssize_t)sizeof(*out) ? 0 : -EIO;
}

/* So much has to be read of the segment before, and not all that is reserved. 0: as much as there
 * is. */
static uint32_t blocks_before(const struct store *store)
{
    if (list_is_empty(&store->segments))
        return 0;
    const struct segment *before = of_node(store->segments.prev);
    if (before->is_failed || before->is_damaged)
        return 0;
    return (uint32_t)(log_format_round_up(before->used) / LOG_FORMAT_BLOCK_BYTES);
}

/* A whole block, so that nothing of an earlier use stands in it. */
static int write_header(struct store *store, struct segment *segment, uint64_t number)
{
    uint8_t bytes[LOG_FORMAT_HEADER_BYTES];
    struct log_header header = { .version = STORE_VERSION,
                                 .blocks_before = blocks_before(store),
                                 .number = number,
                                 .first_sequence = store->confirmed + 1,
                                 .oldest = store->oldest != 0 ? store->oldest : number,
                                 .created_ms = wall_clock_ms() };
    int error = choose_mark(&header.mark);
    if (error < 0)
        return error;
    log_format_write_header(&header, bytes);
    const struct mqtt_span pieces[] = { { bytes, sizeof(bytes) },
                                        { store->blank, LOG_FORMAT_BLOCK_BYTES - sizeof(bytes) } };
    error = store->files.write(segment->file, 0, pieces, MQTT_ARRAY_LEN(pieces));
    segment->mark = header.mark;
    segment->first_sequence = header.first_sequence;
    return error;
}

int segments_publish(struct store *store)
{
    struct segment *segment = store->current;
    char name[LOG_FORMAT_NAME_BYTES];
    log_format_segment_name(segment->number, name);
    int error = store->files.rename(store->files.context, segment->name, name);
    if (error < 0)
        return error;
    memcpy(segment->name, name, sizeof(name));
    segment->is_published = true;
    error = store->files.sync_folder(store->files.context);
    if (error < 0)
        return error;
    store->oldest_said_at = 0;
    store->publishes_late = false;
    return 0;
}

static void make_current(struct store *store, struct segment *segment)
{
    list_unlink(&segment->node);
    store->spare_count--;
    list_push_back(&store->segments, &segment->node);
    if (store->current != NULL) {
        store->files.close(store->current->file);
        store->current->file = NULL;
    }
    store->current = segment;
    segment->number = store->next_number++;
    segment->used = LOG_FORMAT_FIRST_FRAME;
    store->oldest = store->oldest != 0 ? store->oldest : segment->number;
    list_for_each (node, &store->segments)
        of_node(node)->is_stuck = false;
}

/* The header first, the name then: a file of a segment's name has a header from its first instant,
 * and one without is damaged. */
int segments_begin(struct store *store, uint64_t bytes)
{
    struct segment *segment;
    int error =
        find_spare(store, bytes < store->segment_bytes ? store->segment_bytes : bytes, &segment);
    if (error < 0)
        return error;
    error = segments_take_slot(store, segment);
    if (error < 0)
        return error;
    if (segment->file == NULL)
        error = store->files.open(store->files.context, segment->name, FILE_CHANGE, &segment->file);
    if (error == 0)
        error = write_header(store, segment, store->next_number);
    if (error < 0) {
        segments_give_slot(store, segment);
        segments_drop_spare(store, segment);
        return error;
    }
    make_current(store, segment);
    if (store->publishes_late)
        return 0;
    error = store->files.sync(segment->file);
    return error < 0 ? error : segments_publish(store);
}

/* ---- ending one ---- */

static int keep_aside(struct store *store, const struct segment *segment)
{
    char name[STORE_NAME_BYTES];
    for (unsigned i = 1; i <= KEEP_ASIDE_MOST; i++) {
        struct file *taken = NULL;
        (void)snprintf(name, sizeof(name), "%s.damaged-%u", segment->name, i);
        int error = store->files.open(store->files.context, name, FILE_READ, &taken);
        store->files.close(taken);
        if (error == -ENOENT)
            return store->files.rename(store->files.context, segment->name, name);
    }
    return -EEXIST;
}

static int make_spare(struct store *store, struct segment *segment)
{
    char name[LOG_FORMAT_NAME_BYTES];
    uint64_t number = store->next_spare++;
    log_format_spare_name(number, name);
    int error = store->files.rename(store->files.context, segment->name, name);
    if (error < 0)
        return error;
    memcpy(segment->name, name, sizeof(name));
    segment->number = number;
    segment->filled = segment->bytes;
    segment->is_published = false;
    segment->failed_readings = 0;
    list_unlink(&segment->node);
    add_spare(store, segment);
    return 0;
}

int segments_retire(struct store *store, struct segment *segment)
{
    bool can_serve = segment->bytes == store->segment_bytes && !segment->is_failed
                     && !segment->is_damaged && store->spare_count < SPARES_MOST;
    uint32_t slot = segment->slot;
    int error;
    if (segment->is_damaged)
        error = keep_aside(store, segment);
    else if (can_serve)
        error = make_spare(store, segment);
    else
        error = store->files.remove(store->files.context, segment->name);
    if (error < 0 && error != -ENOENT)
        return error;
    segments_give_slot(store, &(struct segment){ .slot = slot });
    if (!can_serve || error < 0)
        segments_free(store, segment);
    return 0;
}

int segments_discard_current(struct store *store)
{
    struct segment *segment = store->current;
    int error = store->files.remove(store->files.context, segment->name);
    if (error < 0 && error != -ENOENT)
        return error;
    store->current = NULL;
    if (store->oldest == segment->number)
        store->oldest = 0;
    segments_give_slot(store, segment);
    segments_free(store, segment);
    return 0;
}
