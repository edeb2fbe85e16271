/* SPDX-License-Identifier: Apache-2.0 */
/* What a verified client certificate says, in one small heap block that outlives
 * the certificate and the connection.
 *
 * Immutable and reference-counted; any thread may read, ref and unref. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_FINGERPRINT_BYTES 32 /* SHA-256 */
#define TLS_MODULUS_TAG_BYTES 10
#define TLS_EXTENSION_BYTES   512 /* longest value of tls_options.extension_oid that is kept */

struct tls_peer {
    uint8_t fingerprint[TLS_FINGERPRINT_BYTES];     /* of the certificate, DER */
    uint8_t key_fingerprint[TLS_FINGERPRINT_BYTES]; /* of its SubjectPublicKeyInfo, DER */
    int64_t not_after_s;                            /* expiry, seconds since 1970 */
    const char *common_name;                        /* of the subject; "" for none */
    const char *organization;                       /* O of the subject; "" for none */
    const char *organizational_unit;                /* OU of the subject; "" for none */
    const char *issuer;                             /* common name of the issuer; "" for none */
    const char *serial;                             /* lower-case hex */
    const char *weakness; /* what is known to be wrong with the key, static; NULL: nothing */
    bool is_rsa;
    uint8_t modulus_tag[TLS_MODULUS_TAG_BYTES]; /* RSA: keycheck_modulus_tag() */
    size_t uri_count;
    const char *const *uris;    /* subject alternative names of type URI */
    struct mqtt_span extension; /* value of tls_options.extension_oid; empty: there is none */
};

/* Names with bytes that are not printable ASCII are taken as absent, so that a
 * reader can trust every string here to be text. */

const struct tls_peer *tls_peer_ref(const struct tls_peer *peer);
void tls_peer_unref(const struct tls_peer *peer); /* NULL is fine */
