/* SPDX-License-Identifier: Apache-2.0 */
/* How a listener speaks TLS: its certificate, whom it trusts, what may be resumed.
 *
 * Thread-safe: shared by all shards. TLS 1.3, 1.2 by option; forward-secret AEAD
 * suites; X25519, then P-256; ALPN "mqtt", or what the options say, when the client
 * offers any. Client keys are ECDSA, Ed25519 or RSA from 2048 bits on. Resumption is
 * by tickets that name an entry of a bounded cache shared by the shards (TLS 1.3
 * only). A resumed connection carries the struct tls_peer of the first one, which
 * the caller judges again: a ticket proves possession, not standing. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* What a client may send to prove itself; more is refused before it is looked at. */
#define TLS_CERTIFICATES_MAX_BYTES 32768 /* its certificate and its issuers, in one message */
#define TLS_CHAIN_MAX              4     /* issuers between its certificate and one we trust */

struct tls_context;

enum tls_clients {
    TLS_CLIENTS_REQUIRED = 0, /* no certificate, no connection */
    TLS_CLIENTS_OPTIONAL,     /* one that is sent must be good */
    TLS_CLIENTS_NONE,         /* not asked for */
};

/* Which of its connections leave OpenSSL, and when: tls_stream_detach(). */
enum tls_detach {
    TLS_DETACH_OFF = 0,
    TLS_DETACH_IDLE,   /* those that have been idle for a while */
    TLS_DETACH_ALWAYS, /* all that go on after they were let in */
};

struct tls_options {
    const char *certificate_path;   /* PEM, own certificate first, then intermediates */
    const char *key_path;           /* PEM, not encrypted */
    const char *client_ca_path;     /* PEM, one or more; NULL only with TLS_CLIENTS_NONE */
    const char *crl_path;           /* PEM, one or more; NULL: no revocation lists */
    const char *ocsp_response_path; /* DER, stapled for clients that ask; NULL: none */
    const char *extension_oid;      /* of client certificates, to be kept for who reads it; dotted
                                       numbers; NULL: none */
    const char *protocol; /* chosen before "mqtt" (ALPN) where the client offers it: MQTT with
                                       something that it can count on; static; NULL: none */
    enum tls_clients clients;
    enum tls_detach detach;
    bool allow_tls_1_2;
    bool accepts_stale_crl;      /* a list after its time still counts; else it lets nobody in */
    bool wipes_plaintext;        /* out of OpenSSL's buffers, once it was read: passwords come */
    uint32_t sessions;           /* most that can be resumed; 0: every handshake is full */
    uint32_t session_lifetime_s; /* 0: 7200 */
};

/* One line for the operator: which file, what is wrong with it. */
struct tls_error {
    char text[256];
};

/* Reads all files. 0, or a negative errno with *why set: -EINVAL for content,
 * -ENOMEM, otherwise what the file system said. */
MQTT_NODISCARD int tls_context_new(const struct tls_options *options, struct tls_error *why,
                                   struct tls_context **out);

/* Reads all files again; new connections use them from now on, old ones live on.
 * What could be resumed stays so only if trust (client CA, CRL, mode) did not change. On
 * failure, as above, everything stays as it was. */
MQTT_NODISCARD int tls_context_reload(struct tls_context *context,
                                      const struct tls_options *options, struct tls_error *why);

/* One more owner. */
struct tls_context *tls_context_ref(struct tls_context *context);

/* Gives one reference back, new's or ref's; the last one frees. Connections made from it
 * live on. NULL is fine. */
void tls_context_free(struct tls_context *context);

/* When the first of its revocation lists goes out of date, seconds since 1970; 0: it has none. */
int64_t tls_context_crl_expires_s(struct tls_context *context);

/* Is it a ticket of ours that can be resumed? Whoever has one was here before, or has overheard
 * somebody who was: a reason to be served earlier, not to be let in. */
bool tls_context_remembers(struct tls_context *context, struct mqtt_span ticket);

/* Forgets everything that could be resumed. */
void tls_context_forget_sessions(struct tls_context *context);
