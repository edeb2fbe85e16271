/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/invariant.h"
#include "store/checksum.h"
#include "store/engine.h"

#include <errno.h>
#include <stdlib.h>

#define FRAMES_AT_ONCE 64
/* Parts of the bound that may be alive, in hundredths: enough must be left to copy with. */
#define OVER_ABOVE 75u
#define OVER_BELOW 70u

/* ---- states ---- */

bool engine_is_no_space(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

int engine_fail(struct store *store, int error)
{
    store->is_failed = true;
    store->error = error;
    if (store->current != NULL)
        store->current->is_failed = true;
    return error;
}

void engine_weigh(struct store *store)
{
    uint64_t percent = store->is_over ? OVER_BELOW : OVER_ABOVE;
    store->is_over = store->living.bytes > store->most_bytes / 100 * percent;
}

enum store_state store_state(const struct store *store)
{
    if (store->is_failed)
        return STORE_FAILED;
    return store->is_over || store->is_short ? STORE_FULL : STORE_OPEN;
}

int store_error(const struct store *store)
{
    return store->is_failed || store->is_short ? store->error : 0;
}

const char *store_segment_name(const struct store *store)
{
    return store->current != NULL ? store->current->name : "";
}

uint64_t store_written_sequence(const struct store *store)
{
    return store->written;
}

void store_set_bound(struct store *store, uint64_t most_bytes)
{
    store->most_bytes = most_bytes;
    engine_weigh(store);
}

struct store_figures store_figures(const struct store *store)
{
    struct store_figures figures = store->figures;
    list_for_each (node, &store->segments)
        figures.segments++;
    list_for_each (node, &store->spares)
        figures.segments++;
    figures.bytes = segments_bytes(store);
    figures.living_bytes = store->living.bytes;
    figures.living_things = store->living.things;
    return figures;
}

/* ---- frames in line ---- */

static void append(struct store *store, struct store_frame *frame)
{
    frame->next = NULL;
    frame->sequence = store->next_sequence++;
    if (store->waiting == NULL)
        store->waiting = frame;
    else
        store->waiting_last->next = frame;
    store->waiting_last = frame;
    if (store->unwritten == NULL)
        store->unwritten = frame;
}

void engine_append_own(struct store *store, struct engine_own_frame *own, size_t ops_bytes)
{
    own->next = NULL;
    own->frame.ops = (struct mqtt_span){ own->ops, ops_bytes };
    if (store->own == NULL)
        store->own = own;
    else
        store->own_last->next = own;
    store->own_last = own;
    store->own_bytes += ops_bytes;
    append(store, &own->frame);
    own->frame.sequence |= ENGINE_OWN_FRAME;
}

static bool is_own(const struct store_frame *frame)
{
    return (frame->sequence & ENGINE_OWN_FRAME) != 0;
}

static uint64_t sequence_of(const struct store_frame *frame)
{
    return frame->sequence & ~ENGINE_OWN_FRAME;
}

static void free_first_own(struct store *store)
{
    struct engine_own_frame *own = store->own;
    store->own = own->next;
    store->own_bytes -= own->frame.ops.len;
    free(own);
}

/* Everything written. */
static void confirm(struct store *store)
{
    store->confirmed = store->written;
    while (store->waiting != store->unwritten) {
        struct store_frame *frame = store->waiting;
        store->waiting = frame->next;
        if (is_own(frame)) {
            free_first_own(store);
            continue;
        }
        frame->next = NULL;
        if (store->done == NULL)
            store->done = frame;
        else
            store->done_last->next = frame;
        store->done_last = frame;
    }
}

struct store_frame *store_take_confirmed(struct store *store)
{
    struct store_frame *done = store->done;
    store->done = NULL;
    return done;
}

/* ---- writing ---- */

static uint64_t bytes_of(const struct store_frame *frame)
{
    return LOG_FORMAT_HEAD_BYTES + (uint64_t)frame->ops.len;
}

static bool fits(const struct segment *segment, uint64_t at, const struct store_frame *frame)
{
    return segment != NULL && segment->bytes - at >= bytes_of(frame);
}

/* What one call writes. */
struct batch {
    const struct store_frame *frames[FRAMES_AT_ONCE];
    uint64_t offsets[FRAMES_AT_ONCE];
    uint8_t heads[FRAMES_AT_ONCE][LOG_FORMAT_HEAD_BYTES];
    struct mqtt_span pieces[2 * FRAMES_AT_ONCE + 1];
    size_t count;
    size_t piece_count;
    uint64_t end;
};

static void add_to_batch(const struct store *store, struct batch *batch,
                         const struct store_frame *frame)
{
    uint8_t *head = batch->heads[batch->count];
    log_format_write_head(&(struct log_head){ .length = (uint32_t)frame->ops.len,
                                              .mark = store->current->mark,
                                              .sequence = sequence_of(frame),
                                              .confirmed = store->confirmed,
                                              .oldest = store->oldest,
                                              .flags = is_own(frame) ? LOG_FORMAT_COPY : 0,
                                              .ops_check = checksum_crc32c(0, frame->ops) },
                          head);
    batch->frames[batch->count] = frame;
    batch->offsets[batch->count] = batch->end;
    batch->count++;
    batch->pieces[batch->piece_count++] = (struct mqtt_span){ head, LOG_FORMAT_HEAD_BYTES };
    batch->pieces[batch->piece_count++] = frame->ops;
    batch->end += bytes_of(frame);
}

/* As many frames as fit into the segment and the batch. What follows later begins a new block. */
static void fill_batch(const struct store *store, struct batch *batch)
{
    const struct store_frame *frame = store->unwritten;
    while (frame != NULL && batch->count < FRAMES_AT_ONCE
           && fits(store->current, batch->end, frame)) {
        add_to_batch(store, batch, frame);
        frame = frame->next;
    }
    if (frame != NULL && batch->count == FRAMES_AT_ONCE)
        return;
    uint64_t padding = log_format_round_up(batch->end) - batch->end;
    batch->pieces[batch->piece_count++] = (struct mqtt_span){ store->blank, (size_t)padding };
    batch->end += padding;
}

static void apply(struct store *store, const struct store_frame *frame, uint64_t offset)
{
    living_apply(&store->living,
                 &(struct living_frame){ .ops = frame->ops,
                                         .slot = store->current->slot,
                                         .offset = (uint32_t)offset + LOG_FORMAT_HEAD_BYTES,
                                         .sequence = sequence_of(frame),
                                         .is_copy = is_own(frame) });
    store->figures.frames++;
}

/* Padding is the caller's, who begins a batch whenever there is something to write. */
static void count_bytes(struct store *store, const struct batch *batch)
{
    uint64_t own = 0;
    for (size_t i = 0; i < batch->count; i++)
        own += is_own(batch->frames[i]) ? bytes_of(batch->frames[i]) : 0;
    store->figures.copied_bytes += own;
    store->figures.written_bytes += batch->end - store->current->used - own;
}

static int write_batch(struct store *store)
{
    MQTT_UNINITIALIZED struct batch batch;
    batch.count = 0;
    batch.piece_count = 0;
    batch.end = store->current->used;
    fill_batch(store, &batch);
    int error = store->files.write(store->current->file, store->current->used, batch.pieces,
                                   batch.piece_count);
    if (error < 0)
        return engine_fail(store, error);
    count_bytes(store, &batch);
    store->current->used = batch.end;
    for (size_t i = 0; i < batch.count; i++) {
        error = living_reserve(&store->living, batch.frames[i]->ops);
        MQTT_INVARIANT(error != -EBADMSG);
        if (error < 0)
            return engine_fail(store, error);
        apply(store, batch.frames[i], batch.offsets[i]);
        store->unwritten = batch.frames[i]->next;
        store->written = sequence_of(batch.frames[i]);
    }
    return 0;
}

static int sync_current(struct store *store)
{
    MQTT_INVARIANT(store->current != NULL); /* something is written */
    store->figures.syncs++;
    int error = store->files.sync(store->current->file);
    if (error == 0 && !store->current->is_published)
        error = segments_publish(store);
    if (error < 0)
        return engine_fail(store, error);
    confirm(store);
    return 0;
}

/* Of the segment that is begun next. One that is published late takes all that stands in an older
 * one now, as it will not count there. */
static uint64_t bytes_wanted(const struct store *store)
{
    const struct store_frame *first = store->unwritten;
    uint64_t bytes = 0;
    for (const struct store_frame *frame = first;
         frame != NULL && (frame == first || (store->publishes_late && is_own(frame)));
         frame = frame->next)
        bytes += bytes_of(frame);
    return LOG_FORMAT_FIRST_FRAME + log_format_round_up(bytes);
}

/* The old segment is synced before there is a new one: the header of a segment is the proof that
 * all before it had been confirmed. */
static int roll(struct store *store)
{
    int error = store->written > store->confirmed ? sync_current(store) : 0;
    if (error < 0)
        return error;
    const struct segment *before = store->current;
    error = segments_begin(store, bytes_wanted(store));
    if (error == 0)
        return 0;
    if (!engine_is_no_space(error) || store->current != before)
        return engine_fail(store, error);
    store->is_short = true;
    store->error = error;
    return error;
}

int engine_write(struct store *store)
{
    int error = 0;
    while (store->unwritten != NULL && error == 0) {
        if (!fits(store->current, store->current != NULL ? store->current->used : 0,
                  store->unwritten))
            error = roll(store);
        if (error == 0)
            error = write_batch(store);
    }
    if (error == 0 && store->current != NULL && !store->current->is_published)
        error = sync_current(store);
    engine_weigh(store);
    return error;
}

int store_write(struct store *store, struct store_frame *frames)
{
    uint64_t before = store->figures.written_bytes;
    for (struct store_frame *frame = frames; frame != NULL;) {
        struct store_frame *next = frame->next;
        MQTT_INVARIANT(frame->ops.len <= STORE_FRAME_MOST_BYTES);
        append(store, frame);
        frame = next;
    }
    if (store->is_failed)
        return store->error;
    int error = engine_write(store);
    if (error == 0)
        housekeeping_keep_up(store, store->figures.written_bytes - before);
    return error;
}

int store_sync(struct store *store)
{
    if (store->is_failed)
        return store->error;
    return store->written > store->confirmed ? sync_current(store) : 0;
}

/* ---- recovering ---- */

/* A segment in which something is confirmed is kept; it ends where the next one says. */
static int leave_failed(struct store *store)
{
    struct segment *current = store->current;
    store->unwritten = store->waiting;
    store->written = store->confirmed;
    store->publishes_late = true;
    int error = engine_settle(store);
    if (error < 0 || current == NULL || !current->is_failed)
        return error;
    if (current->first_sequence > store->confirmed)
        return segments_discard_current(store);
    return 0;
}

int engine_begin_anew(struct store *store)
{
    int error = leave_failed(store);
    if (error == 0)
        error = segments_begin(store, bytes_wanted(store));
    if (error < 0)
        return engine_fail(store, error);
    store->is_failed = false;
    return engine_write(store);
}

/* Space is asked for again, now. */
static int retry_space(struct store *store)
{
    struct segment *spare;
    int error = store->spare_count == 0 ? segments_reserve(store, store->segment_bytes, &spare) : 0;
    if (error < 0 && store->is_short)
        store->error = error;
    int written = engine_write(store);
    return written < 0 ? written : error;
}

int store_retry(struct store *store)
{
    store->is_short = false;
    int error = store->is_failed ? engine_begin_anew(store) : retry_space(store);
    int synced = store_sync(store);
    return error < 0 ? error : synced;
}
