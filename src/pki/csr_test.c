/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/csr.h"

#include "pki/private_file.h"
#include "pki/scratch.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void there_and_back(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    uint8_t of_key[KEY_SHA256_BYTES];
    uint8_t of_csr[KEY_SHA256_BYTES];
    struct key *key;
    struct csr *csr;
    char *pem;
    scratch_path(*state, "r", path);
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, "lamp", &csr, NULL), 0);
    assert_int_equal(csr_encode(csr, &pem, NULL), 0);
    csr_free(csr);
    csr_free(NULL);
    assert_int_equal(private_file_write(path, span_of(pem), PRIVATE_FILE_KEEP), 0);
    free(pem);
    assert_int_equal(csr_load(path, &csr, NULL), 0);
    assert_int_equal(key_sha256(key, of_key), 0);
    assert_int_equal(csr_key_sha256(csr, of_csr), 0);
    assert_memory_equal(of_key, of_csr, sizeof(of_key));
    csr_free(csr);
    key_free(key);
    scratch_path(*state, "none", path);
    assert_int_equal(csr_load(path, &csr, NULL), -ENOENT);
}

/* A request for `key` in DER, from malloc. Takes the key. */
static struct mqtt_span request_for(EVP_PKEY *key)
{
    uint8_t *der = NULL;
    X509_REQ *request = X509_REQ_new();
    assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
    bool is_edwards = EVP_PKEY_is_a(key, "ED25519") == 1;
    assert_true(X509_REQ_sign(request, key, is_edwards ? NULL : EVP_sha256()) > 0);
    int len = i2d_X509_REQ(request, &der);
    assert_true(len > 0);
    uint8_t *copy = malloc((size_t)len);
    memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    return (struct mqtt_span){ copy, (size_t)len };
}

static int parse_request_for(EVP_PKEY *key)
{
    struct csr *csr = NULL;
    struct mqtt_span der = request_for(key);
    int result = csr_parse(der, &csr, NULL);
    csr_free(csr);
    free((void *)(uintptr_t)der.data);
    return result;
}

static EVP_PKEY *ec_with(const char *parameter, const char *value)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, parameter, value), 1);
    return key;
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

static void which_keys_are_strong_enough(void **state)
{
    (void)state;
    assert_int_equal(parse_request_for(EVP_EC_gen("P-256")), 0);
    assert_int_equal(parse_request_for(EVP_EC_gen("P-384")), 0);
    assert_int_equal(parse_request_for(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), 0);
    assert_int_equal(parse_request_for(EVP_RSA_gen(2048)), 0);
    assert_int_equal(parse_request_for(EVP_RSA_gen(1024)), -EKEYREJECTED);
    assert_int_equal(parse_request_for(EVP_EC_gen("P-224")), -EKEYREJECTED);
}

/* Promise I2: the same key in another encoding would have another name. */
static void one_key_has_one_encoding(void **state)
{
    (void)state;
    assert_int_equal(
        parse_request_for(ec_with(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed")),
        -EKEYREJECTED);
    assert_int_equal(
        parse_request_for(ec_with(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "hybrid")),
        -EKEYREJECTED);
    assert_int_equal(parse_request_for(explicit_curve()), -EKEYREJECTED);
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    struct mqtt_span der = request_for(EVP_EC_gen("P-256"));
    uint8_t *bytes = malloc(der.len);
    for (size_t bit = 0; bit < 8 * der.len; bit += 3) {
        struct csr *csr = NULL;
        memcpy(bytes, der.data, der.len);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int result = csr_parse((struct mqtt_span){ bytes, der.len }, &csr, NULL);
        assert_true(result == -EBADMSG || result == -EKEYREJECTED);
        assert_null(csr);
    }
    free(bytes);
    free((void *)(uintptr_t)der.data);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct mqtt_span der = request_for(EVP_EC_gen("P-256"));
    for (size_t cut = 0; cut < der.len; cut++) {
        struct csr *csr = NULL;
        uint8_t *bytes = malloc(cut > 0 ? cut : 1);
        memcpy(bytes, der.data, cut);
        assert_int_equal(csr_parse((struct mqtt_span){ bytes, cut }, &csr, NULL), -EBADMSG);
        free(bytes);
    }
    uint8_t *huge = calloc(1, CSR_MAX_BYTES + 1);
    struct csr *csr = NULL;
    assert_int_equal(csr_parse((struct mqtt_span){ huge, CSR_MAX_BYTES + 1 }, &csr, NULL),
                     -EBADMSG);
    free(huge);
    free((void *)(uintptr_t)der.data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_and_back),
        cmocka_unit_test(which_keys_are_strong_enough),
        cmocka_unit_test(one_key_has_one_encoding),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
