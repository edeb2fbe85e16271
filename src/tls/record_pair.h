/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: two ends of OpenSSL's, connected in memory after a handshake of TLS 1.3 with a shared
 * key, and the secrets that are in force between them. Everything that goes wrong here aborts. */
#pragma once

#include "base/span.h"
#include "tls/record.h"

#include <openssl/ssl.h>

#define TLS_PAIR_NO_ALERT (-1)

/* One end. */
struct tls_pair_end {
    SSL *ssl;
    BIO *in;
    BIO *out;
    uint8_t secret[TLS_SECRET_MOST_BYTES]; /* what it writes with */
    int sent_alert;                        /* TLS_PAIR_NO_ALERT: none */
    int received_alert;
};

struct tls_pair {
    enum tls_suite suite;
    SSL_SESSION *session;
    SSL_CTX *client_context;
    SSL_CTX *server_context;
    struct tls_pair_end client;
    struct tls_pair_end server;
};

/* The contexts live as long as the pair; tls_pair_connect() makes two fresh ends, as often as wanted. */
void tls_pair_init(struct tls_pair *pair, enum tls_suite suite);
void tls_pair_connect(struct tls_pair *pair);
void tls_pair_fini(struct tls_pair *pair);

/* What a record layer needs to stand in the place of the server, or of the client. Borrows. */
struct tls_record_secrets tls_pair_server_secrets(const struct tls_pair *pair);
struct tls_record_secrets tls_pair_client_secrets(const struct tls_pair *pair);

void tls_pair_give(struct tls_pair_end *end, struct mqtt_span ciphertext);
size_t tls_pair_take(struct tls_pair_end *end, uint8_t *into, size_t room);

/* Plaintext of at most one record: TLS_DONE, TLS_WANTS_INPUT, TLS_CLOSED, TLS_FAILED. */
enum tls_result tls_pair_read(struct tls_pair_end *end, struct tls_sink *plaintext);
void tls_pair_write(struct tls_pair_end *end, struct mqtt_span plaintext);
