/* SPDX-License-Identifier: Apache-2.0 */
/* What the hostile peers of bench-siege do to a broker: the table of attacks.def, and the steps
 * that it names. One thread. */
#pragma once

#include "base/list.h"
#include "bench/siege/line.h"

enum attack_listener {
    ATTACK_DEVICES,
    ATTACK_PEOPLE,
    ATTACK_EITHER, /* half of the peers each */
};

enum attack_wire {
    ATTACK_TCP, /* bare; whatever it says is no TLS, or only the beginning of it */
    ATTACK_TLS_1_3,
    ATTACK_TLS_1_2,
};

enum attack_kind {
#define ATTACK(name, listener, wire, share, per_s, begin, each_second) ATTACK_KIND_##name,
#include "bench/siege/attacks.def"
#undef ATTACK
    ATTACK_KIND_COUNT,
};

/* What all peers send, and how much of it. */
struct attack_means {
    uint32_t huge_bytes;      /* remaining length of a CONNECT that is far too large */
    uint32_t huge_sent_bytes; /* as much of it is sent, and no more */
    uint32_t legal_bytes;     /* of one that is just not too large: all of it is sent but a byte */
    size_t hello_len;
    uint8_t hello[1024]; /* a ClientHello */
};

struct peer {
    struct line line;
    struct list node; /* for its owner */
    enum attack_kind kind;
    uint32_t address; /* its own */
    size_t sent;      /* bytes of what it sends bit by bit, since it connected */
    uint64_t turn;    /* how often it has connected */
    const struct attack_means *means;
};

/* One step of a peer that is connected, and through its handshake where it makes one. It may end
 * the line; a line that ends because the broker ended it is closed as well. */
typedef void (*attack_step)(struct peer *peer);

struct attack {
    const char *name;
    enum attack_listener listener;
    enum attack_wire wire;
    unsigned share; /* percent of the peers */
    unsigned per_s; /* connections per second, of 10,000 peers */
    attack_step begin;
    attack_step each_second;
};

extern const struct attack attacks[ATTACK_KIND_COUNT];

/* Fills in the ClientHello: of TLS 1.3, as `context` makes it. */
void attack_means_prepare(struct attack_means *means, SSL_CTX *context);
