/* SPDX-License-Identifier: Apache-2.0 */
#include "store/engine.h"
#include "store/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_MOST     (UINT64_C(1) << 30)
#define UNREAD_SEQUENCES (UINT64_C(1) << 32) /* more than a segment can hold */

struct opening {
    struct store *store;
    store_complain complain;
    void *context;
    struct segment *segment; /* that frames are read from now */
    struct segment *last;    /* that could be read */
    uint64_t damages;
    int error;
};

static void pass_on(void *context, const struct store_damage *damage)
{
    struct opening *opening = context;
    opening->damages++;
    if (opening->complain != NULL)
        opening->complain(opening->context, damage);
}

static void name_segment(struct segment *segment, const char *name)
{
    (void)stpncpy(segment->name, name, sizeof(segment->name) - 1);
}

static int begin_segment(struct opening *opening, uint64_t number, const char *name)
{
    struct store *store = opening->store;
    if (opening->segment != NULL && opening->segment->number == number)
        return 0;
    struct segment *segment = segments_new();
    if (segment == NULL)
        return -ENOMEM;
    int error = segments_take_slot(store, segment);
    if (error < 0) {
        segments_free(store, segment);
        return error;
    }
    segment->number = number;
    name_segment(segment, name);
    list_push_back(&store->segments, &segment->node);
    opening->segment = segment;
    return 0;
}

static int take_frame(void *context, const struct scan_frame *frame)
{
    struct opening *opening = context;
    struct living *living = &opening->store->living;
    int error = begin_segment(opening, frame->segment_number, frame->segment);
    if (error == 0)
        error = living_reserve(living, frame->ops);
    if (error == -EBADMSG) {
        opening->segment->is_damaged = true;
        pass_on(opening, &(struct store_damage){ .segment = frame->segment,
                                                 .offset = frame->offset,
                                                 .bytes = LOG_FORMAT_HEAD_BYTES + frame->ops.len,
                                                 .what = "a frame holds no operations" });
        return 0;
    }
    if (error < 0)
        return error;
    living_apply(living,
                 &(struct living_frame){ .ops = frame->ops,
                                         .slot = opening->segment->slot,
                                         .offset = (uint32_t)frame->offset + LOG_FORMAT_HEAD_BYTES,
                                         .sequence = frame->sequence,
                                         .is_copy = frame->is_copy });
    return 0;
}

static int take_spare(struct store *store, const struct scan_segment *found)
{
    struct segment *segment = segments_new();
    if (segment == NULL)
        return -ENOMEM;
    segment->number = found->number;
    segment->bytes = found->bytes;
    segment->filled = found->bytes; /* or reserved at least: not worth doing twice */
    name_segment(segment, found->name);
    list_push_back(&store->spares, &segment->node);
    store->spare_count++;
    if (found->number >= store->next_spare)
        store->next_spare = found->number + 1;
    return 0;
}

/* Given up, but the power went before its file was: housekeeping does it. */
static int take_given_up(struct opening *opening, const struct scan_segment *found)
{
    int error = begin_segment(opening, found->number, found->name);
    if (error == 0)
        opening->segment->bytes = found->bytes;
    return error;
}

static int take_segment(struct opening *opening, const struct scan_segment *found)
{
    struct store *store = opening->store;
    if (log_format_spare_number(found->name) != 0)
        return take_spare(store, found);
    if (found->number >= store->next_number)
        store->next_number = found->number + 1;
    if (found->is_spare)
        return take_given_up(opening, found);
    int error = begin_segment(opening, found->number, found->name);
    if (error < 0)
        return error;
    struct segment *segment = opening->segment;
    segment->first_sequence = found->first_sequence;
    segment->bytes = found->bytes;
    segment->is_published = true;
    segment->used = found->used_bytes;
    segment->is_damaged = segment->is_damaged || found->is_damaged;
    if (store->oldest == 0)
        store->oldest = found->number;
    if (found->used_bytes > 0)
        opening->last = segment;
    return 0;
}

static void on_segment(void *context, const struct scan_segment *found)
{
    struct opening *opening = context;
    if (opening->error == 0)
        opening->error = take_segment(opening, found);
}

/* ---- the tail ---- */

static uint64_t highest_confirmed(struct segment_reader reader)
{
    struct segment_step step;
    uint64_t confirmed = reader.expected - 1;
    while (segment_reader_next(&reader, &step) == SEGMENT_FRAME) {
        if (step.head.confirmed > confirmed)
            confirmed = step.head.confirmed;
    }
    return confirmed;
}

/* Operations that are none were reported and are nothing to write. */
static int add_to_tail(struct store *store, struct mqtt_span ops)
{
    int error = living_reserve(&store->living, ops);
    if (error == -EBADMSG)
        ops.len = 0;
    else if (error < 0)
        return error;
    struct engine_own_frame *own = malloc(sizeof(*own) + ops.len);
    if (own == NULL)
        return -ENOMEM;
    if (ops.len > 0)
        memcpy(own->ops, ops.data, ops.len);
    engine_append_own(store, own, ops.len);
    return 0;
}

/* The segment is not damaged: its frames follow each other. */
static int take_frames(struct store *store, struct segment_reader reader)
{
    struct segment_step step;
    uint64_t confirmed = highest_confirmed(reader);
    int error = 0;
    while (error == 0 && segment_reader_next(&reader, &step) == SEGMENT_FRAME) {
        if (step.head.sequence <= confirmed)
            continue;
        if (store->waiting == NULL) {
            store->written = store->confirmed = step.head.sequence - 1;
            store->next_sequence = step.head.sequence;
        }
        error = add_to_tail(store, step.ops);
    }
    return error;
}

/* That frames can be read does not mean that they are on the disk, nor that a sync brings them
 * there: when one has failed before, the system may have forgotten that they are not. And where they
 * are they cannot be written again, as they may have been confirmed all the same. So those of which
 * nothing says that they were go into the new segment once more. */
static int take_tail(struct store *store, const struct segment *segment)
{
    struct segment_bytes bytes = { 0 };
    /* What is behind the last frame that counts was looked through by the scan. */
    int error = segment_bytes_load(&store->files, segment->name, segment->used, &bytes);
    if (error == 0) {
        struct segment_reader reader = { .bytes = { bytes.data, bytes.len },
                                         .mark = segment_bytes_mark(&bytes),
                                         .expected = segment->first_sequence,
                                         .limit = store->next_sequence,
                                         .at = LOG_FORMAT_FIRST_FRAME };
        error = take_frames(store, reader);
    }
    segment_bytes_fini(&bytes);
    return error;
}

/* A damaged segment stays as it is, for those who want to look at it, and its tail where it is. */
int engine_settle(struct store *store)
{
    struct segment *segment = store->unsettled;
    struct file *file;
    if (segment == NULL)
        return 0;
    /* At the end of a block: cutting a block in two writes it, and what stands in it may be
     * confirmed. */
    uint64_t end = log_format_round_up(segment->used);
    bool cuts = !segment->is_damaged && end < segment->bytes;
    int error = store->files.open(store->files.context, segment->name, FILE_CHANGE, &file);
    if (error == 0) {
        if (cuts)
            error = store->files.truncate(file, end);
        if (error == 0)
            error = store->files.sync(file);
        store->files.close(file);
    }
    if (error < 0 && !segment->is_damaged)
        return error;
    if (cuts)
        segment->bytes = end;
    store->unsettled = NULL;
    return 0;
}

/* ---- going on ---- */

/* What nobody can mend but by other permissions, or more memory, is no state to be in. */
static int go_on(struct store *store)
{
    segments_choose_spares(store);
    int error = engine_begin_anew(store);
    if (error == 0 || error == -EACCES || error == -EPERM || error == -ENOMEM)
        return error;
    /* Without space there is nothing wrong with what is there. */
    if (engine_is_no_space(error) && store->current == NULL && store->unsettled == NULL) {
        store->is_failed = false;
        store->is_short = true;
    }
    return 0;
}

static int read_log(struct opening *opening, struct store_found *out)
{
    struct store *store = opening->store;
    struct scan_summary summary;
    const struct scan_hooks hooks = {
        .context = opening, .frame = take_frame, .segment = on_segment, .damage = pass_on
    };
    store->living.replays = true;
    int error = store_scan(&store->files, &hooks, &summary);
    if (error == 0)
        error = opening->error;
    if (error < 0)
        return error;
    *out = (struct store_found){ .segments = summary.segments,
                                 .frames = summary.frames,
                                 .damages = opening->damages,
                                 .torn_bytes = summary.torn_bytes };
    memcpy(out->highest, store->living.highest, sizeof(out->highest));
    out->lost_bodies = living_settle(&store->living);
    out->things = store->living.things;
    store->written = store->confirmed = summary.last_sequence;
    /* Should the disk give them after all some day, they are not ones that were repeated. */
    if (summary.has_unread_end)
        store->written = store->confirmed += UNREAD_SEQUENCES;
    store->next_sequence = store->confirmed + 1;
    struct segment *last = opening->last;
    if (last == NULL)
        return 0;
    /* Where something is lost already, nothing is moved. */
    bool stays = last->is_damaged || out->lost_bodies > 0;
    if (summary.torn_bytes > 0 || stays)
        store->unsettled = last;
    return stays ? 0 : take_tail(store, last);
}

static void count_damaged(struct store *store)
{
    for (const struct segment *s = segments_oldest(store); s != NULL; s = segments_next(store, s))
        store->figures.damaged_segments += s->is_damaged;
}

int store_open(const struct store_options *options, store_complain complain, void *context,
               struct store_found *out_found, struct store **out)
{
    bool makes_sense = options->segment_bytes >= STORE_SEGMENT_LEAST
                       && options->segment_bytes <= SEGMENT_MOST
                       && options->segment_bytes % STORE_BLOCK_BYTES == 0;
    if (!makes_sense)
        return -EINVAL;
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return -ENOMEM;
    store->files = options->files;
    store->segment_bytes = options->segment_bytes;
    store->most_bytes = options->most_bytes;
    store->next_number = store->next_spare = store->next_sequence = 1;
    list_init(&store->segments);
    list_init(&store->spares);
    struct opening opening = { .store = store, .complain = complain, .context = context };
    struct store_found found;
    int error = read_log(&opening, &found);
    store->copy_credit = segments_bytes(store);
    if (error == 0)
        error = go_on(store);
    if (error < 0) {
        store_close(store);
        return error;
    }
    count_damaged(store);
    engine_weigh(store);
    *out_found = found;
    *out = store;
    return 0;
}

static void free_all(struct store *store, struct list *list)
{
    for (struct list *node = list_take_first(list); node != NULL; node = list_take_first(list))
        segments_free(store, MQTT_CONTAINER_OF(node, struct segment, node));
}

/* Nobody writes to it any more: the next start begins another one, and need not read the zeros. When it
 * cannot be cut, they are read. */
static void cut_unused_end(const struct store *store)
{
    const struct segment *current = store->current;
    if (current == NULL || !current->is_published || store->is_failed)
        return;
    uint64_t end = log_format_round_up(current->used);
    if (end < current->bytes)
        (void)store->files.truncate(current->file, end);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    housekeeping_fini(store);
    cut_unused_end(store);
    free_all(store, &store->segments);
    free_all(store, &store->spares);
    living_fini(&store->living);
    free(store->free_slots);
    while (store->own != NULL) {
        struct engine_own_frame *own = store->own;
        store->own = own->next;
        free(own);
    }
    free(store);
}
