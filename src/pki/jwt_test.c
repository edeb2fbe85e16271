/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/jwt.h"

#include "pki/base64.h"
#include "pki/scratch.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_S  1800000000
#define CLAIMS "\"iss\":\"house\",\"aud\":\"mqtt\",\"sub\":\"meter\",\"role\":\"guest\""
#define GOOD   "{" CLAIMS ",\"exp\":1800000100}"

enum kind { KIND_RSA, KIND_EC, KIND_ED, KIND_COUNT };

static const char *const algorithms[KIND_COUNT] = { "RS256", "ES256", "EdDSA" };

static const struct jwt_rules rules = { .issuer = "house",
                                        .audience = "mqtt",
                                        .name_claim = "sub",
                                        .role_claim = "role",
                                        .tenant_claim = "tenant" };

struct signer {
    EVP_PKEY *key;
    struct jwt_key *public;
    enum kind kind;
};

static EVP_PKEY *make_key(enum kind kind)
{
    if (kind == KIND_RSA)
        return EVP_RSA_gen(2048);
    return kind == KIND_EC ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static int load(void **state, EVP_PKEY *key, struct jwt_key **out, struct pki_fault *fault)
{
    char path[SCRATCH_PATH_SIZE];

    scratch_path(*state, "key.pem", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PUBKEY(file, key), 1);
    assert_int_equal(fclose(file), 0);
    return jwt_key_load(path, out, fault);
}

static struct signer signer_of(void **state, enum kind kind)
{
    struct signer signer = { .key = make_key(kind), .kind = kind };

    assert_non_null(signer.key);
    assert_int_equal(load(state, signer.key, &signer.public, NULL), 0);
    return signer;
}

static void signer_end(struct signer *signer)
{
    jwt_key_unref(signer->public);
    EVP_PKEY_free(signer->key);
}

/* As a token has it: two numbers of 32 bytes. */
static size_t raw_of(const uint8_t *der, size_t len, uint8_t out[64])
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);

    assert_non_null(signature);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32), 32);
    ECDSA_SIG_free(signature);
    return 64;
}

static void sign(const struct signer *signer, const char *header, const char *claims,
                 char out[JWT_BYTES_MAX * 2])
{
    uint8_t signature[512];
    uint8_t raw[64];
    size_t len = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t at = base64_encode(BASE64_URL, span_of(header), out);

    out[at++] = '.';
    at += base64_encode(BASE64_URL, span_of(claims), out + at);
    assert_int_equal(EVP_DigestSignInit(context, NULL,
                                        signer->kind == KIND_ED ? NULL : EVP_sha256(), NULL,
                                        signer->key),
                     1);
    assert_int_equal(EVP_DigestSign(context, signature, &len, (const uint8_t *)out, at), 1);
    EVP_MD_CTX_free(context);
    const uint8_t *bytes = signature;
    if (signer->kind == KIND_EC) {
        len = raw_of(signature, len, raw);
        bytes = raw;
    }
    out[at++] = '.';
    base64_encode(BASE64_URL, (struct mqtt_span){ bytes, len }, out + at);
}

static const char *verify(const struct signer *signer, const char *token, struct jwt_claims *out)
{
    const char *why = NULL;
    int status = jwt_verify(signer->public, &rules, span_of(token), NOW_S, out, &why);

    assert_int_equal(status, why == NULL ? 0 : -EACCES);
    return why;
}

static void header_of(enum kind kind, char out[64])
{
    (void)snprintf(out, 64, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", algorithms[kind]);
}

static void good_ones_of_each_kind(void **state)
{
    static char token[JWT_BYTES_MAX * 2];

    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        struct signer signer = signer_of(state, (enum kind)kind);
        struct jwt_claims claims = { .name = "" };
        char header[64];

        header_of((enum kind)kind, header);
        sign(&signer, header, GOOD, token);
        assert_true(jwt_is_likely(span_of(token)));
        assert_null(verify(&signer, token, &claims));
        assert_string_equal(claims.name, "meter");
        assert_string_equal(claims.role, "guest");
        assert_string_equal(claims.tenant, "");
        assert_int_equal(claims.expires_s, 1800000100 + JWT_LEEWAY_S);
        signer_end(&signer);
    }
}

/* Any bit of it. */
static void a_flipped_bit_is_seen(void **state)
{
    static char token[JWT_BYTES_MAX * 2];

    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        struct signer signer = signer_of(state, (enum kind)kind);
        struct jwt_claims claims = { .name = "" };
        char header[64];

        header_of((enum kind)kind, header);
        sign(&signer, header, GOOD, token);
        for (size_t i = 0; token[i] != '\0'; i++) {
            for (unsigned bit = 0; bit < 7; bit++) {
                char before = token[i];
                token[i] = (char)(before ^ (1 << bit));
                if (token[i] != '\0')
                    assert_non_null(verify(&signer, token, &claims));
                token[i] = before;
            }
        }
        assert_string_equal(claims.name, "");
        assert_null(verify(&signer, token, &claims));
        signer_end(&signer);
    }
}

static void headers_that_are_refused(void **state)
{
    static const char *const rows[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"HS256\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"ES384\"}",
        "{\"alg\":[\"ES256\"]}",
        "{\"alg\":\"ES256\",\"alg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"ES256\",\"typ\":\"JWE\"}",
        "{}",
        "[]",
        "",
        "{\"alg\":\"ES256\"} x",
    };
    static char token[JWT_BYTES_MAX * 2];
    struct signer signer = signer_of(state, KIND_EC);
    struct jwt_claims claims = { .name = "" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        sign(&signer, rows[i], GOOD, token);
        if (verify(&signer, token, &claims) == NULL)
            fail_msg("%s", rows[i]);
    }
    /* Without a signature at all. */
    sign(&signer, "{\"alg\":\"none\"}", GOOD, token);
    *(strrchr(token, '.') + 1) = '\0';
    assert_non_null(verify(&signer, token, &claims));
    signer_end(&signer);
}

static void claims_that_are_refused(void **state)
{
    static const struct {
        const char *claims;
        const char *why; /* NULL: none */
    } rows[] = {
        { "{" CLAIMS ",\"exp\":1800000100,\"tenant\":\"acme\"}", NULL },
        { "{" CLAIMS ",\"exp\":1799999941}", NULL }, /* the leeway */
        { "{" CLAIMS ",\"exp\":1799999940}", "expired" },
        { "{" CLAIMS ",\"exp\":1800000100.5,\"nbf\":1800000060,\"iat\":1800000060}", NULL },
        { "{" CLAIMS ",\"exp\":1800000100,\"nbf\":1800000061}", "not valid yet" },
        { "{" CLAIMS ",\"exp\":1800000100,\"iat\":1800000061}", "not valid yet" },
        { "{" CLAIMS "}", "exp" },
        { "{" CLAIMS ",\"exp\":\"1800000100\"}", "time" },
        { "{" CLAIMS ",\"exp\":-1}", "time" },
        { "{" CLAIMS ",\"exp\":1e300}", "time" },
        { "{" CLAIMS ",\"exp\":1800000100,\"nbf\":null}", "time" },
        { "{" CLAIMS ",\"exp\":1800000100,\"exp\":1800000100}", "read" },
        { "{\"iss\":\"home\",\"aud\":\"mqtt\",\"sub\":\"m\",\"role\":\"g\",\"exp\":1800000100}",
          "issuer" },
        { "{\"aud\":\"mqtt\",\"sub\":\"m\",\"role\":\"g\",\"exp\":1800000100}", "issuer" },
        { "{\"iss\":\"house\",\"aud\":\"http\",\"sub\":\"m\",\"role\":\"g\",\"exp\":1800000100}",
          "audience" },
        { "{\"iss\":\"house\",\"aud\":[\"a\",\"mqtt\"],\"sub\":\"m\",\"role\":\"g\","
          "\"exp\":1800000100}",
          NULL },
        { "{\"iss\":\"house\",\"aud\":[],\"sub\":\"m\",\"role\":\"g\",\"exp\":1800000100}",
          "audience" },
        { "{\"iss\":\"house\",\"sub\":\"m\",\"role\":\"g\",\"exp\":1800000100}", "audience" },
        { "{\"iss\":\"house\",\"aud\":\"mqtt\",\"role\":\"g\",\"exp\":1800000100}", "for whom" },
        { "{\"iss\":\"house\",\"aud\":\"mqtt\",\"sub\":\"m\",\"exp\":1800000100}", "for whom" },
        { "{\"iss\":\"house\",\"aud\":\"mqtt\",\"sub\":\"a/+\",\"role\":\"g\",\"exp\":1800000100}",
          "name" },
        { "{\"iss\":\"house\",\"aud\":\"mqtt\",\"sub\":7,\"role\":\"g\",\"exp\":1800000100}",
          "name" },
        { "{\"iss\":\"house\",\"aud\":\"mqtt\",\"sub\":\"m\\u0000x\",\"role\":\"g\","
          "\"exp\":1800000100}",
          "read" },
        { "[" GOOD "]", "read" },
        { "null", "read" },
        { "", "read" },
        { "{\"a\":", "read" },
    };
    static char token[JWT_BYTES_MAX * 2];
    struct signer signer = signer_of(state, KIND_ED);

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct jwt_claims claims = { .name = "" };
        sign(&signer, "{\"alg\":\"EdDSA\"}", rows[i].claims, token);
        const char *why = verify(&signer, token, &claims);
        if ((why == NULL) != (rows[i].why == NULL)
            || (why != NULL && strstr(why, rows[i].why) == NULL))
            fail_msg("%s: %s", rows[i].claims, why != NULL ? why : "good");
    }
    signer_end(&signer);
}

static void what_is_no_token(void **state)
{
    static const char *const rows[] = { "", ".", "..", "...", "a.b", "a.b.c.d", "eyJ.eyJ.eyJ" };
    static char token[JWT_BYTES_MAX * 2];
    static char nested[4000];
    struct signer signer = signer_of(state, KIND_EC);
    struct jwt_claims claims = { .name = "" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        assert_non_null(verify(&signer, rows[i], &claims));
    memset(nested, '[', sizeof(nested) - 1);
    sign(&signer, "{\"alg\":\"ES256\"}", nested, token);
    assert_non_null(verify(&signer, token, &claims));
    memset(token, 'a', JWT_BYTES_MAX + 1);
    token[10] = token[20] = '.';
    token[JWT_BYTES_MAX + 1] = '\0';
    assert_non_null(verify(&signer, token, &claims));
    assert_false(jwt_is_likely(span_of("eyJhbGciOi")));
    assert_false(jwt_is_likely(span_of("secret.with.dots")));
    signer_end(&signer);
}

static void keys_that_are_refused(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct jwt_key *key;
    struct pki_fault fault = { "" };
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    EVP_PKEY *other = EVP_EC_gen("P-384");

    assert_int_equal(load(state, weak, &key, &fault), -EINVAL);
    assert_int_equal(load(state, other, &key, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "P-256"));
    scratch_path(*state, "none.pem", path);
    assert_int_equal(jwt_key_load(path, &key, &fault), -ENOENT);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(jwt_key_load(path, &key, &fault), -EINVAL);
    EVP_PKEY_free(weak);
    EVP_PKEY_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_of_each_kind),   cmocka_unit_test(a_flipped_bit_is_seen),
        cmocka_unit_test(headers_that_are_refused), cmocka_unit_test(claims_that_are_refused),
        cmocka_unit_test(what_is_no_token),         cmocka_unit_test(keys_that_are_refused),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
