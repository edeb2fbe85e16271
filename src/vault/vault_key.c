/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/vault.h"

#include "vault/vault_key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define SIGNATURE_BYTES 1024 /* RSA of 8192 bits */
#define ED25519_BYTES   48u  /* in PKCS#8 */
#define ED25519_CHARS   64u  /* of base64 */

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

/* What there is before the 32 bytes of a key of Ed25519: RFC 8410, 7. */
static const uint8_t ed25519_head[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                        0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };

static EVP_PKEY *ed25519_of(const uint8_t der[ED25519_BYTES])
{
    size_t head = sizeof(ed25519_head);

    if (memcmp(der, ed25519_head, head) != 0)
        return NULL;
    /* It is kept for good, and no secret. */
    EVP_KEYMGMT_free(EVP_KEYMGMT_fetch(NULL, "ED25519", NULL));
    vault_enter_prepared();
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, der + head, ED25519_BYTES - head);
    vault_leave();
    return key;
}

/* The form that tacit writes them in, and OpenSSL. NULL: it is another one, or another key. A start has
 * one such key, for the audit log, and what reads all kinds of keys takes some 3 ms to set up. */
static EVP_PKEY *plain_ed25519(struct mqtt_span pem)
{
    static const char begin[] = "-----BEGIN PRIVATE KEY-----\n";
    static const char end[] = "\n-----END PRIVATE KEY-----\n";
    size_t begin_len = sizeof(begin) - 1;
    EVP_PKEY *key = NULL;

    if (pem.len != begin_len + ED25519_CHARS + sizeof(end) - 1
        || memcmp(pem.data, begin, begin_len) != 0
        || memchr(pem.data + begin_len, '=', ED25519_CHARS) != NULL /* read as zeros there */
        || memcmp(pem.data + begin_len + ED25519_CHARS, end, sizeof(end) - 1) != 0)
        return NULL;
    uint8_t *der = vault_alloc(ED25519_BYTES);
    if (der != NULL
        && EVP_DecodeBlock(der, pem.data + begin_len, ED25519_CHARS) == (int)ED25519_BYTES)
        key = ed25519_of(der);
    vault_free(der);
    ERR_clear_error();
    return key;
}

struct evp_pkey_st *vault_key(struct mqtt_span pem, int (*on_password)(char *, int, int, void *),
                              void *context)
{
    EVP_PKEY *key = plain_ed25519(pem);

    if (key != NULL)
        return key;
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
