/* SPDX-License-Identifier: Apache-2.0 */
/* What a server sends, read in place: one reader for all packet types, which puts values where
 * the client keeps them instead of into structs on the way.
 *
 * The first failure sticks: what is read after it is zero. A packet borrows its bytes. */
#pragma once

#include "client/state.h"

struct tacit_packet {
    const uint8_t *at; /* not yet read */
    const uint8_t *end;
    uint16_t packet_id; /* 0: it has none */
    uint16_t alias;     /* of a PUBLISH; 0: none */
    uint8_t type;       /* enum mqtt_packet_type */
    uint8_t flags;      /* low four bits of the first byte; of CONNACK: its own */
    uint8_t reason;     /* as MQTT 5 numbers them; 0 when left out */
    uint8_t fault;      /* 0, TACIT_CUT_SHORT, or the reason code that refuses the packet */
};

/* Bytes are missing: no reason code by itself. */
#define TACIT_CUT_SHORT 0x01

/* The fixed header at the start of these bytes, at least one; packet->at is behind it then. Returns the bytes of the
 * body that it announces. */
uint32_t tacit_packet_open(struct tacit_packet *packet, const uint8_t *at, const uint8_t *end);

/* Reads and checks the body, at..end. Values of a PUBLISH go to the message of client->event,
 * texts of others to that event, what CONNACK grants to client->grant. Returns 0 or the reason code that refuses it. */
MQTT_NODISCARD uint8_t tacit_packet_read(struct tacit_client *client, struct tacit_packet *packet);

/* The same of a connection that does not speak MQTT 5: the reader of builds without it. */
MQTT_NODISCARD uint8_t tacit_packet_read_3(struct tacit_client *client,
                                           struct tacit_packet *packet);
