/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/statement.h"

#include "codec/reader.h"

#include <errno.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#define MAGIC         0xff544347u /* "\377TCG": a restricted key signs nothing else that begins so */
#define ABOUT_A_KEY   0x8017u     /* TPM_ST_ATTEST_CERTIFY */
#define CLOCK_BYTES   17          /* TPMS_CLOCK_INFO */
#define VERSION_BYTES 8
#define HALF          32

int attest_statement_decode(struct mqtt_span bytes, struct attest_statement *out)
{
    struct mqtt_reader r = mqtt_reader_over(bytes);
    struct attest_statement statement;
    uint32_t magic = mqtt_read_u32(&r);
    uint16_t type = mqtt_read_u16(&r);

    (void)mqtt_read_binary(&r); /* who signs: the signature says that */
    statement.nonce = mqtt_read_binary(&r);
    (void)mqtt_read_bytes(&r, CLOCK_BYTES + VERSION_BYTES);
    statement.name = mqtt_read_binary(&r);
    (void)mqtt_read_binary(&r); /* the same with its parents */
    if (mqtt_reader_finish(&r) != MQTT_OK || magic != MAGIC || type != ABOUT_A_KEY
        || bytes.len > ATTEST_STATEMENT_MAX_BYTES)
        return -EBADMSG;
    *out = statement;
    return 0;
}

static BIGNUM *read_number(struct mqtt_reader *r)
{
    struct mqtt_span bytes = mqtt_read_binary(r);

    if (bytes.len == 0 || bytes.len > HALF)
        mqtt_reader_fail(r, MQTT_ERR_FLAGS);
    return BN_bin2bn(bytes.data, bytes.len <= HALF ? (int)bytes.len : 0, NULL);
}

/* As OpenSSL has it, from its allocator. Its length, or less than 0. */
static int encode_signature(struct mqtt_span signature, uint8_t **out)
{
    struct mqtt_reader r = mqtt_reader_over(signature);
    uint16_t algorithm = mqtt_read_u16(&r);
    uint16_t hash = mqtt_read_u16(&r);
    BIGNUM *first = read_number(&r);
    BIGNUM *second = read_number(&r);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int len = -1;

    if (mqtt_reader_finish(&r) == MQTT_OK && algorithm == ATTEST_ALG_ECDSA
        && hash == ATTEST_ALG_SHA256 && pair != NULL && ECDSA_SIG_set0(pair, first, second) == 1) {
        first = second = NULL;
        len = i2d_ECDSA_SIG(pair, out);
    }
    BN_free(first);
    BN_free(second);
    ECDSA_SIG_free(pair);
    return len;
}

bool attest_statement_is_signed(struct mqtt_span bytes, struct mqtt_span signature,
                                const struct attest_area *witness)
{
    uint8_t *der = NULL;
    int len = encode_signature(signature, &der);
    EVP_PKEY *key = attest_area_key(witness);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = len > 0 && key != NULL && context != NULL
                   && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1
                   && EVP_DigestVerify(context, der, (size_t)len, bytes.data, bytes.len) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    OPENSSL_free(der);
    ERR_clear_error();
    return is_good;
}
