/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/rekey.h"

#include "pki/enrolment.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct stand {
    struct ca *ca;
    struct registry *registry;
    int64_t now_s;
};

static void stand_up(struct stand *stand, const struct scratch *scratch)
{
    char path[3][SCRATCH_PATH_SIZE];
    struct key *key;
    struct certificate *root;

    scratch_path(scratch, "ca.crt", path[0]);
    scratch_path(scratch, "ca.key", path[1]);
    scratch_path(scratch, "registry.db", path[2]);
    stand->now_s = (int64_t)time(NULL);
    assert_int_equal(key_load_or_create(path[1], &key, NULL), 0);
    assert_int_equal(ca_make_root(key, NULL, stand->now_s, &root, NULL), 0);
    assert_int_equal(certificate_save(root, path[0], NULL), 0);
    certificate_free(root);
    key_free(key);
    assert_int_equal(ca_open(path[0], path[1], &stand->ca, NULL), 0);
    assert_int_equal(registry_open(path[2], &stand->registry, NULL), 0);
}

static struct csr *new_request(void)
{
    struct key *key;
    struct csr *csr;

    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, "lamp", &csr, NULL), 0);
    key_free(key);
    return csr;
}

static void a_revoked_device_comes_back(void **state)
{
    const struct registry_revocation stolen = { REGISTRY_REASON_KEY_COMPROMISE, NULL, false };
    struct stand stand;
    struct csr *first = new_request();
    struct csr *second = new_request();
    struct certificate *certificate = NULL;
    struct certificate_facts facts;
    struct registry_entry entry;
    stand_up(&stand, *state);
    const struct enrolment enrolment = {
        .name = "lamp", .kind = IDENTITY_SERVICE, .role = "device", .now_s = stand.now_s
    };
    const struct rekey request = { .name = "lamp", .now_s = stand.now_s, .days = 10 };
    const struct rekey nobody = { .name = "nobody", .now_s = stand.now_s };

    assert_int_equal(
        enrolment_sign(stand.ca, stand.registry, first, &enrolment, &certificate, NULL), 0);
    certificate_free(certificate);
    assert_int_equal(registry_find(stand.registry, "lamp", &entry, NULL), 0);
    assert_string_equal(entry.algorithm, "EC P-256");
    assert_int_equal(registry_revoke(stand.registry, "lamp", &stolen, NULL), 0);
    certificate = NULL;
    assert_int_equal(
        enrolment_sign(stand.ca, stand.registry, first, &enrolment, &certificate, NULL), -EPERM);
    assert_int_equal(rekey_sign(stand.ca, stand.registry, first, &request, &certificate, NULL),
                     -ENOTUNIQ);
    assert_int_equal(rekey_sign(stand.ca, stand.registry, second, &nobody, &certificate, NULL),
                     -ENOENT);
    assert_null(certificate);

    assert_int_equal(rekey_sign(stand.ca, stand.registry, second, &request, &certificate, NULL), 0);
    assert_int_equal(certificate_facts_of(certificate, &facts, NULL), 0);
    assert_int_equal(registry_find(stand.registry, "lamp", &entry, NULL), 0);
    assert_int_equal(entry.status, REGISTRY_ACTIVE);
    assert_int_equal(entry.kind, IDENTITY_SERVICE);
    assert_memory_equal(entry.key_sha256, facts.key_sha256, KEY_SHA256_BYTES);
    assert_string_equal(entry.certificate.serial, facts.registered.serial);
    assert_non_null(strstr(facts.uri, "/service/lamp"));
    /* From now on it is renewed as any other. */
    certificate_free(certificate);
    assert_int_equal(
        enrolment_sign(stand.ca, stand.registry, second, &enrolment, &certificate, NULL), 0);
    certificate_free(certificate);
    csr_free(first);
    csr_free(second);
    registry_close(stand.registry);
    ca_close(stand.ca);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(a_revoked_device_comes_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
