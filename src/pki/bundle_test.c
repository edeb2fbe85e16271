/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/bundle.h"

#include "pki/ca.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S INT64_C(1800000000)

/* An authority's file. */
static void make_root(const struct scratch *scratch, const char *name, struct ca **out)
{
    struct key *key;
    struct certificate *root;
    char key_path[SCRATCH_PATH_SIZE + 8];
    char path[SCRATCH_PATH_SIZE];

    scratch_path(scratch, name, path);
    (void)snprintf(key_path, sizeof(key_path), "%s.key", path);
    assert_int_equal(key_load_or_create(key_path, &key, NULL), 0);
    assert_int_equal(ca_make_root(key, "td", NOW_S, &root, NULL), 0);
    assert_int_equal(certificate_save(root, path, NULL), 0);
    certificate_free(root);
    key_free(key);
    assert_int_equal(ca_open(path, key_path, out, NULL), 0);
}

/* One file of both roots and of a certificate of the first. */
static void make_file(const struct scratch *scratch, struct ca *const roots[2], const char *path)
{
    struct key *key;
    struct csr *csr;
    struct certificate *leaf;
    char leaf_path[SCRATCH_PATH_SIZE];
    char command[4 * SCRATCH_PATH_SIZE];

    scratch_path(scratch, "leaf", leaf_path);
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, "lamp", &csr, NULL), 0);
    const struct ca_identity_request request = { .csr = csr, .name = "lamp", .now_s = NOW_S };
    assert_int_equal(ca_issue_identity(roots[0], &request, &leaf, NULL), 0);
    assert_int_equal(certificate_save(leaf, leaf_path, NULL), 0);
    certificate_free(leaf);
    csr_free(csr);
    key_free(key);
    (void)snprintf(command, sizeof(command), "cat %s/other %s/leaf %s/root > %s", scratch->folder,
                   scratch->folder, scratch->folder, path);
    assert_int_equal(system(command), 0); /* NOLINT: paths of this test */
}

static void only_what_the_root_proves_is_kept(void **state)
{
    const struct scratch *scratch = *state;
    struct ca *roots[2];
    struct bundle *bundle;
    struct bundle *again;
    struct certificate_facts facts;
    uint8_t stranger[32] = { 1 };
    char path[SCRATCH_PATH_SIZE];

    make_root(scratch, "root", &roots[0]);
    make_root(scratch, "other", &roots[1]);
    scratch_path(scratch, "all", path);
    make_file(scratch, roots, path);
    assert_int_equal(bundle_load(path, &bundle, NULL), 0);
    assert_int_equal(bundle_count(bundle), 3);
    assert_int_equal(bundle_keep_under(bundle, stranger, NOW_S), -ENOENT);
    assert_int_equal(bundle_count(bundle), 3);

    assert_int_equal(certificate_facts_of(ca_certificate(roots[0]), &facts, NULL), 0);
    assert_int_equal(bundle_keep_under(bundle, facts.registered.fingerprint, NOW_S), 0);
    assert_int_equal(bundle_count(bundle), 2);
    assert_int_equal(bundle_save(bundle, path, NULL), 0);
    assert_int_equal(bundle_load(path, &again, NULL), 0);
    assert_int_equal(bundle_count(again), 2);
    struct certificate *first = bundle_take_first(again);
    struct certificate_facts kept;
    assert_int_equal(certificate_facts_of(first, &kept, NULL), 0);
    assert_string_equal(kept.registered.serial, facts.registered.serial);
    certificate_free(first);
    bundle_free(again);
    bundle_free(bundle);
    ca_close(roots[0]);
    ca_close(roots[1]);
}

static void what_holds_no_certificates(void **state)
{
    /* Nothing; no base64; no DER; PKCS#7 of the type data; a signed one without certificates. */
    static const char *const texts[] = {
        "",
        "!",
        "AAAA",
        "MA8GCSqGSIb3DQEHAaACBAA=",
        "MCQGCSqGSIb3DQEHAqAXMBUCAQExADALBgkqhkiG9w0BBwExAA==",
    };
    struct bundle *bundle;
    struct pki_fault fault;
    char path[SCRATCH_PATH_SIZE];

    for (size_t i = 0; i < MQTT_ARRAY_LEN(texts); i++)
        assert_int_equal(bundle_parse(span_of(texts[i]), &bundle, &fault), -EBADMSG);
    scratch_path(*state, "none", path);
    assert_int_equal(bundle_load(path, &bundle, &fault), -ENOENT);
    bundle_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_the_root_proves_is_kept, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(what_holds_no_certificates, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
