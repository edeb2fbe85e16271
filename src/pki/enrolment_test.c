/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/enrolment.h"

#include "pki/attestation.h"
#include "pki/registry_life.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_S INT64_C(1800000000)

/* A CA and an empty registry. */
struct bench {
    struct ca *ca;
    struct registry *registry;
    char key[SCRATCH_PATH_SIZE];
    char certificate[SCRATCH_PATH_SIZE];
};

static struct bench set_up(const struct scratch *scratch)
{
    struct bench b;
    struct key *key;
    struct certificate *root;
    char path[SCRATCH_PATH_SIZE];
    char key_path[SCRATCH_PATH_SIZE];
    scratch_path(scratch, "ca.key", key_path);
    scratch_path(scratch, "ca.crt", path);
    assert_int_equal(key_load_or_create(key_path, &key, NULL), 0);
    assert_int_equal(ca_make_root(key, "td", NOW_S, &root, NULL), 0);
    assert_int_equal(certificate_save(root, path, NULL), 0);
    certificate_free(root);
    key_free(key);
    assert_int_equal(ca_open(path, key_path, &b.ca, NULL), 0);
    scratch_path(scratch, "registry.db", path);
    assert_int_equal(registry_open(path, &b.registry, NULL), 0);
    scratch_path(scratch, "x.key", b.key);
    scratch_path(scratch, "x.crt", b.certificate);
    return b;
}

static void tear_down(struct bench *b)
{
    registry_close(b->registry);
    ca_close(b->ca);
}

static struct enrolment lamp(void)
{
    return (struct enrolment){ .name = "lamp", .role = "device", .tenant = "t", .now_s = NOW_S };
}

static int create(struct bench *b, const struct enrolment *request, struct pki_fault *fault)
{
    return enrolment_create(b->ca, b->registry, request,
                            &(struct enrolment_paths){ b->key, b->certificate }, fault);
}

static struct certificate_facts facts_in(const char *path)
{
    struct certificate *certificate;
    struct certificate_facts facts;
    assert_int_equal(certificate_load(path, &certificate, NULL), 0);
    assert_int_equal(certificate_facts_of(certificate, &facts, NULL), 0);
    certificate_free(certificate);
    return facts;
}

/* File and registry tell the same. */
static void assert_agreement(struct bench *b, const char *name)
{
    struct registry_entry entry;
    struct certificate_facts facts = facts_in(b->certificate);
    assert_int_equal(registry_find(b->registry, name, &entry, NULL), 0);
    assert_string_equal(entry.certificate.serial, facts.registered.serial);
    assert_memory_equal(entry.certificate.fingerprint, facts.registered.fingerprint, 32);
    assert_memory_equal(entry.key_sha256, facts.key_sha256, 32);
    assert_int_equal(entry.certificate.not_after_s, facts.registered.not_after_s);
}

static void a_thing_comes_into_being(void **state)
{
    struct bench b = set_up(*state);
    struct enrolment request = lamp();
    struct registry_entry entry;
    assert_int_equal(create(&b, &request, NULL), 0);
    assert_agreement(&b, "lamp");
    assert_int_equal(registry_find(b.registry, "lamp", &entry, NULL), 0);
    assert_string_equal(entry.role, "device");
    assert_string_equal(entry.tenant, "t");
    assert_string_equal(entry.site, "");
    assert_int_equal(entry.status, REGISTRY_ACTIVE);
    assert_string_equal(facts_in(b.certificate).uri, "spiffe://td/device/lamp");
    tear_down(&b);
}

/* For verifiers without our registry. */
static void its_certificate_says_more(void **state)
{
    struct bench b = set_up(*state);
    struct enrolment request = lamp();
    struct certificate *certificate;
    struct identity_extension extension;
    request.algorithm = KEY_ED25519;
    assert_int_equal(create(&b, &request, NULL), 0);
    assert_int_equal(facts_in(b.certificate).algorithm, KEY_ED25519);
    assert_int_equal(certificate_load(b.certificate, &certificate, NULL), 0);
    assert_int_equal(certificate_extension_of(certificate, &extension), 0);
    assert_string_equal(extension.role, "device");
    assert_string_equal(extension.tenant, "t");
    assert_string_equal(extension.site, "");
    assert_int_equal(extension.protection, KEY_PROTECTION_PLAIN);
    assert_false(extension.is_attested);
    certificate_free(certificate);
    assert_int_equal(certificate_extension_of(ca_certificate(b.ca), &extension), -ENOENT);
    tear_down(&b);
}

/* A TPM has proved it: of that key, from the next certificate on. */
static void its_certificate_says_that_it_is_attested(void **state)
{
    struct bench b = set_up(*state);
    struct enrolment request = lamp();
    struct attestation proved = { .by = "ek-list", .since_s = NOW_S };
    struct identity_extension extension;
    struct certificate *certificate;
    request.protection = KEY_PROTECTION_TPM;
    request.replaces = true;
    for (int i = 0; i < 4; i++) {
        bool is_next = i % 2 == 0;
        if (is_next)
            (void)unlink(b.key);
        assert_int_equal(create(&b, &request, NULL), 0);
        assert_int_equal(certificate_load(b.certificate, &certificate, NULL), 0);
        assert_int_equal(certificate_extension_of(certificate, &extension), 0);
        assert_int_equal(extension.is_attested, !is_next);
        certificate_free(certificate);
        const struct certificate_facts facts = facts_in(b.certificate);
        memcpy(proved.key_sha256, facts.key_sha256, sizeof(proved.key_sha256));
        assert_int_equal(attestation_record(b.registry, "lamp", &proved, NULL), 0);
    }
    tear_down(&b);
}

static void said_again_it_renews(void **state)
{
    struct bench b = set_up(*state);
    struct enrolment request = lamp();
    assert_int_equal(create(&b, &request, NULL), 0);
    struct certificate_facts before = facts_in(b.certificate);
    request.now_s += 86400;
    assert_int_equal(create(&b, &request, NULL), 0);
    struct certificate_facts after = facts_in(b.certificate);
    assert_memory_equal(before.key_sha256, after.key_sha256, 32);
    assert_string_not_equal(before.registered.serial, after.registered.serial);
    assert_int_equal(after.registered.not_after_s - before.registered.not_after_s, 86400);
    assert_agreement(&b, "lamp");

    /* As after a crash between row and file. */
    assert_int_equal(unlink(b.certificate), 0);
    assert_int_equal(create(&b, &request, NULL), 0);
    assert_agreement(&b, "lamp");
    tear_down(&b);
}

static uint64_t policy_after(struct bench *b, enum key_protection protection)
{
    struct enrolment request = lamp();
    uint64_t version = 0;
    request.protection = protection;
    assert_int_equal(create(b, &request, NULL), 0);
    assert_int_equal(registry_policy_version(b->registry, &version), 0);
    return version;
}

/* A role may ask for it. */
static void another_level_of_the_same_key_moves_the_policy(void **state)
{
    struct bench b = set_up(*state);
    uint64_t first = policy_after(&b, KEY_PROTECTION_PLAIN);
    assert_int_equal(policy_after(&b, KEY_PROTECTION_PLAIN), first);
    uint64_t sealed = policy_after(&b, KEY_PROTECTION_SEALED);
    assert_true(sealed > first);
    assert_int_equal(policy_after(&b, KEY_PROTECTION_SEALED), sealed);
    assert_true(policy_after(&b, KEY_PROTECTION_PLAIN) > sealed);
    tear_down(&b);
}

/* A key that was in a file was not made in hardware, whatever is said of it later. */
static void a_key_never_rises_to_hardware(void **state)
{
    static const struct {
        enum key_protection declared;
        const char *registered;
    } rows[] = { { KEY_PROTECTION_PLAIN, "plain" },   { KEY_PROTECTION_SEALED, "sealed" },
                 { KEY_PROTECTION_TPM, "sealed" },    { KEY_PROTECTION_UNKNOWN, "sealed" },
                 { KEY_PROTECTION_PKCS11, "sealed" }, { KEY_PROTECTION_PLAIN, "plain" } };
    struct bench b = set_up(*state);
    struct enrolment request = lamp();
    struct registry_entry entry;
    struct certificate *certificate;
    struct key *key;
    struct csr *csr;

    assert_int_equal(key_generate(&key, NULL), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        assert_int_equal(csr_new_declaring(key, "lamp", rows[i].declared, &csr, NULL), 0);
        assert_int_equal(enrolment_sign(b.ca, b.registry, csr, &request, &certificate, NULL), 0);
        assert_int_equal(registry_find(b.registry, "lamp", &entry, NULL), 0);
        assert_string_equal(entry.protection, rows[i].registered);
        certificate_free(certificate);
        csr_free(csr);
    }
    key_free(key);
    tear_down(&b);
}

static void a_renewal_changes_nothing_else(void **state)
{
    struct bench b = set_up(*state);
    struct enrolment request = lamp();
    struct pki_fault fault;
    assert_int_equal(create(&b, &request, NULL), 0);
    struct certificate_facts before = facts_in(b.certificate);
    request.role = "admin";
    assert_int_equal(create(&b, &request, &fault), -EEXIST);
    request = lamp();
    request.tenant = NULL;
    assert_int_equal(create(&b, &request, &fault), -EEXIST);
    request = lamp();
    request.kind = IDENTITY_ADMIN;
    assert_int_equal(create(&b, &request, &fault), -EEXIST);
    request = lamp();
    assert_int_equal(registry_set_status(b.registry, "lamp", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(create(&b, &request, &fault), -EPERM);
    assert_string_equal(facts_in(b.certificate).registered.serial, before.registered.serial);
    assert_agreement(&b, "lamp");
    tear_down(&b);
}

/* Promise I2. */
static void a_key_or_name_of_another_is_refused(void **state)
{
    struct bench b = set_up(*state);
    struct enrolment request = lamp();
    struct pki_fault fault;
    assert_int_equal(create(&b, &request, NULL), 0);
    request.name = "wall";
    assert_int_equal(create(&b, &request, &fault), -ENOTUNIQ);
    assert_non_null(strstr(fault.text, "'lamp'"));
    assert_int_equal(access(b.key, F_OK), 0); /* it is the lamp's, and stays */

    scratch_path(*state, "other.key", b.key);
    request.name = "lamp";
    assert_int_equal(create(&b, &request, &fault), -EEXIST);
    assert_int_equal(access(b.key, F_OK), -1); /* nothing is left of what was refused */
    tear_down(&b);
}

static void what_is_refused_leaves_nothing(void **state)
{
    struct bench b = set_up(*state);
    struct pki_fault fault;
    struct registry_entry entry;
    char long_text[200];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    struct enrolment requests[] = { lamp(), lamp(), lamp(), lamp(), lamp() };
    requests[0].name = "a/b";
    requests[1].name = long_text;
    requests[2].role = "";
    requests[3].site = long_text;
    requests[4].days = CA_MAX_DAYS + 1;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(requests); i++) {
        assert_int_equal(create(&b, &requests[i], &fault), -EINVAL);
        assert_int_equal(access(b.key, F_OK), -1);
        assert_int_equal(access(b.certificate, F_OK), -1);
        assert_int_equal(registry_find(b.registry, "lamp", &entry, NULL), -ENOENT);
    }
    tear_down(&b);
}

static void a_request_made_elsewhere(void **state)
{
    struct bench b = set_up(*state);
    struct key *key;
    struct csr *csr;
    struct certificate *certificate;
    struct enrolment request = lamp();
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, "I am root", &csr, NULL),
                     0); /* what it says of itself is naught */
    assert_int_equal(enrolment_sign(b.ca, b.registry, csr, &request, &certificate, NULL), 0);
    assert_true(certificate_matches_key(certificate, key));
    assert_int_equal(certificate_save(certificate, b.certificate, NULL), 0);
    assert_string_equal(facts_in(b.certificate).common_name, "lamp");
    assert_agreement(&b, "lamp");
    certificate_free(certificate);
    csr_free(csr);
    key_free(key);
    tear_down(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thing_comes_into_being),
        TEST(said_again_it_renews),
        TEST(a_key_never_rises_to_hardware),
        TEST(its_certificate_says_more),
        TEST(its_certificate_says_that_it_is_attested),
        TEST(a_renewal_changes_nothing_else),
        TEST(a_key_or_name_of_another_is_refused),
        TEST(what_is_refused_leaves_nothing),
        TEST(a_request_made_elsewhere),
        TEST(another_level_of_the_same_key_moves_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
