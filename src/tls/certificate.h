/* SPDX-License-Identifier: Apache-2.0 */
/* From OpenSSL's certificates to what the rest of the broker needs of them. Inside
 * tls/ only. */
#pragma once

#include "base/attrs.h"
#include "tls/peer.h"

#include <openssl/x509.h>

/* A new one with one reference, or NULL: out of memory or not encodable. */
MQTT_NODISCARD const struct tls_peer *tls_peer_new(X509 *certificate);

/* "lamp (serial 1a2b)": at most `size` bytes, always terminated. */
void tls_certificate_label(X509 *certificate, char *out, size_t size);
