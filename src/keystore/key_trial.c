/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/key_trial.h"

#include <errno.h>
#include <openssl/evp.h>

#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */

/* Ed25519 brings a digest of its own and refuses another one. */
static const EVP_MD *digest_for(const struct key *key)
{
    return key_algorithm_of(key) == KEY_ED25519 ? NULL : EVP_sha256();
}

static const unsigned char words[] = "tacit tries whether this key signs";

static bool sign(const struct key *key, unsigned char *out, size_t *out_len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL
                && EVP_DigestSignInit(context, NULL, digest_for(key), NULL, key_handle(key)) == 1
                && EVP_DigestSign(context, out, out_len, words, sizeof(words)) == 1;

    EVP_MD_CTX_free(context);
    return done;
}

static bool verify(const struct key *key, const unsigned char *signature, size_t len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good =
        context != NULL
        && EVP_DigestVerifyInit(context, NULL, digest_for(key), NULL, key_handle(key)) == 1
        && EVP_DigestVerify(context, signature, len, words, sizeof(words)) == 1;

    EVP_MD_CTX_free(context);
    return is_good;
}

int key_trial_sign(const struct key *key, struct pki_fault *fault)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);

    if (!sign(key, signature, &len))
        return pki_fail_crypto(fault, -EIO, "the key does not sign");
    return verify(key, signature, len)
               ? 0
               : pki_fail_crypto(fault, -EIO, "the key signs what its public half does not verify");
}
