/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/crl.h"

#include "pki/ocsp.h"
#include "pki/registry_life.h"
#include "pki/scratch.h"
#include "pki/state.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_S 86400

/* A CA, and a registry with the devices "a" to "d", in a state folder. */
struct stand {
    const char *dir;
    struct ca *ca;
    struct registry *registry;
    int64_t now_s;
    char der[SCRATCH_PATH_SIZE];
    char pem[SCRATCH_PATH_SIZE];
};

static struct ca *make_ca(const struct scratch *scratch, const char *name)
{
    char certificate_path[SCRATCH_PATH_SIZE];
    char key_path[SCRATCH_PATH_SIZE];
    char file[32];
    struct key *key;
    struct certificate *root;
    struct ca *ca;

    (void)snprintf(file, sizeof(file), "%s.crt", name);
    scratch_path(scratch, file, certificate_path);
    (void)snprintf(file, sizeof(file), "%s.key", name);
    scratch_path(scratch, file, key_path);
    assert_int_equal(key_load_or_create(key_path, &key, NULL), 0);
    assert_int_equal(ca_make_root(key, NULL, (int64_t)time(NULL), &root, NULL), 0);
    assert_int_equal(certificate_save(root, certificate_path, NULL), 0);
    certificate_free(root);
    key_free(key);
    assert_int_equal(ca_open(certificate_path, key_path, &ca, NULL), 0);
    return ca;
}

static void stand_up(struct stand *stand, const struct scratch *scratch)
{
    char path[SCRATCH_PATH_SIZE];

    *stand = (struct stand){ .dir = scratch->folder, .now_s = (int64_t)time(NULL) };
    scratch_path(scratch, "registry.db", path);
    scratch_path(scratch, "crl/ca.crl", stand->der);
    scratch_path(scratch, "crl/ca.crl.pem", stand->pem);
    stand->ca = make_ca(scratch, "ca");
    assert_int_equal(registry_open(path, &stand->registry, NULL), 0);
    for (unsigned i = 0; i < 4; i++) {
        char name[2] = { (char)('a' + i), '\0' };
        struct registry_entry entry = scratch_entry(name, 0x10 + i);
        entry.certificate.not_before_s = stand->now_s - DAY_S;
        entry.certificate.not_after_s = stand->now_s + 30 * DAY_S;
        assert_int_equal(registry_add(stand->registry, &entry, NULL), 0);
    }
}

static void pull_down(struct stand *stand)
{
    registry_close(stand->registry);
    ca_close(stand->ca);
}

static bool publish(struct stand *stand)
{
    struct pki_fault fault = { "" };
    bool is_made = false;
    int error = crl_publish(stand->dir, stand->ca, stand->registry, stand->now_s, &is_made, &fault);

    if (error != 0)
        fail_msg("%d: %s", error, fault.text);
    return is_made;
}

static bool is_current(struct stand *stand)
{
    bool is_good = false;

    assert_int_equal(crl_is_current(stand->dir, stand->registry, stand->now_s, &is_good, NULL), 0);
    return is_good;
}

static struct crl_facts facts(const char *path)
{
    struct crl_facts found;

    assert_int_equal(crl_read(path, &found, NULL), 0);
    return found;
}

static bool lists(const char *path, const char *serial)
{
    bool is_there = false;

    assert_int_equal(crl_lists(path, serial, &is_there, NULL), 0);
    return is_there;
}

static X509_CRL *load(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    X509_CRL *list = d2i_X509_CRL_fp(file, NULL);
    (void)fclose(file);
    assert_non_null(list);
    return list;
}

/* The reason code of a certificate on the list; -1: it says none, -2: it is not there. */
static long reason_of(const char *path, long serial)
{
    X509_CRL *list = load(path);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    X509_REVOKED *entry = NULL;
    long reason = -2;

    assert_int_equal(ASN1_INTEGER_set(number, serial), 1);
    if (X509_CRL_get0_by_serial(list, &entry, number) != 0) {
        ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        reason = code != NULL ? ASN1_ENUMERATED_get(code) : -1;
        ASN1_ENUMERATED_free(code);
    }
    ASN1_INTEGER_free(number);
    X509_CRL_free(list);
    return reason;
}

static void revoke_one(struct stand *stand, const char *name, enum registry_reason reason)
{
    const struct registry_revocation how = { .reason = reason };

    assert_int_equal(registry_revoke(stand->registry, name, &how, NULL), 0);
}

static void it_says_what_the_registry_says(void **state)
{
    struct stand stand;
    struct stat status;
    stand_up(&stand, *state);

    assert_false(is_current(&stand));
    assert_true(publish(&stand));
    assert_true(is_current(&stand));
    assert_false(publish(&stand));
    assert_int_equal(facts(stand.der).count, 0);
    assert_int_equal(facts(stand.der).next_update_s - stand.now_s, CRL_DAYS * DAY_S);
    assert_int_equal(stat(stand.der, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);

    revoke_one(&stand, "a", REGISTRY_REASON_KEY_COMPROMISE);
    revoke_one(&stand, "b", REGISTRY_REASON_UNSPECIFIED);
    assert_int_equal(registry_suspend(stand.registry, "c", NULL, NULL), 0);
    assert_false(is_current(&stand));
    uint64_t before = facts(stand.der).number;
    assert_true(publish(&stand));
    assert_true(facts(stand.der).number > before);
    assert_int_equal(facts(stand.der).count, 3);
    assert_int_equal(facts(stand.pem).count, 3);
    assert_int_equal(facts(stand.pem).number, facts(stand.der).number);
    assert_int_equal(reason_of(stand.der, 0x10), 1);
    assert_int_equal(reason_of(stand.der, 0x11), -1);
    assert_int_equal(reason_of(stand.der, 0x12), 6);
    assert_int_equal(reason_of(stand.der, 0x13), -2);
    assert_true(lists(stand.pem, "10"));
    assert_false(lists(stand.pem, "13"));

    assert_int_equal(registry_resume(stand.registry, "c", NULL), 0);
    assert_true(publish(&stand));
    assert_int_equal(reason_of(stand.der, 0x12), -2);
    /* A better reason is told. */
    revoke_one(&stand, "b", REGISTRY_REASON_KEY_COMPROMISE);
    assert_true(publish(&stand));
    assert_int_equal(reason_of(stand.der, 0x11), 1);
    pull_down(&stand);
}

static void it_is_signed_by_the_ca(void **state)
{
    struct stand stand;
    stand_up(&stand, *state);
    revoke_one(&stand, "a", REGISTRY_REASON_SUPERSEDED);
    assert_true(publish(&stand));

    X509_CRL *list = load(stand.der);
    X509 *issuer = certificate_handle(ca_certificate(stand.ca));
    assert_int_equal(X509_CRL_verify(list, X509_get0_pubkey(issuer)), 1);
    assert_int_equal(X509_CRL_get_version(list), X509_CRL_VERSION_2);
    assert_int_equal(X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)), 0);
    AUTHORITY_KEYID *id = X509_CRL_get_ext_d2i(list, NID_authority_key_identifier, NULL, NULL);
    assert_non_null(id);
    assert_int_equal(ASN1_OCTET_STRING_cmp(id->keyid, X509_get0_subject_key_id(issuer)), 0);
    AUTHORITY_KEYID_free(id);
    X509_CRL_free(list);
    pull_down(&stand);
}

static void it_is_renewed_at_half_time_and_never_goes_back(void **state)
{
    struct stand stand;
    stand_up(&stand, *state);
    assert_true(publish(&stand));
    uint64_t first = facts(stand.der).number;
    stand.now_s += CRL_DAYS * DAY_S / 2 - 1;
    assert_false(publish(&stand));
    stand.now_s += 1;
    assert_true(publish(&stand));
    uint64_t second = facts(stand.der).number;
    assert_true(second > first);

    /* A clock that went back makes a list of the future no good one, but no lower number. */
    stand.now_s -= 300 * DAY_S;
    assert_true(publish(&stand));
    assert_int_equal(facts(stand.der).number, second + 1);
    pull_down(&stand);
}

static void what_expired_long_ago_is_left_out(void **state)
{
    struct stand stand;
    stand_up(&stand, *state);
    revoke_one(&stand, "a", REGISTRY_REASON_UNSPECIFIED);
    stand.now_s += 30 * DAY_S + CRL_KEEP_S;
    assert_true(publish(&stand));
    assert_int_equal(facts(stand.der).count, 1);
    stand.now_s += CRL_KEEP_S / 2;
    assert_true(publish(&stand));
    assert_int_equal(facts(stand.der).count, 0);
    pull_down(&stand);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void a_damaged_file_is_replaced(void **state)
{
    struct stand stand;
    struct crl_facts found;
    bool is_there;
    struct pki_fault fault;
    stand_up(&stand, *state);
    assert_int_equal(crl_read(stand.der, &found, NULL), -ENOENT);
    assert_true(publish(&stand));
    write_text(stand.der, "no list");
    assert_int_equal(crl_read(stand.der, &found, &fault), -EBADMSG);
    assert_non_null(strstr(fault.text, stand.der));
    assert_true(publish(&stand));
    /* Interrupted between the two files. */
    write_text(stand.pem, "");
    assert_false(is_current(&stand));
    assert_true(publish(&stand));
    assert_int_equal(facts(stand.pem).number, facts(stand.der).number);
    assert_int_equal(unlink(stand.pem), 0);
    assert_true(publish(&stand));
    assert_int_equal(crl_lists(stand.der, "zz", &is_there, NULL), -EINVAL);
    pull_down(&stand);
}

static void a_response_for_the_server(void **state)
{
    struct stand stand;
    struct key *key;
    struct certificate *server;
    char path[SCRATCH_PATH_SIZE];
    stand_up(&stand, *state);
    scratch_path(*state, "server.ocsp", path);
    assert_int_equal(key_generate(&key, NULL), 0);
    const struct ca_server_request request = { .key = key, .now_s = stand.now_s };
    assert_int_equal(ca_issue_server(stand.ca, &request, &server, NULL), 0);
    const struct certificate *root = ca_certificate(stand.ca);

    assert_false(ocsp_is_current(path, server, root, stand.now_s));
    write_text(path, "no response");
    assert_false(ocsp_is_current(path, server, root, stand.now_s));
    assert_int_equal(ocsp_write(path, server, stand.ca, stand.now_s, NULL), 0);
    assert_true(ocsp_is_current(path, server, root, stand.now_s));
    assert_true(ocsp_is_current(path, server, root, stand.now_s + 3 * DAY_S));
    assert_false(ocsp_is_current(path, server, root, stand.now_s + 4 * DAY_S));
    assert_true(ocsp_is_good(path, server, root, stand.now_s + 6 * DAY_S));
    assert_false(ocsp_is_good(path, server, root, stand.now_s + 7 * DAY_S));
    assert_false(ocsp_is_current(path, server, root, stand.now_s - 2 * DAY_S));
    /* It is about this certificate and no other. */
    assert_false(ocsp_is_current(path, root, root, stand.now_s));
    certificate_free(server);
    key_free(key);
    pull_down(&stand);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_says_what_the_registry_says),
        TEST(it_is_signed_by_the_ca),
        TEST(it_is_renewed_at_half_time_and_never_goes_back),
        TEST(what_expired_long_ago_is_left_out),
        TEST(a_damaged_file_is_replaced),
        TEST(a_response_for_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
