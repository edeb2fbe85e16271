/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets: where it lies, that it is wiped, and that OpenSSL takes it for keys only. */
#include "vault/vault.h"

#include "base/attrs.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void what_is_given_back_is_wiped(void **state)
{
    (void)state;
    uint8_t *secret = vault_alloc(100);

    assert_true(vault_holds(secret));
    assert_true(is_zero(secret, 100));
    memset(secret, 0x5a, 100);
    vault_free(secret);
    assert_true(vault_holds(secret));
    assert_true(is_zero(secret, 100));
    vault_free(NULL);
    assert_int_equal(vault_used_bytes(), 0);
}

/* Pieces of all sizes, in every order: they do not overlap, and all of it is one again. */
static void pieces_come_and_go(void **state)
{
    (void)state;
    enum { PIECES = 64 };
    uint8_t *pieces[PIECES] = { NULL };
    size_t sizes[PIECES] = { 0 };
    uint32_t random = 1;

    for (unsigned round = 0; round < 20000; round++) {
        random = random * 1664525u + 1013904223u;
        unsigned i = random >> 26;
        if (pieces[i] != NULL) {
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(pieces[i][k], i + 1);
            vault_free(pieces[i]);
            pieces[i] = NULL;
            continue;
        }
        sizes[i] = (random >> 8) % 5000;
        pieces[i] = vault_alloc(sizes[i]);
        assert_true(vault_holds(pieces[i]));
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        assert_true(is_zero(pieces[i], sizes[i]));
        memset(pieces[i], (int)i + 1, sizes[i]);
    }
    for (unsigned i = 0; i < PIECES; i++)
        vault_free(pieces[i]);
    assert_int_equal(vault_used_bytes(), 0);
    void *all = vault_alloc(VAULT_BYTES - 16);
    assert_true(vault_holds(all));
    vault_free(all);
}

static void when_it_is_full_ordinary_memory_is_taken(void **state)
{
    (void)state;
    void *most = vault_alloc(VAULT_BYTES - 1024);
    void *more = vault_alloc(2048);
    void *huge = vault_alloc(VAULT_BYTES + 1);

    assert_true(vault_holds(most));
    assert_non_null(more);
    assert_false(vault_holds(more));
    assert_non_null(huge);
    assert_false(vault_holds(huge));
    vault_free(huge);
    vault_free(more);
    vault_free(most);
}

static void openssl_takes_it_for_keys_only(void **state)
{
    (void)state;
    size_t before = vault_used_bytes();
    EVP_PKEY *ephemeral = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

    assert_non_null(ephemeral);
    assert_int_equal(vault_used_bytes(), before);
    EVP_PKEY_free(ephemeral);
    /* What is made once for all keys is not in it. */
    vault_enter();
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    vault_leave();
    assert_non_null(key);
    assert_true(vault_used_bytes() > before);
    assert_true(vault_used_bytes() < before + 8192);
    EVP_PKEY_free(key);
}

/* Writes a key as PEM; the caller frees. */
static struct mqtt_span pem_of(EVP_PKEY *key, BIO **out)
{
    char *text = NULL;

    *out = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(*out, key, NULL, NULL, 0, NULL, NULL), 1);
    long len = BIO_get_mem_data(*out, &text);
    return (struct mqtt_span){ (const uint8_t *)text, (size_t)len };
}

static void check_key(const char *algorithm, size_t most_bytes)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, algorithm, "P-256");
    size_t before = vault_used_bytes();
    BIO *bio;
    struct mqtt_span pem = pem_of(key, &bio);
    EVP_PKEY *found = vault_key(pem, NULL, NULL);

    assert_non_null(found);
    assert_int_equal(EVP_PKEY_eq(key, found), 1);
    assert_true(vault_used_bytes() > before);
    assert_true(vault_used_bytes() < before + most_bytes);
    EVP_PKEY_free(found);
    assert_int_equal(vault_used_bytes(), before);
    EVP_PKEY_free(key);
    BIO_free(bio);
}

/* A key is in it, and nothing else stays there, of its first one either. */
static void a_key_is_read_into_it(void **state)
{
    (void)state;
    check_key("ED25519", 2048);
    check_key("EC", 8192);
    check_key("ED25519", 2048);
}

/* The key of RFC 8410, 10.3, and what is not quite one: `most` of its characters, and what else is there. */
static const struct common_form {
    const char *before;
    const char *head; /* in place of the first two characters */
    int most;         /* of the others */
    const char *behind;
    bool is_key;
} common_forms[] = {
    { "", "MC", 62, "", true },   { "a comment\n", "MC", 62, "", true },
    { "", "MC", 62, "\r", true }, { "", "MC", 58, "", false },
    { "", "MC", 61, "*", false }, { "", "MC", 61, "=", false },
    { "", "MD", 62, "", false },
};

static void check_ed25519(const char *text, bool is_key)
{
    EVP_PKEY *found = vault_key(span_of(text), NULL, NULL);

    assert_int_equal(found != NULL, is_key);
    assert_true(found == NULL || EVP_PKEY_is_a(found, "ED25519") == 1);
    EVP_PKEY_free(found);
}

static void keys_in_their_common_form(void **state)
{
    (void)state;
    static const char rest[] = "4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    char text[256];

    for (size_t i = 0; i < MQTT_ARRAY_LEN(common_forms); i++) {
        const struct common_form *form = &common_forms[i];
        (void)snprintf(text, sizeof(text),
                       "%s-----BEGIN PRIVATE KEY-----\n%s%.*s%s\n-----END PRIVATE KEY-----\n",
                       form->before, form->head, form->most, rest, form->behind);
        check_ed25519(text, form->is_key);
    }
    check_ed25519("", false);
    assert_int_equal(ERR_peek_error() != 0, true); /* why */
    ERR_clear_error();
}

static void a_file_is_read_into_it(void **state)
{
    (void)state;
    char path[] = "/tmp/tacit-vault-XXXXXX";
    int fd = mkstemp(path);
    uint8_t *bytes = NULL;
    size_t len = 0;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "secret", 6), 6);
    close(fd);
    assert_int_equal(vault_read(path, 6, &bytes, &len), 0);
    assert_true(vault_holds(bytes));
    assert_int_equal(len, 6);
    assert_string_equal((const char *)bytes, "secret");
    vault_free(bytes);
    assert_int_equal(vault_read(path, 5, &bytes, &len), -EFBIG);
    unlink(path);
    assert_int_equal(vault_read(path, 5, &bytes, &len), -ENOENT);
}

static void check_text(const char *text)
{
    assert_non_null(text);
    assert_string_equal(text, "what stood there");
}

/* Between malloc()'s memory, that of small pieces, and the vault nothing is lost, wherever it is grown
 * and given back. Last: it stays on. */
static void what_openssl_has_in_small_pieces_is_gathered(void **state)
{
    (void)state;
    char *before = OPENSSL_strdup("what stood there");
    assert_false(vault_has_gathered(before));
    vault_gather();
    vault_gather();
    char *text = OPENSSL_strdup("what stood there");
    assert_true(vault_has_gathered(text));
    static const size_t sizes[] = { 17, 300, 5000, 20000, 70000, 100 };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(sizes); i++) {
        before = OPENSSL_realloc(before, sizes[i]);
        text = OPENSSL_realloc(text, sizes[i]);
        check_text(before);
        check_text(text);
    }
    char *small = OPENSSL_strdup("what stood there");
    vault_enter();
    small = OPENSSL_realloc(small, 4000);
    assert_true(vault_holds(small));
    check_text(small);
    OPENSSL_free(text);
    vault_leave();
    small = OPENSSL_realloc(small, 5000);
    check_text(small);
    assert_true(vault_has_gathered(small));
    OPENSSL_free(small);
    OPENSSL_free(before);
}

/* What is brief lies there, zeroed; what is to stay does not. Before vault_gather() all is malloc()'s. */
static void what_is_brief_lies_there_and_what_stays_does_not(void **state)
{
    (void)state;
    static const uint8_t zeros[100];
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *brief = vault_brief_alloc(sizeof(zeros));
        assert_true(vault_has_gathered(brief));
        assert_memory_equal(brief, zeros, sizeof(zeros));
        memset(brief, 0xa5, sizeof(zeros));
        vault_brief_free(brief);
        vault_settle();
    }
    vault_brief_free(NULL);
    vault_part();
    char *stays = OPENSSL_strdup("what stood there");
    vault_join();
    char *goes = OPENSSL_strdup("what stood there");
    assert_false(vault_has_gathered(stays));
    assert_true(vault_has_gathered(goes));
    OPENSSL_free(stays);
    OPENSSL_free(goes);
}

static void before_it_gathers_all_is_ordinary(void **state)
{
    (void)state;
    void *brief = vault_brief_alloc(100);
    assert_non_null(brief);
    assert_false(vault_has_gathered(brief));
    vault_settle();
    vault_brief_free(brief);
}

/* Also when OpenSSL frees what the vault has wiped, and takes it again. */
static void what_a_thread_keeps_near_it_takes_again(void **state)
{
    (void)state;
    vault_keep_near();
    void *first = vault_brief_alloc(100);
    memset(first, 1, 100);
    vault_brief_free(first);
    uint8_t *again = vault_brief_alloc(112);
    assert_ptr_equal(again, first);
    assert_true(is_zero(again, 100));
    char *text = OPENSSL_strdup("what stood there");
    text = OPENSSL_realloc(text, 300);
    check_text(text);
    OPENSSL_free(text);
    vault_brief_free(again);
    vault_settle();
    vault_settle();
}

/* What can be locked is the machine's to say, and what a sanitizer makes of it its own; that it is
 * locked is tests/scenario/test_395_secrets.py's. */
static int open_it(void **state)
{
    (void)state;
    int error = vault_open();

    assert_int_equal(vault_inherit(), error == -EALREADY ? 0 : error);
    return error == 0 || error == -ENOMEM || error == -EPERM || error == -EAGAIN ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_back_is_wiped),
        cmocka_unit_test(pieces_come_and_go),
        cmocka_unit_test(when_it_is_full_ordinary_memory_is_taken),
        cmocka_unit_test(openssl_takes_it_for_keys_only),
        cmocka_unit_test(a_key_is_read_into_it),
        cmocka_unit_test(keys_in_their_common_form),
        cmocka_unit_test(a_file_is_read_into_it),
        cmocka_unit_test(before_it_gathers_all_is_ordinary),
        cmocka_unit_test(what_openssl_has_in_small_pieces_is_gathered),
        cmocka_unit_test(what_is_brief_lies_there_and_what_stays_does_not),
        cmocka_unit_test(what_a_thread_keeps_near_it_takes_again),
    };
    return cmocka_run_group_tests(tests, open_it, NULL);
}
