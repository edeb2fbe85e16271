/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that wait to be sent or acknowledged, in one block of the arena, in the order in
 * which they are sent: those that were, then the others by priority, oldest first.
 *
 * Records lie one behind the other without gaps. When one goes, those before it move up: they are
 * few, since what is sent first is answered first; all of them move to the front when there is no
 * room behind them. So a record's address lasts until one is added, removed or dropped. */
#pragma once

#include "base/span.h"
#include "client/parts.h"

/* Odd while the record is due, and one more when it was sent. Stores keep these numbers. */
enum tacit_record_state {
    TACIT_RECORD_NONE = 0,
    TACIT_RECORD_QUEUED,      /* to be sent (again, if it has a packet id) */
    TACIT_RECORD_SENT,        /* QoS 1 or 2: PUBACK or PUBREC awaited */
    TACIT_RECORD_RELEASE_DUE, /* QoS 2: PUBREL to be sent again */
    TACIT_RECORD_RELEASED,    /* QoS 2: PUBCOMP awaited */
    TACIT_RECORD_DROPPED = 6, /* nothing but its head is kept, until the application is told */
};

struct tacit_record {
    uint32_t token;
    uint32_t payload_len : 31;
    uint32_t in_pieces : 1; /* the payload is not here */
    uint16_t topic_len;
    uint16_t properties_len; /* all but the alias, in wire form; expiry last */
    uint16_t packet_id;      /* 0: not assigned yet */
    uint8_t state;

    uint8_t qos : 2;
    uint8_t retain : 1;
    uint8_t duplicate : 1;
    uint8_t has_expiry : 1; /* the block's last four bytes say at which second it ends */
    uint8_t priority : 3;
    /* topic, properties and payload follow */
};

struct tacit_queue {
    uint8_t *memory;
    uint8_t *limit; /* the end of the memory */
    struct tacit_record *head;
    struct tacit_record *end;       /* of the records */
    struct tacit_record *next;      /* first one that may be due for sending */
    struct tacit_record *streaming; /* the one whose payload is being written, or NULL */
};

/* Bytes of memory for a queue of so many: records are aligned. */
static inline uint32_t tacit_queue_bytes(uint32_t size)
{
    return (size + 3u) / 4u * 4u;
}

/* `memory` is aligned for a record and has room for tacit_queue_bytes(size). */
static inline void tacit_queue_init(struct tacit_queue *queue, uint8_t *memory, uint32_t size)
{
    struct tacit_record *first = (struct tacit_record *)(void *)memory;
    queue->memory = memory;
    queue->limit = memory + tacit_queue_bytes(size);
    queue->head = first;
    queue->end = first;
    queue->next = first;
    queue->streaming = NULL;
}

/* A record with room for the parts whose lengths `wanted` says, and all else as there, in its
 * place by priority; NULL if there is none now. */
struct tacit_record *tacit_queue_add(struct tacit_queue *queue, const struct tacit_record *wanted);

static inline bool tacit_record_is_dropped(const struct tacit_record *record)
{
    return TACIT_DROPS && record->state == TACIT_RECORD_DROPPED;
}

static inline bool tacit_record_is_in_pieces(const struct tacit_record *record)
{
    return TACIT_PIECES && record->in_pieces;
}

/* Bytes of the queue that the record takes. */
uint32_t tacit_record_size(const struct tacit_record *record);

/* Was it never sent, so that it may be overtaken? */
static inline bool tacit_record_is_unsent(const struct tacit_record *record)
{
    return record->state == TACIT_RECORD_QUEUED && !record->duplicate;
}

static inline uint32_t tacit_queue_size(const struct tacit_queue *queue)
{
    return (uint32_t)(queue->limit - queue->memory);
}

/* Would such a record fit an empty queue? */
static inline bool tacit_queue_could_hold(const struct tacit_queue *queue,
                                          const struct tacit_record *wanted)
{
    return tacit_record_size(wanted) <= tacit_queue_size(queue);
}

/* Not the one whose payload is being written. */
void tacit_queue_remove(struct tacit_queue *queue, const struct tacit_record *record);

/* Gives up all of a record but its head, which stays until it is removed. */
void tacit_queue_drop(struct tacit_queue *queue, struct tacit_record *record);

/* Moves all records to the front. */
void tacit_queue_compact(struct tacit_queue *queue);

/* In order; NULL at the end. `after` NULL: the first. */
struct tacit_record *tacit_queue_next(const struct tacit_queue *queue,
                                      const struct tacit_record *after);

/* The first that is due for sending, remembered between calls; NULL if none. */
struct tacit_record *tacit_queue_due(struct tacit_queue *queue);

/* The one in flight under that packet id, or NULL. */
struct tacit_record *tacit_queue_find(const struct tacit_queue *queue, uint16_t packet_id);

/* After a connection ended: everything unacknowledged is due again. With
 * `session_present` as duplicates of what the server may have; without, as new. */
void tacit_queue_rewind(struct tacit_queue *queue, bool session_present);

static inline uint32_t tacit_queue_used(const struct tacit_queue *queue)
{
    return (uint32_t)((uint8_t *)queue->end - (uint8_t *)queue->head);
}

static inline uint8_t *tacit_record_bytes(struct tacit_record *record)
{
    return (uint8_t *)(record + 1);
}

static inline struct mqtt_span tacit_record_topic(const struct tacit_record *record)
{
    return (struct mqtt_span){ (const uint8_t *)(record + 1), record->topic_len };
}

static inline struct mqtt_span tacit_record_properties(const struct tacit_record *record)
{
    struct mqtt_span topic = tacit_record_topic(record);
    return (struct mqtt_span){ topic.data + topic.len, record->properties_len };
}

static inline struct mqtt_span tacit_record_payload(const struct tacit_record *record)
{
    struct mqtt_span properties = tacit_record_properties(record);
    return (struct mqtt_span){ properties.data + properties.len, record->payload_len };
}
