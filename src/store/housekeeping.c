/* SPDX-License-Identifier: Apache-2.0 */
/* store_tend(): what is to be done beside, a slice at a time.
 *
 * Only the oldest segment is ever given up, after what lives in it stands in newer ones and those
 * are synced. It is copied when less than half of the log lives, so that on average no more is
 * copied than was written, or when the bound is near. Beyond that a credit bounds what is copied:
 * records which fill segments badly must not be copied round and round. */
#include "base/invariant.h"
#include "store/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS_FEW  4u /* that are not worth copying anything for */
#define OWN_MOST      (4 * ENGINE_SLICE_BYTES)
#define READINGS_MOST 3u /* before what cannot be read is taken for lost */
#define CREDIT_RATE   4u /* bytes that may be copied for each that the caller writes or that dies */

/* ---- spares ---- */

/* Writes zeros to the first of `rest` bytes from `offset` on, and syncs them. *out_written: how many,
 * which count for tried when it failed. */
static int fill(const struct store *store, struct file *file, uint64_t offset, uint64_t rest,
                uint64_t *out_written)
{
    /* The same block again and again: zeros of their own would be a part of the program. */
    struct mqtt_span pieces[ENGINE_SLICE_BYTES / LOG_FORMAT_BLOCK_BYTES];
    size_t count = 0;
    uint64_t written = 0;
    while (count < MQTT_ARRAY_LEN(pieces) && written < rest) {
        uint64_t left = rest - written;
        size_t some = left < LOG_FORMAT_BLOCK_BYTES ? (size_t)left : LOG_FORMAT_BLOCK_BYTES;
        pieces[count++] = (struct mqtt_span){ store->blank, some };
        written += some;
    }
    *out_written = written;
    int error = store->files.write(file, offset, pieces, count);
    return error == 0 ? store->files.sync(file) : error;
}

/* Blocks that were written once are cheaper to sync than such as are only reserved. */
static bool fill_spare(struct store *store, struct segment *spare)
{
    uint64_t rest = spare->bytes - spare->filled;
    uint64_t written = 0;
    if (rest == 0)
        return false;
    int error = 0;
    if (spare->file == NULL)
        error = store->files.open(store->files.context, spare->name, FILE_CHANGE, &spare->file);
    if (error == 0)
        error = fill(store, spare->file, spare->filled, rest, &written);
    spare->filled += written;
    if (error < 0)
        segments_drop_spare(store, spare);
    return error == 0;
}

/* The first one after a start was begun before there was time for that. */
static bool fill_current(struct store *store)
{
    struct segment *segment = store->current;
    uint64_t begin = segment->filled > segment->used ? segment->filled : segment->used;
    uint64_t rest = segment->bytes - begin;
    if (segment->filled == segment->bytes || rest == 0)
        return false;
    uint64_t written;
    int error = fill(store, segment->file, begin, rest, &written);
    /* What was written before may be what could not be synced. */
    if (error < 0)
        (void)engine_fail(store, error);
    segment->filled = begin + written;
    return error == 0;
}

static bool tend_spares(struct store *store)
{
    struct segment *spare;
    if (fill_current(store))
        return true;
    if (store->spare_count > 0)
        return fill_spare(store, MQTT_CONTAINER_OF(store->spares.next, struct segment, node));
    int error = segments_reserve(store, store->segment_bytes, &spare);
    if (error < 0 && store->is_short)
        store->error = error;
    return error == 0;
}

/* ---- giving up ---- */

static bool is_empty(const struct store *store, const struct segment *segment)
{
    return store->living.slots[segment->slot].bytes == 0;
}

static bool is_given_up(const struct store *store, const struct segment *segment)
{
    return segment->number < store->oldest;
}

/* A frame without operations says which segments are not needed any more. */
static bool say_oldest(struct store *store)
{
    struct engine_own_frame *own = malloc(sizeof(*own));
    if (own == NULL)
        return false;
    engine_append_own(store, own, 0);
    return engine_write(store) == 0;
}

/* Those at the front in which nothing lives, and nothing will live if the power goes now. */
static void move_oldest(struct store *store)
{
    struct segment *segment = segments_oldest(store);
    uint64_t oldest = store->oldest;
    while (segment != store->current && is_empty(store, segment)
           && store->living.slots[segment->slot].emptied_at <= store->confirmed) {
        segment = segments_next(store, segment);
        if (segment->number > oldest)
            oldest = segment->number;
    }
    if (oldest == store->oldest)
        return;
    store->oldest = oldest;
    store->oldest_said_at = store->next_sequence;
}

static bool retire_oldest(struct store *store)
{
    struct segment *segment = segments_oldest(store);
    if (segment->is_stuck)
        return false;
    if (store->copying.segment == segment)
        housekeeping_fini(store);
    bool is_gone = segments_retire(store, segment) == 0;
    if (!is_gone)
        segment->is_stuck = true;
    return is_gone;
}

static bool tend_oldest(struct store *store)
{
    move_oldest(store);
    const struct segment *segment = segments_oldest(store);
    if (is_given_up(store, segment) && !segment->is_stuck) {
        if (store->oldest_said_at <= store->confirmed)
            return retire_oldest(store);
        if (store->oldest_said_at > store->written && !say_oldest(store))
            return false;
        return store_sync(store) == 0;
    }
    /* It will be given up once what emptied it is synced. */
    if (segment != store->current && !is_given_up(store, segment) && is_empty(store, segment))
        return store_sync(store) == 0;
    return false;
}

/* ---- copying ---- */

static uint64_t bound_left(const struct store *store)
{
    uint64_t bytes = segments_bytes(store);
    return bytes < store->most_bytes ? store->most_bytes - bytes : 0;
}

static bool is_pressed(const struct store *store)
{
    return store->is_short || bound_left(store) < store->segment_bytes;
}

static uint64_t room_left(const struct store *store)
{
    return store->current->bytes - store->current->used;
}

static void earn_credit(struct store *store)
{
    uint64_t died = store->living.died - store->died_seen;
    store->died_seen = store->living.died;
    store->copy_credit += CREDIT_RATE * died;
    uint64_t most = 4 * segments_bytes(store);
    if (store->copy_credit > most)
        store->copy_credit = most;
}

static bool is_worth_copying(const struct store *store, const struct segment *segment)
{
    uint64_t used = segments_used_bytes(store);
    uint64_t living = store->living.bytes;
    uint64_t here = store->living.slots[segment->slot].bytes;
    if (segment == store->current || segment->is_stuck || is_given_up(store, segment))
        return false;
    if (segment->number < store->compact_below)
        return true;
    if (here > store->copy_credit)
        return false;
    /* Without a spare it must fit where it is to go. */
    if (store->spare_count == 0 && here + STORE_BLOCK_BYTES > room_left(store) && store->is_short)
        return false;
    if (is_pressed(store))
        return used > living + store->segment_bytes;
    unsigned count = 0;
    list_for_each (node, &store->segments)
        count++;
    return count > SEGMENTS_FEW && used > 2 * living;
}

void housekeeping_fini(struct store *store)
{
    segment_bytes_fini(&store->copying.bytes);
    store->copying = (struct engine_copying){ 0 };
}

/* What lived where the segment is not whole any more is lost, and must not keep it for ever. */
static void end_copying(struct store *store)
{
    struct segment *segment = store->copying.segment;
    if (!is_empty(store, segment)) {
        (void)living_forget(&store->living, segment->slot, store->written);
        segment->is_damaged = true;
        store->figures.damaged_segments++;
    }
    housekeeping_fini(store);
}

/* The first sequence that does not count in it: that of the next one that says so. */
static uint64_t limit_of(const struct store *store, const struct segment *segment)
{
    const struct segment *next = segments_next(store, segment);
    while (next != NULL && next->first_sequence == 0)
        next = segments_next(store, next);
    return next != NULL ? next->first_sequence : SEGMENT_READER_NO_LIMIT;
}

/* The disk may give it some other time: until then it stays where it is. */
static bool load_later(struct store *store)
{
    struct segment *segment = store->copying.segment;
    segment->failed_readings++;
    segment->is_stuck = segment->failed_readings < READINGS_MOST;
    if (segment->is_stuck)
        housekeeping_fini(store);
    else
        end_copying(store);
    return false;
}

static bool load(struct store *store)
{
    struct engine_copying *copying = &store->copying;
    struct segment *segment = copying->segment;
    int error = segment_bytes_load(&store->files, segment->name, UINT64_MAX, &copying->bytes);
    if (error == -ENOMEM) {
        housekeeping_fini(store);
        return false;
    }
    if (error < 0 || (copying->bytes.has_holes && segment->failed_readings + 1u < READINGS_MOST))
        return load_later(store);
    copying->reader = (struct segment_reader){ .bytes = { copying->bytes.data, copying->bytes.len },
                                               .mark = segment_bytes_mark(&copying->bytes),
                                               .expected = segment->first_sequence,
                                               .limit = limit_of(store, segment),
                                               .has_holes = copying->bytes.has_holes,
                                               .at = LOG_FORMAT_FIRST_FRAME };
    return true;
}

/* The next operation that lives; false: there is none. */
static bool next_living(struct store *store, struct mqtt_span *out)
{
    struct engine_copying *copying = &store->copying;
    for (;;) {
        struct journal_op op;
        const uint8_t *begin = copying->rest.data;
        if (journal_op_next(&copying->rest, &op) == 1) {
            uint32_t offset = (uint32_t)(begin - copying->bytes.data);
            *out = (struct mqtt_span){ begin, (size_t)(copying->rest.data - begin) };
            if (op.verb == JOURNAL_PUT
                && living_is_here(&store->living, op.key, copying->segment->slot, offset))
                return true;
            continue;
        }
        enum segment_verdict verdict = segment_reader_next(&copying->reader, &copying->step);
        if (verdict == SEGMENT_END || verdict == SEGMENT_TORN)
            return false;
        copying->rest = verdict == SEGMENT_FRAME ? copying->step.ops : (struct mqtt_span){ 0 };
    }
}

/* Fills the frame up to the slice, or to what still fits into the segment. */
static size_t collect(struct store *store, uint8_t *into, size_t room)
{
    struct engine_copying *copying = &store->copying;
    size_t len = 0;
    struct mqtt_span op;
    while (next_living(store, &op)) {
        if (op.len > room - len) {
            copying->rest.data = op.data;
            copying->rest.len += op.len;
            break;
        }
        MQTT_INVARIANT(op.data != NULL); /* an operation is never empty */
        memcpy(into + len, op.data, op.len);
        len += op.len;
    }
    return len;
}

/* At least the next operation, however long it is. */
static size_t slice_room(struct store *store)
{
    struct engine_copying *copying = &store->copying;
    struct mqtt_span op;
    if (!next_living(store, &op))
        return 0;
    copying->rest.data = op.data;
    copying->rest.len += op.len;
    uint64_t room = room_left(store);
    room = room > LOG_FORMAT_HEAD_BYTES ? room - LOG_FORMAT_HEAD_BYTES : 0;
    if (room < op.len)
        room = store->segment_bytes - LOG_FORMAT_FIRST_FRAME - LOG_FORMAT_HEAD_BYTES;
    if (room > ENGINE_SLICE_BYTES)
        room = ENGINE_SLICE_BYTES;
    return room < op.len ? op.len : (size_t)room;
}

static bool copy_slice(struct store *store)
{
    size_t room = slice_room(store);
    if (room == 0) {
        end_copying(store);
        return true;
    }
    struct engine_own_frame *own = malloc(sizeof(*own) + room);
    if (own == NULL)
        return false;
    size_t len = collect(store, own->ops, room);
    engine_append_own(store, own, len);
    store->copy_credit -= len < store->copy_credit ? len : store->copy_credit;
    return engine_write(store) == 0;
}

static bool tend_copying(struct store *store)
{
    struct engine_copying *copying = &store->copying;
    earn_credit(store);
    if (copying->segment == NULL) {
        struct segment *oldest = segments_oldest(store);
        if (!is_worth_copying(store, oldest))
            return false;
        copying->segment = oldest;
        return load(store);
    }
    if (is_empty(store, copying->segment)) {
        end_copying(store);
        return true;
    }
    if (store->own_bytes >= OWN_MOST && store_sync(store) < 0)
        return false;
    return copy_slice(store);
}

/* ---- */

static bool is_ready(const struct store *store)
{
    return !store->is_failed && store->current != NULL && store->unwritten == NULL;
}

/* None after one that failed: what that has given is not written, and the index not what it will
 * be. */
static bool tend_one(struct store *store)
{
    static bool (*const usual[])(struct store *) = { tend_oldest, tend_spares, tend_copying };
    static bool (*const pressed[])(struct store *) = { tend_oldest, tend_copying, tend_spares };
    bool (*const *steps)(struct store *) = is_pressed(store) ? pressed : usual;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(usual) && is_ready(store); i++) {
        if (steps[i](store))
            return true;
    }
    return false;
}

bool store_tend(struct store *store)
{
    return tend_one(store) && is_ready(store);
}

void housekeeping_keep_up(struct store *store, uint64_t written)
{
    store->copy_credit += CREDIT_RATE * written;
    if (!is_ready(store) || !is_pressed(store) || store->is_short)
        return;
    for (uint64_t done = 0; done <= written && is_ready(store); done += ENGINE_SLICE_BYTES / 4) {
        if (!tend_oldest(store) && (!is_ready(store) || !tend_copying(store)))
            return;
    }
}
