/* SPDX-License-Identifier: Apache-2.0 */
/* A client of broker_fuzz.c and all that it is sent: what a client that keeps to the standard
 * counts on, asserted packet by packet. */
#pragma once

#include "core/world.h"

#include <stdbool.h>
#include <stdint.h>

#define ACTORS       8u
#define OWED         64u /* more than limits.inflight_messages of the fuzzed world */
#define ACTOR_ALIAS  8u
#define MARKER_BYTES 8u

/* What it owes the broker for a message it was sent. */
struct owed {
    uint16_t packet_id;
    enum mqtt_packet_type next; /* PUBACK, PUBREC or PUBCOMP */
};

struct actor {
    struct world_peer *peer; /* NULL: it is not connected */
    const char *tenant;      /* of the time when it came in */
    /* what its CONNECT says */
    bool is_clean;
    uint16_t receive_maximum; /* 65535: not sent */
    uint16_t alias_maximum;
    uint32_t maximum_packet; /* bytes; UINT32_MAX: not sent */
    /* what has come since */
    bool is_wild; /* it has sent bytes of which nobody knows what they mean */
    bool has_connack;
    bool is_resumed;
    bool is_over; /* DISCONNECT came: nothing else may */
    /* Bytes of before a change of policy may be on their way: until they have come, what is
     * forbidden now may come. */
    bool is_behind;
    char aliases[ACTOR_ALIAS][24]; /* topics */
    struct owed owed[OWED];
    unsigned owed_count;
    uint64_t marker;  /* the payload that is counted; 0: none */
    unsigned counted; /* how often it came */
};

/* A new connection: nothing has come. */
void witness_open(struct actor *actor, struct world_peer *peer);

/* Looks at all that has come since the last time, and lets go of a connection that is closed. */
void witness_look(struct actor *actor);

/* It has acknowledged: takes note. */
void witness_acked(struct actor *actor, unsigned which);

/* As if all other packet identifiers had been given out to it since the oldest that is in flight
 * was, and `back` of them were left before that one comes round again. */
void witness_turn_over(struct actor *actor, uint16_t back);
