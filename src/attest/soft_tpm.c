/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/soft_tpm.h"

#include "base/invariant.h"
#include "codec/reader.h"
#include "codec/writer.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define HALF        32
#define POINT_BYTES 65
#define LABEL       "IDENTITY"

/* ---- areas ---- */

static bool is_storage(uint32_t attributes)
{
    return (attributes & ATTEST_DECRYPT) != 0;
}

static void write_cipher(struct mqtt_writer *w, uint32_t attributes)
{
    mqtt_write_u16(w, is_storage(attributes) ? ATTEST_ALG_AES : ATTEST_ALG_NULL);
    if (!is_storage(attributes))
        return;
    mqtt_write_u16(w, 128);
    mqtt_write_u16(w, ATTEST_ALG_CFB);
}

static void write_scheme(struct mqtt_writer *w, uint32_t attributes)
{
    mqtt_write_u16(w, is_storage(attributes) ? ATTEST_ALG_NULL : ATTEST_ALG_ECDSA);
    if (!is_storage(attributes))
        mqtt_write_u16(w, ATTEST_ALG_SHA256);
}

static void point_of(EVP_PKEY *key, uint8_t out[POINT_BYTES])
{
    size_t len = 0;

    MQTT_INVARIANT(
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, POINT_BYTES, &len) == 1);
    MQTT_INVARIANT(len == POINT_BYTES);
}

static void write_ecc(struct mqtt_writer *w, EVP_PKEY *key)
{
    uint8_t point[POINT_BYTES];

    point_of(key, point);
    mqtt_write_u16(w, ATTEST_P256);
    mqtt_write_u16(w, ATTEST_ALG_NULL);
    mqtt_write_binary(w, (struct mqtt_span){ point + 1, HALF });
    mqtt_write_binary(w, (struct mqtt_span){ point + 1 + HALF, HALF });
}

static void write_rsa(struct mqtt_writer *w, EVP_PKEY *key)
{
    uint8_t modulus[256];
    BIGNUM *n = NULL;

    MQTT_INVARIANT(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1);
    MQTT_INVARIANT(BN_bn2binpad(n, modulus, sizeof(modulus)) == (int)sizeof(modulus));
    BN_free(n);
    mqtt_write_u16(w, 2048);
    mqtt_write_u32(w, 0);
    mqtt_write_binary(w, (struct mqtt_span){ modulus, sizeof(modulus) });
}

void soft_tpm_describe(struct soft_object *object, uint32_t attributes)
{
    struct mqtt_writer w = mqtt_writer_over(object->area, sizeof(object->area));
    bool is_rsa = EVP_PKEY_is_a(object->key, "RSA") == 1;

    mqtt_write_u16(&w, is_rsa ? ATTEST_ALG_RSA : ATTEST_ALG_ECC);
    mqtt_write_u16(&w, ATTEST_ALG_SHA256);
    mqtt_write_u32(&w, attributes);
    mqtt_write_binary(&w, (struct mqtt_span){ NULL, 0 });
    write_cipher(&w, attributes);
    write_scheme(&w, attributes);
    if (is_rsa)
        write_rsa(&w, object->key);
    else
        write_ecc(&w, object->key);
    MQTT_INVARIANT(w.status == MQTT_OK);
    object->len = mqtt_writer_written(&w).len;
}

uint32_t soft_tpm_attributes(const struct soft_object *object)
{
    struct attest_area area;

    MQTT_INVARIANT(attest_area_decode(soft_tpm_area(object), &area) == 0);
    return area.attributes;
}

static void make(struct soft_object *object, EVP_PKEY *key, uint32_t attributes)
{
    MQTT_INVARIANT(key != NULL);
    object->key = key;
    soft_tpm_describe(object, attributes);
}

void soft_tpm_init(struct soft_tpm *tpm, bool is_rsa)
{
    make(&tpm->endorsement, is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
         ATTEST_CAPTIVE | ATTEST_RESTRICTED | ATTEST_DECRYPT);
    make(&tpm->witness, EVP_EC_gen("P-256"), ATTEST_CAPTIVE | ATTEST_RESTRICTED | ATTEST_SIGN);
    make(&tpm->key, EVP_EC_gen("P-256"), ATTEST_CAPTIVE | ATTEST_SIGN);
}

void soft_tpm_fini(struct soft_tpm *tpm)
{
    EVP_PKEY_free(tpm->endorsement.key);
    EVP_PKEY_free(tpm->witness.key);
    EVP_PKEY_free(tpm->key.key);
}

struct mqtt_span soft_tpm_area(const struct soft_object *object)
{
    return (struct mqtt_span){ object->area, object->len };
}

static struct attest_area decoded(const struct soft_object *object)
{
    struct attest_area area;

    MQTT_INVARIANT(attest_area_decode(soft_tpm_area(object), &area) == 0);
    return area;
}

void soft_tpm_sha256(const struct soft_object *object, uint8_t out[ATTEST_HASH_BYTES])
{
    const struct attest_area area = decoded(object);

    MQTT_INVARIANT(attest_area_sha256(&area, out) == 0);
}

size_t soft_tpm_claim(const struct soft_tpm *tpm, struct mqtt_span certificate, uint8_t *out)
{
    return attest_claim_encode(
        &(struct attest_claim){ .endorsement = soft_tpm_area(&tpm->endorsement),
                                .certificate = certificate,
                                .witness = soft_tpm_area(&tpm->witness),
                                .key = soft_tpm_area(&tpm->key) },
        out, ATTEST_MESSAGE_MAX_BYTES);
}

/* ---- credentials ---- */

static bool seed_by_rsa(EVP_PKEY *key, struct mqtt_span wrapped, uint8_t seed[HALF])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    char *label = OPENSSL_strdup(LABEL);
    uint8_t room[256];
    size_t len = sizeof(room);

    MQTT_INVARIANT(context != NULL && EVP_PKEY_decrypt_init(context) == 1);
    MQTT_INVARIANT(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1);
    MQTT_INVARIANT(EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1);
    MQTT_INVARIANT(EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, (int)sizeof(LABEL)) == 1);
    bool is_good =
        EVP_PKEY_decrypt(context, room, &len, wrapped.data, wrapped.len) == 1 && len == HALF;
    memcpy(seed, room, is_good ? HALF : 0);
    EVP_PKEY_CTX_free(context);
    return is_good;
}

/* The public half of the other side, as an area is made of it. */
static bool read_moment(struct mqtt_span wrapped, struct attest_area *out)
{
    struct mqtt_reader r = mqtt_reader_over(wrapped);

    *out = (struct attest_area){ .type = ATTEST_ALG_ECC, .curve = ATTEST_P256 };
    out->x = mqtt_read_binary(&r);
    out->y = mqtt_read_binary(&r);
    return mqtt_reader_finish(&r) == MQTT_OK && out->x.len == HALF;
}

static bool seed_by_agreement(EVP_PKEY *key, struct mqtt_span wrapped, uint8_t seed[HALF])
{
    struct attest_area moment;
    uint8_t own[POINT_BYTES];
    uint8_t text[4 + HALF + sizeof(LABEL) + HALF + HALF] = { 0, 0, 0, 1 };
    size_t len = HALF;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    EVP_PKEY *theirs = read_moment(wrapped, &moment) ? attest_area_key(&moment) : NULL;
    bool is_good = theirs != NULL && EVP_PKEY_derive_init(context) == 1
                   && EVP_PKEY_derive_set_peer(context, theirs) == 1
                   && EVP_PKEY_derive(context, text + 4, &len) == 1;

    point_of(key, own);
    memcpy(text + 4 + HALF, LABEL, sizeof(LABEL));
    if (is_good) {
        memcpy(text + 4 + HALF + sizeof(LABEL), moment.x.data, HALF);
        memcpy(text + 4 + HALF + sizeof(LABEL) + HALF, own + 1, HALF);
        is_good = EVP_Digest(text, sizeof(text), seed, NULL, EVP_sha256(), NULL) == 1;
    }
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(theirs);
    return is_good;
}

static bool is_whole(const uint8_t seed[HALF], const uint8_t name[ATTEST_NAME_BYTES],
                     struct mqtt_span blob)
{
    uint8_t key[HALF];
    uint8_t mac[HALF];
    uint8_t text[2 + ATTEST_SECRET_BYTES + ATTEST_NAME_BYTES];

    MQTT_INVARIANT(
        attest_credential_derive(seed, "INTEGRITY", (struct mqtt_span){ NULL, 0 }, key, sizeof(key))
        == 0);
    memcpy(text, blob.data + 2 + HALF, 2 + ATTEST_SECRET_BYTES);
    memcpy(text + 2 + ATTEST_SECRET_BYTES, name, ATTEST_NAME_BYTES);
    MQTT_INVARIANT(HMAC(EVP_sha256(), key, sizeof(key), text, sizeof(text), mac, NULL) != NULL);
    return memcmp(mac, blob.data + 2, HALF) == 0;
}

static void decrypt(const uint8_t seed[HALF], const uint8_t name[ATTEST_NAME_BYTES],
                    struct mqtt_span blob, uint8_t secret[ATTEST_SECRET_BYTES])
{
    static const uint8_t zero[16] = { 0 };
    uint8_t key[16];
    uint8_t clear[2 + ATTEST_SECRET_BYTES];
    int len = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    MQTT_INVARIANT(attest_credential_derive(seed, "STORAGE",
                                            (struct mqtt_span){ name, ATTEST_NAME_BYTES }, key,
                                            sizeof(key))
                   == 0);
    MQTT_INVARIANT(EVP_DecryptInit_ex(context, EVP_aes_128_cfb128(), NULL, key, zero) == 1);
    MQTT_INVARIANT(EVP_DecryptUpdate(context, clear, &len, blob.data + 2 + HALF, (int)sizeof(clear))
                   == 1);
    EVP_CIPHER_CTX_free(context);
    memcpy(secret, clear + 2, ATTEST_SECRET_BYTES);
}

bool soft_tpm_activate(const struct soft_tpm *tpm, const struct attest_challenge *challenge,
                       uint8_t secret[ATTEST_SECRET_BYTES])
{
    const struct attest_area witness = decoded(&tpm->witness);
    uint8_t name[ATTEST_NAME_BYTES];
    uint8_t seed[HALF];
    EVP_PKEY *key = tpm->endorsement.key;

    MQTT_INVARIANT(attest_area_name(&witness, name) == 0);
    bool is_good = EVP_PKEY_is_a(key, "RSA") == 1
                       ? seed_by_rsa(key, challenge->wrapped, seed)
                       : seed_by_agreement(key, challenge->wrapped, seed);
    if (!is_good || !is_whole(seed, name, challenge->blob))
        return false;
    decrypt(seed, name, challenge->blob, secret);
    return true;
}

/* ---- statements ---- */

struct soft_statement soft_tpm_statement(const struct soft_tpm *tpm,
                                         const struct attest_challenge *challenge)
{
    return (struct soft_statement){ .magic = 0xff544347u,
                                    .type = 0x8017u,
                                    .nonce = challenge->nonce,
                                    .about = &tpm->key,
                                    .signer = tpm->witness.key };
}

static size_t write_statement(const struct soft_statement *s, uint8_t *out, size_t size)
{
    static const uint8_t clock[17 + 8] = { 0 };
    struct mqtt_writer w = mqtt_writer_over(out, size);
    const struct attest_area about = decoded(s->about);
    uint8_t name[ATTEST_NAME_BYTES];

    MQTT_INVARIANT(attest_area_name(&about, name) == 0);
    mqtt_write_u32(&w, s->magic);
    mqtt_write_u16(&w, s->type);
    mqtt_write_binary(&w, (struct mqtt_span){ name, sizeof(name) });
    mqtt_write_binary(&w, s->nonce);
    mqtt_write_bytes(&w, (struct mqtt_span){ clock, sizeof(clock) });
    mqtt_write_binary(&w, (struct mqtt_span){ name, sizeof(name) });
    mqtt_write_binary(&w, (struct mqtt_span){ name, sizeof(name) });
    return mqtt_writer_written(&w).len;
}

static void write_number(struct mqtt_writer *w, const BIGNUM *number)
{
    uint8_t bytes[HALF];

    MQTT_INVARIANT(BN_bn2binpad(number, bytes, HALF) == HALF);
    mqtt_write_binary(w, (struct mqtt_span){ bytes, HALF });
}

static size_t sign(EVP_PKEY *signer, struct mqtt_span bytes, uint8_t *out, size_t size)
{
    struct mqtt_writer w = mqtt_writer_over(out, size);
    uint8_t der[128];
    size_t len = sizeof(der);
    const uint8_t *at = der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    MQTT_INVARIANT(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, signer) == 1);
    MQTT_INVARIANT(EVP_DigestSign(context, der, &len, bytes.data, bytes.len) == 1);
    EVP_MD_CTX_free(context);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
    mqtt_write_u16(&w, ATTEST_ALG_ECDSA);
    mqtt_write_u16(&w, ATTEST_ALG_SHA256);
    write_number(&w, ECDSA_SIG_get0_r(pair));
    write_number(&w, ECDSA_SIG_get0_s(pair));
    ECDSA_SIG_free(pair);
    return mqtt_writer_written(&w).len;
}

size_t soft_tpm_answer(const struct soft_statement *statement,
                       const uint8_t secret[ATTEST_SECRET_BYTES], uint8_t *out)
{
    uint8_t bytes[ATTEST_STATEMENT_MAX_BYTES];
    uint8_t signature[128];
    size_t len = write_statement(statement, bytes, sizeof(bytes));
    size_t signature_len =
        sign(statement->signer, (struct mqtt_span){ bytes, len }, signature, sizeof(signature));

    return attest_answer_encode(
        &(struct attest_answer){ .secret = { secret, ATTEST_SECRET_BYTES },
                                 .statement = { bytes, len },
                                 .signature = { signature, signature_len } },
        out, ATTEST_MESSAGE_MAX_BYTES);
}

/* ---- certificates ---- */

static void extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    MQTT_INVARIANT(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

size_t soft_tpm_certify(EVP_PKEY *key, EVP_PKEY *issuer, const char *use, uint8_t *out, size_t size)
{
    X509 *x509 = X509_new();
    X509_NAME *maker = X509_NAME_new();
    uint8_t *at = out;

    MQTT_INVARIANT(X509_NAME_add_entry_by_txt(maker, "CN", MBSTRING_ASC,
                                              (const unsigned char *)"maker", -1, -1, 0)
                   == 1);
    MQTT_INVARIANT(X509_set_version(x509, 2) == 1);
    MQTT_INVARIANT(ASN1_INTEGER_set(X509_get_serialNumber(x509), issuer != NULL ? 2 : 1) == 1);
    MQTT_INVARIANT(X509_gmtime_adj(X509_getm_notBefore(x509), -60) != NULL);
    MQTT_INVARIANT(X509_gmtime_adj(X509_getm_notAfter(x509), 3600) != NULL);
    MQTT_INVARIANT(X509_set_issuer_name(x509, maker) == 1);
    MQTT_INVARIANT(issuer != NULL || X509_set_subject_name(x509, maker) == 1);
    MQTT_INVARIANT(X509_set_pubkey(x509, key) == 1);
    extend(x509, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (use != NULL)
        extend(x509, NID_ext_key_usage, use);
    MQTT_INVARIANT(X509_sign(x509, issuer != NULL ? issuer : key, EVP_sha256()) > 0);
    int len = i2d_X509(x509, NULL);
    MQTT_INVARIANT(len > 0 && (size_t)len <= size && i2d_X509(x509, &at) == len);
    X509_NAME_free(maker);
    X509_free(x509);
    return (size_t)len;
}
