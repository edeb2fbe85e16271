/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of the enrolment: its own as a server, those of the authorities it hands out,
 * and those by which it knows who a client is.
 *
 * Owner: one thread. Immutable once made. */
#pragma once

#include "base/attrs.h"
#include "est/est.h"
#include "pki/identity_uri.h"
#include "pki/registry.h"
#include "pki/token_text.h"

#include <stdbool.h>
#include <stdint.h>

#define EST_TRUST_SERIAL_SIZE 65 /* longest serial number and NUL */

struct est_trust;
struct ssl_st;
struct ssl_ctx_st;
struct x509_st;

/* Reads all files. */
MQTT_NODISCARD int est_trust_new(const struct est_options *options, struct est_trust **out,
                                 struct pki_fault *fault);
void est_trust_free(struct est_trust *trust); /* NULL is fine */

/* Has the certificate of the server been replaced since? */
bool est_trust_is_stale(const struct est_trust *trust, const struct est_options *options);

struct ssl_ctx_st *est_trust_context(const struct est_trust *trust); /* borrowed */

/* The answer to cacerts: PKCS#7 in base64, NUL-terminated, borrowed. */
const char *est_trust_authorities(const struct est_trust *trust);

/* A certificate alone, in the same form, from malloc. NULL: no memory. */
MQTT_NODISCARD char *est_trust_encode(struct x509_st *certificate);

enum est_peer_kind {
    EST_PEER_NONE = 0, /* showed no certificate */
    EST_PEER_BAD,      /* one that does not verify, or says nothing we understand */
    EST_PEER_OURS,
    EST_PEER_MANUFACTURER,
};

struct est_peer {
    enum est_peer_kind kind;
    char why[160]; /* EST_PEER_BAD: one line */
    /* EST_PEER_OURS */
    struct identity_uri uri;
    uint8_t fingerprint[32];
    uint8_t key_sha256[REGISTRY_KEY_BYTES];
    /* EST_PEER_MANUFACTURER */
    const struct est_manufacturer *manufacturer;
    char device_name[IDENTITY_URI_NAME_SIZE];
    uint8_t mark[TOKEN_HASH_BYTES]; /* names the device for ever, whatever certificate it shows */
};

/* Who is at the other end? `verify_error` is what the handshake found, 0 for nothing. */
void est_trust_judge(const struct est_trust *trust, const struct est_options *options,
                     const struct ssl_st *ssl, int verify_error, struct est_peer *out);
