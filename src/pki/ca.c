/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ca.h"

#include "pki/alternative_names.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define URI_SCHEME    "spiffe://"
#define SERIAL_BITS   127 /* random, positive, unguessable before it is issued */
#define HOST_SIZE     256
#define SECONDS_A_DAY 86400

struct ca {
    struct certificate *authority;
    struct key *key;         /* NULL: */
    struct ca_signer signer; /* somebody else's */
    char trust_domain[IDENTITY_URI_DOMAIN_SIZE];
};

/* What distinguishes the three kinds of certificate that are made here. */
struct template
{
    const char *common_name;
    const char *basic_constraints;
    const char *key_usage;
    const char *extended_key_usage; /* NULL: none */
    const struct alternative_names *names;
    const struct identity_extension *identity; /* NULL: none */
    EVP_PKEY *public_key;
    X509 *issuer; /* NULL: itself */
    EVP_PKEY *signing_key;
    int64_t now_s;
    unsigned days;
};

static bool add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool set_serial(X509 *x509)
{
    BIGNUM *number = BN_new();
    bool ok = number != NULL
              && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1
              && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return ok;
}

/* From a little before now; to the end of the days, or of the issuer if that comes first. */
static bool set_validity(X509 *x509, const struct template *t)
{
    time_t not_before = (time_t)(t->now_s - CA_BACKDATE_S);
    time_t not_after = (time_t)(t->now_s + (int64_t)t->days * SECONDS_A_DAY);
    if (ASN1_TIME_set(X509_getm_notBefore(x509), not_before) == NULL)
        return false;
    if (t->issuer != NULL && X509_cmp_time(X509_get0_notAfter(t->issuer), &not_after) < 0)
        return X509_set1_notAfter(x509, X509_get0_notAfter(t->issuer)) == 1;
    return ASN1_TIME_set(X509_getm_notAfter(x509), not_after) != NULL;
}

static bool set_names(X509 *x509, const struct template *t)
{
    X509_NAME *subject = X509_get_subject_name(x509);
    return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)t->common_name, -1, -1, 0)
               == 1
           && X509_set_issuer_name(x509,
                                   t->issuer != NULL ? X509_get_subject_name(t->issuer) : subject)
                  == 1;
}

/* What our own OID stands for. Not critical: who does not know it loses nothing by it. */
static bool add_identity(X509 *x509, const struct identity_extension *identity)
{
    uint8_t der[IDENTITY_EXTENSION_MAX_BYTES];
    size_t len = 0;
    if (identity_extension_encode(identity, der, &len) < 0)
        return false;
    ASN1_OBJECT *name = OBJ_txt2obj(IDENTITY_EXTENSION_OID, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    if (name != NULL && value != NULL && ASN1_OCTET_STRING_set(value, der, (int)len) == 1)
        extension = X509_EXTENSION_create_by_OBJ(NULL, name, 0, value);
    bool ok = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(name);
    return ok;
}

static bool set_extensions(X509 *x509, const struct template *t)
{
    X509 *issuer = t->issuer != NULL ? t->issuer : x509;
    return add_extension(x509, issuer, NID_basic_constraints, t->basic_constraints)
           && add_extension(x509, issuer, NID_key_usage, t->key_usage)
           && (t->extended_key_usage == NULL
               || add_extension(x509, issuer, NID_ext_key_usage, t->extended_key_usage))
           && add_extension(x509, issuer, NID_subject_key_identifier, "hash")
           && (t->issuer == NULL
               || add_extension(x509, issuer, NID_authority_key_identifier, "keyid:always"))
           && alternative_names_apply(t->names, x509) == 0
           && (t->identity == NULL || add_identity(x509, t->identity));
}

static int make(const struct template *t, struct certificate **out, struct pki_fault *fault)
{
    X509 *x509 = X509_new();
    if (x509 == NULL)
        return -ENOMEM;
    bool is_edwards = EVP_PKEY_is_a(t->signing_key, "ED25519") == 1;
    if (X509_set_version(x509, X509_VERSION_3) != 1 || !set_serial(x509) || !set_validity(x509, t)
        || X509_set_pubkey(x509, t->public_key) != 1 || !set_names(x509, t)
        || !set_extensions(x509, t)
        || X509_sign(x509, t->signing_key, is_edwards ? NULL : EVP_sha256()) <= 0) {
        X509_free(x509);
        return pki_fail_crypto(fault, -EIO, "cannot make a certificate for '%s'", t->common_name);
    }
    struct certificate *certificate = certificate_take(x509);
    if (certificate == NULL)
        return -ENOMEM;
    *out = certificate;
    return 0;
}

/* 80 random bits: two CAs never share a trust domain by chance. */
static int random_domain(char out[IDENTITY_URI_DOMAIN_SIZE])
{
    uint8_t r[10];
    if (RAND_bytes(r, sizeof(r)) != 1)
        return -EIO;
    for (size_t i = 0; i < sizeof(r); i++)
        (void)snprintf(out + 2 * i, 3, "%02x", r[i]);
    (void)snprintf(out + 2 * sizeof(r), IDENTITY_URI_DOMAIN_SIZE - 2 * sizeof(r), ".tacit");
    return 0;
}

/* A CA whose URI names the trust domain; the rest is in the template. */
static int make_authority(const struct template *basis, const char *trust_domain,
                          struct certificate **out, struct pki_fault *fault)
{
    char uri[sizeof(URI_SCHEME) + IDENTITY_URI_DOMAIN_SIZE];
    char common_name[64 + 1];
    struct template t = *basis;
    (void)snprintf(uri, sizeof(uri), URI_SCHEME "%s", trust_domain);
    (void)snprintf(common_name, sizeof(common_name), "%s %.44s", basis->common_name, trust_domain);
    t.common_name = common_name;
    t.key_usage = "critical,keyCertSign,cRLSign";
    struct alternative_names *names = alternative_names_new();
    int error = names != NULL ? alternative_names_add_uri(names, uri) : -ENOMEM;
    t.names = names;
    if (error == 0)
        error = make(&t, out, fault);
    alternative_names_free(names);
    return error;
}

int ca_make_root(const struct key *key, const char *trust_domain, int64_t now_s,
                 struct certificate **out, struct pki_fault *fault)
{
    char domain[IDENTITY_URI_DOMAIN_SIZE];
    if (trust_domain == NULL) {
        if (random_domain(domain) < 0)
            return pki_fail_crypto(fault, -EIO, "no random numbers to be had");
        trust_domain = domain;
    }
    if (!identity_uri_domain_is_valid(trust_domain))
        return pki_fail(fault, -EINVAL,
                        "'%s' is no trust domain: lower-case letters, digits, '.', '_' and '-'",
                        trust_domain);

    /* One more level below it: the issuing CA. */
    return make_authority(&(struct template){ .common_name = "tacit CA",
                                              .basic_constraints = "critical,CA:TRUE,pathlen:1",
                                              .public_key = key_handle(key),
                                              .signing_key = key_handle(key),
                                              .now_s = now_s,
                                              .days = CA_ROOT_DAYS },
                          trust_domain, out, fault);
}

/* For what is done only where the key is. */
static int need_key(const struct ca *ca, struct pki_fault *fault)
{
    return ca->key != NULL ? 0
                           : pki_fail(fault, -EPERM, "the key of the CA is not in this process");
}

int ca_make_issuing(const struct ca *root, const struct key *key, int64_t now_s,
                    struct certificate **out, struct pki_fault *fault)
{
    X509 *issuer = certificate_handle(root->authority);
    int error = need_key(root, fault);
    if (error < 0)
        return error;
    if (X509_get_pathlen(issuer) == 0)
        return pki_fail(fault, -EINVAL,
                        "an issuing CA may sign no other CA: the key of the root "
                        "is needed");
    uint8_t digest[KEY_SHA256_BYTES];
    char common_name[32];
    if (key_sha256(key, digest) < 0)
        return pki_fail_crypto(fault, -EIO, "the key of the CA cannot be read");
    /* No two of them have the same name: revocation lists are found by the name of the CA. */
    (void)snprintf(common_name, sizeof(common_name), "tacit CA %02x%02x%02x%02x", digest[0],
                   digest[1], digest[2], digest[3]);
    return make_authority(&(struct template){ .common_name = common_name,
                                              .basic_constraints = "critical,CA:TRUE,pathlen:0",
                                              .public_key = key_handle(key),
                                              .issuer = issuer,
                                              .signing_key = key_handle(root->key),
                                              .now_s = now_s,
                                              .days = CA_ISSUING_DAYS },
                          root->trust_domain, out, fault);
}

int ca_trust_domain_of(const struct certificate *authority, char out[IDENTITY_URI_DOMAIN_SIZE],
                       struct pki_fault *fault)
{
    struct certificate_facts facts;
    int error = certificate_facts_of(authority, &facts, fault);
    if (error < 0)
        return error;
    const char *domain = facts.uri + strlen(URI_SCHEME);
    if (!facts.is_ca || strncmp(facts.uri, URI_SCHEME, strlen(URI_SCHEME)) != 0
        || !identity_uri_domain_is_valid(domain))
        return pki_fail(fault, -EBADMSG,
                        "the CA certificate '%s' does not name a trust domain (URI SAN "
                        "spiffe://DOMAIN)",
                        facts.common_name);
    memcpy(out, domain, strlen(domain) + 1);
    return 0;
}

int ca_new(struct certificate *certificate, struct key *key, struct ca **out,
           struct pki_fault *fault)
{
    struct ca *ca = calloc(1, sizeof(*ca));
    if (ca == NULL) {
        certificate_free(certificate);
        key_free(key);
        return -ENOMEM;
    }
    ca->authority = certificate;
    ca->key = key;
    int error = ca_trust_domain_of(certificate, ca->trust_domain, fault);
    if (error == 0 && !certificate_matches_key(certificate, key))
        error = pki_fail(fault, -EBADMSG, "the key of the CA is not that of its certificate");
    if (error < 0) {
        ca_close(ca);
        return error;
    }
    *out = ca;
    return 0;
}

int ca_new_remote(struct certificate *certificate, const struct ca_signer *signer, struct ca **out,
                  struct pki_fault *fault)
{
    struct ca *ca = calloc(1, sizeof(*ca));
    if (ca == NULL) {
        certificate_free(certificate);
        return -ENOMEM;
    }
    ca->authority = certificate;
    ca->signer = *signer;
    int error = ca_trust_domain_of(certificate, ca->trust_domain, fault);
    if (error < 0) {
        ca_close(ca);
        return error;
    }
    *out = ca;
    return 0;
}

int ca_new_among(const struct certificate_list *certificates, struct key *key, struct ca **out,
                 struct pki_fault *fault)
{
    for (size_t i = 0; i < certificates->count; i++) {
        if (!certificate_matches_key(certificates->all[i], key))
            continue;
        struct certificate *certificate = certificate_copy(certificates->all[i]);
        if (certificate != NULL)
            return ca_new(certificate, key, out, fault);
        key_free(key);
        return -ENOMEM;
    }
    key_free(key);
    return pki_fail(fault, -EBADMSG, "the key of the CA is not that of its certificate");
}

int ca_open(const char *certificate_path, const char *key_path, struct ca **out,
            struct pki_fault *fault)
{
    struct certificate_list list = { 0 };
    struct key *key;
    int error = certificate_list_load(certificate_path, &list, fault);
    if (error == 0)
        error = key_load(key_path, &key, fault);
    if (error == 0) {
        error = ca_new_among(&list, key, out, fault);
        if (error == -EBADMSG)
            (void)pki_fail(fault, error, "%s is not the key of a CA in %s", key_path,
                           certificate_path);
    }
    certificate_list_fini(&list);
    return error;
}

void ca_close(struct ca *ca)
{
    if (ca == NULL)
        return;
    certificate_free(ca->authority);
    key_free(ca->key);
    free(ca);
}

const char *ca_trust_domain(const struct ca *ca)
{
    return ca->trust_domain;
}

const struct certificate *ca_certificate(const struct ca *ca)
{
    return ca->authority;
}

int ca_chain(const struct ca *ca, const struct certificate *leaf, struct certificate_list *out)
{
    struct certificate_list list = { 0 };
    int error = certificate_list_add(&list, certificate_copy(leaf));
    if (error == 0 && !certificate_is_self_signed(ca->authority))
        error = certificate_list_add(&list, certificate_copy(ca->authority));
    if (error < 0) {
        certificate_list_fini(&list);
        return error;
    }
    *out = list;
    return 0;
}

const struct key *ca_key(const struct ca *ca)
{
    return ca->key;
}

const struct ca_signer *ca_signer(const struct ca *ca)
{
    return ca->key == NULL ? &ca->signer : NULL;
}

static int check_days(unsigned days, struct pki_fault *fault)
{
    if (days > CA_MAX_DAYS)
        return pki_fail(fault, -EINVAL, "a certificate for %u days; %d at most", days, CA_MAX_DAYS);
    return 0;
}

static int add_server_names(struct alternative_names *names, const struct ca_server_request *r,
                            struct pki_fault *fault)
{
    static const char *const always[] = { "localhost", "127.0.0.1", "::1" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(always); i++)
        if (alternative_names_add_host(names, always[i]) < 0)
            return -ENOMEM;

    /* A machine may carry a name that DNS would not allow; it is reached by another then. */
    char host[HOST_SIZE] = "";
    if (gethostname(host, sizeof(host) - 1) == 0 && host[0] != '\0'
        && alternative_names_add_host(names, host) == -ENOMEM)
        return -ENOMEM;

    for (size_t i = 0; i < r->name_count; i++) {
        int error = alternative_names_add_host(names, r->names[i]);
        if (error < 0)
            return pki_fail(fault, error, "'%s' is neither a host name nor a numeric address",
                            r->names[i]);
    }
    return r->predecessor != NULL
               ? alternative_names_add_hosts_of(names, certificate_handle(r->predecessor))
               : 0;
}

int ca_issue_server(const struct ca *ca, const struct ca_server_request *request,
                    struct certificate **out, struct pki_fault *fault)
{
    int error = need_key(ca, fault);
    if (error == 0)
        error = check_days(request->days, fault);
    if (error < 0)
        return error;
    struct alternative_names *names = alternative_names_new();
    error = names != NULL ? add_server_names(names, request, fault) : -ENOMEM;
    if (error == 0)
        error =
            make(&(struct template){ .common_name = "tacitd",
                                     .basic_constraints = "critical,CA:FALSE",
                                     .key_usage = "critical,digitalSignature",
                                     .extended_key_usage = "serverAuth",
                                     .names = names,
                                     .public_key = key_handle(request->key),
                                     .issuer = certificate_handle(ca->authority),
                                     .signing_key = key_handle(ca->key),
                                     .now_s = request->now_s,
                                     .days = request->days > 0 ? request->days : CA_SERVER_DAYS },
                 out, fault);
    alternative_names_free(names);
    return error;
}

static int identity_names(const struct ca *ca, const struct ca_identity_request *request,
                          struct alternative_names *names, struct pki_fault *fault)
{
    char text[IDENTITY_URI_SIZE];
    struct identity_uri uri = { .kind = request->kind };
    if (!identity_uri_name_is_valid(request->name))
        return pki_fail(fault, -EINVAL,
                        "'%s' cannot be the name of a device: 1 to 64 letters, digits, '.', '_' "
                        "and '-', starting with a letter or digit",
                        request->name);
    (void)snprintf(uri.name, sizeof(uri.name), "%s", request->name);
    (void)snprintf(uri.trust_domain, sizeof(uri.trust_domain), "%s", ca->trust_domain);
    int error = identity_uri_format(&uri, text);
    return error == 0 ? alternative_names_add_uri(names, text) : error;
}

int ca_issue_identity(const struct ca *ca, const struct ca_identity_request *request,
                      struct certificate **out, struct pki_fault *fault)
{
    int error = check_days(request->days, fault);
    if (error < 0)
        return error;
    if (ca->key == NULL)
        return ca->signer.issue(ca->signer.context, ca->authority, request, out, fault);
    struct alternative_names *names = alternative_names_new();
    error = names != NULL ? identity_names(ca, request, names, fault) : -ENOMEM;
    if (error == 0)
        error =
            make(&(struct template){ .common_name = request->name,
                                     .basic_constraints = "critical,CA:FALSE",
                                     .key_usage = "critical,digitalSignature",
                                     .extended_key_usage = "clientAuth",
                                     .names = names,
                                     .identity = request->extension,
                                     .public_key = X509_REQ_get0_pubkey(csr_handle(request->csr)),
                                     .issuer = certificate_handle(ca->authority),
                                     .signing_key = key_handle(ca->key),
                                     .now_s = request->now_s,
                                     .days = request->days > 0 ? request->days : CA_DEVICE_DAYS },
                 out, fault);
    alternative_names_free(names);
    return error;
}
