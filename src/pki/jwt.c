/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/jwt.h"

#include "pki/base64.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADER_BYTES_MAX    1024
#define SIGNATURE_BYTES_MAX 1024 /* of RSA with 8192 bits */
#define RSA_BITS_MIN        2048
#define RSA_BITS_MAX        8192
#define P256_BYTES          32
#define TIME_MAX            253402300799.0 /* the last second of year 9999 */

struct jwt_key {
    EVP_PKEY *key;
    const char *algorithm; /* as in the header */
    atomic_uint count;
};

/* ---- keys ---- */

static const char *algorithm_of(EVP_PKEY *key)
{
    char group[32] = "";
    size_t len = 0;

    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN && EVP_PKEY_get_bits(key) <= RSA_BITS_MAX
                   ? "RS256"
                   : NULL;
    case EVP_PKEY_EC:
        return EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1
                       && strcmp(group, "prime256v1") == 0
                   ? "ES256"
                   : NULL;
    case EVP_PKEY_ED25519:
        return "EdDSA";
    default:
        return NULL;
    }
}

int jwt_key_load(const char *path, struct jwt_key **out, struct pki_fault *fault)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return pki_fail(fault, -errno, "%s: %s", path, strerror(errno));
    EVP_PKEY *public = PEM_read_PUBKEY(file, NULL, NULL, NULL);
    (void)fclose(file);
    if (public == NULL)
        return pki_fail_crypto(fault, -EINVAL, "%s: no public key in PEM (BEGIN PUBLIC KEY)", path);
    const char *algorithm = algorithm_of(public);
    struct jwt_key *key = algorithm != NULL ? calloc(1, sizeof(*key)) : NULL;
    if (key == NULL) {
        EVP_PKEY_free(public);
        return algorithm == NULL ? pki_fail(fault, -EINVAL,
                                            "%s: tokens are signed with RSA (2048 bits and more), "
                                            "P-256 or Ed25519",
                                            path)
                                 : pki_fail(fault, -ENOMEM, "out of memory");
    }
    key->key = public;
    key->algorithm = algorithm;
    atomic_init(&key->count, 1);
    *out = key;
    return 0;
}

struct jwt_key *jwt_key_ref(struct jwt_key *key)
{
    atomic_fetch_add_explicit(&key->count, 1, memory_order_relaxed);
    return key;
}

void jwt_key_unref(struct jwt_key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->count, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_free(key->key);
    free(key);
}

/* ---- parts ---- */

struct parts {
    struct mqtt_span header;
    struct mqtt_span payload;
    struct mqtt_span signature;
    struct mqtt_span is_signed; /* header and payload */
};

static bool split(struct mqtt_span token, struct parts *out)
{
    const uint8_t *end = token.data + token.len;
    const uint8_t *first = token.len > 0 ? memchr(token.data, '.', token.len) : NULL;
    const uint8_t *second =
        first != NULL ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;

    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
        return false;
    *out = (struct parts){
        .header = { token.data, (size_t)(first - token.data) },
        .payload = { first + 1, (size_t)(second - first - 1) },
        .signature = { second + 1, (size_t)(end - second - 1) },
        .is_signed = { token.data, (size_t)(second - token.data) },
    };
    return true;
}

bool jwt_is_likely(struct mqtt_span text)
{
    struct parts parts;

    return text.len > 3 && memcmp(text.data, "eyJ", 3) == 0 && split(text, &parts);
}

/* NULL: no JSON object, or out of memory. */
static json_t *decode_object(struct mqtt_span text, uint8_t *scratch, size_t size)
{
    size_t len = 0;

    if (base64_decode(BASE64_URL, text, scratch, size, &len) < 0)
        return NULL;
    json_t *value = json_loadb((const char *)scratch, len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* ---- signature ---- */

static const char *check_header(const struct jwt_key *key, struct mqtt_span text)
{
    uint8_t scratch[HEADER_BYTES_MAX];
    json_t *header = decode_object(text, scratch, sizeof(scratch));
    const char *algorithm = text_of(header, "alg");
    const char *type = text_of(header, "typ");
    const char *why = NULL;

    if (header == NULL)
        why = "the token's header cannot be read";
    else if (algorithm == NULL || strcmp(algorithm, key->algorithm) != 0)
        why = "the token is not signed with the algorithm of the key";
    else if (json_object_get(header, "crit") != NULL)
        why = "the token wants extensions to be understood";
    else if (type != NULL && strcasecmp(type, "JWT") != 0 && strcasecmp(type, "at+jwt") != 0)
        why = "the token is of another type";
    json_decref(header);
    return why;
}

/* From two numbers of fixed length to what OpenSSL takes. */
static size_t encode_ecdsa(const uint8_t *raw, size_t len, uint8_t out[SIGNATURE_BYTES_MAX])
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, P256_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(raw + P256_BYTES, P256_BYTES, NULL);
    uint8_t *at = out;
    int size = 0;

    if (len == (size_t)2 * P256_BYTES && signature != NULL && r != NULL && s != NULL
        && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL; /* the signature has them */
        size = i2d_ECDSA_SIG(signature, &at);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return size > 0 ? (size_t)size : 0;
}

static bool is_signed_by(const struct jwt_key *key, const struct parts *parts)
{
    uint8_t raw[SIGNATURE_BYTES_MAX] = { 0 };
    uint8_t der[SIGNATURE_BYTES_MAX];
    const uint8_t *signature = raw;
    size_t len = 0;
    bool is_ecdsa = strcmp(key->algorithm, "ES256") == 0;
    bool is_pure = strcmp(key->algorithm, "EdDSA") == 0;

    if (base64_decode(BASE64_URL, parts->signature, raw, sizeof(raw), &len) < 0 || len == 0)
        return false;
    if (is_ecdsa) {
        len = encode_ecdsa(raw, len, der);
        signature = der;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good =
        context != NULL && len > 0
        && EVP_DigestVerifyInit(context, NULL, is_pure ? NULL : EVP_sha256(), NULL, key->key) == 1
        && EVP_DigestVerify(context, signature, len, parts->is_signed.data, parts->is_signed.len)
               == 1;
    EVP_MD_CTX_free(context);
    return is_good;
}

/* ---- claims ---- */

/* False: there, and no time. *out stays when it is not there. */
static bool read_time(const json_t *claims, const char *name, double *out)
{
    const json_t *value = json_object_get(claims, name);

    if (value == NULL)
        return true;
    double seconds = json_number_value(value);
    if (!json_is_number(value) || !isfinite(seconds) || seconds < 0 || seconds > TIME_MAX)
        return false;
    *out = seconds;
    return true;
}

static const char *check_times(const json_t *claims, int64_t now_s, struct jwt_claims *out)
{
    double expires = -1;
    double not_before = 0;
    double issued = 0;
    double now = (double)now_s;

    if (!read_time(claims, "exp", &expires) || !read_time(claims, "nbf", &not_before)
        || !read_time(claims, "iat", &issued))
        return "a time in the token cannot be read";
    if (expires < 0)
        return "the token does not say when it ends (exp)";
    if (now >= expires + JWT_LEEWAY_S)
        return "the token has expired";
    if (now + JWT_LEEWAY_S < not_before || now + JWT_LEEWAY_S < issued)
        return "the token is not valid yet";
    out->expires_s = (int64_t)expires + JWT_LEEWAY_S;
    return NULL;
}

static bool is_for(const json_t *audience, const char *wanted)
{
    const json_t *one;
    size_t i;

    if (json_is_string(audience))
        return strcmp(json_string_value(audience), wanted) == 0;
    json_array_foreach(audience, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), wanted) == 0)
            return true;
    }
    return false;
}

/* False: there, and no name. */
static bool read_name(const json_t *claims, const char *claim, char out[REGISTRY_TEXT_SIZE])
{
    const json_t *value = claim != NULL ? json_object_get(claims, claim) : NULL;
    const char *text = json_string_value(value);

    if (value == NULL)
        return true;
    if (text == NULL || json_string_length(value) != strlen(text) || !registry_name_is_valid(text))
        return false;
    (void)snprintf(out, REGISTRY_TEXT_SIZE, "%s", text);
    return true;
}

static const char *check_claims(const json_t *claims, const struct jwt_rules *rules, int64_t now_s,
                                struct jwt_claims *out)
{
    const char *issuer = text_of(claims, "iss");

    if (issuer == NULL || strcmp(issuer, rules->issuer) != 0)
        return "the token is of another issuer";
    if (!is_for(json_object_get(claims, "aud"), rules->audience))
        return "the token is for another audience";
    const char *why = check_times(claims, now_s, out);
    if (why != NULL)
        return why;
    if (!read_name(claims, rules->name_claim, out->name)
        || !read_name(claims, rules->role_claim, out->role)
        || !read_name(claims, rules->tenant_claim, out->tenant)
        || !read_name(claims, rules->site_claim, out->site))
        return "a claim of the token cannot be a name here";
    if (out->name[0] == '\0' || (rules->role_claim != NULL && out->role[0] == '\0'))
        return "the token does not say for whom, or in which role";
    return NULL;
}

int jwt_verify(const struct jwt_key *key, const struct jwt_rules *rules, struct mqtt_span token,
               int64_t now_s, struct jwt_claims *out, const char **out_why)
{
    struct parts parts;
    struct jwt_claims found = { .name = "" };
    uint8_t scratch[JWT_BYTES_MAX];
    const char *why = NULL;

    if (token.len > JWT_BYTES_MAX || !split(token, &parts))
        why = "this is no signed token, or it is too long";
    if (why == NULL)
        why = check_header(key, parts.header);
    if (why == NULL && !is_signed_by(key, &parts))
        why = "the token's signature is wrong";
    if (why == NULL) {
        json_t *claims = decode_object(parts.payload, scratch, sizeof(scratch));
        why = claims == NULL ? "the token's claims cannot be read"
                             : check_claims(claims, rules, now_s, &found);
        json_decref(claims);
    }
    if (why != NULL) {
        *out_why = why;
        return -EACCES;
    }
    *out = found;
    return 0;
}
