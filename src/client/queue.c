/* SPDX-License-Identifier: Apache-2.0 */
#include "client/queue.h"

#include <string.h>

/* A big queue is not moved for every little gap: that would make a full one cost its
 * whole length per message. A small one is, since every byte of it counts. */
#define SMALL_QUEUE_BYTES 4096u

static struct tacit_record *at(const struct tacit_queue *queue, uint32_t offset)
{
    return (struct tacit_record *)(void *)(queue->memory + offset);
}

static uint32_t offset_of(const struct tacit_queue *queue, const struct tacit_record *record)
{
    return (uint32_t)((const uint8_t *)record - queue->memory);
}

/* A multiple of the alignment of records. */
uint32_t tacit_record_size(const struct tacit_record *record)
{
    const uint32_t align = _Alignof(struct tacit_record);
    uint32_t payload_len = tacit_record_is_in_pieces(record) ? 0 : record->payload_len;
    return (uint32_t)sizeof(*record)
           + (record->topic_len + record->properties_len + payload_len + align - 1) / align * align;
}

bool tacit_queue_could_hold(const struct tacit_queue *queue, const struct tacit_record *wanted)
{
    return (wanted->payload_len <= queue->size || tacit_record_is_in_pieces(wanted))
           && tacit_record_size(wanted) <= queue->size;
}

/* What is left of a record that was dropped. */
static void behead(struct tacit_record *record)
{
    record->topic_len = 0;
    record->properties_len = 0;
    record->payload_len = 0;
}

/* Moves the living records together at the start of the memory. */
void tacit_queue_compact(struct tacit_queue *queue)
{
    uint32_t to = 0;
    for (uint32_t from = queue->head; from < queue->end;) {
        struct tacit_record *record = at(queue, from);
        uint32_t size = tacit_record_size(record);
        if (record == queue->streaming)
            queue->streaming = at(queue, to);
        from += size;
        if (tacit_record_is_dropped(record)) {
            behead(record);
            size = (uint32_t)sizeof(*record);
        }
        if (record->state != TACIT_RECORD_FREE) {
            memmove(queue->memory + to, record, size);
            to += size;
        }
    }
    queue->head = 0;
    queue->end = to;
    queue->gaps = 0;
    queue->next = 0; /* looked for anew: the way is no longer than this one was */
}

/* Makes a gap before the first record that the new one may overtake. Nothing is before
 * what was sent: its order is kept when it is sent again [MQTT-4.6.0-1]. */
static struct tacit_record *open_gap(struct tacit_queue *queue, const struct tacit_record *wanted,
                                     uint32_t size)
{
    struct tacit_record *record = tacit_queue_next(queue, NULL);
    while (record != NULL
           && (!tacit_record_is_unsent(record) || record->priority >= wanted->priority))
        record = tacit_queue_next(queue, record);
    if (record == NULL)
        return at(queue, queue->end);
    memmove((uint8_t *)record + size, record, queue->end - offset_of(queue, record));
    return record;
}

struct tacit_record *tacit_queue_add(struct tacit_queue *queue, const struct tacit_record *wanted)
{
    if (!tacit_queue_could_hold(queue, wanted))
        return NULL;
    uint32_t size = tacit_record_size(wanted);
    uint32_t movable = queue->head + queue->gaps;
    if (size > queue->size - queue->end
        && (queue->size <= SMALL_QUEUE_BYTES || movable >= queue->size / 8))
        tacit_queue_compact(queue);
    if (size > queue->size - queue->end)
        return NULL;

    struct tacit_record *record = at(queue, queue->end);
    if (TACIT_PRIORITIES && wanted->priority > 0)
        record = open_gap(queue, wanted, size);
    *record = *wanted;
    queue->end += size;
    return record;
}

void tacit_queue_remove(struct tacit_queue *queue, struct tacit_record *record)
{
    /* Of a dropped one the rest is a gap already. */
    queue->gaps +=
        tacit_record_is_dropped(record) ? (uint32_t)sizeof(*record) : tacit_record_size(record);
    record->state = TACIT_RECORD_FREE;
    while (queue->head < queue->end && at(queue, queue->head)->state == TACIT_RECORD_FREE) {
        uint32_t size = tacit_record_size(at(queue, queue->head));
        queue->gaps -= size;
        queue->head += size;
    }
    if (queue->head == queue->end) {
        queue->head = 0;
        queue->end = 0;
        queue->next = 0;
    }
    if (queue->next < queue->head)
        queue->next = queue->head;
}

void tacit_queue_drop(struct tacit_queue *queue, struct tacit_record *record)
{
    record->state = TACIT_RECORD_DROPPED;
    queue->gaps += tacit_record_size(record) - (uint32_t)sizeof(*record);
}

static struct tacit_record *alive_from(const struct tacit_queue *queue, uint32_t offset)
{
    while (offset < queue->end) {
        struct tacit_record *record = at(queue, offset);
        if (record->state != TACIT_RECORD_FREE)
            return record;
        offset += tacit_record_size(record);
    }
    return NULL;
}

struct tacit_record *tacit_queue_next(const struct tacit_queue *queue,
                                      const struct tacit_record *after)
{
    return alive_from(queue, after == NULL ? queue->head
                                           : offset_of(queue, after) + tacit_record_size(after));
}

struct tacit_record *tacit_queue_due(struct tacit_queue *queue)
{
    struct tacit_record *record = alive_from(queue, queue->next);
    while (record != NULL && record->state != TACIT_RECORD_QUEUED
           && record->state != TACIT_RECORD_RELEASE_DUE)
        record = tacit_queue_next(queue, record);
    queue->next = record != NULL ? offset_of(queue, record) : queue->end;
    return record;
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
        if (record->state == TACIT_RECORD_RELEASED)
            record->state = TACIT_RECORD_RELEASE_DUE;
        if (record->state == TACIT_RECORD_SENT) {
            record->state = TACIT_RECORD_QUEUED;
            record->duplicate = record->qos > 0;
        }
        /* Also one queued again earlier, if the server has changed its mind meanwhile. */
        if (!session_present)
            record->duplicate = 0;
    }
    queue->next = queue->head;
    queue->streaming = NULL;
}
