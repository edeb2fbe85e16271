/* SPDX-License-Identifier: Apache-2.0 */
/* What a client consists of; private to src/client. */
#pragma once

#include <tacit/client.h>

#include "base/attrs.h"
#include "client/alias.h"
#include "client/queue.h"
#include "codec/packet.h"

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

enum tacit_slot_state {
    TACIT_SLOT_FREE = 0,
    TACIT_SLOT_SUBSCRIBE_DUE,
    TACIT_SLOT_SUBSCRIBE_SENT,
    TACIT_SLOT_ACTIVE,
    TACIT_SLOT_UNSUBSCRIBE_DUE,
    TACIT_SLOT_UNSUBSCRIBE_SENT,
};

struct tacit_slot {
    const struct tacit_subscription *what;
    uint16_t packet_id;
    uint8_t state; /* enum tacit_slot_state */
};

/* Received bytes: [at, len) are not yet looked at. */
struct tacit_receive_buffer {
    uint8_t *memory;
    uint32_t size;
    uint32_t at;
    uint32_t len;
    /* A PUBLISH that exceeds the buffer: its first `head_bytes` stay in front while
     * its payload passes behind them in pieces. */
    uint32_t head_bytes; /* 0: no such packet under way */
    uint32_t offset;     /* payload bytes handed out */
    uint32_t total;      /* payload bytes in all */
    bool discard;        /* it is a duplicate of a QoS 2 message */
};

/* Encoded bytes: [at, len) are to be written. */
struct tacit_send_buffer {
    uint8_t *memory;
    uint32_t size;
    uint32_t at;
    uint32_t len;
    uint32_t payload_at; /* where the payload of the record queue.streaming belongs */
    uint32_t streamed;   /* bytes of it that are written */
};

/* What the server granted on this connection. */
struct tacit_grant {
    uint32_t maximum_packet_bytes;
    uint16_t receive_maximum;
    uint16_t keep_alive_s;
    uint8_t maximum_qos;
    bool retain_available;
};

struct tacit_client {
    const struct tacit_config *config;
    uint8_t state;     /* enum tacit_client_state */
    uint8_t stop_wish; /* enum tacit_stop_wish */
    uint8_t version;   /* enum mqtt_version spoken, or to be tried next */
    uint8_t attempt;   /* failed ones in a row */
    bool ping_sent;
    bool was_up;          /* at least once: later connects continue the session */
    bool aliases_refused; /* a topic outgrew our slots: announce none any more */
    uint16_t next_packet_id;
    uint16_t in_flight; /* QoS 1 and 2 on their way to the server */
    uint16_t inbound_count;
    uint32_t next_token;
    uint64_t now_ms;
    uint64_t deadline_ms; /* of the state, or of the PINGRESP */
    uint64_t up_since_ms;
    uint64_t sent_ms;     /* last time bytes left */
    uint64_t received_ms; /* last time bytes came */
    struct tacit_receive_buffer receive;
    struct tacit_send_buffer send;
    struct tacit_queue queue;
    struct tacit_alias_table aliases_in;
    struct tacit_alias_table aliases_out;
    struct tacit_grant grant;
    struct tacit_slot *slots;
    uint16_t *inbound; /* QoS 2 packet ids received and not yet released */
    struct tacit_statistics statistics;
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

static inline uint32_t tacit_timeout_ms(const struct tacit_client *client)
{
    return tacit_or(client->config->retry.timeout_ms, 10000);
}

/* The connection is over, or never came to be: closes it, plans the next attempt and
 * tells so in *out_event, whose reason texts the caller may have filled. Returns true,
 * so that a handler may return it: there is an event. */
bool tacit_go_down(struct tacit_client *client, enum tacit_status status, uint8_t reason,
                   struct tacit_event *out_event);
