/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that wait to be sent or acknowledged, in one block of the arena, in the order in
 * which they are sent: those that were, then the others by priority, oldest first.
 *
 * Records lie one behind the other; a removed one leaves a gap, and gaps close when
 * room is needed. So a record's address lasts until the next tacit_queue_add. */
#pragma once

#include "base/span.h"

/* Messages that overtake others, and those that are dropped for them. */
#ifdef TACIT_NO_PRIORITIES
#define TACIT_PRIORITIES 0
#else
#define TACIT_PRIORITIES 1
#endif

/* Messages whose payload the application hands over while it is written. */
#ifdef TACIT_NO_PIECES
#define TACIT_PIECES 0
#else
#define TACIT_PIECES 1
#endif

/* What can be dropped: messages for others, payloads that the application cannot give. */
#if TACIT_PRIORITIES || TACIT_PIECES
#define TACIT_DROPS 1
#else
#define TACIT_DROPS 0
#endif

enum tacit_record_state {
    TACIT_RECORD_FREE = 0,
    TACIT_RECORD_QUEUED,      /* to be sent (again, if it has a packet id) */
    TACIT_RECORD_SENT,        /* QoS 1 or 2: PUBACK or PUBREC awaited */
    TACIT_RECORD_RELEASE_DUE, /* QoS 2: PUBREL to be sent again */
    TACIT_RECORD_RELEASED,    /* QoS 2: PUBCOMP awaited */
    TACIT_RECORD_DROPPED,     /* nothing but its head is kept, until the application is told */
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
    uint32_t size;
    uint32_t head; /* first record that may be alive */
    uint32_t end;
    uint32_t gaps;                  /* bytes of free records between head and end */
    uint32_t next;                  /* first record that may be due for sending */
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
    *queue = (struct tacit_queue){ .memory = memory, .size = tacit_queue_bytes(size) };
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

/* Would such a record fit an empty queue? */
bool tacit_queue_could_hold(const struct tacit_queue *queue, const struct tacit_record *wanted);

/* Not the one whose payload is being written. */
void tacit_queue_remove(struct tacit_queue *queue, struct tacit_record *record);

/* Gives up all of a record but its head, which stays until it is removed. */
void tacit_queue_drop(struct tacit_queue *queue, struct tacit_record *record);

/* Closes all gaps. Records move. */
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
    return queue->end - queue->head - queue->gaps;
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
