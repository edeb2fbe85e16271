/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/blocked_keys.h"

#include "keycheck/keycheck.h"
#include "pki/blocked_folder.h"
#include "pki/blocked_set.h"
#include "pki/enrolment.h"
#include "pki/key_use.h"
#include "pki/private_file.h"
#include "pki/public_key.h"
#include "pki/registry_sql.h"
#include "pki/scratch.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct registry *open_one(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct registry *registry;
    struct pki_fault fault;

    scratch_path(*state, "registry.db", path);
    if (registry_open(path, &registry, &fault) != 0)
        fail_msg("%s", fault.text);
    return registry;
}

/* scratch_remove() knows no folders. */
static void close_one(void **state, struct registry *registry)
{
    char path[SCRATCH_PATH_SIZE];
    static const char *const files[] = { "blocked-keys/list.list", "blocked-keys/hand.list",
                                         "blocked-keys" };

    registry_close(registry);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(files); i++) {
        scratch_path(*state, files[i], path);
        (void)remove(path);
    }
}

static void write_text(void **state, const char *file, const char *text)
{
    char path[SCRATCH_PATH_SIZE];

    scratch_path(*state, file, path);
    assert_int_equal(private_file_write(path, span_of(text), PRIVATE_FILE_REPLACE), 0);
}

static struct blocked_key key_of(uint8_t seed, const char *reason)
{
    struct blocked_key key = { .source = "test" };

    memset(key.key_sha256, seed, sizeof(key.key_sha256));
    (void)snprintf(key.reason, sizeof(key.reason), "%s", reason);
    return key;
}

static int count_key(void *context, const struct blocked_key *key)
{
    size_t *count = context;

    assert_true(key->added_s > 0);
    (*count)++;
    return 0;
}

static void the_table(void **state)
{
    struct registry *registry = open_one(state);
    struct blocked_key one = key_of(1, "published");
    struct blocked_key found;
    struct pki_fault fault;
    uint64_t before = 0;
    uint64_t after = 0;
    size_t count = 0;

    assert_int_equal(registry_policy_version(registry, &before), 0);
    assert_int_equal(blocked_keys_add(registry, &one, &fault), 0);
    assert_int_equal(registry_policy_version(registry, &after), 0);
    assert_int_not_equal(before, after);
    one = key_of(1, "another reason");
    assert_int_equal(blocked_keys_add(registry, &one, &fault), -EEXIST);
    assert_int_equal(blocked_keys_find(registry, one.key_sha256, &found, &fault), 0);
    assert_string_equal(found.reason, "published");
    assert_string_equal(found.source, "test");
    assert_memory_equal(found.key_sha256, one.key_sha256, sizeof(one.key_sha256));

    one = key_of(2, "stolen");
    assert_int_equal(blocked_keys_add(registry, &one, NULL), 0);
    assert_int_equal(blocked_keys_list(registry, count_key, &count, &fault), 0);
    assert_int_equal(count, 2);
    assert_int_equal(blocked_keys_remove(registry, one.key_sha256, &fault), 0);
    assert_int_equal(blocked_keys_remove(registry, one.key_sha256, &fault), -ENOENT);
    assert_int_equal(blocked_keys_find(registry, one.key_sha256, &found, &fault), -ENOENT);
    assert_int_equal(blocked_keys_count(registry, &count, &fault), 0);
    assert_int_equal(count, 1);
    close_one(state, registry);
}

#define SHA(digit) digit digit digit digit digit digit digit digit
#define AA         SHA("aaaaaaaa")
#define BB         SHA("bbbbbbbb")

static int import(void **state, struct registry *registry, const char *text,
                  struct blocked_import *out, struct pki_fault *fault)
{
    char path[SCRATCH_PATH_SIZE];

    write_text(state, "list", text);
    scratch_path(*state, "list", path);
    return blocked_keys_import(registry, path, NULL, out, fault);
}

static void a_list_is_taken_whole_or_not_at_all(void **state)
{
    struct registry *registry = open_one(state);
    struct blocked_import counts;
    struct blocked_key found;
    struct pki_fault fault;
    size_t count = 0;
    uint8_t key[REGISTRY_KEY_BYTES];

    assert_int_equal(
        import(state, registry, AA "\n0123456789abcdef0123\n" BB " x\nwhat?\n", &counts, &fault),
        -EBADMSG);
    assert_non_null(strstr(fault.text, "/list:4: "));
    assert_int_equal(blocked_keys_count(registry, &count, NULL), 0);
    assert_int_equal(count, 0);

    assert_int_equal(import(state, registry,
                            "# two\n" AA "\n" BB " of a broker\n" AA "\n"
                            "0123456789abcdef0123\n0000000000000000ffff\n0123456789ABCDEF0123\n",
                            &counts, &fault),
                     0);
    assert_int_equal(counts.added, 2);
    assert_int_equal(counts.known, 1);
    assert_int_equal(counts.moduli, 2);
    memset(key, 0xbb, sizeof(key));
    assert_int_equal(blocked_keys_find(registry, key, &found, NULL), 0);
    assert_string_equal(found.reason, "of a broker");
    assert_string_equal(found.source, "list");

    struct blocked_set *set;
    assert_int_equal(blocked_set_new(registry, NULL, &set, &fault), 0);
    assert_int_equal(blocked_set_count(set), 4);
    assert_true(blocked_set_find(set, key));
    assert_true(blocked_set_find_modulus(set, (const uint8_t *)"\1\x23\x45\x67\x89\xab\xcd\xef\1"
                                                               "\x23"));
    key[15] ^= 1;
    assert_false(blocked_set_find(set, key));
    assert_false(blocked_set_find_modulus(set, key));
    assert_false(blocked_set_find(NULL, key));
    assert_false(blocked_set_find_modulus(NULL, key));
    blocked_set_unref(blocked_set_ref(set));
    blocked_set_unref(set);
    close_one(state, registry);
}

static void say(void *context, const char *text)
{
    char *said = context;

    (void)snprintf(said, 400, "%s", text);
}

/* Files that come and go are noticed; a wrong line in one is told and left out. */
static void lists_by_hand(void **state)
{
    struct registry *registry = open_one(state);
    struct blocked_set *set;
    char said[400] = "";
    const struct blocked_folder_doubts doubts = { said, say };
    char path[SCRATCH_PATH_SIZE];
    bool made;

    assert_int_equal(blocked_set_new(registry, NULL, &set, NULL), 0);
    assert_int_equal(blocked_set_count(set), 0);
    assert_true(blocked_set_is_current(set, registry));
    scratch_path(*state, "blocked-keys", path);
    assert_int_equal(private_file_make_dir(path, &made), 0);
    write_text(state, "blocked-keys/hand.list", AA "\noops\n" BB "\n");
    write_text(state, "blocked-keys/notes.txt", "no list\n");
    assert_false(blocked_set_is_current(set, registry));
    blocked_set_unref(set);

    usleep(100000);
    assert_int_equal(blocked_set_new(registry, &doubts, &set, NULL), 0);
    assert_int_equal(blocked_set_count(set), 2);
    assert_true(blocked_set_is_current(set, registry));
    assert_non_null(strstr(said, "hand.list:2: "));
    scratch_path(*state, "blocked-keys/notes.txt", path);
    assert_int_equal(unlink(path), 0);
    assert_false(blocked_set_is_current(set, registry));
    blocked_set_unref(set);
    /* What changed a moment ago may change again within the same tick of the clock. */
    assert_int_equal(blocked_set_new(registry, NULL, &set, NULL), 0);
    assert_false(blocked_set_is_current(set, registry));
    blocked_set_unref(set);
    close_one(state, registry);
}

static struct mqtt_span spki_of(EVP_PKEY *key, uint8_t *out, size_t size)
{
    int len = i2d_PUBKEY(key, NULL);

    assert_true(len > 0 && (size_t)len <= size);
    (void)i2d_PUBKEY(key, &out);
    return (struct mqtt_span){ out - len, (size_t)len };
}

static void a_modulus_is_found_in_a_list(void **state)
{
    struct registry *registry = open_one(state);
    EVP_PKEY *key = EVP_RSA_gen(2048);
    uint8_t der[1024];
    uint8_t tag[KEYCHECK_TAG_BYTES];
    char line[64];
    struct blocked_import counts;
    struct pki_fault fault;
    struct mqtt_span spki = spki_of(key, der, sizeof(der));

    assert_int_equal(blocked_keys_check(registry, spki, &fault), 0);
    assert_true(keycheck_modulus_tag(spki, tag));
    for (size_t i = 0; i < sizeof(tag); i++)
        (void)snprintf(line + 2 * i, 3, "%02x", tag[i]);
    assert_int_equal(import(state, registry, line, &counts, &fault), 0);
    assert_int_equal(blocked_keys_check(registry, spki, &fault), -EKEYREJECTED);
    assert_non_null(strstr(fault.text, "list.list"));
    EVP_PKEY_free(key);
    close_one(state, registry);
}

static void a_key_stays_its_first_owners(void **state)
{
    struct registry *registry = open_one(state);
    struct registry_entry entry = scratch_entry("first", 1);
    char owner[IDENTITY_URI_NAME_SIZE];
    struct pki_fault fault;

    assert_int_equal(key_use_find(registry, entry.key_sha256, owner, &fault), -ENOENT);
    assert_int_equal(registry_add(registry, &entry, &fault), 0);
    assert_int_equal(key_use_find(registry, entry.key_sha256, owner, &fault), 0);
    assert_string_equal(owner, "first");
    assert_int_equal(key_use_check(registry, entry.key_sha256, "first", &fault), 0);
    assert_int_equal(key_use_check(registry, entry.key_sha256, "second", &fault), -ENOTUNIQ);
    assert_non_null(strstr(fault.text, "belongs to 'first'"));

    assert_int_equal(sqlite3_exec(registry->db, "DELETE FROM identity", NULL, NULL, NULL),
                     SQLITE_OK);
    (void)snprintf(entry.name, sizeof(entry.name), "second");
    assert_int_equal(registry_add(registry, &entry, &fault), -ENOTUNIQ);
    assert_non_null(strstr(fault.text, "'first'"));
    struct registry_entry again = scratch_entry("first", 2);
    memcpy(again.key_sha256, entry.key_sha256, sizeof(again.key_sha256));
    assert_int_equal(registry_add(registry, &again, &fault), 0);
    close_one(state, registry);
}

/* A third of a million entries: how long, how large. The bounds are for slow, instrumented ones. */
static void a_long_list(void **state)
{
    struct registry *registry = open_one(state);
    struct id_array tags = { .width = BLOCKED_TAG_BYTES };
    struct blocked_set *set;
    struct pki_fault fault;
    uint8_t tag[BLOCKED_TAG_BYTES] = { 0 };

    for (uint32_t i = 0; i < 330000; i++) {
        uint32_t mixed = i * 2654435761u;
        memcpy(tag, &mixed, sizeof(mixed));
        assert_int_equal(id_array_add(&tags, tag), 0);
    }
    id_array_sort(&tags);
    assert_int_equal(tags.count, 330000);
    assert_int_equal(tags.room, tags.count);
    assert_int_equal(blocked_folder_write(registry, "list", "a test", &tags, &fault), 0);
    assert_int_equal(blocked_set_new(registry, NULL, &set, &fault), 0);
    assert_int_equal(blocked_set_count(set), tags.count);
    for (size_t i = 0; i < tags.count; i += 100)
        assert_true(blocked_set_find_modulus(set, id_array_at(&tags, i)));
    tag[9] = 1;
    assert_false(blocked_set_find_modulus(set, tag));
    blocked_set_unref(set);
    id_array_fini(&tags);
    close_one(state, registry);
}

/* ---- the key in a file ---- */

static const struct {
    const char *name;
    int (*write)(BIO *bio, const EVP_PKEY *key);
    bool is_private;
} forms[] = {
    { "public.pem", PEM_write_bio_PUBKEY, false },
    { "public.der", i2d_PUBKEY_bio, false },
    { "private.der", i2d_PrivateKey_bio, true },
    { "pkcs8.der", i2d_PKCS8PrivateKeyInfo_bio, true },
};

static void save(void **state, const char *name, BIO *bio)
{
    char path[SCRATCH_PATH_SIZE];
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);

    scratch_path(*state, name, path);
    assert_int_equal(private_file_write(path,
                                        (struct mqtt_span){ (const uint8_t *)bytes, (size_t)len },
                                        PRIVATE_FILE_REPLACE),
                     0);
    BIO_free(bio);
}

static int load(void **state, const char *name, struct public_key *out, struct pki_fault *fault)
{
    char path[SCRATCH_PATH_SIZE];

    scratch_path(*state, name, path);
    return public_key_load(path, out, fault);
}

static void every_kind_of_file(void **state)
{
    uint8_t der[256];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct mqtt_span spki = spki_of(key, der, sizeof(der));
    struct public_key found;
    struct pki_fault fault;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(forms); i++) {
        BIO *bio = BIO_new(BIO_s_mem());
        assert_int_equal(forms[i].write(bio, key), 1);
        save(state, forms[i].name, bio);
        if (load(state, forms[i].name, &found, &fault) != 0)
            fail_msg("%s", fault.text);
        assert_true(span_equal(public_key_span(&found), spki));
        assert_int_equal(found.was_private, forms[i].is_private);
        public_key_fini(&found);
    }
    /* As `openssl ecparam -genkey` writes it: parameters first. */
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_Parameters(bio, key), 1);
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    save(state, "ec.pem", bio);
    assert_int_equal(load(state, "ec.pem", &found, &fault), 0);
    assert_true(span_equal(public_key_span(&found), spki));
    public_key_fini(&found);

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL), 1);
    save(state, "sealed.pem", bio);
    assert_int_equal(load(state, "sealed.pem", &found, &fault), -ENOKEY);
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_128_cbc(),
                                                          (const unsigned char *)"secret", 6, NULL,
                                                          NULL),
                     1);
    save(state, "old.pem", bio);
    assert_int_equal(load(state, "old.pem", &found, &fault), -ENOKEY);
    EVP_PKEY_free(key);

    write_text(state, "nothing", "nothing of the kind\n");
    assert_int_equal(load(state, "nothing", &found, &fault), -EBADMSG);
    write_text(state, "cut.pem", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ\n");
    assert_int_equal(load(state, "cut.pem", &found, &fault), -EBADMSG);
    write_text(state, "empty", "");
    assert_int_equal(load(state, "empty", &found, &fault), -EBADMSG);
    assert_int_equal(load(state, "none", &found, &fault), -ENOENT);
}

static void requests_and_certificates(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct key *key;
    struct csr *csr;
    char *pem;
    struct public_key found;
    struct pki_fault fault;

    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, "lamp", &csr, NULL), 0);
    assert_int_equal(csr_encode(csr, &pem, NULL), 0);
    write_text(state, "request.pem", pem);
    assert_int_equal(load(state, "request.pem", &found, &fault), 0);
    assert_true(span_equal(public_key_span(&found), csr_spki(csr)));
    public_key_fini(&found);
    free(pem);
    csr_free(csr);

    X509 *x509 = X509_new();
    uint8_t expected[KEY_SHA256_BYTES];
    assert_int_equal(X509_set_pubkey(x509, key_handle(key)), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 60));
    assert_true(X509_sign(x509, key_handle(key), EVP_sha256()) > 0);
    struct certificate *certificate = certificate_take(x509);
    scratch_path(*state, "certificate.pem", path);
    assert_int_equal(certificate_save(certificate, path, NULL), 0);
    assert_int_equal(load(state, "certificate.pem", &found, &fault), 0);
    assert_int_equal(key_sha256(key, expected), 0);
    assert_memory_equal(found.sha256, expected, sizeof(expected));
    public_key_fini(&found);
    certificate_free(certificate);
    key_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_table),
        TEST(a_list_is_taken_whole_or_not_at_all),
        TEST(lists_by_hand),
        TEST(a_modulus_is_found_in_a_list),
        TEST(a_key_stays_its_first_owners),
        TEST(a_long_list),
        TEST(every_kind_of_file),
        TEST(requests_and_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
