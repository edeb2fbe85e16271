/* SPDX-License-Identifier: Apache-2.0 */
/* What device and broker say to each other about where a key is kept (docs/attestation.md). All
 * numbers are big-endian, as a TPM has them; each part has its length in two bytes in front.
 *
 *     claim      1 | endorsement's public area | its certificate in DER, may be empty
 *                  | witness's public area | the key's public area
 *     challenge  2 | TPMS_ID_OBJECT | TPM2B_ENCRYPTED_SECRET without its size | nonce, 32 bytes
 *     answer     3 | the secret, 32 bytes | TPMS_ATTEST | TPMT_SIGNATURE
 *
 * The first byte is kind and version in one. Pure functions; what is read may come from anybody, and
 * what is decoded is borrowed. */
#pragma once

#include "attest/credential.h"
#include "attest/statement.h"

/* Where they are sent to, by POST and in base64. */
#define ATTEST_CLAIM_PATH  "/attestation/claim"
#define ATTEST_ANSWER_PATH "/attestation/answer"

#define ATTEST_NONCE_BYTES           32
#define ATTEST_CERTIFICATE_MAX_BYTES 4096
#define ATTEST_MESSAGE_MAX_BYTES     (ATTEST_CERTIFICATE_MAX_BYTES + 3 * ATTEST_AREA_MAX_BYTES + 16)

struct attest_claim {
    struct mqtt_span endorsement;
    struct mqtt_span certificate; /* .len 0: there is none */
    struct mqtt_span witness;
    struct mqtt_span key;
};

struct attest_challenge {
    struct mqtt_span blob;
    struct mqtt_span wrapped;
    struct mqtt_span nonce;
};

struct attest_answer {
    struct mqtt_span secret;
    struct mqtt_span statement;
    struct mqtt_span signature;
};

/* To `out` of `size` bytes; how many. 0: it does not fit. */
MQTT_NODISCARD size_t attest_claim_encode(const struct attest_claim *claim, uint8_t *out,
                                          size_t size);
MQTT_NODISCARD size_t attest_challenge_encode(const struct attest_challenge *challenge,
                                              uint8_t *out, size_t size);
MQTT_NODISCARD size_t attest_answer_encode(const struct attest_answer *answer, uint8_t *out,
                                           size_t size);

/* -EBADMSG: it is none, not all of it, or a part is longer than it may be. */
MQTT_NODISCARD int attest_claim_decode(struct mqtt_span bytes, struct attest_claim *out);
MQTT_NODISCARD int attest_challenge_decode(struct mqtt_span bytes, struct attest_challenge *out);
MQTT_NODISCARD int attest_answer_decode(struct mqtt_span bytes, struct attest_answer *out);
