/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit log needs of cryptography, as function pointers: pki/audit_key.h fills them, and
 * a test fills in something that it can look into. Called on the thread of the caller. */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_HASH_BYTES      32 /* SHA-256 */
#define AUDIT_SIGNATURE_BYTES 64 /* Ed25519 */
#define AUDIT_ID_BYTES        16 /* of a log: random */

struct audit_port {
    void *context;
    /* Of the public key that checkpoints are to be checked with: SHA-256 of its
     * SubjectPublicKeyInfo. */
    uint8_t key[AUDIT_HASH_BYTES];
    void (*hash)(void *context, struct mqtt_span bytes, uint8_t out[AUDIT_HASH_BYTES]);
    /* Negative errno: it cannot be signed now. NULL where nobody signs. */
    int (*sign)(void *context, struct mqtt_span bytes, uint8_t out[AUDIT_SIGNATURE_BYTES]);
    bool (*verify)(void *context, struct mqtt_span bytes,
                   const uint8_t signature[AUDIT_SIGNATURE_BYTES]);
};
