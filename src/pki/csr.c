/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/csr.h"

#include "pki/private_file.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_RSA_BITS 2048
#define MIN_EC_BITS  256

struct csr {
    X509_REQ *handle;
};

static int csr_wrap(X509_REQ *handle, struct csr **out)
{
    struct csr *csr = malloc(sizeof(*csr));
    if (csr == NULL) {
        X509_REQ_free(handle);
        return -ENOMEM;
    }
    csr->handle = handle;
    *out = csr;
    return 0;
}

int csr_new(const struct key *key, const char *name, struct csr **out, struct pki_fault *fault)
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
    free(csr);
}

/* One key has one encoding here: otherwise the same key with a compressed point, or with its
 * curve spelt out, would pass for another one (promise I2). */
static bool is_canonical(X509_REQ *request, EVP_PKEY *key)
{
    uint8_t *sent = NULL;
    uint8_t *ours = NULL;
    int sent_len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &sent);
    int ours_len = i2d_PUBKEY(key, &ours);
    bool same = sent_len > 0 && sent_len == ours_len && memcmp(sent, ours, (size_t)sent_len) == 0;
    OPENSSL_free(sent);
    OPENSSL_free(ours);
    if (!same || EVP_PKEY_is_a(key, "EC") != 1)
        return same;

    char encoding[32] = "";
    char form[32] = "";
    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding,
                                          sizeof(encoding), NULL)
               == 1
           && EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form,
                                             sizeof(form), NULL)
                  == 1
           && strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) == 0
           && strcmp(form, OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 0;
}

static bool is_strong(EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA") == 1)
        return EVP_PKEY_get_bits(key) >= MIN_RSA_BITS;
    if (EVP_PKEY_is_a(key, "EC") == 1)
        return EVP_PKEY_get_bits(key) >= MIN_EC_BITS;
    return EVP_PKEY_is_a(key, "ED25519") == 1;
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

int csr_parse(struct mqtt_span bytes, struct csr **out, struct pki_fault *fault)
{
    if (bytes.len == 0 || bytes.len > CSR_MAX_BYTES)
        return pki_fail(fault, -EBADMSG, "a certificate request of %zu bytes; 1 to %d are usual",
                        bytes.len, CSR_MAX_BYTES);
    X509_REQ *request = decode(bytes);
    if (request == NULL)
        return pki_fail_crypto(fault, -EBADMSG, "this is no certificate request (PKCS#10)");

    int error = 0;
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    if (key == NULL || X509_REQ_verify(request, key) != 1)
        error = pki_fail_crypto(fault, -EBADMSG,
                                "the signature of the certificate request does not verify: "
                                "whoever sent it has not shown that the key is theirs");
    else if (!is_strong(key))
        error = pki_fail(fault, -EKEYREJECTED,
                         "the key is too weak: P-256, Ed25519 or RSA of %d bits at least",
                         MIN_RSA_BITS);
    else if (!is_canonical(request, key))
        error = pki_fail(fault, -EKEYREJECTED,
                         "the public key is encoded in an unusual way (named curve and "
                         "uncompressed point are expected)");
    if (error < 0) {
        X509_REQ_free(request);
        return error;
    }
    return csr_wrap(request, out);
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
    uint8_t *der = NULL;
    int len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(csr->handle), &der);
    if (len <= 0)
        return -EIO;
    int ok = EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(), NULL);
    OPENSSL_free(der);
    return ok == 1 ? 0 : -EIO;
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
