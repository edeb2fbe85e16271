/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/sealed_key.h"

#include "base/wipe.h"
#include "keystore/machine_secret.h"
#include "keystore/tpm_key.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define WRAP_KEY_BYTES 32
#define LABEL          "tacit sealed key 1"
#define INFO_SIZE      128

_Static_assert(MACHINE_SECRET_BYTES == TPM_KEY_SECRET_BYTES, "one size of secrets");
_Static_assert(SEALED_FORMAT_SCALAR_BYTES == SOFTWARE_KEY_SCALAR_BYTES, "the private number");

/* What the key is bound to besides the secret. The TPM stands for the machine and for its users. */
static size_t info_of(enum sealed_method method, char out[INFO_SIZE])
{
    char id[MACHINE_SECRET_ID_SIZE] = "";
    int len;

    if (method == SEALED_BY_MACHINE)
        machine_secret_id(id);
    if (method == SEALED_BY_MACHINE)
        len = snprintf(out, INFO_SIZE, LABEL "|machine|%s|%lu", id, (unsigned long)geteuid());
    else
        len = snprintf(out, INFO_SIZE, LABEL "|tpm");
    return (size_t)len;
}

static int derive(const uint8_t secret[MACHINE_SECRET_BYTES], struct sealed_format *sealed,
                  uint8_t out[WRAP_KEY_BYTES], struct pki_fault *fault)
{
    char digest[] = "SHA256";
    char info[INFO_SIZE];
    size_t info_len = info_of(sealed->method, info);
    uint8_t copy[MACHINE_SECRET_BYTES]; /* OpenSSL's parameters are not const */
    EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = hkdf != NULL ? EVP_KDF_CTX_new(hkdf) : NULL;

    memcpy(copy, secret, sizeof(copy));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, copy, sizeof(copy)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, sealed->salt, sizeof(sealed->salt)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, info_len),
        OSSL_PARAM_construct_end(),
    };
    bool done = context != NULL && EVP_KDF_derive(context, out, WRAP_KEY_BYTES, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(hkdf);
    wipe_bytes(copy, sizeof(copy));
    return done ? 0 : pki_fail_crypto(fault, -EIO, "cannot derive the key of the seal");
}

/* ---- AES-256-GCM, with what stands before the number as additional data ---- */

static bool start(EVP_CIPHER_CTX *cipher, bool encrypts, const struct sealed_format *sealed,
                  const uint8_t key[WRAP_KEY_BYTES])
{
    uint8_t bytes[SEALED_FORMAT_MAX_BYTES];
    size_t len = sealed_format_encode(sealed, bytes) - SEALED_FORMAT_BODY_BYTES;
    int unused;

    return EVP_CipherInit_ex2(cipher, EVP_aes_256_gcm(), key, sealed->nonce, encrypts ? 1 : 0, NULL)
               == 1
           && EVP_CipherUpdate(cipher, NULL, &unused, bytes, (int)len) == 1;
}

static int encrypt(struct sealed_format *sealed, const uint8_t key[WRAP_KEY_BYTES],
                   const struct software_key_halves *halves)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int len = 0;
    uint8_t rest[SEALED_FORMAT_TAG_BYTES];
    bool done =
        cipher != NULL && start(cipher, true, sealed, key)
        && EVP_CipherUpdate(cipher, sealed->scalar, &len, halves->scalar, SOFTWARE_KEY_SCALAR_BYTES)
               == 1
        && EVP_CipherFinal_ex(cipher, rest, &len) == 1
        && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SEALED_FORMAT_TAG_BYTES, sealed->tag)
               == 1;

    EVP_CIPHER_CTX_free(cipher);
    return done ? 0 : -EIO;
}

static int decrypt(struct sealed_format *sealed, const uint8_t key[WRAP_KEY_BYTES],
                   struct software_key_halves *out)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int len = 0;
    uint8_t rest[SEALED_FORMAT_TAG_BYTES];
    bool done =
        cipher != NULL && start(cipher, false, sealed, key)
        && EVP_CipherUpdate(cipher, out->scalar, &len, sealed->scalar, SOFTWARE_KEY_SCALAR_BYTES)
               == 1
        && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, SEALED_FORMAT_TAG_BYTES, sealed->tag)
               == 1
        && EVP_CipherFinal_ex(cipher, rest, &len) == 1;

    EVP_CIPHER_CTX_free(cipher);
    return done ? 0 : -EKEYREJECTED;
}

/* ---- all together ---- */

static bool fill_random(void *out, size_t len)
{
    return getrandom(out, len, 0) == (ssize_t)len;
}

static int make_secret(struct sealed_format *sealed, uint8_t secret[MACHINE_SECRET_BYTES],
                       struct pki_fault *fault)
{
    if (sealed->method == SEALED_BY_MACHINE)
        return machine_secret_make(secret, fault);
    if (!fill_random(secret, MACHINE_SECRET_BYTES))
        return pki_fail(fault, -EIO, "the kernel gives no random numbers");
    return tpm_key_seal(secret, sealed->wrapped, sizeof(sealed->wrapped), &sealed->wrapped_len,
                        fault);
}

int sealed_key_close(const struct software_key_halves *halves, bool by_tpm, uint8_t *out,
                     size_t *out_len, struct pki_fault *fault)
{
    struct sealed_format sealed = { .method = by_tpm ? SEALED_BY_TPM : SEALED_BY_MACHINE };
    uint8_t secret[MACHINE_SECRET_BYTES];
    uint8_t key[WRAP_KEY_BYTES];

    if (!fill_random(sealed.salt, sizeof(sealed.salt))
        || !fill_random(sealed.nonce, sizeof(sealed.nonce)))
        return pki_fail(fault, -EIO, "the kernel gives no random numbers");
    memcpy(sealed.point, halves->point, sizeof(sealed.point));
    int error = make_secret(&sealed, secret, fault);
    if (error == 0)
        error = derive(secret, &sealed, key, fault);
    if (error == 0 && encrypt(&sealed, key, halves) < 0)
        error = pki_fail_crypto(fault, -EIO, "cannot seal the key");
    if (error == 0)
        *out_len = sealed_format_encode(&sealed, out);
    wipe_bytes(secret, sizeof(secret));
    wipe_bytes(key, sizeof(key));
    return error;
}

static int find_secret(const struct sealed_format *sealed, uint8_t secret[MACHINE_SECRET_BYTES],
                       struct pki_fault *fault)
{
    if (sealed->method == SEALED_BY_MACHINE)
        return machine_secret_load(secret, fault);
    return tpm_key_unseal((struct mqtt_span){ sealed->wrapped, sealed->wrapped_len }, secret,
                          fault);
}

static int unlock(struct sealed_format *sealed, struct software_key_halves *out,
                  struct pki_fault *fault)
{
    uint8_t secret[MACHINE_SECRET_BYTES];
    uint8_t key[WRAP_KEY_BYTES];
    int error = find_secret(sealed, secret, fault);

    if (error == 0)
        error = derive(secret, sealed, key, fault);
    if (error == 0) {
        memcpy(out->point, sealed->point, sizeof(out->point));
        error = decrypt(sealed, key, out);
        if (error < 0)
            error = pki_fail_crypto(fault, error,
                                    "the key was sealed on another machine or by another user, or "
                                    "the file has been changed");
    }
    wipe_bytes(secret, sizeof(secret));
    wipe_bytes(key, sizeof(key));
    return error;
}

int sealed_key_pick(struct mqtt_span bytes, enum sealed_key_loot loot)
{
    struct sealed_format sealed;
    struct software_key_halves halves;
    uint8_t secret[MACHINE_SECRET_BYTES];
    uint8_t key[WRAP_KEY_BYTES];
    int error = sealed_format_decode(bytes, &sealed);

    if (error < 0)
        return error;
    /* What the TPM keeps is not there: only what lies in files can be tried. */
    if (loot == SEALED_KEY_LOOT_FILE || machine_secret_load(secret, NULL) < 0)
        error = fill_random(secret, sizeof(secret)) ? 0 : -EIO;
    if (error == 0)
        error = derive(secret, &sealed, key, NULL);
    if (error == 0)
        error = decrypt(&sealed, key, &halves);
    wipe_bytes(&halves, sizeof(halves));
    wipe_bytes(secret, sizeof(secret));
    wipe_bytes(key, sizeof(key));
    ERR_clear_error();
    return error;
}

int sealed_key_open(struct mqtt_span bytes, struct software_key_halves *out,
                    struct pki_fault *fault)
{
    struct sealed_format sealed;
    struct software_key_halves halves;
    int error = sealed_format_decode(bytes, &sealed);

    if (error < 0)
        return pki_fail(fault, error, "%s",
                        error == -ENOTSUP
                            ? "the key is sealed in a way that this version does not know"
                            : "this is no sealed key");
    error = unlock(&sealed, &halves, fault);
    if (error == 0)
        *out = halves;
    wipe_bytes(&halves, sizeof(halves));
    return error;
}
