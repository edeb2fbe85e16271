/* SPDX-License-Identifier: Apache-2.0 */
#include "keycheck/keycheck.h"

#include "base/attrs.h"
#include "keycheck/bits.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST_BYTES 4096

/* A SubjectPublicKeyInfo to play with. */
struct encoded {
    uint8_t bytes[MOST_BYTES];
    size_t len;
};

/* In a block of exactly its size, so that a sanitizer sees a read beside it. */
static struct keycheck_result check_bytes(const uint8_t *bytes, size_t len,
                                          enum keycheck_depth depth)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);

    assert_non_null(exact);
    memcpy(exact, bytes, len);
    struct keycheck_result result = keycheck_of_spki((struct mqtt_span){ exact, len }, depth);
    free(exact);
    return result;
}

static void expect_at(const struct encoded *key, enum keycheck_depth depth,
                      enum keycheck_fault fault, const char *algorithm)
{
    struct keycheck_result result = check_bytes(key->bytes, key->len, depth);

    if (result.fault != fault)
        fail_msg("%s: %s, expected %s", algorithm, keycheck_text(result.fault),
                 keycheck_text(fault));
    assert_string_equal(result.algorithm, algorithm);
}

static void expect(const struct encoded *key, enum keycheck_fault fault, const char *algorithm)
{
    expect_at(key, KEYCHECK_THOROUGH, fault, algorithm);
    expect_at(key, KEYCHECK_QUICK, fault, algorithm);
}

/* Takes the key. */
static struct encoded encode(EVP_PKEY *key)
{
    struct encoded out = { .len = 0 };
    uint8_t *at = out.bytes;

    assert_non_null(key);
    int len = i2d_PUBKEY(key, NULL);
    assert_true(len > 0 && len <= MOST_BYTES);
    assert_int_equal(i2d_PUBKEY(key, &at), len);
    out.len = (size_t)len;
    EVP_PKEY_free(key);
    return out;
}

/* ---- RSA ---- */

static EVP_PKEY *generate_rsa(const char *kind, int bits, BN_ULONG exponent)
{
    EVP_PKEY *key = NULL;
    BIGNUM *e = BN_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);

    assert_true(BN_set_word(e, exponent) == 1 && EVP_PKEY_keygen_init(context) == 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e), 1);
    assert_int_equal(EVP_PKEY_generate(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    BN_free(e);
    return key;
}

/* Takes the modulus. */
static struct encoded rsa_of(BIGNUM *modulus, BN_ULONG exponent)
{
    EVP_PKEY *key = NULL;
    BIGNUM *e = BN_new();
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

    assert_true(BN_set_word(e, exponent) == 1
                && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1
                && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(e);
    BN_free(modulus);
    return encode(key);
}

static BIGNUM *random_odd(int bits)
{
    BIGNUM *number = BN_new();

    assert_int_equal(BN_rand(number, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD), 1);
    return number;
}

static BIGNUM *random_prime(int bits)
{
    BIGNUM *prime = BN_new();

    assert_int_equal(BN_generate_prime_ex(prime, bits, 0, NULL, NULL, NULL), 1);
    return prime;
}

/* Takes both. */
static BIGNUM *product(BIGNUM *a, BIGNUM *b)
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *out = BN_new();

    assert_int_equal(BN_mul(out, a, b, context), 1);
    BN_CTX_free(context);
    BN_free(a);
    if (b != a)
        BN_free(b);
    return out;
}

/* 2048 bits, one of whose factors is `factor`. */
static BIGNUM *with_factor(BN_ULONG factor)
{
    BIGNUM *number = random_odd(2048);

    assert_true(BN_div_word(number, factor) != (BN_ULONG)-1);
    if (!BN_is_odd(number))
        assert_int_equal(BN_add_word(number, 1), 1);
    assert_int_equal(BN_mul_word(number, factor), 1);
    return number;
}

static void short_rsa_keys_and_exponents(void **state)
{
    static const BN_ULONG exponents[] = { 1, 2, 3, 17, 257, 65535, 65536, 65538 };
    struct encoded key;

    (void)state;
    key = encode(EVP_RSA_gen(1024));
    expect(&key, KEYCHECK_SHORT, "RSA-1024");
    key = encode(generate_rsa("RSA", 2048, 3));
    expect(&key, KEYCHECK_EXPONENT, "RSA-2048");
    for (size_t i = 0; i < MQTT_ARRAY_LEN(exponents); i++) {
        key = rsa_of(random_odd(2048), exponents[i]);
        expect(&key, KEYCHECK_EXPONENT, "RSA-2048");
    }
    key = rsa_of(random_odd(2047), 65537);
    expect(&key, KEYCHECK_SHORT, "RSA-2047");
    key = rsa_of(random_odd(16392), 65537);
    expect(&key, KEYCHECK_LONG, "RSA-16392");
}

static void small_factors(void **state)
{
    static const BN_ULONG factors[] = { 2, 3, 5, 7, 163, 167, 701, 743, 751 };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(factors); i++) {
        struct encoded key = rsa_of(with_factor(factors[i]), 65537);
        expect(&key, KEYCHECK_FACTOR, "RSA-2048");
    }
}

static void close_primes(void **state)
{
    BN_CTX *context = BN_CTX_new();
    struct encoded key;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        /* The root of the product is passed by (p - q)^2 / 8p: 0 steps, 2 and 32. */
        static const int distances[] = { 1, 500, 514, 516 };
        BIGNUM *p = random_prime(1024);
        BIGNUM *q = BN_new();
        assert_true(BN_set_word(q, 1) == 1 && BN_lshift(q, q, distances[i]) == 1
                    && BN_add(q, q, p) == 1);
        if (!BN_is_odd(q))
            assert_int_equal(BN_add_word(q, 1), 1);
        while (BN_check_prime(q, context, NULL) != 1)
            assert_int_equal(BN_add_word(q, 2), 1);
        key = rsa_of(product(p, q), 65537);
        expect(&key, KEYCHECK_CLOSE, "RSA-2048");
    }
    BIGNUM *p = random_prime(1024);
    key = rsa_of(product(p, p), 65537);
    expect(&key, KEYCHECK_CLOSE, "RSA-2048");
    BN_CTX_free(context);
}

/* The product of the first 126 primes. */
static BIGNUM *primorial(void)
{
    BIGNUM *out = BN_new();

    assert_int_equal(BN_set_word(out, 2), 1);
    for (BN_ULONG n = 3; n <= 701; n += 2) {
        BN_ULONG d = 3;
        while (d * d <= n && n % d != 0)
            d += 2;
        if (d * d > n)
            assert_int_equal(BN_mul_word(out, n), 1);
    }
    return out;
}

/* k * M + (65537^a mod M), as the faulty library makes them. */
static BIGNUM *roca_prime(const BIGNUM *m, BN_CTX *context)
{
    BIGNUM *prime = BN_new();
    BIGNUM *base = BN_new();
    BIGNUM *power = BN_new();
    BIGNUM *multiple = BN_new();

    assert_int_equal(BN_set_word(base, 65537), 1);
    do {
        assert_int_equal(BN_rand(power, 62, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
        assert_int_equal(BN_mod_exp(prime, base, power, m, context), 1);
        assert_int_equal(
            BN_rand(multiple, 1025 - BN_num_bits(m), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY), 1);
        assert_int_equal(BN_mul(multiple, multiple, m, context), 1);
        assert_int_equal(BN_add(prime, prime, multiple), 1);
    } while (BN_check_prime(prime, context, NULL) != 1);
    BN_free(base);
    BN_free(power);
    BN_free(multiple);
    return prime;
}

static void mark_of_roca(void **state)
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *m = primorial();

    (void)state;
    BIGNUM *modulus = product(roca_prime(m, context), roca_prime(m, context));
    char name[16];
    (void)snprintf(name, sizeof(name), "RSA-%d", BN_num_bits(modulus));
    struct encoded key = rsa_of(modulus, 65537);
    expect(&key, KEYCHECK_ROCA, name);
    BN_free(m);
    BN_CTX_free(context);
}

static void moduli_that_nobody_draws(void **state)
{
    uint8_t bytes[256];
    BIGNUM *few = BN_new();
    struct encoded key;

    (void)state;
    assert_true(BN_set_bit(few, 2047) == 1 && BN_set_bit(few, 1000) == 1
                && BN_set_bit(few, 0) == 1);
    key = rsa_of(few, 65537);
    expect(&key, KEYCHECK_LOPSIDED, "RSA-2048");
    memset(bytes, 0xff, sizeof(bytes));
    key = rsa_of(BN_bin2bn(bytes, sizeof(bytes), NULL), 65537);
    expect(&key, KEYCHECK_LOPSIDED, "RSA-2048");
    for (size_t period = 1; period <= BITS_PERIOD; period++) {
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)(i % period % 2 == 0 ? 0xa5 : 0x5a);
        bytes[255] |= 1;
        key = rsa_of(BN_bin2bn(bytes, sizeof(bytes), NULL), 65537);
        expect(&key, KEYCHECK_PATTERN, "RSA-2048");
    }
}

/* ---- curves ---- */

static const struct {
    const char *name;
    int id;
    size_t bytes;
} curves[] = {
    { "P-256", NID_X9_62_prime256v1, 32 },
    { "P-384", NID_secp384r1, 48 },
    { "P-521", NID_secp521r1, 66 },
};

/* The public key of `secret`, or of its negative. */
static struct encoded ec_of(size_t curve, BN_ULONG secret, bool is_negative)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curves[curve].id);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *factor = BN_new();
    struct encoded out = encode(EVP_EC_gen(curves[curve].name));
    size_t len = 1 + 2 * curves[curve].bytes;

    assert_int_equal(BN_set_word(factor, secret), 1);
    assert_int_equal(EC_POINT_mul(group, point, factor, NULL, NULL, NULL), 1);
    if (is_negative)
        assert_int_equal(EC_POINT_invert(group, point, NULL), 1);
    assert_int_equal(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED,
                                        out.bytes + out.len - len, len, NULL),
                     len);
    BN_free(factor);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return out;
}

static void small_private_keys(void **state)
{
    static const BN_ULONG others[] = { 17,   255,   256,   257,   511,   512,   766,
                                       1022, 12345, 32768, 65279, 65407, 65408, 65535 };
    struct encoded key;

    (void)state;
    for (size_t curve = 0; curve < MQTT_ARRAY_LEN(curves); curve++) {
        for (BN_ULONG k = 1; k <= 16; k++) {
            key = ec_of(curve, k, k % 2 == 0);
            expect(&key, KEYCHECK_SMALL_PRIVATE, curves[curve].name);
        }
        for (size_t i = 0; i < MQTT_ARRAY_LEN(others); i += 1 + curve * 3) {
            key = ec_of(curve, others[i], i % 2 == 0);
            expect_at(&key, KEYCHECK_THOROUGH, KEYCHECK_SMALL_PRIVATE, curves[curve].name);
            expect_at(&key, KEYCHECK_QUICK, KEYCHECK_FINE, curves[curve].name);
        }
        key = ec_of(curve, 70000, false);
        expect(&key, KEYCHECK_FINE, curves[curve].name);
    }
}

static void points_beside_the_curve(void **state)
{
    (void)state;
    for (size_t curve = 0; curve < MQTT_ARRAY_LEN(curves); curve++) {
        struct encoded key = encode(EVP_EC_gen(curves[curve].name));
        uint8_t *x = key.bytes + key.len - 2 * curves[curve].bytes;
        key.bytes[key.len - 1] ^= 1;
        expect(&key, KEYCHECK_POINT, curves[curve].name);
        memset(x, 0, 2 * curves[curve].bytes);
        expect(&key, KEYCHECK_POINT, curves[curve].name);
        memset(x, 0xff, 2 * curves[curve].bytes);
        expect(&key, KEYCHECK_POINT, curves[curve].name);
    }
    /* SEQUENCE { SEQUENCE { ecPublicKey, P-256 }, BIT STRING 00 }: nothing but the infinity. */
    static const struct encoded infinity = {
        "\x30\x19\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01"
        "\x07\x03\x02\x00\x00",
        27,
    };
    expect(&infinity, KEYCHECK_POINT, "P-256");
}

static EVP_PKEY *explicit_curve(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "P-256" }, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, (char[]){ "explicit" }, 0),
        OSSL_PARAM_construct_end(),
    };

    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_params(context, parameters), 1);
    assert_int_equal(EVP_PKEY_generate(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

static void other_curves_and_encodings(void **state)
{
    static const char *const others[][2] = {
        { "P-192", "prime192v1" },
        { "P-224", "secp224r1" },
        { "secp256k1", "secp256k1" },
        { "brainpoolP256r1", "brainpoolP256r1" },
    };
    struct encoded key;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(others); i++) {
        key = encode(EVP_EC_gen(others[i][0]));
        expect(&key, KEYCHECK_CURVE, others[i][1]);
    }
    key = encode(explicit_curve());
    expect(&key, KEYCHECK_EXPLICIT, "EC");
    EVP_PKEY *compressed = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(
                         compressed, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
                     1);
    key = encode(compressed);
    expect(&key, KEYCHECK_ENCODING, "P-256");
}

/* ---- Edwards ---- */

static struct encoded edwards_of(const char *kind, const char *hex)
{
    struct encoded out = encode(EVP_PKEY_Q_keygen(NULL, NULL, kind));
    size_t len = strlen(hex) / 2;
    long size = 0;
    unsigned char *bytes = OPENSSL_hexstr2buf(hex, &size);

    assert_non_null(bytes);
    memcpy(out.bytes + out.len - len, bytes, len);
    OPENSSL_free(bytes);
    return out;
}

#define ZEROS_31 "00000000000000000000000000000000000000000000000000000000000000"
#define ONES_30  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void edwards_points_of_small_order(void **state)
{
    static const struct {
        const char *hex;
        enum keycheck_fault fault;
    } cases[] = {
        { "00" ZEROS_31, KEYCHECK_SMALL_ORDER },
        { ZEROS_31 "80", KEYCHECK_SMALL_ORDER },
        { "01" ZEROS_31, KEYCHECK_SMALL_ORDER },
        { "ec" ONES_30 "7f", KEYCHECK_SMALL_ORDER },
        { "ec" ONES_30 "ff", KEYCHECK_SMALL_ORDER },
        { "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
          KEYCHECK_SMALL_ORDER },
        { "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
          KEYCHECK_SMALL_ORDER },
        { "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
          KEYCHECK_SMALL_ORDER },
        { "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
          KEYCHECK_SMALL_ORDER },
        /* 0, 1 and more, with the prime added. */
        { "ed" ONES_30 "7f", KEYCHECK_ENCODING },
        { "ee" ONES_30 "7f", KEYCHECK_ENCODING },
        { "ff" ONES_30 "ff", KEYCHECK_ENCODING },
        { "02" ZEROS_31, KEYCHECK_LOPSIDED },
        { "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", KEYCHECK_PATTERN },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct encoded key = edwards_of("ED25519", cases[i].hex);
        expect(&key, cases[i].fault, "Ed25519");
    }
    struct encoded key = encode(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"));
    memset(key.bytes + key.len - 57, 0, 57);
    expect(&key, KEYCHECK_SMALL_ORDER, "Ed448");
    key.bytes[key.len - 57] = 1;
    expect(&key, KEYCHECK_SMALL_ORDER, "Ed448");
    memset(key.bytes + key.len - 57, 0xff, 56);
    expect(&key, KEYCHECK_ENCODING, "Ed448");
    key.bytes[key.len - 57] = 0xfe;
    key.bytes[key.len - 57 + 28] = 0xfe;
    expect(&key, KEYCHECK_SMALL_ORDER, "Ed448");
    key.bytes[key.len - 1] = 1;
    expect(&key, KEYCHECK_ENCODING, "Ed448");
}

/* ---- everything else ---- */

static void other_algorithms(void **state)
{
    /* SEQUENCE { SEQUENCE { id-dsa }, BIT STRING INTEGER 5 } */
    static const struct encoded dsa = {
        "\x30\x11\x30\x09\x06\x07\x2a\x86\x48\xce\x38\x04\x01\x03\x04\x00\x02\x01\x05", 19
    };
    static const struct encoded unheard_of = { "\x30\x0c\x30\x06\x06\x04\x2a\x03\x04\x05\x03\x02"
                                               "\x00\x00",
                                               14 };
    struct encoded key;

    (void)state;
    expect(&dsa, KEYCHECK_ALGORITHM, "dsaEncryption");
    expect(&unheard_of, KEYCHECK_ALGORITHM, "1.2.3.4.5");
    key = encode(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
    expect(&key, KEYCHECK_ALGORITHM, "X25519");
    key = encode(generate_rsa("RSA-PSS", 2048, 65537));
    expect(&key, KEYCHECK_ALGORITHM, "rsassaPss");
    key = encode(EVP_PKEY_Q_keygen(NULL, NULL, "SM2"));
    assert_int_not_equal(check_bytes(key.bytes, key.len, KEYCHECK_QUICK).fault, KEYCHECK_FINE);
}

/* One key has one encoding: nothing missing, nothing added, no byte of the frame changed. */
static void broken_encodings(void **state)
{
    struct encoded keys[3];

    (void)state;
    keys[0] = encode(EVP_EC_gen("P-256"));
    keys[1] = encode(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    keys[2] = encode(EVP_RSA_gen(2048));
    for (size_t k = 0; k < MQTT_ARRAY_LEN(keys); k++) {
        for (size_t len = 0; len < keys[k].len; len++)
            assert_int_equal(check_bytes(keys[k].bytes, len, KEYCHECK_QUICK).fault,
                             KEYCHECK_UNREADABLE);
        keys[k].bytes[keys[k].len] = 0;
        assert_int_equal(check_bytes(keys[k].bytes, keys[k].len + 1, KEYCHECK_QUICK).fault,
                         KEYCHECK_UNREADABLE);
        for (size_t at = 0; at < (k == 1 ? 12 : 24); at++) {
            uint8_t kept = keys[k].bytes[at];
            for (unsigned change = 1; change < 256; change++) {
                keys[k].bytes[at] = (uint8_t)(kept ^ change);
                assert_int_not_equal(check_bytes(keys[k].bytes, keys[k].len, KEYCHECK_QUICK).fault,
                                     KEYCHECK_FINE);
            }
            keys[k].bytes[at] = kept;
        }
        assert_int_equal(check_bytes(keys[k].bytes, keys[k].len, KEYCHECK_QUICK).fault,
                         KEYCHECK_FINE);
    }
}

static void good_keys_are_good(void **state)
{
    static const struct {
        const char *name;
        const char *algorithm;
        unsigned count;
    } kinds[] = {
        { "P-256", "P-256", 200 },     { "P-384", "P-384", 200 }, { "P-521", "P-521", 200 },
        { "ED25519", "Ed25519", 200 }, { "ED448", "Ed448", 200 },
    };
    struct encoded key;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(kinds); i++)
        for (unsigned n = 0; n < kinds[i].count; n++) {
            EVP_PKEY *made = kinds[i].name[0] == 'P' ? EVP_EC_gen(kinds[i].name)
                                                     : EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].name);
            key = encode(made);
            expect_at(&key, n < 3 ? KEYCHECK_THOROUGH : KEYCHECK_QUICK, KEYCHECK_FINE,
                      kinds[i].algorithm);
        }
    for (unsigned n = 0; n < 3; n++) {
        key = encode(EVP_RSA_gen(2048));
        expect(&key, KEYCHECK_FINE, "RSA-2048");
    }
    EVP_PKEY *one = EVP_RSA_gen(3072);
    assert_int_equal(keycheck_of(one).fault, KEYCHECK_FINE);
    assert_string_equal(keycheck_of(one).algorithm, "RSA-3072");
    EVP_PKEY_free(one);
}

/* Products of two random numbers have the bits that moduli have, and cost no search for primes. */
static void products_are_not_suspicious(void **state)
{
    uint8_t bytes[256];

    (void)state;
    for (unsigned n = 0; n < 2000; n++) {
        BIGNUM *modulus = product(random_odd(1024), random_odd(1024));
        assert_int_equal(BN_bn2binpad(modulus, bytes, sizeof(bytes)), sizeof(bytes));
        BN_free(modulus);
        assert_false(bits_are_lopsided((struct mqtt_span){ bytes, sizeof(bytes) }, 2048, 16));
        assert_false(bits_repeat((struct mqtt_span){ bytes, sizeof(bytes) }));
    }
}

static void tag_of_a_modulus(void **state)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    BIGNUM *modulus = NULL;
    uint8_t tag[KEYCHECK_TAG_BYTES];
    uint8_t digest[SHA_DIGEST_LENGTH];
    char text[1024];

    (void)state;
    assert_int_equal(EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
    char *hex = BN_bn2hex(modulus);
    int len = snprintf(text, sizeof(text), "Modulus=%s\n", hex);
    SHA1((const uint8_t *)text, (size_t)len, digest);
    OPENSSL_free(hex);
    BN_free(modulus);
    struct encoded key = encode(rsa);
    assert_true(keycheck_modulus_tag((struct mqtt_span){ key.bytes, key.len }, tag));
    assert_memory_equal(tag, digest + 10, sizeof(tag));
    key = encode(EVP_EC_gen("P-256"));
    assert_false(keycheck_modulus_tag((struct mqtt_span){ key.bytes, key.len }, tag));
    assert_false(keycheck_modulus_tag((struct mqtt_span){ NULL, 0 }, tag));
}

static void every_fault_has_a_sentence(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KEYCHECK_FAULT_COUNT; i++)
        assert_true(strlen(keycheck_text((enum keycheck_fault)i)) > 20);
    assert_string_equal(keycheck_text(KEYCHECK_FAULT_COUNT), keycheck_text(KEYCHECK_UNREADABLE));
    assert_int_equal((struct keycheck_result){ 0 }.fault, KEYCHECK_UNREADABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_rsa_keys_and_exponents),
        cmocka_unit_test(small_factors),
        cmocka_unit_test(close_primes),
        cmocka_unit_test(mark_of_roca),
        cmocka_unit_test(moduli_that_nobody_draws),
        cmocka_unit_test(small_private_keys),
        cmocka_unit_test(points_beside_the_curve),
        cmocka_unit_test(other_curves_and_encodings),
        cmocka_unit_test(edwards_points_of_small_order),
        cmocka_unit_test(other_algorithms),
        cmocka_unit_test(broken_encodings),
        cmocka_unit_test(good_keys_are_good),
        cmocka_unit_test(products_are_not_suspicious),
        cmocka_unit_test(tag_of_a_modulus),
        cmocka_unit_test(every_fault_has_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
