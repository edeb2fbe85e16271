/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in which a device's private key is used: something signs, and nobody sees the key.
 * Behind it may be a file, a PKCS#11 token, a TPM, or whatever a board has. Keys are P-256.
 *
 * The MQTT client never sees it; it is handed to the TLS adapter (tacit/posix.h). */
#pragma once

#include <stddef.h>

#define TACIT_KEY_POINT_BYTES     65 /* 0x04, X, Y */
#define TACIT_KEY_DIGEST_BYTES    32
#define TACIT_KEY_SIGNATURE_BYTES 64 /* r and s, 32 bytes each, big-endian */

struct tacit_key {
    void *context;

    /* ECDSA over a digest of TACIT_KEY_DIGEST_BYTES bytes: `signature` gets
     * TACIT_KEY_SIGNATURE_BYTES. 0, or another value if it cannot. It may block as long as the
     * hardware takes, and is called by one thread at a time. */
    int (*sign)(void *context, const unsigned char *digest, size_t len, unsigned char *signature);

    /* Called once, when nobody will sign any more; NULL: nothing to be done. */
    void (*release)(void *context);

    unsigned char point[TACIT_KEY_POINT_BYTES]; /* the public key */
};
