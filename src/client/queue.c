/* SPDX-License-Identifier: Apache-2.0 */
#include "client/queue.h"

#include <string.h>

/* A big queue is not moved for a little room: that would make a full one cost its
 * whole length per message. A small one is, since every byte of it counts. */
#define SMALL_QUEUE_BYTES 4096

/* Bytes moved for each that is gained, at most, in a big one. */
#define WORTH 8

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

static ptrdiff_t size_of(const struct tacit_record *record)
{
    return (ptrdiff_t)tacit_record_size(record);
}

static struct tacit_record *behind(const struct tacit_record *record)
{
    return moved((struct tacit_record *)(uintptr_t)record, size_of(record));
}

/* All that stands before a record moves up by so many bytes, and of itself the first `kept`. */
static void move_up(struct tacit_queue *queue, const struct tacit_record *record, size_t kept,
                    ptrdiff_t by)
{
    struct tacit_record *head = queue->head;
    queue->head = moved(head, by);
    memmove(queue->head, head, (size_t)distance(head, record) + kept);
    if (queue->next <= record)
        queue->next = moved(queue->next, by);
    if (TACIT_LARGE_MESSAGES && queue->streaming != NULL && queue->streaming <= record)
        queue->streaming = moved(queue->streaming, by);
}

void tacit_queue_remove(struct tacit_queue *queue, const struct tacit_record *record)
{
    move_up(queue, record, 0, size_of(record));
}

void tacit_queue_drop(struct tacit_queue *queue, struct tacit_record *record)
{
    ptrdiff_t size = size_of(record);
    record->state = TACIT_RECORD_DROPPED;
    record->topic_len = 0;
    record->properties_len = 0;
    if (!tacit_record_is_in_pieces(record))
        record->payload_len = 0;
    move_up(queue, record, sizeof(*record), size - (ptrdiff_t)sizeof(*record));
}

void tacit_queue_compact(struct tacit_queue *queue)
{
    ptrdiff_t by = distance(queue->head, queue->memory);
    memmove(queue->memory, queue->head, tacit_queue_used(queue));
    queue->head = moved(queue->head, by);
    queue->end = moved(queue->end, by);
    queue->next = moved(queue->next, by);
    if (TACIT_LARGE_MESSAGES && queue->streaming != NULL)
        queue->streaming = moved(queue->streaming, by);
}

/* Makes a gap before the first record that the new one may overtake. Nothing is before
 * what was sent: its order is kept when it is sent again [MQTT-4.6.0-1]. */
static struct tacit_record *open_gap(const struct tacit_queue *queue,
                                     const struct tacit_record *wanted,
                                     const struct tacit_record *end)
{
    struct tacit_record *record = queue->head;
    while (record != end
           && (!tacit_record_is_unsent(record) || record->priority >= wanted->priority))
        record = behind(record);
    memmove(moved(record, size_of(wanted)), record, (size_t)distance(record, end));
    return record;
}

static bool is_worth_moving(const struct tacit_queue *queue)
{
    return distance(queue->memory, queue->limit) <= SMALL_QUEUE_BYTES
           || distance(queue->head, queue->end) / WORTH <= distance(queue->memory, queue->head);
}

struct tacit_record *tacit_queue_add(struct tacit_queue *queue, const struct tacit_record *wanted)
{
    ptrdiff_t size = size_of(wanted);
    if (size > distance(queue->end, queue->limit) && is_worth_moving(queue))
        tacit_queue_compact(queue);
    struct tacit_record *record = queue->end;
    if (size > distance(record, queue->limit))
        return NULL;
    queue->end = moved(record, size);
    if (TACIT_PRIORITIES && wanted->priority > 0)
        record = open_gap(queue, wanted, record);
    *record = *wanted;
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
    struct tacit_record *record = queue->head;
    for (; record != queue->end; record = behind(record))
        if (record->packet_id == packet_id)
            return record;
    return NULL;
}

void tacit_queue_rewind(struct tacit_queue *queue, bool session_present)
{
    struct tacit_record *record = queue->head;
    for (; record != queue->end; record = behind(record)) {
        /* Also of one queued again earlier, if the server has changed its mind meanwhile. */
        if (!session_present)
            record->duplicate = 0;
        else if (record->state == TACIT_RECORD_SENT)
            record->duplicate = record->qos > 0;
        if (!tacit_record_is_dropped(record))
            record->state = (record->state - 1) | 1;
    }
    queue->next = queue->head;
}
