/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection needs to leave OpenSSL once its handshake is over (tls_stream_detach): the
 * secrets of both directions, and how many records were made under them. Inside tls/ only.
 *
 * Both come to us where OpenSSL begins to use them: it tells a secret in the moment in which it
 * starts to count anew (RFC 8446, sections 5.3 and 7.2), and of each record that it has opened or sealed
 * since. The secrets go nowhere else, and are wiped with the connection.
 *
 * Owner: the connection's thread. It hangs on the SSL and lives as long. */
#pragma once

#include "base/attrs.h"
#include "tls/record.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before the handshake. -ENOMEM. */
MQTT_NODISCARD int tls_departure_prepare(SSL *ssl);

/* Wipes. One that was not prepared is fine. */
void tls_departure_drop(SSL *ssl);

/* OpenSSL tells a secret (SSL_CTX_set_keylog_callback). */
void tls_departure_on_secret(const SSL *ssl, const char *line);

/* OpenSSL tells of a record or a message (SSL_set_msg_callback); nothing happens to one that was not
 * prepared. */
void tls_departure_note(const SSL *ssl, bool is_ours, int content_type, const uint8_t *bytes,
                        size_t len);

/* From here on messages are nobody else's: the handshake is over. */
void tls_departure_follow(SSL *ssl);

enum tls_departure_state {
    TLS_DEPARTURE_NEVER = 0, /* it stays with OpenSSL for good */
    TLS_DEPARTURE_LATER,     /* OpenSSL holds part of a record, or has something to send */
    TLS_DEPARTURE_READY,
};

enum tls_departure_state tls_departure_state(const SSL *ssl);

/* With what the records go on. READY; borrowed. */
struct tls_record_secrets tls_departure_secrets(const SSL *ssl);
