/* SPDX-License-Identifier: Apache-2.0 */
/* What a TPM says of a key that it has (TPMS_ATTEST of TPM2_Certify, part 2, 10.12.12), and its
 * signature. Pure functions; the bytes may come from anybody. */
#pragma once

#include "attest/area.h"

#define ATTEST_STATEMENT_MAX_BYTES 1024

struct attest_statement {
    struct mqtt_span nonce; /* that it was asked with */
    struct mqtt_span name;  /* of the key; both borrowed */
};

/* -EBADMSG: it is not made by a TPM, is not about a key, or not all of it. */
MQTT_NODISCARD int attest_statement_decode(struct mqtt_span bytes, struct attest_statement *out);

/* Is it signed by the witness? `signature` is a TPMT_SIGNATURE, ECDSA with SHA-256. */
bool attest_statement_is_signed(struct mqtt_span bytes, struct mqtt_span signature,
                                const struct attest_area *witness);
