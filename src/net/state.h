/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a net: what its connections share. Inside net/ only.
 *
 * Owner: the loop's thread, but for `loop`, which others use to post, `count`, which they read, and
 * `room`, which the one that was asked empties. */
#pragma once

#include "base/list.h"
#include "net/net.h"
#include "net/porch.h"
#include "tls/stream.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_READ_BYTES   262144u /* one read takes at most so much */
#define NET_CIPHER_BYTES 131072u /* less than NET_READ_BYTES: its plaintext fits there */

/* Who waits for its turn in a handshake: net/handshake.c. In the order of preference. */
enum handshake_class {
    HANDSHAKE_FAVOURED = 0, /* from a known address, or with a ticket of ours */
    HANDSHAKE_STARTED,      /* has answered: work would be lost with it */
    HANDSHAKE_STILL,        /* from a network with few guests */
    HANDSHAKE_CROWD,
    HANDSHAKE_CLASS_COUNT,
};

struct handshakes {
    struct list waiting[HANDSHAKE_CLASS_COUNT];
    uint64_t left;  /* steps in this turn */
    unsigned turns; /* how many were served; wraps */
    bool is_serving;
    bool has_others; /* something has come in this turn from who is in: then one step is enough */
};

/* Who is still with OpenSSL and is to leave it: net/detach.c. */
struct detaching {
    struct list due;      /* as soon as this turn is over */
    struct list attached; /* when they have been idle */
    struct list end;      /* in there: of the round */
    struct wheel_timer timer;
    bool is_armed;
    uint64_t handshakes; /* that there had been at the end of the round before */
};

/* What a net has asked another one to give up: net/guest.c. It has one message for that. */
struct room {
    struct loop_message message;
    struct net *giver; /* while it is posted */
    _Atomic bool is_posted;
    _Atomic unsigned asked[PORCH_WANTS];
};

struct net {
    struct loop *loop;
    struct broker *broker;
    struct porch *porch;
    struct broker *decoy; /* NULL: not here */
    unsigned shard;
    unsigned peer_count;
    struct net *const *peers;
    struct limits limits;
    struct net_hooks hooks;
    uint32_t linger_ms;
    struct net_stats stats;
    _Atomic uint64_t count; /* connections open now */
    struct list connections;
    struct list guests;  /* of them, those not let in yet; the newest is the last */
    struct list holders; /* instead of there: those who hold memory */
    struct list dirty;   /* connections with output */
    struct handshakes handshakes;
    struct detaching detach;
    struct room room;
    struct list listeners;
    struct loop_hook turn_end;
    struct tls_shard *tls;
    int spare_fd; /* given up to accept, and close, when descriptors are short */
    struct {
        bool is_on;
        struct wheel_timer timer;
        void (*done)(void *context);
        void *context;
    } drain;
    uint8_t *plain;  /* NET_READ_BYTES: what was read, or decrypted */
    uint8_t *cipher; /* NET_CIPHER_BYTES: what was read to be decrypted */
    uint8_t *record; /* TLS_RECORD_BYTES: small chunks on their way into one record */
};

/* Counts and reports. */
void net_refuse(struct net *net, const struct connection_facts *facts, enum net_refusal why,
                const char *text);

/* Over all shards. */
bool net_is_full(const struct net *net);

/* net/listener.c: nothing more is accepted. */
void listener_pause_all(struct net *net);
