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
#include <unistd.h>

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
    assert_int_equal(key_load(path, &key, &fault), -ENOKEY);
    assert_int_equal(private_file_write(path, span_of("garbage"), PRIVATE_FILE_REPLACE), 0);
    assert_int_equal(key_load(path, &key, &fault), -EBADMSG);
    assert_null(strstr(fault.text, "garbage"));
    assert_null(key);
    write_pem(path, EVP_EC_gen("P-384"), NULL);
    assert_int_equal(key_load(path, &key, &fault), 0);
    key_free(key);
}

static struct passphrase phrase(const char *text)
{
    struct passphrase made = { 0 };
    assert_int_equal(passphrase_set(text, strlen(text), &made), 0);
    return made;
}

static void a_sealed_key_opens_with_its_passphrase_only(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    uint8_t before[KEY_SHA256_BYTES];
    uint8_t after[KEY_SHA256_BYTES];
    const struct passphrase right = phrase("correct horse battery");
    const struct passphrase wrong = phrase("correct horse batterx");
    struct pki_fault fault;
    bool is_sealed = false;
    scratch_path(*state, "k", path);
    for (unsigned algorithm = 0; algorithm < KEY_ALGORITHM_COUNT; algorithm++) {
        struct key *key;
        struct key *again = NULL;
        scratch_clear(*state);
        assert_int_equal(key_generate_as((enum key_algorithm)algorithm, &key, NULL), 0);
        assert_int_equal(key_algorithm_of(key), algorithm);
        assert_int_equal(key_save_with(key, &right, path, NULL), 0);
        assert_int_equal(private_file_is_closed(path), 0);
        assert_int_equal(key_is_sealed(path, &is_sealed, NULL), 0);
        assert_true(is_sealed);
        assert_int_equal(key_load(path, &again, &fault), -ENOKEY);
        assert_int_equal(key_load_with(path, &wrong, &again, &fault), -EKEYREJECTED);
        assert_null(again);
        assert_int_equal(key_load_with(path, &right, &again, NULL), 0);
        assert_int_equal(key_sha256(key, before), 0);
        assert_int_equal(key_sha256(again, after), 0);
        assert_memory_equal(before, after, sizeof(before));
        key_free(again);
        key_free(key);
    }
}

/* Whoever holds the old file open finds zeros in it. */
static void sealing_scrubs_the_plain_key(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    char other[SCRATCH_PATH_SIZE];
    const struct passphrase secret = phrase("correct horse battery");
    struct key *key;
    uint8_t *bytes;
    size_t len;
    bool is_sealed = true;
    scratch_path(*state, "k", path);
    scratch_path(*state, "old", other);
    assert_int_equal(key_load_or_create(path, &key, NULL), 0);
    assert_int_equal(link(path, other), 0);
    assert_int_equal(key_replace(key, &secret, path, NULL), 0);
    assert_int_equal(private_file_read(other, 16384, &bytes, &len), 0);
    assert_true(len > 100);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
    assert_int_equal(key_replace(key, NULL, path, NULL), 0);
    assert_int_equal(key_is_sealed(path, &is_sealed, NULL), 0);
    assert_false(is_sealed);
    key_free(key);
}

static void passphrases_from_files(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct passphrase found;
    struct pki_fault fault;
    scratch_path(*state, "ca-passphrase", path);
    assert_int_equal(passphrase_load(path, &found, &fault), -ENOENT);
    assert_int_equal(private_file_write(path, span_of("one two\nthree"), PRIVATE_FILE_REPLACE), 0);
    assert_int_equal(passphrase_load(path, &found, &fault), 0);
    assert_int_equal(found.len, 7);
    assert_memory_equal(found.text, "one two", 7);
    assert_int_equal(passphrase_check_new(&found, &fault), -EINVAL);
    passphrase_fini(&found);
    assert_int_equal(found.len, 0);

    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(passphrase_load(path, &found, &fault), -EPERM);
    assert_non_null(strstr(fault.text, "chmod 600"));
    /* Of systemd it is taken as it comes. */
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", ((const struct scratch *)*state)->folder, 1),
                     0);
    assert_int_equal(passphrase_load_credential("ca-passphrase", &found, &fault), 0);
    assert_int_equal(found.len, 7);
    assert_int_equal(passphrase_load_credential("other", &found, &fault), -ENOENT);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(passphrase_load_credential("ca-passphrase", &found, &fault), -ENOENT);

    assert_int_equal(private_file_write(path, span_of("\nsecond"), PRIVATE_FILE_REPLACE), 0);
    assert_int_equal(passphrase_load(path, &found, &fault), -EINVAL);
    assert_null(strstr(fault.text, "second"));
}

static void words(void **state)
{
    (void)state;
    enum key_algorithm found = KEY_ALGORITHM_COUNT;
    assert_int_equal(key_algorithm_parse("ed25519", &found), 0);
    assert_int_equal(found, KEY_ED25519);
    assert_int_equal(key_algorithm_parse("rsa", &found), -EINVAL);
    assert_string_equal(key_algorithm_text(KEY_P256), "p256");
    assert_string_equal(key_algorithm_text(KEY_ALGORITHM_COUNT), "other");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_saved_is_loaded),
        TEST(made_once),
        TEST(a_key_that_others_can_read_is_refused),
        TEST(keys_of_other_kinds),
        TEST(a_sealed_key_opens_with_its_passphrase_only),
        TEST(sealing_scrubs_the_plain_key),
        TEST(passphrases_from_files),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
