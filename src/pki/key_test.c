/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/key.h"

#include "pki/private_file.h"
#include "pki/scratch.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void what_is_saved_is_loaded(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    uint8_t before[KEY_SHA256_BYTES];
    uint8_t after[KEY_SHA256_BYTES];
    struct key *key;
    struct key *again;
    struct pki_fault fault;
    scratch_path(*state, "k", path);
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(key_save(key, path, NULL), 0);
    assert_int_equal(private_file_is_closed(path), 0);
    assert_int_equal(key_load(path, &again, NULL), 0);
    assert_int_equal(key_sha256(key, before), 0);
    assert_int_equal(key_sha256(again, after), 0);
    assert_memory_equal(before, after, sizeof(before));
    assert_int_equal(key_save(key, path, &fault), -EEXIST);
    key_free(again);
    key_free(key);
    key_free(NULL);
}

static void made_once(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    uint8_t first[KEY_SHA256_BYTES];
    uint8_t second[KEY_SHA256_BYTES];
    struct key *key;
    scratch_path(*state, "k", path);
    assert_int_equal(key_load_or_create(path, &key, NULL), 0);
    assert_int_equal(key_sha256(key, first), 0);
    key_free(key);
    assert_int_equal(key_load_or_create(path, &key, NULL), 0);
    assert_int_equal(key_sha256(key, second), 0);
    key_free(key);
    assert_memory_equal(first, second, sizeof(first));
    scratch_path(*state, "no/folder", path);
    assert_int_equal(key_load_or_create(path, &key, NULL), -ENOENT);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct key *key = NULL;
    struct pki_fault fault;
    scratch_path(*state, "k", path);
    assert_int_equal(key_load_or_create(path, &key, NULL), 0);
    key_free(key);
    key = NULL;
    static const mode_t open_modes[] = { 0640, 0604, 0620, 0644 };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(open_modes); i++) {
        assert_int_equal(chmod(path, open_modes[i]), 0);
        assert_int_equal(key_load(path, &key, &fault), -EPERM);
        assert_non_null(strstr(fault.text, "chmod 600"));
    }
    assert_null(key);
}

/* `key` in PEM, encrypted or not. */
static void write_pem(const char *path, EVP_PKEY *key, const EVP_CIPHER *cipher)
{
    char *pem;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher,
                                                   cipher != NULL ? "secret" : NULL,
                                                   cipher != NULL ? 6 : 0, NULL, NULL),
                     1);
    long len = BIO_get_mem_data(bio, &pem);
    assert_int_equal(private_file_write(path,
                                        (struct mqtt_span){ (const uint8_t *)pem, (size_t)len },
                                        PRIVATE_FILE_REPLACE),
                     0);
    BIO_free(bio);
    EVP_PKEY_free(key);
}

static void keys_of_other_kinds(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct key *key = NULL;
    struct pki_fault fault;
    scratch_path(*state, "k", path);
    write_pem(path, EVP_RSA_gen(1024), NULL);
    assert_int_equal(key_load(path, &key, &fault), -EBADMSG);
    assert_non_null(strstr(fault.text, "too weak"));
    write_pem(path, EVP_EC_gen("P-256"), EVP_aes_128_cbc());
    assert_int_equal(key_load(path, &key, &fault), -EBADMSG);
    assert_int_equal(private_file_write(path, span_of("garbage"), PRIVATE_FILE_REPLACE), 0);
    assert_int_equal(key_load(path, &key, &fault), -EBADMSG);
    assert_null(strstr(fault.text, "garbage"));
    assert_null(key);
    write_pem(path, EVP_EC_gen("P-384"), NULL);
    assert_int_equal(key_load(path, &key, &fault), 0);
    key_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_saved_is_loaded),
        TEST(made_once),
        TEST(a_key_that_others_can_read_is_refused),
        TEST(keys_of_other_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
