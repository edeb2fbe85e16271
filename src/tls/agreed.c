/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/agreed.h"

#include "tls/departure.h"
#include "tls/hello.h"

#include <openssl/ssl.h>

#define MESSAGE_HEADER_BYTES 4u

/* By the message and not by OpenSSL's callback for a ClientHello, which does not tell of extensions
 * that OpenSSL does not know. */
static void on_message(int is_ours, int version, int content_type, const void *bytes, size_t len,
                       SSL *ssl, void *context)
{
    struct tls_agreed *agreed = context;
    const uint8_t *message = bytes;

    (void)version;
    tls_departure_note(ssl, is_ours != 0, content_type, message, len);
    if (is_ours != 0 || content_type != SSL3_RT_HANDSHAKE || len < MESSAGE_HEADER_BYTES
        || message[0] != SSL3_MT_CLIENT_HELLO || agreed->has_print)
        return;
    agreed->has_print = tls_hello_print(
        (struct mqtt_span){ message + MESSAGE_HEADER_BYTES, len - MESSAGE_HEADER_BYTES },
        agreed->print);
}

void tls_agreed_follow(struct tls_agreed *agreed, struct ssl_st *ssl)
{
    SSL_set_msg_callback(ssl, on_message);
    SSL_set_msg_callback_arg(ssl, agreed);
}

void tls_agreed_settle(struct tls_agreed *agreed, struct ssl_st *ssl)
{
    SSL_set_msg_callback(ssl, NULL); /* what comes now is nobody's hello */
    agreed->version = SSL_get_version(ssl);
    agreed->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
    agreed->is_resumed = SSL_session_reused(ssl);
}
