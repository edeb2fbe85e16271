/* SPDX-License-Identifier: Apache-2.0 */
/* The ratchet against copies that are never online together with the original (promise I6): what
 * a device says at CONNECT, and the keys. docs/ratchet.md has the protocol and the bytes.
 *
 * Pure: HMAC-SHA-256 and randomness are the caller's. Any thread. What holds secrets is the caller's
 * to wipe. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

#define RATCHET_NAME          "tacit-ratchet-1" /* authentication method, or user name */
#define RATCHET_KEY_BYTES     32u               /* a secret, a proof, what is fresh, a binding */
#define RATCHET_MESSAGE_BYTES 73u

/* What the exporter of TLS is asked for, with an empty context (RFC 8446, section 7.5). */
#define RATCHET_EXPORTER_LABEL "EXPORTER-tacit-ratchet-1"

/* HMAC-SHA-256. Negative: it failed. */
struct ratchet_hmac {
    void *context;
    int (*compute)(void *context, const uint8_t key[RATCHET_KEY_BYTES], struct mqtt_span data,
                   uint8_t out[RATCHET_KEY_BYTES]);
};

/* One step of the ratchet, which both sides know. */
struct ratchet_step {
    uint64_t counter; /* grows by one with each; 0: before the first */
    uint8_t secret[RATCHET_KEY_BYTES];
};

/* What a device says: "I stand at this step." */
struct ratchet_message {
    uint64_t counter;                 /* of the step */
    uint8_t fresh[RATCHET_KEY_BYTES]; /* random */
    uint8_t proof[RATCHET_KEY_BYTES]; /* that it has the secret, on this connection */
};

void ratchet_message_encode(const struct ratchet_message *message,
                            uint8_t out[RATCHET_MESSAGE_BYTES]);

/* -EBADMSG: these bytes are none. -EPROTO: one of another version. */
MQTT_NODISCARD int ratchet_message_decode(struct mqtt_span bytes, struct ratchet_message *out);

/* Fills in message->proof, for its counter and `fresh`, by the secret of the step. `binding` is
 * the connection's, RATCHET_KEY_BYTES that its two ends alone know. Negative as `hmac` says. */
MQTT_NODISCARD int ratchet_prove(const struct ratchet_hmac *hmac,
                                 const uint8_t secret[RATCHET_KEY_BYTES], const uint8_t *binding,
                                 struct ratchet_message *message);

/* The step that follows when the message is taken on that connection. */
MQTT_NODISCARD int ratchet_advance(const struct ratchet_hmac *hmac, const uint8_t *binding,
                                   const struct ratchet_message *message, struct ratchet_step *out);
