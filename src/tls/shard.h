/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a thread's TLS buffers. Inside tls/ only.
 *
 * Owner: the thread. One BIO serves all its connections: OpenSSL reads from `input`
 * and writes to `output` of whichever stream is `current`. */
#pragma once

#include "base/span.h"
#include "tls/stream.h"

#include <openssl/ssl.h>

/* A flight with a long certificate chain fits; so do fifteen full records. */
#define TLS_OUTPUT_BYTES 262144u

/* Most that a record adds to its plaintext (TLS 1.2: header, nonce, tag; an alert
 * or a key update may go before it). */
#define TLS_RECORD_OVERHEAD 512u

/* Steps of OpenSSL's state machine for what was fed at once. A handshake takes some twenty; beyond
 * it somebody renews keys, four steps each, for the sake of our work. */
#define TLS_STEPS_MAX 128u

struct tls_shard {
    BIO_METHOD *method;
    BIO *bio;
    struct tls_stream *current;
    struct tls_record_engine *engine; /* NULL until the first stream is detached */
    struct mqtt_span input;
    size_t output_len;
    unsigned steps;    /* for this input */
    char failure[256]; /* "": not said yet */
    uint8_t output[TLS_OUTPUT_BYTES];
};

/* The shard that works on this connection now, from inside a callback. */
struct tls_shard *tls_shard_of(const SSL *ssl);

/* Says why the call that was just made failed, unless it is said already. */
void tls_shard_explain(struct tls_shard *shard);

__attribute__((format(printf, 2, 3))) void tls_shard_fail(struct tls_shard *shard,
                                                          const char *format, ...);
