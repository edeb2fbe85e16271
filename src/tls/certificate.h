/* SPDX-License-Identifier: Apache-2.0 */
/* From OpenSSL's certificates to what the rest of the broker needs of them. Inside
 * tls/ only. */
#pragma once

#include "base/attrs.h"
#include "tls/peers.h"

#include <openssl/x509.h>
#include <stdbool.h>

/* A new one with one reference, and in no table yet (peers.h, who alone calls it), or NULL: out of memory or not
 * encodable. `extension`: the one whose value is kept; NULL: none. */
MQTT_NODISCARD struct counted_peer *tls_peer_new(X509 *certificate, const ASN1_OBJECT *extension);

/* Is it this very certificate? False also when it cannot be told. */
bool tls_peer_is_of(const struct tls_peer *peer, X509 *certificate);

/* "lamp (serial 1a2b)": at most `size` bytes, always terminated. */
void tls_certificate_label(X509 *certificate, char *out, size_t size);

/* "revocation list of CA is out of date since 2026-01-31 10:00 UTC", likewise. */
void tls_certificate_stale_list(const X509_CRL *list, char *out, size_t size);

/* Drops what a certificate holds in memory: key (replaced), names, extensions. Only for
 * one that nobody looks at again; a failure leaves it larger. */
void tls_certificate_slim(X509 *certificate, EVP_PKEY *placeholder);
