/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/audit_key.h"

#include "pki/key.h"
#include "pki/private_file.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FILE_MAX_BYTES 16384
#define SPKI_BYTES     44u

struct audit_key {
    uint8_t fingerprint[AUDIT_KEY_HASH_BYTES];
    struct key *key;  /* of a pair; it owns the handle; NULL: there is only the public half */
    EVP_PKEY *handle; /* then it is our own */
    EVP_MD *sha256;   /* looked up once, as there are many records; NULL: not yet */
    EVP_MD_CTX *hashing;
};

void audit_key_hash(struct mqtt_span bytes, uint8_t out[AUDIT_KEY_HASH_BYTES])
{
    unsigned len = AUDIT_KEY_HASH_BYTES;

    /* It fails where memory is out, only; then nothing fits, which is seen. */
    if (EVP_Digest(bytes.data, bytes.len, out, &len, EVP_sha256(), NULL) != 1)
        memset(out, 0, AUDIT_KEY_HASH_BYTES);
}

/* NULL: memory is out. */
static EVP_MD_CTX *begin_hashing(struct audit_key *key)
{
    if (key->sha256 == NULL)
        key->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (key->hashing == NULL)
        key->hashing = EVP_MD_CTX_new();
    bool begins = key->sha256 != NULL && key->hashing != NULL
                  && EVP_DigestInit_ex2(key->hashing, key->sha256, NULL) == 1;
    return begins ? key->hashing : NULL;
}

void audit_key_hash_record(struct audit_key *key, struct mqtt_span bytes,
                           uint8_t out[AUDIT_KEY_HASH_BYTES])
{
    EVP_MD_CTX *hashing = begin_hashing(key);

    if (hashing == NULL || EVP_DigestUpdate(hashing, bytes.data, bytes.len) != 1
        || EVP_DigestFinal_ex(hashing, out, NULL) != 1)
        audit_key_hash(bytes, out);
}

int audit_key_sign(const struct audit_key *key, struct mqtt_span bytes,
                   uint8_t out[AUDIT_KEY_SIGNATURE_BYTES])
{
    size_t len = AUDIT_KEY_SIGNATURE_BYTES;

    if (key->key == NULL)
        return -EPERM;
    EVP_MD_CTX *work = EVP_MD_CTX_new();
    bool is_done = work != NULL && EVP_DigestSignInit(work, NULL, NULL, NULL, key->handle) == 1
                   && EVP_DigestSign(work, out, &len, bytes.data, bytes.len) == 1
                   && len == AUDIT_KEY_SIGNATURE_BYTES;
    EVP_MD_CTX_free(work);
    return is_done ? 0 : -EIO;
}

bool audit_key_verify(const struct audit_key *key, struct mqtt_span bytes,
                      const uint8_t signature[AUDIT_KEY_SIGNATURE_BYTES])
{
    EVP_MD_CTX *work = EVP_MD_CTX_new();
    bool is_good =
        work != NULL && EVP_DigestVerifyInit(work, NULL, NULL, NULL, key->handle) == 1
        && EVP_DigestVerify(work, signature, AUDIT_KEY_SIGNATURE_BYTES, bytes.data, bytes.len) == 1;

    EVP_MD_CTX_free(work);
    /* A signature that does not fit leaves an error in the queue of the thread. */
    ERR_clear_error();
    return is_good;
}

void audit_key_fingerprint(const struct audit_key *key, uint8_t out[AUDIT_KEY_HASH_BYTES])
{
    memcpy(out, key->fingerprint, AUDIT_KEY_HASH_BYTES);
}

/* SubjectPublicKeyInfo of Ed25519: RFC 8410, 4 and 10.1. OpenSSL's writer of keys would have to be set up for
 * it, which takes a start longer than reading all of the rest. */
static bool write_spki(const struct audit_key *key, uint8_t out[SPKI_BYTES])
{
    static const uint8_t head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
    size_t len = SPKI_BYTES - sizeof(head);

    memcpy(out, head, sizeof(head));
    return EVP_PKEY_get_raw_public_key(key->handle, out + sizeof(head), &len) == 1
           && len == SPKI_BYTES - sizeof(head);
}

static bool take_fingerprint(struct audit_key *key)
{
    uint8_t spki[SPKI_BYTES];

    if (!write_spki(key, spki))
        return false;
    audit_key_hash((struct mqtt_span){ spki, sizeof(spki) }, key->fingerprint);
    return true;
}

/* Takes the handle, or the pair that owns it; of both there is one. */
static int take(struct key *pair, EVP_PKEY *handle, const char *path, struct audit_key **out,
                struct pki_fault *fault)
{
    struct audit_key *key = calloc(1, sizeof(*key));
    int status = key != NULL ? 0 : -ENOMEM;

    if (status == 0) {
        key->key = pair;
        key->handle = pair != NULL ? key_handle(pair) : handle;
        if (EVP_PKEY_is_a(key->handle, "ED25519") != 1)
            status = pki_fail(fault, -EINVAL, "%s: the audit log needs a key of Ed25519", path);
        else if (!take_fingerprint(key))
            status = -ENOMEM;
    }
    if (status != 0) {
        free(key);
        key_free(pair);
        if (pair == NULL)
            EVP_PKEY_free(handle);
        return status;
    }
    *out = key;
    return 0;
}

static int publish(const struct audit_key *key, const char *path, struct pki_fault *fault)
{
    char pem[AUDIT_KEY_PEM_BYTES];
    uint8_t *there = NULL;
    size_t len = 0;
    int status = audit_key_public_pem(key, pem);

    if (status != 0)
        return status;
    bool is_same = private_file_read(path, FILE_MAX_BYTES, &there, &len) == 0
                   && span_equal((struct mqtt_span){ there, len }, span_of(pem));
    free(there);
    if (!is_same)
        status = private_file_write(path, span_of(pem), PRIVATE_FILE_REPLACE);
    return status == 0 ? 0 : pki_fail(fault, status, "%s: %s", path, strerror(-status));
}

int audit_key_open(const char *path, const char *public_path, struct audit_key **out,
                   struct pki_fault *fault)
{
    struct key *pair = NULL;
    struct audit_key *key = NULL;
    int status = key_load_or_create_as(path, KEY_ED25519, &pair, fault);

    if (status == 0)
        status = take(pair, NULL, path, &key, fault);
    if (status == 0)
        status = publish(key, public_path, fault);
    if (status != 0) {
        audit_key_free(key);
        return status;
    }
    *out = key;
    return 0;
}

int audit_key_read(const char *public_path, struct audit_key **out, struct pki_fault *fault)
{
    uint8_t *pem = NULL;
    size_t len = 0;
    int status = private_file_read(public_path, FILE_MAX_BYTES, &pem, &len);

    if (status != 0)
        return pki_fail(fault, status, "cannot read %s: %s", public_path, strerror(-status));
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    EVP_PKEY *handle = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    free(pem);
    if (handle == NULL)
        return pki_fail_crypto(fault, -EBADMSG, "%s: no public key in PEM", public_path);
    return take(NULL, handle, public_path, out, fault);
}

void audit_key_free(struct audit_key *key)
{
    if (key == NULL)
        return;
    if (key->key == NULL)
        EVP_PKEY_free(key->handle);
    key_free(key->key);
    EVP_MD_CTX_free(key->hashing);
    EVP_MD_free(key->sha256);
    free(key);
}

int audit_key_public_pem(const struct audit_key *key, char *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    uint8_t spki[SPKI_BYTES];
    char *pem = NULL;
    int status = -ENOMEM;

    if (bio != NULL && write_spki(key, spki)
        && PEM_write_bio(bio, PEM_STRING_PUBLIC, "", spki, sizeof(spki)) > 0) {
        long len = BIO_get_mem_data(bio, &pem);
        if (len > 0 && len < AUDIT_KEY_PEM_BYTES) {
            memcpy(out, pem, (size_t)len);
            out[len] = '\0';
            status = 0;
        }
    }
    BIO_free(bio);
    return status;
}

int audit_key_random(void *out, size_t len)
{
    return getrandom(out, len, 0) == (ssize_t)len ? 0 : -EIO;
}
