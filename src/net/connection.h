/* SPDX-License-Identifier: Apache-2.0 */
/* One accepted socket, from accept to close. Inside net/ only.
 *
 * Owner: the net it is in; in transit between two nets, nobody but the mailbox. It
 * holds buffers only while half a packet or unsent bytes wait. */
#pragma once

#include "base/list.h"
#include "net/porch.h"
#include "net/state.h"
#include "tls/stream.h"

#include <stdbool.h>

/* Order matters: before OPEN there is no client, after it there is none any more. */
enum phase {
    PHASE_GREETING = 0, /* TLS: no byte has come, nothing is spent on it */
    PHASE_HANDSHAKE,
    PHASE_CONNECTING, /* CONNECT is awaited */
    PHASE_OPEN,
    PHASE_FLUSHING,  /* the core is done, its last bytes are not */
    PHASE_LINGERING, /* all is sent; until the peer has closed, so that it gets it */
};

/* Bytes that have to wait, in one heap block. */
struct held {
    size_t capacity;
    size_t begin;
    size_t end;
    uint8_t bytes[];
};

/* What a connection needs on its way in and on its way out, and not while it is in. */
struct passage {
    struct connection_opening opening; /* of its facts */
    struct connection *connection;
    struct wheel_timer timer; /* before OPEN: deadline of a guest; after: linger */
    union {
        struct {
            uint64_t accepted_ms; /* before OPEN */
            union {
                struct list guests;          /* in net->guests or holders, until it is let in */
                struct loop_message message; /* in transit */
            };
            struct list queued; /* in net->handshakes; once it is let in: in net->detach */
        };
        struct outbox closing; /* after OPEN */
    };
};

struct connection {
    struct loop_watch watch;
    struct net *net;
    union {
        struct client *client;           /* OPEN */
        struct tls_context *tls_context; /* GREETING: a reference */
    };
    struct tls_stream tls;
    struct list dirty;   /* in net->dirty: output waits for the end of the turn */
    struct held *input;  /* the start of a packet */
    struct held *output; /* ciphertext that waits for the socket if blocked, else for company */
    uint8_t phase;       /* enum phase */
    bool is_blocked;     /* the socket is full: watched for writing */
    bool is_waiting;     /* for its client's verdict, or for its turn in a handshake: not read */
    bool is_decoy : 1;   /* its client is, or will be, the decoy broker's */
    bool is_marked : 1;  /* GREETING: the kernel wakes us only for a whole ClientHello */
    bool is_holder : 1;  /* a guest that holds memory */
    uint8_t quiet_rounds : 3;      /* since bytes went over its TLS: net/detach.c */
    bool has_ended : 1;            /* the peer has closed, and all that it has sent was read */
    uint32_t guest;                /* in net->porch until it is let in; then 0 */
    struct list all;               /* in net->connections */
    struct connection_facts facts; /* what its `tls` points to is the connection's */
    char address[];                /* facts.address */
};

/* NULL: it is in and not waiting to leave OpenSSL, or there was no memory for the way out. */
static inline struct passage *connection_passage(const struct connection *connection)
{
    struct connection_opening *opening = connection->facts.opening;
    return opening != NULL ? MQTT_CONTAINER_OF(opening, struct passage, opening) : NULL;
}

/* Its passage is over. */
void connection_drop_passage(struct connection *connection);

/* What accept knows of a new connection. All borrowed. */
struct connection_start {
    const char *listener;
    const char *address;
    struct porch_place place;
    struct tls_context *tls; /* NULL: plaintext */
};

/* Takes the descriptor, also on failure, which it reports by itself. */
void connection_open(struct net *net, int fd, const struct connection_start *start);

/* Frees it with its socket. There is no client, or it has been told (client_lost). */
void connection_free(struct connection *connection);

/* There is no TLS any more. */
void connection_close_tls(struct connection *connection);

/* The socket or the stream broke, or the peer closed: tells the client if there is one
 * and frees. */
void connection_lost(struct connection *connection);

/* Ends a connection that has no client yet, with the reason reported. */
void connection_refuse(struct connection *connection, enum net_refusal why, const char *text);

/* The same for one that is told so by TLS and may have something to read yet: lingers. */
void connection_dismiss(struct connection *connection, enum net_refusal why, const char *text);

/* Whose client it has, had or will have. */
static inline struct broker *connection_broker(const struct connection *connection)
{
    return connection->is_decoy ? connection->net->decoy : connection->net->broker;
}

/* What check_peer has against it; NULL: nothing. */
const char *connection_objection(const struct connection *connection);

/* A first packet is there: opens the client here, or moves to its home. False when
 * the connection is not here any more. */
bool connection_arrive(struct connection *connection, struct mqtt_span bytes);

/* The core is done with the client (transport port): sends the rest, and waits for the peer to close
 * for so long at most. */
void connection_end(struct connection *connection, struct outbox *rest, uint32_t linger_ms);

/* All is sent: says goodbye and waits for the peer's. */
void connection_linger(struct connection *connection);

/* net/receive.c: the socket is readable. May free the connection. */
void receive_ready(struct connection *connection);

/* After the end: what still comes is dropped. False when the peer has closed; then it is freed. */
bool receive_rest(struct connection *connection);

/* The client has its verdict (transport port): it is given what it left, then read again. */
void receive_resume(struct connection *connection);

/* Gives bytes to the client and keeps what is left. False when the connection is
 * gone or ending. */
bool receive_bytes(struct connection *connection, struct mqtt_span bytes);

/* net/transmit.c: at the end of a turn, or when the socket takes bytes again. May free the
 * connection. */
void transmit_flush(struct connection *connection);

/* Sends or holds the ciphertext in the TLS shard. Negative errno when the socket broke. */
MQTT_NODISCARD int transmit_ciphertext(struct connection *connection);

/* Keeps it for the next time that something is sent: for what nobody waits for. */
MQTT_NODISCARD int transmit_keep(struct connection *connection);

/* What it is watched for follows from is_blocked and is_waiting. */
MQTT_NODISCARD int transmit_watch(struct connection *connection);

/* The connection has output: flushed at the end of this turn. */
void transmit_later(struct connection *connection);
