/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ca.h"

#include "pki/private_file.h"
#include "pki/scratch.h"

#include <errno.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_S INT64_C(1800000000)
#define DAY_S 86400

static struct ca *make_ca(const struct scratch *scratch, const char *domain)
{
    char certificate_path[SCRATCH_PATH_SIZE];
    char key_path[SCRATCH_PATH_SIZE];
    struct key *key;
    struct certificate *root;
    struct ca *ca;
    scratch_path(scratch, "ca.crt", certificate_path);
    scratch_path(scratch, "ca.key", key_path);
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(key_save(key, key_path, NULL), 0);
    assert_int_equal(ca_make_root(key, domain, NOW_S, &root, NULL), 0);
    assert_int_equal(certificate_save(root, certificate_path, NULL), 0);
    certificate_free(root);
    key_free(key);
    assert_int_equal(ca_open(certificate_path, key_path, &ca, NULL), 0);
    return ca;
}

static struct certificate *issue(const struct ca *ca, const char *name, unsigned days)
{
    struct key *key;
    struct csr *csr;
    struct certificate *certificate;
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, name, &csr, NULL), 0);
    assert_int_equal(ca_issue_identity(ca,
                                       &(struct ca_identity_request){
                                           .csr = csr, .name = name, .now_s = NOW_S, .days = days },
                                       &certificate, NULL),
                     0);
    assert_true(certificate_matches_key(certificate, key));
    csr_free(csr);
    key_free(key);
    return certificate;
}

/* As a TLS peer would: the whole chain, with its purpose, at NOW_S + `later_s`. */
static int verify(const struct ca *ca, const struct certificate *certificate, int purpose,
                  int64_t later_s)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, certificate_handle(ca_certificate(ca))), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, certificate_handle(certificate), NULL), 1);
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(parameters, (time_t)(NOW_S + later_s));
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_VERIFY_PARAM_set_purpose(parameters, purpose), 1);
    (void)X509_verify_cert(context);
    int verdict = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return verdict;
}

static void a_root_names_its_trust_domain(void **state)
{
    struct ca *ca = make_ca(*state, "fleet.example");
    struct certificate_facts facts;
    X509 *x509 = certificate_handle(ca_certificate(ca));
    assert_string_equal(ca_trust_domain(ca), "fleet.example");
    assert_int_equal(certificate_facts_of(ca_certificate(ca), &facts, NULL), 0);
    assert_true(facts.is_ca);
    assert_string_equal(facts.uri, "spiffe://fleet.example");
    assert_int_equal(facts.registered.not_before_s, NOW_S - CA_BACKDATE_S);
    assert_int_equal(facts.registered.not_after_s, NOW_S + (int64_t)CA_ROOT_DAYS * DAY_S);
    assert_int_equal(X509_get_pathlen(x509), 1);
    assert_int_equal(X509_get_key_usage(x509), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    ca_close(ca);
    ca_close(NULL);
}

static void random_trust_domains_differ(void **state)
{
    (void)state;
    char domain[2][IDENTITY_URI_DOMAIN_SIZE];
    struct key *key;
    assert_int_equal(key_generate(&key, NULL), 0);
    for (int i = 0; i < 2; i++) {
        struct certificate *root;
        assert_int_equal(ca_make_root(key, NULL, NOW_S, &root, NULL), 0);
        assert_int_equal(ca_trust_domain_of(root, domain[i], NULL), 0);
        certificate_free(root);
    }
    assert_string_not_equal(domain[0], domain[1]);
    struct certificate *root;
    assert_int_equal(ca_make_root(key, "Not Valid", NOW_S, &root, NULL), -EINVAL);
    key_free(key);
}

static void a_device_certificate(void **state)
{
    struct ca *ca = make_ca(*state, "td");
    struct certificate *certificate = issue(ca, "lamp", 0);
    struct certificate_facts facts;
    X509 *x509 = certificate_handle(certificate);
    assert_int_equal(certificate_facts_of(certificate, &facts, NULL), 0);
    assert_string_equal(facts.common_name, "lamp");
    assert_string_equal(facts.uri, "spiffe://td/device/lamp");
    assert_false(facts.is_ca);
    assert_int_equal(facts.registered.not_after_s, NOW_S + (int64_t)CA_DEVICE_DAYS * DAY_S);
    assert_int_equal(X509_get_extended_key_usage(x509), XKU_SSL_CLIENT);
    assert_int_equal(X509_get_key_usage(x509), KU_DIGITAL_SIGNATURE);
    assert_int_equal(verify(ca, certificate, X509_PURPOSE_SSL_CLIENT, 0), X509_V_OK);
    assert_int_equal(verify(ca, certificate, X509_PURPOSE_SSL_SERVER, 0),
                     X509_V_ERR_INVALID_PURPOSE);
    assert_int_equal(verify(ca, certificate, X509_PURPOSE_SSL_CLIENT, 91 * DAY_S),
                     X509_V_ERR_CERT_HAS_EXPIRED);
    assert_int_equal(verify(ca, certificate, X509_PURPOSE_SSL_CLIENT, -DAY_S),
                     X509_V_ERR_CERT_NOT_YET_VALID);
    assert_true(certificate_is_valid_under(certificate, ca_certificate(ca), NOW_S));
    assert_false(certificate_is_valid_under(certificate, ca_certificate(ca), NOW_S + 91 * DAY_S));
    assert_false(certificate_is_valid_under(certificate, certificate, NOW_S));
    certificate_free(certificate);
    ca_close(ca);
}

static void serials_and_fingerprints_differ(void **state)
{
    struct ca *ca = make_ca(*state, "td");
    struct certificate *a = issue(ca, "lamp", 1);
    struct certificate *b = issue(ca, "lamp", 1);
    struct certificate_facts fa;
    struct certificate_facts fb;
    assert_int_equal(certificate_facts_of(a, &fa, NULL), 0);
    assert_int_equal(certificate_facts_of(b, &fb, NULL), 0);
    assert_int_equal(strlen(fa.registered.serial), 32);
    assert_string_not_equal(fa.registered.serial, fb.registered.serial);
    assert_memory_not_equal(fa.registered.fingerprint, fb.registered.fingerprint, 32);
    assert_memory_not_equal(fa.key_sha256, fb.key_sha256, 32);
    certificate_free(a);
    certificate_free(b);
    ca_close(ca);
}

static void no_certificate_outlives_its_ca(void **state)
{
    struct ca *ca = make_ca(*state, "td");
    struct certificate *certificate = issue(ca, "lamp", CA_MAX_DAYS);
    struct certificate_facts facts;
    struct certificate_facts root;
    assert_int_equal(certificate_facts_of(certificate, &facts, NULL), 0);
    assert_int_equal(certificate_facts_of(ca_certificate(ca), &root, NULL), 0);
    assert_true(facts.registered.not_after_s <= root.registered.not_after_s);
    certificate_free(certificate);
    ca_close(ca);
}

static bool answers_to(const struct certificate *certificate, const char *name)
{
    X509 *x509 = certificate_handle(certificate);
    return X509_check_host(x509, name, 0, 0, NULL) == 1 || X509_check_ip_asc(x509, name, 0) == 1;
}

static void a_server_certificate(void **state)
{
    static const char *const names[] = { "broker.example.org", "10.1.2.3", "2001:db8::7",
                                         "*.iot.example.org", "localhost" };
    static const char *const good[] = { "localhost",          "127.0.0.1", "::1",
                                        "broker.example.org", "10.1.2.3",  "2001:db8::7",
                                        "x.iot.example.org" };
    struct ca *ca = make_ca(*state, "td");
    struct key *key;
    struct certificate *certificate;
    struct certificate *successor;
    char text[1024];
    assert_int_equal(key_generate(&key, NULL), 0);
    struct ca_server_request request = {
        .key = key, .names = names, .name_count = MQTT_ARRAY_LEN(names), .now_s = NOW_S
    };
    assert_int_equal(ca_issue_server(ca, &request, &certificate, NULL), 0);
    request.names = NULL;
    request.name_count = 0;
    request.predecessor = certificate;
    assert_int_equal(ca_issue_server(ca, &request, &successor, NULL), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(good); i++) {
        assert_true(answers_to(certificate, good[i]));
        assert_true(answers_to(successor, good[i]));
    }
    assert_false(answers_to(certificate, "example.org"));
    assert_false(answers_to(certificate, "10.1.2.4"));
    assert_int_equal(verify(ca, certificate, X509_PURPOSE_SSL_SERVER, 364 * DAY_S), X509_V_OK);
    assert_int_equal(verify(ca, certificate, X509_PURPOSE_SSL_CLIENT, 0),
                     X509_V_ERR_INVALID_PURPOSE);
    certificate_names(certificate, text, sizeof(text));
    assert_ptr_equal(strstr(text, "DNS:localhost, IP:127.0.0.1, IP:::1"), text);
    certificate_names(certificate, text, 10);
    assert_string_equal(text, "DNS:local");
    certificate_free(successor);
    certificate_free(certificate);
    key_free(key);
    ca_close(ca);
}

static void bad_requests(void **state)
{
    static const char *const bad[] = { "",          "a b", "a,DNS:evil", "-a", "a..b", "1.2.3",
                                       "300.1.1.1", "a/b", "*.",         "*",  "a:b",  "x\n" };
    struct ca *ca = make_ca(*state, "td");
    struct key *key;
    struct csr *csr;
    struct certificate *certificate = NULL;
    struct pki_fault fault;
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, "x", &csr, NULL), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        struct ca_server_request request = {
            .key = key, .names = &bad[i], .name_count = 1, .now_s = NOW_S
        };
        assert_int_equal(ca_issue_server(ca, &request, &certificate, &fault), -EINVAL);
    }
    struct ca_identity_request request = { .csr = csr, .name = "a/b", .now_s = NOW_S };
    assert_int_equal(ca_issue_identity(ca, &request, &certificate, &fault), -EINVAL);
    request.name = "lamp";
    request.kind = IDENTITY_KIND_COUNT;
    assert_int_equal(ca_issue_identity(ca, &request, &certificate, &fault), -EINVAL);
    request.kind = IDENTITY_DEVICE;
    request.days = CA_MAX_DAYS + 1;
    assert_int_equal(ca_issue_identity(ca, &request, &certificate, &fault), -EINVAL);
    assert_null(certificate);
    csr_free(csr);
    key_free(key);
    ca_close(ca);
}

static void what_does_not_belong_together(void **state)
{
    char certificate_path[SCRATCH_PATH_SIZE];
    char key_path[SCRATCH_PATH_SIZE];
    struct ca *ca = make_ca(*state, "td");
    struct ca *none = NULL;
    struct key *other;
    struct pki_fault fault;
    scratch_path(*state, "ca.crt", certificate_path);
    scratch_path(*state, "other.key", key_path);
    assert_int_equal(key_generate(&other, NULL), 0);
    assert_int_equal(ca_open(certificate_path, key_path, &none, &fault), -ENOENT);
    assert_int_equal(key_save(other, key_path, NULL), 0);
    assert_int_equal(ca_open(certificate_path, key_path, &none, &fault), -EBADMSG);

    /* A device's certificate is no CA. */
    struct certificate *device = issue(ca, "lamp", 1);
    assert_int_equal(certificate_save(device, certificate_path, NULL), 0);
    scratch_path(*state, "ca.key", key_path);
    assert_int_equal(ca_open(certificate_path, key_path, &none, &fault), -EBADMSG);
    assert_null(none);
    certificate_free(device);
    key_free(other);
    ca_close(ca);
}

static void certificates_that_are_none(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct certificate *certificate = NULL;
    struct pki_fault fault;
    scratch_path(*state, "x", path);
    assert_int_equal(certificate_load(path, &certificate, &fault), -ENOENT);
    assert_int_equal(
        private_file_write(path, span_of("-----BEGIN CERTIFICATE-----\nAAAA\n"), PRIVATE_FILE_KEEP),
        0);
    assert_int_equal(certificate_load(path, &certificate, &fault), -EBADMSG);
    assert_non_null(strstr(fault.text, path));
    assert_null(certificate);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_root_names_its_trust_domain),
        cmocka_unit_test(random_trust_domains_differ),
        TEST(a_device_certificate),
        TEST(serials_and_fingerprints_differ),
        TEST(no_certificate_outlives_its_ca),
        TEST(a_server_certificate),
        TEST(bad_requests),
        TEST(what_does_not_belong_together),
        TEST(certificates_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
