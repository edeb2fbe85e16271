/* SPDX-License-Identifier: Apache-2.0 */
/* The TPM's side of an attestation: what it shows of itself and of a key that it has, and what it says
 * to a challenge (docs/attestation.md). All as the TPM has it, marshalled; nothing is judged here.
 * Owner: one thread. Between the two steps nothing of ours stays in the TPM. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/fault.h"

#include <stdint.h>

#define TPM_ATTEST_AREA_BYTES        512
#define TPM_ATTEST_CERTIFICATE_BYTES 4096
#define TPM_ATTEST_SECRET_BYTES      32
#define TPM_ATTEST_STATEMENT_BYTES   1024
#define TPM_ATTEST_SIGNATURE_BYTES   128

struct tpm_attest_part {
    size_t len;
    uint8_t bytes[TPM_ATTEST_AREA_BYTES];
};

/* Who the TPM is: its endorsement key, and the certificate of that, if it has one. */
struct tpm_attest_identity {
    struct tpm_attest_part endorsement;                /* TPMT_PUBLIC */
    size_t certificate_len;                            /* 0: there is none */
    uint8_t certificate[TPM_ATTEST_CERTIFICATE_BYTES]; /* DER */
};

/* The endorsement key that has a certificate, RSA first; else the one of P-256. Errors of
 * tpm_link_open(); -EIO: the TPM does not make it. */
MQTT_NODISCARD int tpm_attest_identify(struct tpm_attest_identity *out, struct pki_fault *fault);

struct tpm_attest;

/* For the key at that place, a file or "tpm:HANDLE" (device_key.h). Makes a witness: a key that signs
 * nothing but what the TPM itself says, for this attestation only. tpm_attest_close() it. -ENOTSUP: the
 * key is in no TPM; errors of tpm_attest_identify(), tpm_link_load() and tpm_blob.h. */
MQTT_NODISCARD int tpm_attest_open(const char *place, struct tpm_attest **out,
                                   struct pki_fault *fault);
void tpm_attest_close(struct tpm_attest *attest); /* NULL is fine */

/* Borrowed until tpm_attest_close(). */
const struct tpm_attest_identity *tpm_attest_identity(const struct tpm_attest *attest);
struct mqtt_span tpm_attest_witness(const struct tpm_attest *attest); /* TPMT_PUBLIC, as the key */
struct mqtt_span tpm_attest_key(const struct tpm_attest *attest);

/* TPMS_ID_OBJECT, TPM2B_ENCRYPTED_SECRET without its size, and what the statement is to repeat. */
struct tpm_attest_challenge {
    struct mqtt_span blob;
    struct mqtt_span wrapped;
    struct mqtt_span nonce;
};

struct tpm_attest_proof {
    uint8_t secret[TPM_ATTEST_SECRET_BYTES];
    size_t statement_len;
    uint8_t statement[TPM_ATTEST_STATEMENT_BYTES]; /* TPMS_ATTEST */
    size_t signature_len;
    uint8_t signature[TPM_ATTEST_SIGNATURE_BYTES]; /* TPMT_SIGNATURE */
};

/* Opens the credential and says what it has to say about the key. The caller wipes *out. -EBADMSG: the
 * challenge is too long for a TPM; -EKEYREJECTED: the TPM does not open it, which is for another one;
 * -EIO. */
MQTT_NODISCARD int tpm_attest_prove(struct tpm_attest *attest,
                                    const struct tpm_attest_challenge *challenge,
                                    struct tpm_attest_proof *out, struct pki_fault *fault);
