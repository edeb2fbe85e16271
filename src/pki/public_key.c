/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/public_key.h"

#include "base/wipe.h"
#include "pki/private_file.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)

/* ---- from DER: *out from OpenSSL, or NULL; the length, or less than 1 ---- */

static bool is_whole(const unsigned char *at, struct mqtt_span der)
{
    return at == der.data + der.len;
}

static int from_certificate(struct mqtt_span der, unsigned char **out)
{
    const unsigned char *at = der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    int len = certificate != NULL && is_whole(at, der)
                  ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), out)
                  : 0;

    X509_free(certificate);
    return len;
}

static int from_request(struct mqtt_span der, unsigned char **out)
{
    const unsigned char *at = der.data;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der.len);
    int len = request != NULL && is_whole(at, der)
                  ? i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), out)
                  : 0;

    X509_REQ_free(request);
    return len;
}

static int from_public_key(struct mqtt_span der, unsigned char **out)
{
    const unsigned char *at = der.data;
    X509_PUBKEY *key = d2i_X509_PUBKEY(NULL, &at, (long)der.len);
    int len = key != NULL && is_whole(at, der) ? i2d_X509_PUBKEY(key, out) : 0;

    X509_PUBKEY_free(key);
    return len;
}

/* PKCS#1. */
static int from_rsa_public_key(struct mqtt_span der, unsigned char **out)
{
    const unsigned char *at = der.data;
    EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der.len);
    int len = key != NULL && is_whole(at, der) ? i2d_PUBKEY(key, out) : 0;

    EVP_PKEY_free(key);
    return len;
}

static int from_private_key(struct mqtt_span der, unsigned char **out)
{
    const unsigned char *at = der.data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)der.len);

    if (key == NULL)
        return 0;
    /* As a certificate of it would have the point, however the file does. */
    if (EVP_PKEY_is_a(key, "EC") == 1)
        (void)EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                             OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
    int len = i2d_PUBKEY(key, out);
    EVP_PKEY_free(key);
    return len;
}

/* In this order they are tried for DER; PEM says what it is. */
static const struct {
    const char *label;
    int (*read)(struct mqtt_span der, unsigned char **out);
} kinds[] = {
    { "CERTIFICATE", from_certificate },         { "CERTIFICATE REQUEST", from_request },
    { "NEW CERTIFICATE REQUEST", from_request }, { "PUBLIC KEY", from_public_key },
    { "RSA PUBLIC KEY", from_rsa_public_key },   { "PRIVATE KEY", from_private_key },
    { "EC PRIVATE KEY", from_private_key },      { "RSA PRIVATE KEY", from_private_key },
    { "DSA PRIVATE KEY", from_private_key },
};

/* ---- the file ---- */

/* Takes what OpenSSL allocated. */
static int keep(struct public_key *out, unsigned char *spki, int len, bool was_private)
{
    uint8_t sha256[KEY_SHA256_BYTES];
    bool is_hashed = EVP_Digest(spki, (size_t)len, sha256, NULL, EVP_sha256(), NULL) == 1;
    uint8_t *copy = is_hashed ? malloc((size_t)len) : NULL;

    if (copy != NULL) {
        memcpy(copy, spki, (size_t)len);
        memcpy(out->sha256, sha256, sizeof(sha256));
        out->spki = copy;
        out->len = (size_t)len;
        out->was_private = was_private;
    }
    OPENSSL_free(spki);
    return copy != NULL ? 0 : -ENOMEM;
}

/* -EAGAIN: it is of another kind. */
static int read_der(size_t kind, struct mqtt_span der, struct public_key *out)
{
    unsigned char *spki = NULL;
    int len = kinds[kind].read(der, &spki);

    if (len <= 0)
        return -EAGAIN;
    return keep(out, spki, len, kinds[kind].read == from_private_key);
}

static int read_any_der(struct mqtt_span der, struct public_key *out)
{
    int status = -EAGAIN;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(kinds) && status == -EAGAIN; i++)
        status = read_der(i, der, out);
    return status;
}

static int read_block(const char *label, const char *header, struct mqtt_span der,
                      struct public_key *out)
{
    /* A header says how it is encrypted. */
    if (header[0] != '\0' || strcmp(label, "ENCRYPTED PRIVATE KEY") == 0)
        return -ENOKEY;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(kinds); i++)
        if (strcmp(label, kinds[i].label) == 0)
            return read_der(i, der, out);
    return -EAGAIN;
}

/* Past what is no key, such as EC PARAMETERS. */
static int read_pem(struct mqtt_span text, struct public_key *out)
{
    char *label = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    int status = -EAGAIN;
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);

    if (bio == NULL)
        return -ENOMEM;
    while (status == -EAGAIN
           && PEM_read_bio_ex(bio, &label, &header, &der, &len, PEM_FLAG_SECURE) == 1) {
        status = read_block(label, header, (struct mqtt_span){ der, (size_t)len }, out);
        OPENSSL_secure_clear_free(label, strlen(label) + 1);
        OPENSSL_secure_clear_free(header, strlen(header) + 1);
        OPENSSL_secure_clear_free(der, (size_t)len);
    }
    BIO_free(bio);
    return status;
}

static int explain(const char *path, int status, struct pki_fault *fault)
{
    if (status == 0 || status == -ENOMEM)
        return status;
    if (status == -ENOKEY)
        return pki_fail(fault, status,
                        "%s: the private key has a passphrase; give its certificate or public key",
                        path);
    return pki_fail(fault, -EBADMSG,
                    "%s: neither a certificate nor a certificate request nor a key, in PEM or DER",
                    path);
}

int public_key_load(const char *path, struct public_key *out, struct pki_fault *fault)
{
    uint8_t *bytes;
    size_t len;
    int status = private_file_read(path, FILE_MAX_BYTES, &bytes, &len);

    if (status < 0)
        return pki_fail(fault, status, "%s: cannot be read: %s", path, strerror(-status));
    struct mqtt_span text = { bytes, len };
    bool is_pem = memmem(bytes, len, "-----BEGIN ", 11) != NULL;
    status = is_pem ? read_pem(text, out) : read_any_der(text, out);
    wipe_bytes(bytes, len);
    free(bytes);
    ERR_clear_error();
    return explain(path, status, fault);
}

void public_key_fini(struct public_key *key)
{
    free(key->spki);
    *key = (struct public_key){ 0 };
}

struct mqtt_span public_key_span(const struct public_key *key)
{
    return (struct mqtt_span){ key->spki, key->len };
}
