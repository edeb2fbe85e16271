/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of one shard: bytes between sockets and the core.
 *
 * Owner: the loop's thread. All connections of a net share one read buffer; what a
 * turn has to send leaves each connection in one system call at its end (a hook:
 * hooks that make clients send are added before net_open). A connection moves once, before its client is opened, to the shard that
 * broker_home_shard() names. */
#pragma once

#include "base/attrs.h"
#include "core/broker.h"
#include "core/limits.h"
#include "loop/loop.h"
#include "net/facts.h"

#include <stdint.h>

struct net;
struct porch;
struct porch_place;

/* Why net ended a connection by itself. */
enum net_refusal {
    NET_REFUSED_NONE = 0,
    NET_REFUSED_HANDSHAKE,   /* TLS; the text says which certificate and why */
    NET_REFUSED_PEER,        /* check_peer said no */
    NET_REFUSED_TIMEOUT,     /* no CONNECT in time */
    NET_REFUSED_SIZE,        /* CONNECT too large */
    NET_REFUSED_CONNECTIONS, /* limits.connections */
    NET_REFUSED_DESCRIPTORS, /* the process has no more file descriptors */
    NET_REFUSED_MEMORY,
    /* Before they have proved anything (porch.h): */
    NET_REFUSED_UNPROVED, /* limits.unproved */
    NET_REFUSED_ADDRESS,  /* limits.unproved_per_address */
    NET_REFUSED_NETWORK,  /* limits.unproved_per_network */
    NET_REFUSED_BYTES,    /* limits.unproved_bytes */
    NET_REFUSED_SHORT,    /* limits.memory_bytes: memory is short, and its address is not known */
    NET_REFUSED_BARRED,   /* is_barred says so of its address */
    NET_REFUSAL_COUNT,
};

struct net_hooks {
    void *context;
    /* After the handshake, full or resumed (and at once without TLS): NULL lets the
     * connection in, a text refuses it. May be NULL. */
    const char *(*check_peer)(void *context, const struct connection_facts *facts);
    /* Does a connection with this CONNECT belong to the decoy broker? Asked once, before its
     * client is opened. `bytes` holds the whole of it. May be NULL: none does. */
    bool (*is_decoy)(void *context, const struct connection_facts *facts, struct mqtt_span bytes);
    /* Is it closed at accept, because of where it comes from? Asked before all else; no address is not
     * asked about. May be NULL: none is. */
    bool (*is_barred)(void *context, const struct porch_place *place);
    /* For the log. `facts` and `text` are borrowed. May be NULL. */
    void (*refused)(void *context, const struct connection_facts *facts, enum net_refusal why,
                    const char *text);
    /* Connections have left OpenSSL, and none of this net's is with it that is to leave. What handshakes
     * need is not needed for now. Not more often than it takes to be idle. May be NULL. */
    void (*calm)(void *context);
};

struct net_options {
    struct loop *loop;     /* borrowed */
    struct broker *broker; /* borrowed; its transport port is net_transport() */
    struct porch *porch;   /* borrowed; that of all shards */
    struct broker *decoy;  /* likewise: for those that only seem to come in; on shard 0, where all
                              of them move to; NULL: not here */
    unsigned shard;        /* this one's number */
    struct limits limits;
    struct net_hooks hooks;
    uint32_t linger_ms; /* longest wait for a closed peer to take the rest; 0: 2000 */
};

/* Counters; written by the loop's thread only. */
struct net_stats {
    uint64_t accepted;
    uint64_t closed;
    uint64_t moved_out;
    uint64_t moved_in;
    uint64_t handshakes;      /* completed */
    uint64_t resumed;         /* of them */
    uint64_t detached;        /* have left OpenSSL */
    uint64_t detached_closed; /* of them, those that are closed */
    uint64_t refused[NET_REFUSAL_COUNT];
};

/* For struct broker_ports: made before the broker, used with connections of a net. */
struct transport_port net_transport(void);

/* -ENOMEM or what the kernel said. */
MQTT_NODISCARD int net_open(const struct net_options *options, struct net **out);

/* Where a connection can move: `nets[shard]`, borrowed. Without it, or with a count
 * of 1, every connection stays. Called before the loops run. */
void net_set_peers(struct net *net, struct net *const *nets, unsigned count);

void net_set_limits(struct net *net, const struct limits *limits);

/* Stops accepting, ends connections without a client; the others are the broker's to
 * close (broker_drain). Calls `done` once, when none is left or at `deadline_ms`;
 * what is left then is cut, its clients lost. */
void net_drain(struct net *net, uint64_t deadline_ms, void (*done)(void *context), void *context);

/* Listeners are closed; clients are lost, sockets closed. The loop does not run
 * any more (its waiting messages are delivered), the broker still exists. NULL
 * is fine. */
void net_close(struct net *net);

const struct net_stats *net_statistics(const struct net *net);
uint64_t net_connections(const struct net *net); /* open now */

/* Does output wait for the next end of a turn? Who makes some in a hook that comes after net's own
 * asks, and has the loop turn again: else it waits for whatever happens next. */
bool net_has_output(const struct net *net);
