/* SPDX-License-Identifier: Apache-2.0 */
/* An application message on its way.
 *
 * A publication is one being routed right now: it borrows its bytes from the
 * receive buffer. A message is what remains of it when somebody has to wait for
 * it: one counted copy, however many wait. Owner: the shard. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "base/timer_wheel.h"
#include "codec/packet.h"

#include <stdbool.h>
#include <stdint.h>

#define MESSAGE_CLASSES 4

struct allowance;
struct pool;
struct session;

struct message_pools {
    struct pool *classes[MESSAGE_CLASSES];
    uint64_t bytes; /* topics, properties and payloads of all messages */
};

MQTT_NODISCARD int message_pools_init(struct message_pools *pools);
void message_pools_trim(struct message_pools *pools); /* pool_trim() for each */
void message_pools_fini(struct message_pools *pools);

struct message {
    uint32_t references;
    uint32_t topic_len;
    uint32_t forward_len; /* MQTT 5 properties that are forwarded unchanged */
    uint32_t payload_len;
    uint64_t expires_ms; /* WHEEL_NEVER: does not expire */
    uint64_t number;     /* in the journal; 0: it is not kept on disk */
    uint32_t needed;     /* deliveries on disk that need it, of this shard */
    enum mqtt_qos qos;
    bool retain;        /* as published */
    uint8_t size_class; /* MESSAGE_CLASSES: from malloc */
    uint8_t bytes[];    /* topic, forward, payload */
};

/* First what each message sets: the rest is then zeroed by a few plain stores. */
struct publication {
    struct mqtt_span topic;
    struct mqtt_span forward;
    struct mqtt_span payload;
    uint64_t expires_ms;
    const struct session *origin; /* for No Local; NULL: nobody's */
    uint64_t ticket;              /* other shards reply to it; 0: nobody waits for that */
    enum mqtt_qos qos;
    bool retain;
    bool stays_in_memory;        /* a retained message of somebody whose level is "memory" */
    bool is_restored;            /* a retained message that comes from the journal */
    bool is_spread;              /* to many: spread.h */
    bool is_own;                 /* the broker's, about itself: no bound of clients, not on disk */
    struct allowance *payer;     /* of what is retained, borrowed; NULL: nobody */
    uint64_t payer_bytes;        /* most that it may have retained; 0: no bound */
    struct mqtt_span payer_role; /* name of its role, which pays as well; empty: none */
    uint64_t payer_role_bytes;   /* likewise, of all that have it */
    struct message *message;     /* the counted copy, once one was needed */
    uint64_t number;             /* of the message in the journal, as another shard wrote it */
};

/* The counted copy of a publication, made at the first call; the publication
 * holds a reference of its own until publication_fini(). NULL out of memory. */
MQTT_NODISCARD struct message *publication_message(struct publication *publication,
                                                   struct message_pools *pools);
void publication_fini(struct publication *publication, struct message_pools *pools);

struct message *message_ref(struct message *message);
void message_unref(struct message *message, struct message_pools *pools); /* NULL is fine */

/* Borrows a message's bytes, its reference included: no publication_fini(). */
struct publication message_publication(struct message *message);

struct mqtt_span message_topic(const struct message *message);
struct mqtt_span message_forward(const struct message *message);
struct mqtt_span message_payload(const struct message *message);

/* What counts against byte limits. */
size_t message_bytes(const struct message *message);

/* Seconds that remain, at least 1, rounded up; 0 when expired. */
uint32_t message_remaining_s(uint64_t expires_ms, uint64_t now_ms);
