/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/key.h"

#include "base/wipe.h"
#include "pki/private_file.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX_BYTES 16384
#define KEY_SECURITY_BITS  112 /* RSA-2048 and better */

struct key {
    EVP_PKEY *handle;
};

static int key_wrap(EVP_PKEY *handle, struct key **out)
{
    struct key *key = malloc(sizeof(*key));
    if (key == NULL) {
        EVP_PKEY_free(handle);
        return -ENOMEM;
    }
    key->handle = handle;
    *out = key;
    return 0;
}

int key_generate(struct key **out, struct pki_fault *fault)
{
    EVP_PKEY *handle = EVP_EC_gen("P-256");
    if (handle == NULL)
        return pki_fail_crypto(fault, -EIO, "cannot make a P-256 key");
    return key_wrap(handle, out);
}

void key_free(struct key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->handle);
    free(key);
}

/* Asked for the passphrase of an encrypted key: there is none; never ask the terminal. */
static int no_passphrase(char *buffer, int size, int is_writing, void *context)
{
    (void)buffer, (void)size, (void)is_writing, (void)context;
    return -1;
}

static int key_decode(struct mqtt_span pem, const char *path, struct key **out,
                      struct pki_fault *fault)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (bio == NULL)
        return -ENOMEM;
    EVP_PKEY *handle = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (handle == NULL)
        return pki_fail_crypto(fault, -EBADMSG, "%s: no private key in PEM without a passphrase",
                               path);
    if (EVP_PKEY_get_security_bits(handle) < KEY_SECURITY_BITS) {
        EVP_PKEY_free(handle);
        return pki_fail(fault, -EBADMSG, "%s: the key is too weak; make a P-256 key", path);
    }
    return key_wrap(handle, out);
}

int key_load(const char *path, struct key **out, struct pki_fault *fault)
{
    uint8_t *pem;
    size_t len;
    int error = private_file_is_closed(path);
    if (error == -EPERM)
        return pki_fail(fault, error, "%s: others can read this private key; chmod 600 it", path);
    if (error == 0)
        error = private_file_read(path, KEY_FILE_MAX_BYTES, &pem, &len);
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot read the private key: %s", path,
                        strerror(-error));

    error = key_decode((struct mqtt_span){ pem, len }, path, out, fault);
    wipe_bytes(pem, len);
    free(pem);
    return error;
}

int key_save(const struct key *key, const char *path, struct pki_fault *fault)
{
    char *pem;
    BIO *bio = BIO_new(BIO_s_secmem()); /* wipes when freed */
    if (bio == NULL)
        return -ENOMEM;
    int error = -EIO;
    if (PEM_write_bio_PKCS8PrivateKey(bio, key->handle, NULL, NULL, 0, NULL, NULL) != 1) {
        error = pki_fail_crypto(fault, error, "%s: cannot encode the private key", path);
    } else {
        long len = BIO_get_mem_data(bio, &pem);
        error = private_file_write(path, (struct mqtt_span){ (const uint8_t *)pem, (size_t)len },
                                   PRIVATE_FILE_KEEP);
        if (error < 0)
            (void)pki_fail(fault, error, "%s: cannot write the private key: %s", path,
                           strerror(-error));
    }
    BIO_free(bio);
    return error;
}

int key_load_or_create(const char *path, struct key **out, struct pki_fault *fault)
{
    struct key *key;
    int error = key_load(path, out, fault);
    if (error != -ENOENT)
        return error;
    error = key_generate(&key, fault);
    if (error != 0)
        return error;
    error = key_save(key, path, fault);
    if (error != 0) {
        key_free(key);
        return error;
    }
    *out = key;
    return 0;
}

int key_sha256(const struct key *key, uint8_t out[KEY_SHA256_BYTES])
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key->handle, &der);
    if (len <= 0)
        return -EIO;
    int ok = EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(), NULL);
    OPENSSL_free(der);
    return ok == 1 ? 0 : -EIO;
}

struct evp_pkey_st *key_handle(const struct key *key)
{
    return key->handle;
}
