/* SPDX-License-Identifier: Apache-2.0 */
/* A secret that one TPM alone can open, and only if it has an object of one name (TPM2_MakeCredential,
 * TPM 2.0 library specification, part 1, 24): made in software, for the endorsement key that the other
 * side has shown. Whoever answers with the secret has both. Pure but for random numbers. */
#pragma once

#include "attest/area.h"

#define ATTEST_SECRET_BYTES      32
#define ATTEST_BLOB_BYTES        (2 + 32 + 2 + ATTEST_SECRET_BYTES) /* of TPMS_ID_OBJECT */
#define ATTEST_WRAPPED_MAX_BYTES 256 /* RSA 2048; a point takes less */

struct attest_credential {
    uint8_t blob[ATTEST_BLOB_BYTES]; /* without the size that TPM2B_ID_OBJECT has in front */
    uint8_t wrapped[ATTEST_WRAPPED_MAX_BYTES]; /* as TPM2B_ENCRYPTED_SECRET, without its size */
    size_t wrapped_len;
};

/* -EBADMSG: the key is none; -EIO: OpenSSL does not do it. */
MQTT_NODISCARD int attest_credential_make(const struct attest_area *endorsement,
                                          const uint8_t name[ATTEST_NAME_BYTES],
                                          const uint8_t secret[ATTEST_SECRET_BYTES],
                                          struct attest_credential *out);

/* Keys of the TPM's (part 1, 11.4.10.2), of at most 32 bytes: from a seed of 32 bytes, for a purpose,
 * which is "STORAGE" or "INTEGRITY" here, and a context, which may be empty. -EIO. */
MQTT_NODISCARD int attest_credential_derive(const uint8_t seed[32], const char *purpose,
                                            struct mqtt_span context, uint8_t *out, size_t len);
