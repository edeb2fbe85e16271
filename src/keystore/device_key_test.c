/* SPDX-License-Identifier: Apache-2.0 */
/* Files: plain and sealed, without hardware. Tokens and TPMs have scenarios. */
#include "keystore/device_key.h"

#include "pki/csr_protection.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    int error;
    enum key_protection protection;
} words[] = {
    { "file", 0, KEY_PROTECTION_PLAIN },
    { "sealed", 0, KEY_PROTECTION_SEALED },
    { "tpm", 0, KEY_PROTECTION_TPM },
    { "tpm:0x81000010", 0, KEY_PROTECTION_TPM },
    { "tpm:0x817fffff", 0, KEY_PROTECTION_TPM },
    { "pkcs11:token=a;object=b", 0, KEY_PROTECTION_PKCS11 },
    { "pkcs11:token=a;object=b?pin-value=1", -EINVAL, KEY_PROTECTION_UNKNOWN },
    { "tpm:0x80000010", -EINVAL, KEY_PROTECTION_UNKNOWN },
    { "tpm:0x81800000", -EINVAL, KEY_PROTECTION_UNKNOWN },
    { "tpm:0x8100001", -EINVAL, KEY_PROTECTION_UNKNOWN },
    { "tpm:0x8100001g", -EINVAL, KEY_PROTECTION_UNKNOWN },
    { "plain", -EINVAL, KEY_PROTECTION_UNKNOWN },
    { "", -EINVAL, KEY_PROTECTION_UNKNOWN },
};

static void stores(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct device_key_store store = { .protection = KEY_PROTECTION_UNKNOWN };
        assert_int_equal(device_key_parse_store(words[i].text, &store), words[i].error);
        assert_int_equal(store.protection, words[i].protection);
    }
}

/* A machine is where its secret is. */
static void be_at(const struct scratch *scratch, const char *machine)
{
    char path[SCRATCH_PATH_SIZE];

    scratch_path(scratch, machine, path);
    assert_int_equal(setenv("XDG_STATE_HOME", path, 1), 0);
}

static void make(const char *word, const char *path)
{
    struct device_key_store store;
    struct pki_fault fault = { "" };

    assert_int_equal(device_key_parse_store(word, &store), 0);
    assert_int_equal(device_key_create(&store, false, path, &fault), 0);
    assert_int_equal(device_key_create(&store, false, path, &fault), -EEXIST);
}

/* Signs a request, which is verified, and says what it declares. */
static enum key_protection sign_with(const char *path)
{
    enum key_protection protection;
    struct key *key;
    struct csr *csr;
    struct csr *parsed;
    char *pem;

    assert_int_equal(device_key_protection(path, &protection, NULL), 0);
    assert_int_equal(device_key_load(path, &key, NULL), 0);
    assert_int_equal(csr_new_declaring(key, "lamp", protection, &csr, NULL), 0);
    assert_int_equal(csr_encode(csr, &pem, NULL), 0);
    assert_int_equal(csr_parse(span_of(pem), &parsed, NULL), 0);
    protection = csr_protection_of(parsed);
    csr_free(parsed);
    free(pem);
    csr_free(csr);
    key_free(key);
    return protection;
}

static void files(void **state)
{
    static const struct {
        const char *word;
        enum key_protection protection;
    } rows[] = { { "file", KEY_PROTECTION_PLAIN }, { "sealed", KEY_PROTECTION_SEALED } };
    char path[SCRATCH_PATH_SIZE];

    be_at(*state, "home");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        scratch_path(*state, rows[i].word, path);
        make(rows[i].word, path);
        assert_int_equal(sign_with(path), rows[i].protection);
    }
}

static void a_seal_opens_on_its_machine_only(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    char other[SCRATCH_PATH_SIZE];
    struct key *key;

    be_at(*state, "home");
    scratch_path(*state, "a.key", path);
    scratch_path(*state, "b.key", other);
    make("sealed", path);
    be_at(*state, "elsewhere");
    assert_int_equal(device_key_load(path, &key, NULL), -ENOENT);
    make("sealed", other);
    assert_int_equal(device_key_load(path, &key, NULL), -EKEYREJECTED);
    be_at(*state, "home");
    assert_int_equal(device_key_load(path, &key, NULL), 0);
    key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stores),
        cmocka_unit_test_setup_teardown(files, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(a_seal_opens_on_its_machine_only, scratch_make,
                                        scratch_remove),
    };
    /* Whatever TPM the machine has is not for tests. */
    if (setenv("TACIT_TPM_TCTI", "", 1) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
