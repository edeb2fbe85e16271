/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/vault.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define SIGNATURE_BYTES 1024 /* RSA of 8192 bits */

/* Numbers that OpenSSL derives from a key of RSA at its first use, its factors among them, are made
 * here, too, and not by the thread that happens to be the first. */
static void use_once(EVP_PKEY *key)
{
    static const unsigned char nothing[1];
    unsigned char signature[SIGNATURE_BYTES];
    size_t len = sizeof(signature);
    EVP_MD_CTX *work = EVP_MD_CTX_new();

    if (work != NULL && EVP_DigestSignInit(work, NULL, EVP_sha256(), NULL, key) == 1)
        (void)EVP_DigestSign(work, signature, &len, nothing, sizeof(nothing));
    EVP_MD_CTX_free(work);
}

/* Else OpenSSL would ask the terminal. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

struct evp_pkey_st *vault_key(struct mqtt_span pem, int (*on_password)(char *, int, int, void *),
                              void *context)
{
    EVP_PKEY *key = NULL;

    vault_enter();
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (bio != NULL)
        key = PEM_read_bio_PrivateKey(bio, NULL, on_password != NULL ? on_password : no_password,
                                      context);
    BIO_free(bio);
    if (key != NULL && EVP_PKEY_is_a(key, "RSA") == 1)
        use_once(key);
    vault_leave();
    return key;
}

static EVP_PKEY *there_and_back(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    EVP_PKEY *again = NULL;

    if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
        again = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    return again;
}

void vault_key_prepare(void)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    EVP_PKEY *again = key != NULL ? there_and_back(key) : NULL;

    if (again != NULL)
        use_once(again);
    EVP_PKEY_free(again);
    EVP_PKEY_free(key);
    EVP_SIGNATURE_free(EVP_SIGNATURE_fetch(NULL, "RSA", NULL));
    ERR_clear_error();
}
