/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/key.h"

#include "pki/private_file.h"
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_FILE_MAX_BYTES 16384
#define KEY_SECURITY_BITS  112 /* RSA-2048 and better */
#define KEY_SALT_BYTES     16
#define P256_BITS          256

struct key {
    EVP_PKEY *handle;
};

static const char *const algorithms[KEY_ALGORITHM_COUNT] = {
    [KEY_P256] = "p256",
    [KEY_ED25519] = "ed25519",
};

const char *key_algorithm_text(enum key_algorithm algorithm)
{
    return (unsigned)algorithm < KEY_ALGORITHM_COUNT ? algorithms[algorithm] : "other";
}

int key_algorithm_parse(const char *text, enum key_algorithm *out)
{
    for (unsigned i = 0; i < KEY_ALGORITHM_COUNT; i++)
        if (strcmp(text, algorithms[i]) == 0) {
            *out = (enum key_algorithm)i;
            return 0;
        }
    return -EINVAL;
}

enum key_algorithm key_algorithm_of(const struct key *key)
{
    if (EVP_PKEY_is_a(key->handle, "ED25519") == 1)
        return KEY_ED25519;
    return EVP_PKEY_is_a(key->handle, "EC") == 1 && EVP_PKEY_get_bits(key->handle) == P256_BITS
               ? KEY_P256
               : KEY_ALGORITHM_COUNT;
}

int key_take(struct evp_pkey_st *handle, struct key **out)
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

int key_generate_as(enum key_algorithm algorithm, struct key **out, struct pki_fault *fault)
{
    vault_enter();
    EVP_PKEY *handle =
        algorithm == KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen("P-256");
    vault_leave();
    if (handle == NULL)
        return pki_fail_crypto(fault, -EIO, "cannot make a key (%s)",
                               key_algorithm_text(algorithm));
    return key_take(handle, out);
}

int key_generate(struct key **out, struct pki_fault *fault)
{
    return key_generate_as(KEY_P256, out, fault);
}

void key_free(struct key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->handle);
    free(key);
}

/* ---- reading ---- */

/* The passphrase of an encrypted key; without one, never ask the terminal. */
static int on_passphrase(char *buffer, int size, int is_writing, void *context)
{
    const struct passphrase *passphrase = context;
    (void)is_writing;
    if (passphrase == NULL || size < 0 || passphrase->len > (size_t)size)
        return -1;
    memcpy(buffer, passphrase->text, passphrase->len);
    return (int)passphrase->len;
}

/* In PKCS#8, or in the older form that OpenSSL also reads. */
static bool is_sealed(struct mqtt_span pem)
{
    static const char modern[] = "BEGIN ENCRYPTED PRIVATE KEY";
    static const char old[] = "Proc-Type: 4,ENCRYPTED";
    return memmem(pem.data, pem.len, modern, sizeof(modern) - 1) != NULL
           || memmem(pem.data, pem.len, old, sizeof(old) - 1) != NULL;
}

static int explain_decode(bool is_under_passphrase, bool has_passphrase, const char *path,
                          struct pki_fault *fault)
{
    if (!is_under_passphrase)
        return pki_fail_crypto(fault, -EBADMSG, "%s: no private key in PEM", path);
    ERR_clear_error();
    if (!has_passphrase)
        return pki_fail(fault, -ENOKEY, "%s is sealed and nobody gave its passphrase", path);
    return pki_fail(fault, -EKEYREJECTED, "%s: the passphrase does not open it", path);
}

static int key_decode(struct mqtt_span pem, const struct passphrase *passphrase, const char *path,
                      struct key **out, struct pki_fault *fault)
{
    /* OpenSSL passes the context on as it is and does not write to it. */
    void *context = (void *)(uintptr_t)passphrase;
    EVP_PKEY *handle = vault_key(pem, on_passphrase, context);
    if (handle == NULL)
        return explain_decode(is_sealed(pem), passphrase != NULL, path, fault);
    if (EVP_PKEY_get_security_bits(handle) < KEY_SECURITY_BITS) {
        EVP_PKEY_free(handle);
        return pki_fail(fault, -EBADMSG, "%s: the key is too weak; make a P-256 key", path);
    }
    return key_take(handle, out);
}

/* The file in the vault, for vault_free(). */
static int read_file(const char *path, uint8_t **out, size_t *out_len, struct pki_fault *fault)
{
    int error = private_file_is_closed(path);
    if (error == -EPERM)
        return pki_fail(fault, error, "%s: others can read this private key; chmod 600 it", path);
    if (error == 0)
        error = vault_read(path, KEY_FILE_MAX_BYTES, out, out_len);
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot read the private key: %s", path,
                        strerror(-error));
    return 0;
}

int key_load_with(const char *path, const struct passphrase *passphrase, struct key **out,
                  struct pki_fault *fault)
{
    uint8_t *pem;
    size_t len;
    int error = read_file(path, &pem, &len, fault);
    if (error < 0)
        return error;
    error = key_decode((struct mqtt_span){ pem, len }, passphrase, path, out, fault);
    vault_free(pem);
    return error;
}

int key_load(const char *path, struct key **out, struct pki_fault *fault)
{
    return key_load_with(path, NULL, out, fault);
}

int key_is_sealed(const char *path, bool *out, struct pki_fault *fault)
{
    uint8_t *pem;
    size_t len;
    int error = read_file(path, &pem, &len, fault);
    if (error < 0)
        return error;
    *out = is_sealed((struct mqtt_span){ pem, len });
    vault_free(pem);
    return 0;
}

/* ---- writing ---- */

/* PBES2 as RFC 8018 has it, which every OpenSSL since 1.1 reads. */
static bool write_sealed(BIO *bio, EVP_PKEY *handle, const struct passphrase *passphrase)
{
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(handle);
    X509_ALGOR *method = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), KEY_ROUNDS, NULL, KEY_SALT_BYTES,
                                           NULL, NID_hmacWithSHA256);
    X509_SIG *sealed = NULL;
    if (plain != NULL && method != NULL)
        sealed = PKCS8_set0_pbe(passphrase->text, (int)passphrase->len, plain, method);
    if (sealed == NULL)
        X509_ALGOR_free(method);
    bool done = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed) == 1;
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(plain);
    return done;
}

static int save(const struct key *key, const struct passphrase *passphrase, const char *path,
                enum private_file_existing existing, struct pki_fault *fault)
{
    char *pem;
    vault_enter();
    BIO *bio = BIO_new(BIO_s_secmem()); /* wipes when freed */
    int error = 0;
    bool done =
        bio != NULL
        && (passphrase != NULL
                ? write_sealed(bio, key->handle, passphrase)
                : PEM_write_bio_PKCS8PrivateKey(bio, key->handle, NULL, NULL, 0, NULL, NULL) == 1);
    vault_leave();
    if (!done) {
        error = pki_fail_crypto(fault, -EIO, "%s: cannot encode the private key", path);
    } else {
        long len = BIO_get_mem_data(bio, &pem);
        error = private_file_write(path, (struct mqtt_span){ (const uint8_t *)pem, (size_t)len },
                                   existing);
        if (error < 0)
            (void)pki_fail(fault, error, "%s: cannot write the private key: %s", path,
                           strerror(-error));
    }
    BIO_free(bio);
    return error;
}

int key_save(const struct key *key, const char *path, struct pki_fault *fault)
{
    return save(key, NULL, path, PRIVATE_FILE_KEEP, fault);
}

int key_save_with(const struct key *key, const struct passphrase *passphrase, const char *path,
                  struct pki_fault *fault)
{
    return save(key, passphrase, path, PRIVATE_FILE_KEEP, fault);
}

int key_replace(const struct key *key, const struct passphrase *passphrase, const char *path,
                struct pki_fault *fault)
{
    /* Held open, the old file can be overwritten after the new one has taken its name. */
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return pki_fail(fault, -errno, "%s: cannot open the private key: %s", path,
                        strerror(errno));
    int error = save(key, passphrase, path, PRIVATE_FILE_REPLACE, fault);
    if (error == 0)
        private_file_scrub(fd);
    close(fd);
    return error;
}

int key_load_or_create_as(const char *path, enum key_algorithm algorithm, struct key **out,
                          struct pki_fault *fault)
{
    struct key *key;
    int error = key_load(path, out, fault);
    if (error != -ENOENT)
        return error;
    error = key_generate_as(algorithm, &key, fault);
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

int key_load_or_create(const char *path, struct key **out, struct pki_fault *fault)
{
    return key_load_or_create_as(path, KEY_P256, out, fault);
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
