/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/audit_key.h"

#include "pki/key.h"
#include "pki/private_file.h"
#include "pki/scratch.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct paths {
    char key[SCRATCH_PATH_SIZE];
    char public_key[SCRATCH_PATH_SIZE];
};

static struct audit_key *open_key(void **state, struct paths *out)
{
    struct audit_key *key = NULL;

    scratch_path(*state, "k", out->key);
    scratch_path(*state, "k.pub", out->public_key);
    assert_int_equal(audit_key_open(out->key, out->public_key, &key, NULL), 0);
    return key;
}

static void what_one_signs_the_public_half_verifies(void **state)
{
    struct paths paths;
    struct audit_key *key = open_key(state, &paths);
    struct audit_key *reader = NULL;
    uint8_t signature[AUDIT_KEY_SIGNATURE_BYTES];
    uint8_t ours[AUDIT_KEY_HASH_BYTES], theirs[AUDIT_KEY_HASH_BYTES];

    assert_int_equal(private_file_is_closed(paths.key), 0);
    assert_int_equal(audit_key_read(paths.public_key, &reader, NULL), 0);
    assert_int_equal(audit_key_sign(key, span_of("text"), signature), 0);
    assert_true(audit_key_verify(reader, span_of("text"), signature));
    assert_false(audit_key_verify(reader, span_of("texu"), signature));
    signature[5] ^= 1;
    assert_false(audit_key_verify(reader, span_of("text"), signature));
    assert_int_equal(audit_key_sign(reader, span_of("text"), signature), -EPERM);
    audit_key_fingerprint(key, ours);
    audit_key_fingerprint(reader, theirs);
    assert_memory_equal(ours, theirs, sizeof(ours));
    audit_key_free(reader);
    audit_key_free(key);
    audit_key_free(NULL);
}

static void the_key_stays_and_its_public_half_is_put_right(void **state)
{
    struct paths paths;
    char before[AUDIT_KEY_PEM_BYTES], after[AUDIT_KEY_PEM_BYTES];
    struct audit_key *key = open_key(state, &paths);

    assert_int_equal(audit_key_public_pem(key, before), 0);
    audit_key_free(key);
    assert_int_equal(
        private_file_write(paths.public_key, span_of("something"), PRIVATE_FILE_REPLACE), 0);
    key = open_key(state, &paths);
    assert_int_equal(audit_key_public_pem(key, after), 0);
    assert_string_equal(before, after);
    audit_key_free(key);
    assert_int_equal(audit_key_read(paths.public_key, &key, NULL), 0);
    audit_key_free(key);
}

/* The fingerprint stands in logs of other versions. */
static void it_is_written_as_openssl_writes_it(void **state)
{
    struct paths paths;
    struct audit_key *key = open_key(state, &paths);
    char pem[AUDIT_KEY_PEM_BYTES];
    uint8_t ours[AUDIT_KEY_HASH_BYTES], theirs[AUDIT_KEY_HASH_BYTES];
    uint8_t *spki = NULL;
    char *text = NULL;

    assert_int_equal(audit_key_public_pem(key, pem), 0);
    BIO *in = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *read = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
    assert_non_null(read);
    int len = i2d_PUBKEY(read, &spki);
    assert_true(len > 0);
    audit_key_hash((struct mqtt_span){ spki, (size_t)len }, theirs);
    audit_key_fingerprint(key, ours);
    assert_memory_equal(ours, theirs, sizeof(ours));
    BIO *out = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(out, read), 1);
    assert_int_equal(BIO_get_mem_data(out, &text), strlen(pem));
    assert_memory_equal(text, pem, strlen(pem));
    BIO_free(in);
    BIO_free(out);
    OPENSSL_free(spki);
    EVP_PKEY_free(read);
    audit_key_free(key);
}

static void other_files_are_no_such_keys(void **state)
{
    struct paths paths;
    struct key *other = NULL;
    struct audit_key *key = NULL;
    struct pki_fault fault;

    scratch_path(*state, "k", paths.key);
    scratch_path(*state, "k.pub", paths.public_key);
    assert_int_equal(audit_key_read(paths.public_key, &key, &fault), -ENOENT);
    assert_int_equal(private_file_write(paths.public_key, span_of("x"), PRIVATE_FILE_KEEP), 0);
    assert_int_equal(audit_key_read(paths.public_key, &key, &fault), -EBADMSG);
    assert_int_equal(key_generate(&other, NULL), 0);
    assert_int_equal(key_save(other, paths.key, NULL), 0);
    key_free(other);
    assert_int_equal(audit_key_open(paths.key, paths.public_key, &key, &fault), -EINVAL);
}

static void the_hash_is_sha_256(void **state)
{
    static const uint8_t abc[4] = { 0xba, 0x78, 0x16, 0xbf };
    uint8_t out[AUDIT_KEY_HASH_BYTES];
    uint8_t id[2][16] = { { 0 }, { 0 } };

    (void)state;
    audit_key_hash(span_of("abc"), out);
    assert_memory_equal(out, abc, sizeof(abc));
    assert_int_equal(audit_key_random(id[0], sizeof(id[0])), 0);
    assert_int_equal(audit_key_random(id[1], sizeof(id[1])), 0);
    assert_memory_not_equal(id[0], id[1], sizeof(id[0]));
}

static void each_record_has_its_own_hash(void **state)
{
    static const char longer[] =
        "more than a block of it, which has sixty-four bytes: and these are";
    static const char *const texts[] = { "abc", "", "abc", longer };
    struct paths paths;
    struct audit_key *key = open_key(state, &paths);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint8_t alone[AUDIT_KEY_HASH_BYTES];
        uint8_t with_key[AUDIT_KEY_HASH_BYTES];
        audit_key_hash(span_of(texts[i]), alone);
        audit_key_hash_record(key, span_of(texts[i]), with_key);
        assert_memory_equal(alone, with_key, sizeof(alone));
    }
    audit_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_record_has_its_own_hash, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(what_one_signs_the_public_half_verifies, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(the_key_stays_and_its_public_half_is_put_right,
                                        scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(it_is_written_as_openssl_writes_it, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(other_files_are_no_such_keys, scratch_make, scratch_remove),
        cmocka_unit_test(the_hash_is_sha_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
