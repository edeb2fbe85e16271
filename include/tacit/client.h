/* SPDX-License-Identifier: Apache-2.0 */
/* libtacit: an MQTT 5.0, 3.1.1 and 3.1 client for small devices.
 *
 * It never allocates, never blocks, keeps no global state and never calls the
 * application: tacit_poll advances everything once and returns at most one event,
 * so that every function may be called from anywhere in the application's loop.
 * All memory is one arena of the caller, all of it bounded at tacit_init.
 *
 * Publishing and subscribing are legal at any time, also while offline. The client
 * owns packet identifiers, topic aliases, keep-alive, resending, re-subscription,
 * flow control and reconnecting (with full jitter; a server that said no is not
 * hammered).
 *
 * One thread at a time per client; different clients are independent. */
#pragma once

#include "tacit/transport.h"

#include <stdbool.h>

/* A user property. */
struct tacit_pair {
    struct tacit_bytes name;
    struct tacit_bytes value;
};

/* A message, to be sent or received. All that is not topic, payload, QoS and
 * retain is MQTT 5: left out on older connections. Zero means absent. */
struct tacit_message {
    struct tacit_bytes topic;
    struct tacit_bytes payload;
    uint8_t qos; /* 0..2 */
    bool retain;
    bool payload_is_utf8;
    bool has_expiry;
    uint8_t priority; /* sending only: 0..7, the highest leaves first */
    uint32_t expiry_s;
    struct tacit_bytes response_topic;
    struct tacit_bytes correlation;
    struct tacit_bytes content_type;
    const struct tacit_pair *user_properties; /* sending only */
    unsigned user_property_count;
    /* Received messages only. */
    bool duplicate;
    uint32_t subscription_identifier; /* the first; 0: none */
    struct tacit_bytes properties; /* all of the packet, whatever the event, in wire form: walk with
                                    * tacit_property_next */
};

/* Memory, decided once. Zero rows switch a feature off where that makes sense. */
struct tacit_limits {
    uint32_t receive_bytes; /* at least 64; a bigger packet arrives in pieces */
    uint32_t send_bytes;    /* at least 60; CONNECT and every topic with its properties fit */
    uint32_t queue_bytes;   /* at least 64; see TACIT_QUEUED_BYTES */
    uint32_t maximum_packet_bytes; /* announced; 0: receive_bytes, so never pieces */
    uint16_t inbound_messages;     /* QoS 2 on their way to us, announced; 0 becomes 1 */
    uint16_t subscriptions;        /* remembered at a time */
    uint16_t aliases_in;           /* topic aliases the server may use */
    uint16_t aliases_out;          /* topic aliases used towards the server */
    uint16_t alias_topic_bytes;    /* longest topic that gets an alias */
};

/* Zero becomes the value in brackets. */
struct tacit_retry {
    uint32_t minimum_ms; /* first delay is random in 0..minimum [1,000] */
    uint32_t maximum_ms; /* the range doubles up to this [120,000] */
    uint32_t refused_ms; /* after a final no, at least this long; 0: not before tacit_start */
    uint32_t timeout_ms; /* for TCP + TLS, for CONNACK, for PINGRESP [10,000] */
};

/* Optional: where messages of QoS 1 and 2 survive a reboot, those that wait and those
 * under way in either direction. Each entry is a few bytes more than the message. The
 * client calls it from its own functions only; what it does may take a while, but it
 * does not call the client. */
struct tacit_store {
    /* Keeps these pieces, one after the other, as entry `id`, in the place of what was
     * there; durable when it returns TACIT_OK, unchanged when it returns anything else. */
    int (*put)(void *context, uint32_t id, const struct tacit_bytes *pieces, unsigned count);

    /* Copies the entry to `out`; returns its bytes, also when they exceed `size` (then
     * `out` has the first ones), 0 if there is none, or a negative status. */
    int (*get)(void *context, uint32_t id, void *out, size_t size);

    /* TACIT_OK also if there was none. */
    int (*del)(void *context, uint32_t id);

    void *context;
    uint16_t messages; /* kept at a time, at least 1: entries are 0..messages */
};

struct tacit_client;
struct tacit_record;

/* What a device shows at CONNECT besides its certificate, other at each connection: tacit/ratchet.h makes
 * one. Its functions know the client from inside, and are called from tacit_poll; a failure ends
 * the attempt to connect (event DOWN), which is tried again later. */
struct tacit_greeting {
    /* The transport is open: sends CONNECT. TACIT_KEY, TACIT_TOO_BIG. */
    int (*begin)(struct tacit_greeting *greeting, struct tacit_client *client);
    /* CONNACK with these properties accepts. No packet goes out before this has returned; the first one
     * is the greeting's. TACIT_KEY. */
    int (*accepted)(struct tacit_greeting *greeting, struct tacit_client *client,
                    struct tacit_bytes properties);
    struct tacit_bytes method; /* MQTT 5: authentication method, with its data; len 0: none */
    struct tacit_bytes data;
};

/* What becomes of a message for which the queue has no room: one of the two below, or NULL,
 * and then tacit_publish answers TACIT_FULL, as it does when nothing may be dropped. What
 * was sent in this session is never dropped, and nothing is unless that makes enough room; of
 * what may go, the least important goes first, and the oldest of that. For each an event
 * REJECTED with TACIT_DROPPED names the token; until it is fetched, the queue holds
 * TACIT_RECORD_BYTES for it, and a store its entry. */
typedef bool tacit_drop_rule(struct tacit_client *client, const struct tacit_record *wanted);

tacit_drop_rule tacit_drop_qos_0;  /* messages of QoS 0 that are not more important */
tacit_drop_rule tacit_drop_lowest; /* messages of any QoS that are less important */

/* Borrowed by the client for its whole life; may lie in read-only memory. */
struct tacit_config {
    uint8_t version;       /* 5, 4 (3.1.1) or 3 (3.1); 0 becomes 5 */
    bool fallback_311;     /* try 3.1.1 once a server refuses version 5 */
    bool clean_start;      /* forget the session at the first connect; before MQTT 5 at each */
    bool request_response; /* ask for response information */
    bool manual_acknowledgement; /* messages of QoS 1 and 2 wait for tacit_acknowledge */
    uint8_t redirects; /* a server's references to another one are followed so often in a row */
    uint16_t port;
    uint16_t keep_alive_s; /* 0: none */
    struct tacit_bytes host;
    struct tacit_bytes client_id;
    struct tacit_bytes user_name;     /* data NULL: none */
    struct tacit_bytes password;      /* data NULL: none */
    struct tacit_greeting *greeting;  /* NULL: none; before MQTT 5 in place of the two above */
    uint32_t session_expiry_s;        /* UINT32_MAX: never */
    const struct tacit_message *will; /* NULL: none */
    uint32_t will_delay_s;
    const struct tacit_pair *user_properties; /* of CONNECT */
    unsigned user_property_count;
    struct tacit_limits limits;
    struct tacit_retry retry;
    struct tacit_transport transport;
    /* Fills `out` with unpredictable bytes; negative on failure. For jitter. */
    int (*random)(void *context, void *out, size_t len);
    void *random_context;
    const struct tacit_store *store; /* NULL: what is not delivered dies with the power */
    tacit_drop_rule *when_full;      /* NULL: TACIT_FULL */
};

/* Borrowed from tacit_subscribe until its subscription has ended (event SUBSCRIBED
 * with a refusal, or UNSUBSCRIBED). Its address identifies it in events. */
struct tacit_subscription {
    struct tacit_bytes filter;
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling; /* 0 send retained, 1 if new, 2 never */
    uint32_t identifier;     /* 0: none */
    const struct tacit_pair *user_properties;
    unsigned user_property_count;
};

enum tacit_event_type {
    TACIT_EVENT_NONE = 0,
    TACIT_EVENT_UP,           /* connected; session_present */
    TACIT_EVENT_DOWN,         /* not or no longer connected: status, reason, retry_in_ms */
    TACIT_EVENT_MESSAGE,      /* message, offset, total */
    TACIT_EVENT_DELIVERED,    /* token: the server has the message (QoS 1, 2) */
    TACIT_EVENT_REJECTED,     /* token: it will not be delivered: status, reason */
    TACIT_EVENT_SUBSCRIBED,   /* subscription: reason 0..2 granted QoS, from 0x80 refused */
    TACIT_EVENT_UNSUBSCRIBED, /* subscription */
    TACIT_EVENT_RESPONSE,     /* token, message, offset, total: see request.h */
    TACIT_EVENT_UNANSWERED,   /* token: no response in time; see request.h */
    TACIT_EVENT_WANTED,       /* token, offset, total: payload for tacit_publish_part (pieces.h) */
};

/* What happened. Bytes are borrowed until the next call of tacit_poll. Reason codes
 * are those of MQTT 5 whatever the connection speaks. */
struct tacit_event {
    enum tacit_event_type type;
    enum tacit_status status;
    uint8_t reason;
    uint8_t version; /* UP: spoken on this connection */
    bool session_present;
    uint32_t token;
    uint32_t retry_in_ms; /* DOWN: UINT32_MAX if only tacit_start starts it again */
    const struct tacit_subscription *subscription;
    struct tacit_bytes reason_string;
    struct tacit_bytes server_reference;
    struct tacit_bytes response_information;
    struct tacit_bytes assigned_client_id;
    struct tacit_message message; /* payload: this piece */
    uint32_t receipt;             /* for tacit_acknowledge; 0: none is owed */
    uint32_t offset;              /* of the piece in the payload; WANTED: what comes next */
    uint32_t total;               /* bytes of the whole payload */
};

/* What waits. */
struct tacit_statistics {
    uint32_t queue_bytes;
    uint32_t queued; /* messages not yet sent, or sent and not yet acknowledged */
};

/* Bytes of the client itself, of a message in the queue besides its parts, and of a
 * subscription; checked when the library is compiled. */
#define TACIT_CLIENT_BYTES       (72u + 12u * (unsigned)sizeof(void *))
#define TACIT_RECORD_BYTES       16u
#define TACIT_SUBSCRIPTION_BYTES (2u * (unsigned)sizeof(void *))

/* Queue bytes that one message takes, at most; `property_bytes` as on the wire. */
#define TACIT_QUEUED_BYTES(topic_bytes, property_bytes, payload_bytes) \
    (TACIT_RECORD_BYTES + ((topic_bytes) + (property_bytes) + (payload_bytes) + 3u) / 4u * 4u)

/* Bytes of arena for these limits, as a constant expression. */
#define TACIT_ARENA_BYTES(receive, send, queue, inbound, subscriptions, aliases, alias_topic) \
    (TACIT_CLIENT_BYTES + (receive) + (send) + ((queue) + 3u) / 4u * 4u                       \
     + 2u * ((inbound) > 0 ? (inbound) : 1u) + TACIT_SUBSCRIPTION_BYTES * (subscriptions)     \
     + (aliases) * ((alias_topic) + 2u))

/* The same, of a filled-in struct. */
size_t tacit_arena_bytes(const struct tacit_limits *limits);

/* Makes a client in `arena`, which is aligned for uint64_t and belongs to the client
 * from now on. NULL if it is too small or `config` makes no sense. The client is
 * stopped; tacit_start lets it connect. There is nothing to release but the arena. */
struct tacit_client *tacit_init(void *arena, size_t size, const struct tacit_config *config);

/* After tacit_init, before anything else: takes back what config.store has kept. Tokens
 * are those that tacit_publish gave; new ones follow the highest that is kept. With the server's session still there all of it is
 * resumed; MQTT 5 keeps one for session_expiry_s, 3.1.1 without clean_start. Messages
 * count the time that is left to them from now on. TACIT_STORE: the store failed, or has
 * what is not ours; TACIT_FULL: the arena is smaller than what was kept. What the store
 * has is left alone then. */
enum tacit_status tacit_restore(struct tacit_client *client);

/* Lets the client connect at the next tacit_poll; ends any waiting. */
void tacit_start(struct tacit_client *client);

/* Ends the connection in good order once what is already encoded has left, and stays
 * down (event DOWN with TACIT_STOPPED). The queue is kept. `with_will`: have the
 * server publish the will all the same. */
void tacit_stop(struct tacit_client *client, bool with_will);

/* Copies the message to the queue. `out_token`, if not NULL, receives the number that
 * events will carry, never 0. TACIT_FULL: later; TACIT_TOO_BIG: never;
 * TACIT_ARGUMENT: the topic is not a topic name, QoS above 2, priority above 7; TACIT_STORE: the
 * store did not take it, nor does the queue. With a store TACIT_FULL may also mean that
 * one of its places is still taken by an old message. */
enum tacit_status tacit_publish(struct tacit_client *client, const struct tacit_message *message,
                                uint32_t *out_token);

/* Subscribes now or as soon as there is a connection, and again whenever the server
 * has lost the session. TACIT_FULL: the table is; TACIT_ARGUMENT: not a filter. A
 * wildcard is sent even to a server that announced to refuse it: its answer says why. */
enum tacit_status tacit_subscribe(struct tacit_client *client,
                                  const struct tacit_subscription *subscription);

/* TACIT_ARGUMENT: it was not subscribed. */
enum tacit_status tacit_unsubscribe(struct tacit_client *client,
                                    const struct tacit_subscription *subscription);

/* Advances everything once; at most one event. `now_ms` never goes back. Returns the
 * milliseconds after which it wants to be called again if the transport has nothing
 * new before: 0 after an event, UINT32_MAX for never. */
uint32_t tacit_poll(struct tacit_client *client, uint64_t now_ms, struct tacit_event *out_event);

/* With manual_acknowledgement: the application is done with the message of that receipt,
 * it may be forgotten by the server. Without it, the next tacit_poll after the event does
 * this. A message that is not acknowledged when the connection ends comes again.
 * TACIT_AGAIN: no room now, call again after tacit_poll; TACIT_ARGUMENT: not a receipt of
 * this connection; TACIT_STORE: the store failed, call again; the message
 * may come again, too. */
enum tacit_status tacit_acknowledge(struct tacit_client *client, uint32_t receipt);

/* Takes back a message that was not sent yet: the event REJECTED with TACIT_DROPPED follows.
 * One that is half sent in pieces takes the connection with it (DOWN with TACIT_DROPPED).
 * TACIT_ARGUMENT: there is none of that token, or the server may have it. */
enum tacit_status tacit_cancel(struct tacit_client *client, uint32_t token);

bool tacit_is_up(const struct tacit_client *client);

/* Nothing queued, unacknowledged or waiting to be written. */
bool tacit_is_idle(const struct tacit_client *client);

void tacit_get_statistics(const struct tacit_client *client, struct tacit_statistics *out);

/* One property of a received message; ids as in MQTT 5.0 table 2-4. */
struct tacit_property {
    uint8_t id;
    uint32_t number;
    struct tacit_bytes name; /* user property 0x26 only */
    struct tacit_bytes value;
};

/* Takes the first property off `block` (a copy of message.properties); false at the
 * end. */
bool tacit_property_next(struct tacit_bytes *block, struct tacit_property *out);

/* The standard's words for a reason code, and ours for a status. Never NULL. */
const char *tacit_reason_text(uint8_t reason);
const char *tacit_status_text(enum tacit_status status);
