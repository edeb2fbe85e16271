/* SPDX-License-Identifier: Apache-2.0 */
/* What a client consists of; private to src/client. */
#pragma once

#include <tacit/client.h>

#include "base/attrs.h"
#include "client/queue.h"

/* Of the versions that this build speaks. */
#define TACIT_NEWEST (MQTT_SPEAKS_5 ? MQTT_VERSION_5 : MQTT_VERSION_3_1_1)

#define TACIT_HIGHEST_QOS (MQTT_SPEAKS_QOS_2 ? 2u : 1u)

#define TACIT_HIGHEST_PRIORITY (TACIT_PRIORITIES ? 7u : 0u)

enum tacit_client_state {
    TACIT_CLIENT_STOPPED = 0, /* until tacit_start */
    TACIT_CLIENT_WAITING,     /* for `deadline_ms`, then connects */
    TACIT_CLIENT_OPENING,     /* the transport is under way */
    TACIT_CLIENT_CONNECTING,  /* CONNECT sent, CONNACK awaited */
    TACIT_CLIENT_ONLINE,
    TACIT_CLIENT_STATE_COUNT,
};

enum tacit_stop_wish {
    TACIT_STOP_NOT = 0,
    TACIT_STOP_WANTED,
    TACIT_STOP_WITH_WILL,
};

/* Odd while something is due, and one more when it was sent. */
enum tacit_slot_state {
    TACIT_SLOT_FREE = 0,
    TACIT_SLOT_SUBSCRIBE_DUE,
    TACIT_SLOT_SUBSCRIBE_SENT,
    TACIT_SLOT_UNSUBSCRIBE_DUE,
    TACIT_SLOT_UNSUBSCRIBE_SENT,
    TACIT_SLOT_ACTIVE = 6,
};

struct tacit_slot {
    const struct tacit_subscription *what; /* NULL: the slot is free */
    uint16_t packet_id;
    uint8_t state; /* enum tacit_slot_state */
};

/* Received bytes: [at, len) are not yet looked at. */
struct tacit_receive_buffer {
    uint8_t *memory;
    uint32_t at;
    uint32_t len;
    /* A PUBLISH that exceeds the buffer: its first `head_bytes` stay in front while
     * its payload passes behind them in pieces. */
    uint32_t head_bytes; /* 0: no such packet under way */
    uint32_t offset;     /* payload bytes handed out */
};

/* Encoded bytes that are to be written: see tacit_send_memory. */
struct tacit_send_buffer {
    uint32_t len;
    int32_t passed; /* bytes of the payload of queue.streaming that are written; below 0: so many
                     * encoded ones have to be before it */
};

/* Where the server sent us: the host lies in the receive buffer, which nothing else needs until the
 * connection is open. */
struct tacit_redirect {
    uint16_t host_at;
    uint16_t port;
    uint8_t host_len; /* 0: to the configured one */
};

/* What the server granted on this connection. */
struct tacit_grant {
    uint32_t maximum_packet_bytes;
    uint16_t receive_maximum; /* less what of it is used */
    uint16_t keep_alive_s;
    uint16_t topic_aliases; /* no more than we have slots for */
    uint8_t maximum_qos;
    bool retain_available;
};

/* How long ago, or still to go; each ends at its bound. So a clock that leaps does no
 * more than to let everything be over. */
struct tacit_clock {
    uint32_t left_ms;         /* until the deadline of the state, or of the PINGRESP */
    uint32_t up_ms;           /* since CONNACK */
    uint32_t sent_ago_ms;     /* since bytes left */
    uint32_t received_ago_ms; /* since bytes came */
    uint32_t seconds;         /* that passed since the first tacit_poll */
};

/* In this order a small machine loses nothing to alignment, and reaches what is used most with its
 * short instructions. */
struct tacit_client {
    const struct tacit_config *config;
    uint8_t state;   /* enum tacit_client_state */
    uint8_t version; /* enum mqtt_version spoken, or to be tried next */
    uint8_t attempt; /* failed ones in a row */
    uint8_t hops;    /* references to other servers that were followed in a row */
    bool ping_sent : 1;
    bool was_up : 1;          /* at least once: later connects continue the session */
    bool aliases_refused : 1; /* a topic outgrew our slots: announce none any more */
    bool discards : 1;        /* what comes in pieces is a duplicate of a QoS 2 message */
    bool has_dropped : 1;     /* messages that the application is to be told about */
    bool asked : 1;           /* for a piece of payload, since the last poll without an event */
    uint8_t stop_wish : 2;    /* enum tacit_stop_wish */
    uint8_t connection;       /* counts them: receipts of earlier ones are void */
    uint16_t next_packet_id;
    uint16_t unanswered; /* QoS 2 messages handed out and not yet acknowledged */
    uint16_t owed; /* packet identifier to be acknowledged at the next tacit_poll; 0: none. Its QoS
                    * is 2 if there is one unanswered */
    uint16_t next_alias;       /* that is given away */
    uint16_t milliseconds;     /* of the second that has begun */
    struct tacit_event *event; /* of the tacit_poll that runs */
    struct tacit_receive_buffer receive;
    struct tacit_send_buffer send;
    struct tacit_queue queue;
    struct tacit_clock clock;
    union {
        struct tacit_grant grant;       /* from the time when the transport is open */
        struct tacit_redirect redirect; /* until then */
    };
    uint32_t last_token;
    uint64_t now_ms; /* of the last tacit_poll; 0: none yet */
    /* The subscriptions, the memory of the queue, the QoS 2 packet ids that were received and not
     * yet released, and the buffers follow, in this order: see tacit_slots and tacit_inbound. */
};

static inline struct mqtt_span tacit_span(struct tacit_bytes bytes)
{
    return (struct mqtt_span){ bytes.data, bytes.len };
}

static inline struct tacit_bytes tacit_borrow(struct mqtt_span span)
{
    return (struct tacit_bytes){ span.data, span.len };
}

static inline uint32_t tacit_or(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static inline uint32_t tacit_lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Ends at the bound. */
static inline uint32_t tacit_sum(uint32_t a, uint32_t b)
{
    return a + b < a ? UINT32_MAX : a + b;
}

/* That the server may send. */
static inline uint32_t tacit_longest_packet(const struct tacit_limits *limits)
{
    return tacit_or(TACIT_LARGE_MESSAGES ? limits->maximum_packet_bytes : 0, limits->receive_bytes);
}

static inline const struct tacit_limits *tacit_limits(const struct tacit_client *client)
{
    return &client->config->limits;
}

static inline enum mqtt_version tacit_version(const struct tacit_client *client)
{
    return (enum mqtt_version)client->version;
}

static inline bool tacit_is_5(const struct tacit_client *client)
{
    return mqtt_is_5(tacit_version(client));
}

/* A connection that stood as long counts as a success. */
static inline uint32_t tacit_longest_retry_ms(const struct tacit_client *client)
{
    return tacit_or(client->config->retry.maximum_ms, 120000);
}

/* Where the subscriptions begin, and where they end, which is where the queue begins. */
static inline struct tacit_slot *tacit_slots(const struct tacit_client *client)
{
    return (struct tacit_slot *)(uintptr_t)(client + 1);
}

static inline struct tacit_slot *tacit_slots_end(const struct tacit_client *client)
{
    return (struct tacit_slot *)(void *)client->queue.memory;
}

/* So many entries as tacit_inbound_size says; 0: a free one. */
static inline uint16_t *tacit_inbound(const struct tacit_client *client)
{
    return (uint16_t *)(void *)client->queue.limit;
}

static inline uint32_t tacit_inbound_size(const struct tacit_client *client)
{
    return tacit_or(tacit_limits(client)->inbound_messages, 1);
}

static inline uint8_t *tacit_send_memory(const struct tacit_client *client)
{
    return client->receive.memory + tacit_limits(client)->receive_bytes;
}

static inline const struct tacit_message *tacit_will(const struct tacit_config *config)
{
    return TACIT_WILLS ? config->will : NULL;
}

static inline struct tacit_greeting *tacit_greeting(const struct tacit_config *config)
{
    return TACIT_GREETINGS ? config->greeting : NULL;
}

/* The record whose payload is being written, or NULL. */
static inline struct tacit_record *tacit_streaming(const struct tacit_client *client)
{
    return TACIT_LARGE_MESSAGES ? client->queue.streaming : NULL;
}

/* Aliases that the server may use. */
static inline uint16_t tacit_aliases_in(const struct tacit_client *client)
{
    return client->aliases_refused ? 0 : tacit_limits(client)->aliases_in;
}

/* Lets the state end when the configured time for answers has passed. */
void tacit_set_deadline(struct tacit_client *client);

/* Encodes a PINGREQ whose answer has until that time. False: no room. */
bool tacit_ping(struct tacit_client *client);

/* Is there something to tell? Whoever finds that out fills in client->event. */
static inline bool tacit_has_event(const struct tacit_client *client)
{
    return client->event->type != TACIT_EVENT_NONE;
}

/* The connection is over, or never came to be: closes it, plans the next attempt and
 * tells so in the event, whose reason texts the caller may have filled. */
void tacit_go_down(struct tacit_client *client, enum tacit_status status, uint8_t reason);
