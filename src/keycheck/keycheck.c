/* SPDX-License-Identifier: Apache-2.0 */
#include "keycheck/keycheck.h"

#include "base/attrs.h"
#include "keycheck/curve.h"
#include "keycheck/edwards.h"
#include "keycheck/modulus.h"
#include "keycheck/point.h"
#include "keycheck/spki.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdio.h>

#define TAG_SEQUENCE  0x30
#define MODULUS_BYTES (MODULUS_BITS_MAX / 8)

static const char *const texts[KEYCHECK_FAULT_COUNT] = {
#define FAULT(name, text) [name] = text,
#include "keycheck/keycheck.def"
#undef FAULT
};

const char *keycheck_text(enum keycheck_fault fault)
{
    return texts[(unsigned)fault < KEYCHECK_FAULT_COUNT ? fault : KEYCHECK_UNREADABLE];
}

/* ---- names ---- */

static void set_name(struct keycheck_result *result, const char *name)
{
    (void)snprintf(result->algorithm, sizeof(result->algorithm), "%s", name);
}

/* As OpenSSL calls it, or in digits. */
static void set_name_of(struct keycheck_result *result, struct mqtt_span oid)
{
    const unsigned char *at = oid.data;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)oid.len);

    if (object != NULL)
        (void)OBJ_obj2txt(result->algorithm, (int)sizeof(result->algorithm), object, 0);
    ASN1_OBJECT_free(object);
    ERR_clear_error();
}

/* ---- by algorithm ---- */

static bool is_null(struct mqtt_span parameters)
{
    return parameters.len == 2 && parameters.data[0] == 0x05 && parameters.data[1] == 0;
}

static void check_rsa(const struct spki *spki, enum keycheck_depth depth,
                      struct keycheck_result *out)
{
    struct spki_rsa rsa;

    (void)depth;
    set_name(out, "RSA");
    out->fault = KEYCHECK_ENCODING;
    if (!is_null(spki->parameters) || !spki_parse_rsa(spki->key, &rsa))
        return;
    (void)snprintf(out->algorithm, sizeof(out->algorithm), "RSA-%zu", modulus_bits(rsa.modulus));
    out->fault = modulus_check(&rsa);
}

static void check_point(const struct spki *spki, enum keycheck_depth depth,
                        struct keycheck_result *out)
{
    const struct curve *curve = curve_find(spki->parameters);

    set_name(out, curve != NULL ? curve->name : "EC");
    if (curve != NULL) {
        out->fault = point_check(curve, spki->key, depth);
        return;
    }
    bool is_explicit = spki->parameters.len > 0 && spki->parameters.data[0] == TAG_SEQUENCE;
    out->fault = is_explicit ? KEYCHECK_EXPLICIT : KEYCHECK_CURVE;
    if (!is_explicit)
        set_name_of(out, spki->parameters);
}

static void check_25519(const struct spki *spki, enum keycheck_depth depth,
                        struct keycheck_result *out)
{
    (void)depth;
    set_name(out, "Ed25519");
    out->fault = spki->parameters.len == 0 ? edwards_check_25519(spki->key) : KEYCHECK_ENCODING;
}

static void check_448(const struct spki *spki, enum keycheck_depth depth,
                      struct keycheck_result *out)
{
    (void)depth;
    set_name(out, "Ed448");
    out->fault = spki->parameters.len == 0 ? edwards_check_448(spki->key) : KEYCHECK_ENCODING;
}

/* Object identifiers with tag and length. An RSA key that says that it is for PSS only is not
 * here: as such it would have another name in the registry than as a plain one. */
static const uint8_t rsa_oid[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 };
static const uint8_t ec_oid[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1 };
static const uint8_t ed25519_oid[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
static const uint8_t ed448_oid[] = { 0x06, 0x03, 0x2b, 0x65, 0x71 };

static const struct {
    struct mqtt_span oid;
    void (*check)(const struct spki *spki, enum keycheck_depth depth, struct keycheck_result *out);
} algorithms[] = {
    { { rsa_oid, sizeof(rsa_oid) }, check_rsa },
    { { ec_oid, sizeof(ec_oid) }, check_point },
    { { ed25519_oid, sizeof(ed25519_oid) }, check_25519 },
    { { ed448_oid, sizeof(ed448_oid) }, check_448 },
};

struct keycheck_result keycheck_of_spki(struct mqtt_span bytes, enum keycheck_depth depth)
{
    struct spki spki;
    struct keycheck_result result = { .fault = KEYCHECK_UNREADABLE };

    if (!spki_parse(bytes, &spki))
        return result;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(algorithms); i++)
        if (span_equal(spki.algorithm, algorithms[i].oid)) {
            algorithms[i].check(&spki, depth, &result);
            return result;
        }
    result.fault = KEYCHECK_ALGORITHM;
    set_name_of(&result, spki.algorithm);
    return result;
}

struct keycheck_result keycheck_of(const struct evp_pkey_st *key)
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    struct keycheck_result result = { .fault = KEYCHECK_UNREADABLE };

    if (len > 0)
        result = keycheck_of_spki((struct mqtt_span){ der, (size_t)len }, KEYCHECK_THOROUGH);
    OPENSSL_free(der);
    return result;
}

/* ---- lists of CVE-2008-0166 ---- */

/* "Modulus=HEX\n" with capitals, as `openssl rsa -modulus` prints it. */
static size_t write_modulus(struct mqtt_span modulus, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t at = sizeof("Modulus=") - 1;

    memcpy(out, "Modulus=", at);
    for (size_t i = 0; i < modulus.len; i++) {
        uint8_t byte = modulus.data[i];
        if (i > 0 || byte > 0x0f)
            out[at++] = digits[byte >> 4];
        out[at++] = digits[byte & 0x0f];
    }
    out[at++] = '\n';
    return at;
}

bool keycheck_modulus_tag(struct mqtt_span bytes, uint8_t out[KEYCHECK_TAG_BYTES])
{
    char text[sizeof("Modulus=") + 2 * MODULUS_BYTES];
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct spki spki;
    struct spki_rsa rsa;

    if (!spki_parse(bytes, &spki)
        || !span_equal(spki.algorithm, (struct mqtt_span){ rsa_oid, sizeof(rsa_oid) })
        || !spki_parse_rsa(spki.key, &rsa) || rsa.modulus.len > MODULUS_BYTES
        || EVP_Digest(text, write_modulus(rsa.modulus, text), digest, NULL, EVP_sha1(), NULL) != 1)
        return false;
    memcpy(out, digest + 20 - KEYCHECK_TAG_BYTES, KEYCHECK_TAG_BYTES);
    return true;
}
