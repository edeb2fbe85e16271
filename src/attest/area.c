/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/area.h"

#include "codec/reader.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#define HALF          32 /* a coordinate of P-256 */
#define POINT_BYTES   (1 + 2 * HALF)
#define UNCOMPRESSED  0x04
#define EXPONENT      65537u
#define RSA_BITS      2048
#define RSA_MAX_BYTES 512
#define CIPHER_BITS   128
#define ALG_RSAES     0x0015u /* the one scheme of RSA without a hash */

/* ---- the structure ---- */

static struct attest_cipher read_cipher(struct mqtt_reader *r)
{
    struct attest_cipher cipher = { .algorithm = mqtt_read_u16(r) };

    if (cipher.algorithm == ATTEST_ALG_NULL)
        return cipher;
    cipher.bits = mqtt_read_u16(r);
    cipher.mode = mqtt_read_u16(r);
    return cipher;
}

static uint16_t read_scheme(struct mqtt_reader *r, uint16_t *out_hash)
{
    uint16_t scheme = mqtt_read_u16(r);

    *out_hash = scheme != ATTEST_ALG_NULL && scheme != ALG_RSAES ? mqtt_read_u16(r) : 0;
    return scheme;
}

static void read_rsa(struct mqtt_reader *r, struct attest_area *area)
{
    area->bits = mqtt_read_u16(r);
    area->exponent = mqtt_read_u32(r);
    area->x = mqtt_read_binary(r);
    if (area->x.len > RSA_MAX_BYTES || area->x.len * 8 != area->bits)
        mqtt_reader_fail(r, MQTT_ERR_FLAGS);
}

static void read_ecc(struct mqtt_reader *r, struct attest_area *area)
{
    uint16_t hash;

    area->curve = mqtt_read_u16(r);
    (void)read_scheme(r, &hash); /* of a key derivation */
    area->x = mqtt_read_binary(r);
    area->y = mqtt_read_binary(r);
}

int attest_area_decode(struct mqtt_span bytes, struct attest_area *out)
{
    struct mqtt_reader r = mqtt_reader_over(bytes);
    struct attest_area area = { .bytes = bytes, .type = mqtt_read_u16(&r) };
    uint16_t name_algorithm = mqtt_read_u16(&r);

    area.attributes = mqtt_read_u32(&r);
    (void)mqtt_read_binary(&r); /* who may use it: not our business */
    area.cipher = read_cipher(&r);
    area.scheme = read_scheme(&r, &area.scheme_hash);
    if (area.type == ATTEST_ALG_RSA)
        read_rsa(&r, &area);
    else if (area.type == ATTEST_ALG_ECC)
        read_ecc(&r, &area);
    else
        return -EBADMSG;
    if (mqtt_reader_finish(&r) != MQTT_OK || name_algorithm != ATTEST_ALG_SHA256
        || bytes.len > ATTEST_AREA_MAX_BYTES)
        return -EBADMSG;
    *out = area;
    return 0;
}

int attest_area_name(const struct attest_area *area, uint8_t out[ATTEST_NAME_BYTES])
{
    uint8_t digest[ATTEST_HASH_BYTES];

    if (EVP_Digest(area->bytes.data, area->bytes.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return -EIO;
    out[0] = ATTEST_ALG_SHA256 >> 8;
    out[1] = ATTEST_ALG_SHA256 & 0xff;
    memcpy(out + 2, digest, sizeof(digest));
    return 0;
}

/* ---- what it is good for ---- */

static bool has(const struct attest_area *area, uint32_t wanted)
{
    return (area->attributes & wanted) == wanted;
}

static bool is_p256(const struct attest_area *area)
{
    return area->type == ATTEST_ALG_ECC && area->curve == ATTEST_P256;
}

static bool is_rsa_2048(const struct attest_area *area)
{
    return area->type == ATTEST_ALG_RSA && area->bits == RSA_BITS
           && (area->exponent == 0 || area->exponent == EXPONENT);
}

bool attest_area_is_endorsement(const struct attest_area *area)
{
    return has(area, ATTEST_CAPTIVE | ATTEST_RESTRICTED | ATTEST_DECRYPT)
           && (area->attributes & ATTEST_SIGN) == 0 && (is_p256(area) || is_rsa_2048(area))
           && area->cipher.algorithm == ATTEST_ALG_AES && area->cipher.bits == CIPHER_BITS
           && area->cipher.mode == ATTEST_ALG_CFB;
}

bool attest_area_is_witness(const struct attest_area *area)
{
    return has(area, ATTEST_CAPTIVE | ATTEST_RESTRICTED | ATTEST_SIGN)
           && (area->attributes & ATTEST_DECRYPT) == 0 && is_p256(area)
           && area->scheme == ATTEST_ALG_ECDSA && area->scheme_hash == ATTEST_ALG_SHA256;
}

bool attest_area_is_captive(const struct attest_area *area)
{
    return has(area, ATTEST_CAPTIVE | ATTEST_SIGN) && is_p256(area);
}

/* ---- the key ---- */

static EVP_PKEY *key_of(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1
        || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(const struct attest_area *area, OSSL_PARAM_BLD *builder)
{
    BIGNUM *modulus = BN_bin2bn(area->x.data, (int)area->x.len, NULL);
    BIGNUM *exponent = BN_new();
    EVP_PKEY *key = NULL;

    if (modulus != NULL && exponent != NULL
        && BN_set_word(exponent, area->exponent != 0 ? area->exponent : EXPONENT) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = key_of("RSA", builder);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

/* A TPM may leave out zeros in front. */
static bool pad(struct mqtt_span number, uint8_t *out)
{
    if (number.len == 0 || number.len > HALF)
        return false;
    memset(out, 0, HALF);
    memcpy(out + HALF - number.len, number.data, number.len);
    return true;
}

static EVP_PKEY *ecc_key(const struct attest_area *area, OSSL_PARAM_BLD *builder)
{
    uint8_t point[POINT_BYTES] = { UNCOMPRESSED };

    if (!is_p256(area) || !pad(area->x, point + 1) || !pad(area->y, point + 1 + HALF)
        || OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1
        || OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point))
               != 1)
        return NULL;
    return key_of("EC", builder);
}

struct evp_pkey_st *attest_area_key(const struct attest_area *area)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (builder != NULL)
        key = area->type == ATTEST_ALG_RSA ? rsa_key(area, builder) : ecc_key(area, builder);
    OSSL_PARAM_BLD_free(builder);
    ERR_clear_error();
    return key;
}

int attest_area_sha256(const struct attest_area *area, uint8_t out[ATTEST_HASH_BYTES])
{
    EVP_PKEY *key = attest_area_key(area);
    uint8_t *der = NULL;
    int len = key != NULL ? i2d_PUBKEY(key, &der) : -1;
    bool is_good = len > 0 && EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    EVP_PKEY_free(key);
    return is_good ? 0 : -EBADMSG;
}
