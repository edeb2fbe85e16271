/* SPDX-License-Identifier: Apache-2.0 */
/* One loading of a listener's certificate and trust: immutable, shared by the
 * connections that were made while it was current. Inside tls/ only.
 *
 * Thread-safe and reference-counted. */
#pragma once

#include "base/attrs.h"
#include "tls/context.h"
#include "tls/peers.h"
#include "tls/sessions.h"

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_TRUST_BYTES 32

struct tls_generation {
    atomic_uint references;
    SSL_CTX *ssl_ctx;
    struct tls_sessions *sessions; /* NULL: nothing is resumed */
    struct tls_peers *peers;
    EVP_PKEY *placeholder;  /* stands in for the keys of certificates that were judged */
    const char *protocol;   /* static; tls_options.protocol */
    ASN1_OBJECT *extension; /* that is kept of a client certificate; NULL: none */
    uint8_t *ocsp_response; /* NULL: none */
    size_t ocsp_response_bytes;
    int64_t crl_expires_s; /* of the first list that goes out of date; 0: there is none */
    bool accepts_stale_crl;
    enum tls_detach detach;
    /* Digest of whom it trusts; a session resumes only under the same. */
    uint8_t trust[TLS_TRUST_BYTES];
};

/* Reads all files; errors as tls_context_new(). `before` may be NULL: its sessions
 * stay in use when the trust is the same. */
MQTT_NODISCARD int tls_generation_new(const struct tls_options *options,
                                      const struct tls_generation *before, struct tls_error *why,
                                      struct tls_generation **out);
void tls_generation_unref(struct tls_generation *generation); /* NULL is fine */

/* What it keeps of a client certificate, with a reference; or NULL (tls_peers_get). */
static inline const struct tls_peer *tls_generation_peer(const struct tls_generation *generation,
                                                         X509 *certificate)
{
    return tls_peers_get(generation->peers, certificate, generation->extension);
}

/* The current one of a context, with a reference. */
struct tls_generation *tls_context_generation(struct tls_context *context);

/* Hangs the callbacks that every connection needs on generation->ssl_ctx. */
void tls_generation_set_callbacks(struct tls_generation *generation, enum tls_clients clients);
