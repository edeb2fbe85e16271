/* SPDX-License-Identifier: Apache-2.0 */
#include "client/queue.h"

#include <string.h>

/* A big queue is not moved for a little room: that would make a full one cost its
 * whole length per message. A small one is, since every byte of it counts. */
#define SMALL_QUEUE_BYTES 4096u

/* Bytes moved for each that is gained, at most, in a big one. */
#define WORTH 8u

static struct tacit_record *moved(struct tacit_record *record, ptrdiff_t bytes)
{
    return (struct tacit_record *)(void *)((uint8_t *)record + bytes);
}

static ptrdiff_t distance(const void *from, const void *to)
{
    return (const uint8_t *)to - (const uint8_t *)from;
}

/* A multiple of the alignment of records. */
uint32_t tacit_record_size(const struct tacit_record *record)
{
    const uint32_t align = _Alignof(struct tacit_record);
    uint32_t payload_len = tacit_record_is_in_pieces(record) ? 0 : record->payload_len;
    return (uint32_t)sizeof(*record)
           + (record->topic_len + record->properties_len + payload_len + align - 1) / align * align;
}

static struct tacit_record *behind(const struct tacit_record *record)
{
    return moved((struct tacit_record *)(uintptr_t)record, tacit_record_size(record));
}

bool tacit_queue_could_hold(const struct tacit_queue *queue, const struct tacit_record *wanted)
{
    return tacit_record_size(wanted) <= distance(queue->memory, queue->limit);
}

/* All that stands before a record moves up by so many bytes, and of itself the first `kept`. */
static void move_up(struct tacit_queue *queue, const struct tacit_record *record, uint32_t kept,
                    uint32_t by)
{
    struct tacit_record *head = queue->head;
    queue->head = moved(head, by);
    memmove(queue->head, head, (size_t)distance(head, record) + kept);
    if (queue->next <= record)
        queue->next = moved(queue->next, by);
    if (queue->streaming != NULL && queue->streaming <= record)
        queue->streaming = moved(queue->streaming, by);
}

void tacit_queue_remove(struct tacit_queue *queue, const struct tacit_record *record)
{
    move_up(queue, record, 0, tacit_record_size(record));
}

void tacit_queue_drop(struct tacit_queue *queue, struct tacit_record *record)
{
    uint32_t size = tacit_record_size(record);
    record->state = TACIT_RECORD_DROPPED;
    record->topic_len = 0;
    record->properties_len = 0;
    if (!tacit_record_is_in_pieces(record))
        record->payload_len = 0;
    move_up(queue, record, (uint32_t)sizeof(*record), size - (uint32_t)sizeof(*record));
}

void tacit_queue_compact(struct tacit_queue *queue)
{
    ptrdiff_t by = distance(queue->head, queue->memory);
    memmove(queue->memory, queue->head, tacit_queue_used(queue));
    queue->head = moved(queue->head, by);
    queue->end = moved(queue->end, by);
    queue->next = moved(queue->next, by);
    if (queue->streaming != NULL)
        queue->streaming = moved(queue->streaming, by);
}

/* Makes a gap before the first record that the new one may overtake. Nothing is before
 * what was sent: its order is kept when it is sent again [MQTT-4.6.0-1]. */
static struct tacit_record *open_gap(struct tacit_queue *queue, const struct tacit_record *wanted)
{
    struct tacit_record *record = queue->head;
    while (record != queue->end
           && (!tacit_record_is_unsent(record) || record->priority >= wanted->priority))
        record = behind(record);
    memmove(moved(record, tacit_record_size(wanted)), record, (size_t)distance(record, queue->end));
    return record;
}

static bool has_room_behind(const struct tacit_queue *queue, const struct tacit_record *wanted)
{
    return tacit_record_size(wanted) <= distance(queue->end, queue->limit);
}

static bool is_worth_moving(const struct tacit_queue *queue)
{
    return distance(queue->memory, queue->limit) <= SMALL_QUEUE_BYTES
           || tacit_queue_used(queue) / WORTH <= distance(queue->memory, queue->head);
}

struct tacit_record *tacit_queue_add(struct tacit_queue *queue, const struct tacit_record *wanted)
{
    struct tacit_record *record;
    if (!has_room_behind(queue, wanted) && is_worth_moving(queue))
        tacit_queue_compact(queue);
    if (!has_room_behind(queue, wanted))
        return NULL;
    record = TACIT_PRIORITIES && wanted->priority > 0 ? open_gap(queue, wanted) : queue->end;
    *record = *wanted;
    queue->end = moved(queue->end, tacit_record_size(wanted));
    return record;
}

struct tacit_record *tacit_queue_next(const struct tacit_queue *queue,
                                      const struct tacit_record *after)
{
    struct tacit_record *record = after == NULL ? queue->head : behind(after);
    return record != queue->end ? record : NULL;
}

struct tacit_record *tacit_queue_due(struct tacit_queue *queue)
{
    while (queue->next != queue->end && (queue->next->state & 1) == 0)
        queue->next = behind(queue->next);
    return queue->next != queue->end ? queue->next : NULL;
}

struct tacit_record *tacit_queue_find(const struct tacit_queue *queue, uint16_t packet_id)
{
    struct tacit_record *record = tacit_queue_next(queue, NULL);
    while (record != NULL && record->packet_id != packet_id)
        record = tacit_queue_next(queue, record);
    return record;
}

void tacit_queue_rewind(struct tacit_queue *queue, bool session_present)
{
    struct tacit_record *record = tacit_queue_next(queue, NULL);
    for (; record != NULL; record = tacit_queue_next(queue, record)) {
        if (record->state == TACIT_RECORD_SENT)
            record->duplicate = record->qos > 0;
        if (!tacit_record_is_dropped(record))
            record->state = (record->state - 1) | 1;
        /* Also one queued again earlier, if the server has changed its mind meanwhile. */
        if (!session_present)
            record->duplicate = 0;
    }
    queue->next = queue->head;
    queue->streaming = NULL;
}
