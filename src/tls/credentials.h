/* SPDX-License-Identifier: Apache-2.0 */
/* Files of certificates, keys and revocation lists into an SSL_CTX. Inside tls/
 * only. */
#pragma once

#include "base/attrs.h"
#include "tls/context.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

/* All return 0 or a negative errno with *why set. */

/* Own certificate with its intermediates, and its key. */
MQTT_NODISCARD int tls_credentials_own(SSL_CTX *ssl_ctx, const struct tls_options *options,
                                       struct tls_error *why);

/* The client CAs and revocation lists; what was read is also fed to `digest`. */
MQTT_NODISCARD int tls_credentials_trust(SSL_CTX *ssl_ctx, const struct tls_options *options,
                                         EVP_MD_CTX *digest, struct tls_error *why);

/* Both are there: where the own certificate comes without intermediates, those that are among the client CAs
 * are sent with it, and no root. They are looked for here, once: OpenSSL would for each handshake, and verify
 * them. */
void tls_credentials_complete(SSL_CTX *ssl_ctx);

/* A whole file, malloc'ed. */
MQTT_NODISCARD int tls_credentials_read(const char *path, struct tls_error *why, uint8_t **out,
                                        size_t *out_bytes);
