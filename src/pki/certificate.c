/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/certificate.h"

#include "pki/private_file.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CERTIFICATE_FILE_MAX_BYTES (256 * 1024) /* a chain fits */
#define CERTIFICATE_MAX_BYTES      (64 * 1024)  /* one, in DER */

struct certificate {
    X509 *handle;
};

struct certificate *certificate_take(struct x509_st *x509)
{
    struct certificate *certificate = malloc(sizeof(*certificate));
    if (certificate == NULL) {
        X509_free(x509);
        return NULL;
    }
    certificate->handle = x509;
    return certificate;
}

void certificate_free(struct certificate *certificate)
{
    if (certificate == NULL)
        return;
    X509_free(certificate->handle);
    free(certificate);
}

struct x509_st *certificate_handle(const struct certificate *certificate)
{
    return certificate->handle;
}

int certificate_encode(const struct certificate *certificate, struct der *out)
{
    uint8_t *made = NULL;
    int len = i2d_X509(certificate->handle, &made);
    return der_take(made, len, out);
}

int certificate_decode(struct mqtt_span der, struct certificate **out)
{
    const unsigned char *at = der.data;
    if (der.len == 0 || der.len > CERTIFICATE_MAX_BYTES)
        return -EBADMSG;
    X509 *x509 = d2i_X509(NULL, &at, (long)der.len);
    ERR_clear_error();
    if (x509 == NULL || at != der.data + der.len) {
        X509_free(x509);
        return -EBADMSG;
    }
    struct certificate *certificate = certificate_take(x509);
    if (certificate == NULL)
        return -ENOMEM;
    *out = certificate;
    return 0;
}

struct certificate *certificate_copy(const struct certificate *certificate)
{
    if (X509_up_ref(certificate->handle) != 1)
        return NULL;
    return certificate_take(certificate->handle);
}

/* ---- files ---- */

/* Reads the next one; false at the end of the file. */
static bool read_next(BIO *bio, X509 **out)
{
    *out = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (*out != NULL)
        return true;
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE;
}

static int read_list(BIO *bio, size_t most, struct certificate_list *list)
{
    X509 *x509 = NULL;
    while (list->count < most && read_next(bio, &x509)) {
        if (x509 == NULL)
            return -EBADMSG;
        int error = certificate_list_add(list, certificate_take(x509));
        if (error < 0)
            return error;
    }
    if (list->count == 0)
        return -EBADMSG;
    if (most == CERTIFICATE_LIST_MAX && list->count == most && read_next(bio, &x509)) {
        X509_free(x509);
        return -E2BIG;
    }
    ERR_clear_error();
    return 0;
}

/* The first `most` certificates of the file. */
static int load(const char *path, size_t most, struct certificate_list *out,
                struct pki_fault *fault)
{
    struct certificate_list list = { 0 };
    uint8_t *pem;
    size_t len;
    int error = private_file_read(path, CERTIFICATE_FILE_MAX_BYTES, &pem, &len);
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot read the certificate: %s", path,
                        strerror(-error));
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    error = bio != NULL ? read_list(bio, most, &list) : -ENOMEM;
    BIO_free(bio);
    free(pem);
    if (error < 0) {
        certificate_list_fini(&list);
        return error == -E2BIG ? pki_fail_crypto(fault, error, "%s: more than %d certificates",
                                                 path, CERTIFICATE_LIST_MAX)
                               : pki_fail_crypto(fault, error, "%s: no certificate in PEM", path);
    }
    *out = list;
    return 0;
}

int certificate_load(const char *path, struct certificate **out, struct pki_fault *fault)
{
    struct certificate_list list;
    int error = load(path, 1, &list, fault);
    if (error == 0)
        *out = list.all[0];
    return error;
}

int certificate_list_load(const char *path, struct certificate_list *out, struct pki_fault *fault)
{
    return load(path, CERTIFICATE_LIST_MAX, out, fault);
}

void certificate_list_fini(struct certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        certificate_free(list->all[i]);
    *list = (struct certificate_list){ 0 };
}

int certificate_list_add(struct certificate_list *list, struct certificate *certificate)
{
    if (certificate == NULL)
        return -ENOMEM;
    if (list->count == CERTIFICATE_LIST_MAX) {
        certificate_free(certificate);
        return -E2BIG;
    }
    list->all[list->count++] = certificate;
    return 0;
}

int certificate_list_encode(const struct certificate_list *list, char **out)
{
    char *pem;
    char *copy = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio != NULL;
    for (size_t i = 0; i < list->count && done; i++)
        done = PEM_write_bio_X509(bio, list->all[i]->handle) == 1;
    if (done) {
        long len = BIO_get_mem_data(bio, &pem);
        copy = strndup(pem, (size_t)len);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (copy == NULL)
        return -ENOMEM;
    *out = copy;
    return 0;
}

int certificate_list_save(const struct certificate_list *list, const char *path,
                          struct pki_fault *fault)
{
    char *pem;
    int error = certificate_list_encode(list, &pem);
    if (error == 0) {
        error = private_file_write(path, span_of(pem), PRIVATE_FILE_REPLACE);
        free(pem);
    }
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot write the certificate: %s", path,
                        strerror(-error));
    return 0;
}

int certificate_save(const struct certificate *certificate, const char *path,
                     struct pki_fault *fault)
{
    /* Borrowed: the list is not given back. */
    struct certificate one = *certificate;
    return certificate_list_save(&(struct certificate_list){ 1, { &one } }, path, fault);
}

/* ---- what it says ---- */

int certificate_extension_of(const struct certificate *certificate, struct identity_extension *out)
{
    ASN1_OBJECT *name = OBJ_txt2obj(IDENTITY_EXTENSION_OID, 1);
    if (name == NULL)
        return -ENOMEM;
    int at = X509_get_ext_by_OBJ(certificate->handle, name, -1);
    ASN1_OBJECT_free(name);
    if (at < 0)
        return -ENOENT;
    const ASN1_OCTET_STRING *der = X509_EXTENSION_get_data(X509_get_ext(certificate->handle, at));
    return identity_extension_decode(
        (struct mqtt_span){ ASN1_STRING_get0_data(der), (size_t)ASN1_STRING_length(der) }, out);
}

bool certificate_is_self_signed(const struct certificate *certificate)
{
    bool is_root = X509_self_signed(certificate->handle, 1) == 1;
    ERR_clear_error();
    return is_root;
}

static int seconds_of(const ASN1_TIME *time, int64_t *out)
{
    struct tm parts;
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
        return -EBADMSG;
    *out = (int64_t)timegm(&parts);
    return 0;
}

static int serial_of(X509 *x509, char out[REGISTRY_SERIAL_SIZE])
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
    char *hex = number != NULL ? BN_bn2hex(number) : NULL;
    int error = -EBADMSG;
    if (hex != NULL && strlen(hex) < REGISTRY_SERIAL_SIZE) {
        for (size_t i = 0; hex[i] != '\0'; i++)
            hex[i] = (char)tolower((unsigned char)hex[i]);
        memcpy(out, hex, strlen(hex) + 1);
        error = 0;
    }
    OPENSSL_free(hex);
    BN_free(number);
    return error;
}

static int key_sha256_of(X509 *x509, uint8_t out[KEY_SHA256_BYTES])
{
    uint8_t *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    if (len <= 0)
        return -EBADMSG;
    int ok = EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(), NULL);
    OPENSSL_free(der);
    return ok == 1 ? 0 : -EIO;
}

static GENERAL_NAMES *names_of(X509 *x509)
{
    return X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
}

static void uri_of(X509 *x509, char out[IDENTITY_URI_SIZE])
{
    GENERAL_NAMES *names = names_of(x509);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI)
            continue;
        const ASN1_IA5STRING *text = name->d.uniformResourceIdentifier;
        int len = ASN1_STRING_length(text);
        const uint8_t *data = ASN1_STRING_get0_data(text);
        if (len > 0 && len < IDENTITY_URI_SIZE && memchr(data, 0, (size_t)len) == NULL) {
            memcpy(out, data, (size_t)len);
            out[len] = '\0';
        }
        break;
    }
    GENERAL_NAMES_free(names);
}

static enum key_algorithm algorithm_of(X509 *x509)
{
    struct key *key;
    EVP_PKEY *handle = X509_get_pubkey(x509);
    if (handle == NULL || key_take(handle, &key) < 0)
        return KEY_ALGORITHM_COUNT;
    enum key_algorithm algorithm = key_algorithm_of(key);
    key_free(key);
    return algorithm;
}

int certificate_facts_of(const struct certificate *certificate, struct certificate_facts *out,
                         struct pki_fault *fault)
{
    struct certificate_facts facts = { 0 };
    X509 *x509 = certificate->handle;

    if (serial_of(x509, facts.registered.serial) < 0
        || X509_digest(x509, EVP_sha256(), facts.registered.fingerprint, NULL) != 1
        || seconds_of(X509_get0_notBefore(x509), &facts.registered.not_before_s) < 0
        || seconds_of(X509_get0_notAfter(x509), &facts.registered.not_after_s) < 0
        || key_sha256_of(x509, facts.key_sha256) < 0)
        return pki_fail_crypto(fault, -EBADMSG, "a certificate has fields we cannot read");
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, facts.common_name,
                                    sizeof(facts.common_name));
    uri_of(x509, facts.uri);
    facts.algorithm = algorithm_of(x509);
    facts.is_ca = X509_check_ca(x509) == 1;
    ERR_clear_error();
    *out = facts;
    return 0;
}

bool certificate_matches_key(const struct certificate *certificate, const struct key *key)
{
    bool matches = X509_check_private_key(certificate->handle, key_handle(key)) == 1;
    ERR_clear_error();
    return matches;
}

bool certificate_is_valid_under(const struct certificate *certificate,
                                const struct certificate *authority, int64_t now_s)
{
    X509 *x509 = certificate->handle;
    time_t now = (time_t)now_s;
    bool valid = X509_check_issued(authority->handle, x509) == X509_V_OK
                 && X509_verify(x509, X509_get0_pubkey(authority->handle)) == 1
                 && X509_cmp_time(X509_get0_notBefore(x509), &now) < 0
                 && X509_cmp_time(X509_get0_notAfter(x509), &now) > 0;
    ERR_clear_error();
    return valid;
}

static void name_text(const GENERAL_NAME *name, char *out, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "?";
    if (name->type == GEN_IPADD) {
        const ASN1_OCTET_STRING *ip = name->d.iPAddress;
        int family = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;
        if (family == AF_INET || ASN1_STRING_length(ip) == 16)
            (void)inet_ntop(family, ASN1_STRING_get0_data(ip), address, sizeof(address));
        (void)snprintf(out, size, "IP:%s", address);
    } else if (name->type == GEN_DNS || name->type == GEN_URI) {
        const ASN1_IA5STRING *text = name->d.ia5;
        (void)snprintf(out, size, "%s:%.*s", name->type == GEN_DNS ? "DNS" : "URI",
                       ASN1_STRING_length(text), (const char *)ASN1_STRING_get0_data(text));
    } else {
        (void)snprintf(out, size, "other");
    }
}

void certificate_names(const struct certificate *certificate, char *out, size_t size)
{
    char one[300];
    size_t used = 0;
    GENERAL_NAMES *names = names_of(certificate->handle);
    if (size > 0)
        out[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && used < size; i++) {
        name_text(sk_GENERAL_NAME_value(names, i), one, sizeof(one));
        int n = snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", one);
        used += n > 0 ? (size_t)n : 0;
    }
    GENERAL_NAMES_free(names);
}
