/* SPDX-License-Identifier: Apache-2.0 */
/* The ratchet against a copied key: device and broker share a secret that changes at each connect, so
 * that of two devices with the same key and the same state one is left behind, and is noticed when it
 * connects, however long they were never online together.
 *
 * The device keeps TACIT_RATCHET_STATE_BYTES beside its key, from tacit_ratchet_first(), and
 * gives HMAC-SHA-256, the exporter of its TLS and a place to store:
 *
 *     tacit_ratchet_init(&ratchet, &port);
 *     config.greeting = &ratchet.greeting;
 *
 * One connection at a time may use one state: whoever runs several clients with one key keeps
 * them from being between CONNECT and CONNACK together. No heap, no globals. */
#pragma once

#include "tacit/client.h"

#define TACIT_RATCHET_KEY_BYTES     32u
#define TACIT_RATCHET_STATE_BYTES   41u
#define TACIT_RATCHET_MESSAGE_BYTES 73u
#define TACIT_RATCHET_LABEL         "EXPORTER-tacit-ratchet-1" /* for the exporter of TLS */

/* Offered by ALPN, before "mqtt": a broker that chooses it turns the ratchet, or refuses. */
#define TACIT_RATCHET_PROTOCOL "tacit-ratchet-1"

/* All of them: 0, or negative for a failure, which ends the attempt to connect (TACIT_KEY). Called
 * from tacit_poll only. */
struct tacit_ratchet_port {
    void *context;
    /* HMAC-SHA-256. */
    int (*hmac)(void *context, const uint8_t key[TACIT_RATCHET_KEY_BYTES], struct tacit_bytes data,
                uint8_t out[TACIT_RATCHET_KEY_BYTES]);
    /* What the exporter of the TLS connection that is open says to TACIT_RATCHET_LABEL without a
     * context (RFC 8446 section 7.5, RFC 5705). 1: the broker did not choose TACIT_RATCHET_PROTOCOL,
     * so it keeps no ratchet: CONNECT goes out without, and the state stays. Where TLS cannot
     * tell, 0: then a broker that keeps none is known in MQTT 5 only, and before that an
     * accepted CONNECT moves the state on without it. */
    int (*binding)(void *context, uint8_t out[TACIT_RATCHET_KEY_BYTES]);
    int (*random)(void *context, void *out, size_t len);
    /* What was stored last. */
    int (*load)(void *context, uint8_t out[TACIT_RATCHET_STATE_BYTES]);
    /* Returns 0 when it is there after a loss of power, whole: the one of before must not be
     * overwritten in place. */
    int (*store)(void *context, const uint8_t state[TACIT_RATCHET_STATE_BYTES]);
};

/* Of the caller; not looked into. 184 bytes with pointers of four bytes. */
struct tacit_ratchet {
    struct tacit_greeting greeting;
    const struct tacit_ratchet_port *port;
    uint8_t next[TACIT_RATCHET_STATE_BYTES];
    uint8_t message[TACIT_RATCHET_MESSAGE_BYTES];
};

/* `port` lives as long as the ratchet. */
void tacit_ratchet_init(struct tacit_ratchet *ratchet, const struct tacit_ratchet_port *port);

/* The state of a device that has never connected. Negative: no randomness. */
int tacit_ratchet_first(int (*random)(void *context, void *out, size_t len), void *context,
                        uint8_t out[TACIT_RATCHET_STATE_BYTES]);

/* How often it was turned. */
uint64_t tacit_ratchet_counter(const uint8_t state[TACIT_RATCHET_STATE_BYTES]);
