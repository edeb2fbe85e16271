/* SPDX-License-Identifier: Apache-2.0 */
/* The public area of a TPM's object (TPMT_PUBLIC of the TPM 2.0 library specification, part 2, 12.2.4),
 * as far as attestation meets it: keys of RSA and of P-256 whose name is by SHA-256. What a TPM does
 * not send to us from itself may come from anybody. Pure functions; no TPM is asked. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define ATTEST_AREA_MAX_BYTES 512
#define ATTEST_NAME_BYTES     34 /* the algorithm, then SHA-256 */
#define ATTEST_HASH_BYTES     32
#define ATTEST_SPKI_MAX_BYTES 320 /* of RSA 2048 */

/* TPMA_OBJECT */
#define ATTEST_FIXED_TPM    0x00000002u
#define ATTEST_FIXED_PARENT 0x00000010u
#define ATTEST_MADE_INSIDE  0x00000020u /* sensitiveDataOrigin */
#define ATTEST_RESTRICTED   0x00010000u
#define ATTEST_DECRYPT      0x00020000u
#define ATTEST_SIGN         0x00040000u
#define ATTEST_CAPTIVE      (ATTEST_FIXED_TPM | ATTEST_FIXED_PARENT | ATTEST_MADE_INSIDE)

/* TPM_ALG_ID */
#define ATTEST_ALG_RSA    0x0001u
#define ATTEST_ALG_AES    0x0006u
#define ATTEST_ALG_SHA256 0x000bu
#define ATTEST_ALG_NULL   0x0010u
#define ATTEST_ALG_ECDSA  0x0018u
#define ATTEST_ALG_ECC    0x0023u
#define ATTEST_ALG_CFB    0x0043u
#define ATTEST_P256       0x0003u /* TPM_ECC_NIST_P256 */

struct evp_pkey_st;

struct attest_cipher {
    uint16_t algorithm; /* ATTEST_ALG_NULL: none, and the rest is 0 */
    uint16_t bits;
    uint16_t mode;
};

struct attest_area {
    struct mqtt_span bytes; /* all of it; spans are borrowed from what was decoded */
    uint16_t type;          /* ATTEST_ALG_RSA or ATTEST_ALG_ECC */
    uint32_t attributes;
    struct attest_cipher cipher; /* of a key that protects others */
    uint16_t scheme;             /* of a key that signs; ATTEST_ALG_NULL: any */
    uint16_t scheme_hash;
    uint16_t bits;      /* RSA */
    uint32_t exponent;  /* RSA; 0 stands for 65537 */
    uint16_t curve;     /* ECC */
    struct mqtt_span x; /* ECC; the modulus of RSA */
    struct mqtt_span y; /* ECC */
};

/* -EBADMSG: it is none, is not all of it, or is of a kind that is not known here. */
MQTT_NODISCARD int attest_area_decode(struct mqtt_span bytes, struct attest_area *out);

/* What the TPM calls the object: nobody else makes one of that name. -EIO. */
MQTT_NODISCARD int attest_area_name(const struct attest_area *area, uint8_t out[ATTEST_NAME_BYTES]);

/* A storage key as the profile for endorsement keys has it (restricted, decrypts, does not sign, cannot
 * leave, AES-128 in CFB), of RSA 2048 or P-256. */
bool attest_area_is_endorsement(const struct attest_area *area);

/* Signs nothing but what the TPM itself says (restricted), and cannot leave: of P-256, ECDSA with
 * SHA-256. */
bool attest_area_is_witness(const struct attest_area *area);

/* Signs, was made inside, and cannot leave: of P-256. */
bool attest_area_is_captive(const struct attest_area *area);

/* The key itself; EVP_PKEY_free() it. NULL: it is none, a point that is not on the curve for example. */
MQTT_NODISCARD struct evp_pkey_st *attest_area_key(const struct attest_area *area);

/* SHA-256 of its SubjectPublicKeyInfo. -EBADMSG: as attest_area_key(). */
MQTT_NODISCARD int attest_area_sha256(const struct attest_area *area,
                                      uint8_t out[ATTEST_HASH_BYTES]);
