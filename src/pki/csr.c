/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/csr.h"

#include "keycheck/keycheck.h"
#include "pki/csr_protection.h"
#include "pki/private_file.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct csr {
    X509_REQ *handle;
    uint8_t *spki; /* from OpenSSL */
    size_t spki_len;
};

static int csr_wrap(X509_REQ *handle, struct csr **out)
{
    struct csr *csr = malloc(sizeof(*csr));
    if (csr == NULL) {
        X509_REQ_free(handle);
        return -ENOMEM;
    }
    *csr = (struct csr){ .handle = handle };
    int len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(handle), &csr->spki);
    if (len <= 0) {
        csr_free(csr);
        return -ENOMEM;
    }
    csr->spki_len = (size_t)len;
    *out = csr;
    return 0;
}

int csr_new(const struct key *key, const char *name, struct csr **out, struct pki_fault *fault)
{
    return csr_new_declaring(key, name, KEY_PROTECTION_UNKNOWN, out, fault);
}

int csr_new_declaring(const struct key *key, const char *name, enum key_protection protection,
                      struct csr **out, struct pki_fault *fault)
{
    X509_REQ *request = X509_REQ_new();
    if (request == NULL)
        return -ENOMEM;
    /* Ed25519 brings its own digest and wants none. */
    bool is_edwards = EVP_PKEY_is_a(key_handle(key), "ED25519") == 1;
    if (X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1
        || X509_REQ_set_pubkey(request, key_handle(key)) != 1
        || X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request), NID_commonName,
                                      MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0)
               != 1
        || csr_protection_add(request, protection) < 0
        || X509_REQ_sign(request, key_handle(key), is_edwards ? NULL : EVP_sha256()) <= 0) {
        X509_REQ_free(request);
        return pki_fail_crypto(fault, -EIO, "cannot make a certificate request for '%s'", name);
    }
    return csr_wrap(request, out);
}

void csr_free(struct csr *csr)
{
    if (csr == NULL)
        return;
    X509_REQ_free(csr->handle);
    OPENSSL_free(csr->spki);
    free(csr);
}

static X509_REQ *decode(struct mqtt_span bytes)
{
    BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
    if (bio == NULL)
        return NULL;
    bool is_pem = memmem(bytes.data, bytes.len, "-----BEGIN", 10) != NULL;
    X509_REQ *request =
        is_pem ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : d2i_X509_REQ_bio(bio, NULL);
    BIO_free(bio);
    return request;
}

/* The key first: of one that OpenSSL cannot use the reason is better than "does not verify". */
static int check_key(const struct csr *csr, enum keycheck_depth depth, struct pki_fault *fault)
{
    struct keycheck_result found = keycheck_of_spki(csr_spki(csr), depth);
    if (found.fault != KEYCHECK_FINE)
        return pki_fail(fault, -EKEYREJECTED, "%s%s%s", found.algorithm,
                        found.algorithm[0] != '\0' ? ": " : "", keycheck_text(found.fault));
    EVP_PKEY *key = X509_REQ_get0_pubkey(csr->handle);
    if (key == NULL || X509_REQ_verify(csr->handle, key) != 1)
        return pki_fail_crypto(fault, -EBADMSG,
                               "the signature of the certificate request does not verify: "
                               "whoever sent it has not shown that the key is theirs");
    return 0;
}

/* Takes over the request; NULL: there is none. */
static int accept(X509_REQ *request, enum keycheck_depth depth, struct csr **out,
                  struct pki_fault *fault)
{
    struct csr *csr = NULL;

    if (request == NULL)
        return pki_fail_crypto(fault, -EBADMSG, "this is no certificate request (PKCS#10)");
    int error = csr_wrap(request, &csr);
    if (error == 0)
        error = check_key(csr, depth, fault);
    if (error < 0) {
        csr_free(csr);
        return error;
    }
    *out = csr;
    return 0;
}

static int check_length(struct mqtt_span bytes, struct pki_fault *fault)
{
    if (bytes.len == 0 || bytes.len > CSR_MAX_BYTES)
        return pki_fail(fault, -EBADMSG, "a certificate request of %zu bytes; 1 to %d are usual",
                        bytes.len, CSR_MAX_BYTES);
    return 0;
}

int csr_parse(struct mqtt_span bytes, struct csr **out, struct pki_fault *fault)
{
    int error = check_length(bytes, fault);

    return error == 0 ? accept(decode(bytes), KEYCHECK_THOROUGH, out, fault) : error;
}

int csr_parse_again(struct mqtt_span der, struct csr **out, struct pki_fault *fault)
{
    const unsigned char *at = der.data;
    int error = check_length(der, fault);

    return error == 0 ? accept(d2i_X509_REQ(NULL, &at, (long)der.len), KEYCHECK_QUICK, out, fault)
                      : error;
}

int csr_encode_der(const struct csr *csr, struct der *out)
{
    uint8_t *made = NULL;
    int len = i2d_X509_REQ(csr->handle, &made);

    return der_take(made, len, out);
}

int csr_load(const char *path, struct csr **out, struct pki_fault *fault)
{
    uint8_t *bytes;
    size_t len;
    int error = private_file_read(path, CSR_MAX_BYTES, &bytes, &len);
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot read the certificate request: %s", path,
                        strerror(-error));
    error = csr_parse((struct mqtt_span){ bytes, len }, out, fault);
    free(bytes);
    return error;
}

int csr_encode(const struct csr *csr, char **out, struct pki_fault *fault)
{
    char *pem;
    BIO *bio = BIO_new(BIO_s_mem());
    char *copy = NULL;
    if (bio != NULL && PEM_write_bio_X509_REQ(bio, csr->handle) == 1) {
        long len = BIO_get_mem_data(bio, &pem);
        copy = strndup(pem, (size_t)len);
    }
    BIO_free(bio);
    if (copy == NULL)
        return pki_fail_crypto(fault, -EIO, "cannot encode a certificate request");
    *out = copy;
    return 0;
}

int csr_key_sha256(const struct csr *csr, uint8_t out[KEY_SHA256_BYTES])
{
    return EVP_Digest(csr->spki, csr->spki_len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

struct mqtt_span csr_spki(const struct csr *csr)
{
    return (struct mqtt_span){ csr->spki, csr->spki_len };
}

int csr_common_name(const struct csr *csr, char *out, size_t size)
{
    const X509_NAME *subject = X509_REQ_get_subject_name(csr->handle);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0)
        return -ENOENT;
    if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return -EINVAL;

    uint8_t *text = NULL;
    int len =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    bool is_good = len > 0 && (size_t)len < size && memchr(text, 0, (size_t)len) == NULL;
    if (is_good) {
        memcpy(out, text, (size_t)len);
        out[len] = '\0';
    }
    OPENSSL_free(text);
    ERR_clear_error();
    return is_good ? 0 : -EINVAL;
}

void csr_algorithm(const struct csr *csr, char *out, size_t size)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(csr->handle);
    const char *name = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
    char group[32] = "";

    if (name == NULL)
        name = "";
    if (key != NULL && EVP_PKEY_is_a(key, "RSA") == 1)
        (void)snprintf(out, size, "%s %d", name, EVP_PKEY_get_bits(key));
    else if (key != NULL && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
        (void)snprintf(out, size, "%s %s", name,
                       strcmp(group, "prime256v1") == 0 ? "P-256" : group);
    else
        (void)snprintf(out, size, "%s", name);
}

struct X509_req_st *csr_handle(const struct csr *csr)
{
    return csr->handle;
}
