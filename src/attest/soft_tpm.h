/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM in software for tests, as far as attestation meets one, which says what it is told to: areas,
 * credentials that it opens, statements that it signs. Aborts where OpenSSL does not do it. */
#pragma once

#include "attest/judge.h"

#include <openssl/evp.h>

struct soft_object {
    EVP_PKEY *key;
    uint8_t area[ATTEST_AREA_MAX_BYTES];
    size_t len;
};

struct soft_tpm {
    struct soft_object endorsement;
    struct soft_object witness;
    struct soft_object key;
};

/* As a TPM would have them; with an endorsement key of RSA or of P-256. */
void soft_tpm_init(struct soft_tpm *tpm, bool is_rsa);
void soft_tpm_fini(struct soft_tpm *tpm);

/* Writes the area again, with other attributes. */
void soft_tpm_describe(struct soft_object *object, uint32_t attributes);
uint32_t soft_tpm_attributes(const struct soft_object *object);

struct mqtt_span soft_tpm_area(const struct soft_object *object);
void soft_tpm_sha256(const struct soft_object *object, uint8_t out[ATTEST_HASH_BYTES]);

/* To `out` of ATTEST_MESSAGE_MAX_BYTES bytes. */
size_t soft_tpm_claim(const struct soft_tpm *tpm, struct mqtt_span certificate, uint8_t *out);

/* Opens a credential for an object of the name of the witness: false as a TPM would fail. */
bool soft_tpm_activate(const struct soft_tpm *tpm, const struct attest_challenge *challenge,
                       uint8_t secret[ATTEST_SECRET_BYTES]);

/* What a statement says. */
struct soft_statement {
    uint32_t magic;
    uint16_t type;
    struct mqtt_span nonce;
    const struct soft_object *about;
    EVP_PKEY *signer;
};
/* What an honest TPM would say. */
struct soft_statement soft_tpm_statement(const struct soft_tpm *tpm,
                                         const struct attest_challenge *challenge);

/* To `out` of ATTEST_MESSAGE_MAX_BYTES bytes. */
size_t soft_tpm_answer(const struct soft_statement *statement,
                       const uint8_t secret[ATTEST_SECRET_BYTES], uint8_t *out);

/* A certificate in DER of `size` bytes for that key, by an issuer; NULL: by itself, an authority. `use`
 * is an extended key usage, NULL: none. */
size_t soft_tpm_certify(EVP_PKEY *key, EVP_PKEY *issuer, const char *use, uint8_t *out,
                        size_t size);
