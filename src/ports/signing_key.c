/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/signing_key.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A method of EC keys is deprecated in OpenSSL 3 in favour of a provider, which would have to bring
 * its own key management, encoders and signature algorithms to do what three functions do here. This
 * file, and no other, uses it. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

#define HALF        (TACIT_KEY_SIGNATURE_BYTES / 2)
#define APPLICATION 0 /* the slot that OpenSSL leaves to whoever made the object */

struct signing {
    struct tacit_key key;
    EC_KEY_METHOD *method;
};

static ECDSA_SIG *signature_of(const unsigned char bytes[TACIT_KEY_SIGNATURE_BYTES])
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, HALF, NULL);
    BIGNUM *s = BN_bin2bn(bytes + HALF, HALF, NULL);

    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1)
        return signature;
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return NULL;
}

/* Of a digest ECDSA uses as many bits as the curve has: those on the left. */
static ECDSA_SIG *sign_raw(const unsigned char *digest, int len, const BIGNUM *inverse,
                           const BIGNUM *r, EC_KEY *handle)
{
    const struct signing *signing = EC_KEY_get_ex_data(handle, APPLICATION);
    unsigned char bytes[TACIT_KEY_SIGNATURE_BYTES] = { 0 };

    (void)inverse;
    (void)r;
    if (signing == NULL || len < TACIT_KEY_DIGEST_BYTES
        || signing->key.sign(signing->key.context, digest, TACIT_KEY_DIGEST_BYTES, bytes) != 0)
        return NULL;
    return signature_of(bytes);
}

static void finish(EC_KEY *handle)
{
    struct signing *signing = EC_KEY_get_ex_data(handle, APPLICATION);

    if (signing == NULL)
        return;
    if (signing->key.release != NULL)
        signing->key.release(signing->key.context);
    EC_KEY_METHOD_free(signing->method);
    free(signing);
}

/* There is one hook: two keys would release it twice. */
static int refuse_copy(EC_KEY *to, const EC_KEY *from)
{
    (void)from;
    (void)EC_KEY_set_ex_data(to, APPLICATION, NULL);
    return 0;
}

/* OpenSSL's own way to a signature in DER goes through the raw one. */
typedef int (*sign_function)(int type, const unsigned char *digest, int len, unsigned char *out,
                             unsigned int *out_len, const BIGNUM *inverse, const BIGNUM *r,
                             EC_KEY *handle);
typedef int (*setup_function)(EC_KEY *handle, BN_CTX *context, BIGNUM **inverse, BIGNUM **r);

static EC_KEY_METHOD *make_method(void)
{
    sign_function sign;
    setup_function setup;
    EC_KEY_METHOD *method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());

    if (method == NULL)
        return NULL;
    EC_KEY_METHOD_set_init(method, NULL, finish, refuse_copy, NULL, NULL, NULL);
    EC_KEY_METHOD_get_sign(method, &sign, &setup, NULL);
    EC_KEY_METHOD_set_sign(method, sign, setup, sign_raw);
    return method;
}

/* From here on `signing` goes with the handle. */
static bool bind(EC_KEY *handle, struct signing *signing)
{
    return EC_KEY_set_method(handle, signing->method) == 1
           && EC_KEY_set_ex_data(handle, APPLICATION, signing) == 1;
}

static EVP_PKEY *wrap(EC_KEY *handle, const struct tacit_key *key)
{
    EVP_PKEY *wrapped = EVP_PKEY_new();

    if (wrapped != NULL && EC_KEY_oct2key(handle, key->point, sizeof(key->point), NULL) == 1
        && EVP_PKEY_assign_EC_KEY(wrapped, handle) == 1)
        return wrapped;
    EVP_PKEY_free(wrapped);
    return NULL;
}

struct evp_pkey_st *tacit_signing_key_new(const struct tacit_key *key)
{
    struct signing *signing = calloc(1, sizeof(*signing));
    EC_KEY *handle = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);

    if (signing != NULL) {
        signing->key = *key;
        signing->method = make_method();
    }
    if (signing != NULL && signing->method != NULL && handle != NULL && bind(handle, signing)) {
        EVP_PKEY *wrapped = wrap(handle, key);
        if (wrapped == NULL)
            EC_KEY_free(handle);
        return wrapped;
    }
    EC_KEY_free(handle);
    if (signing != NULL)
        EC_KEY_METHOD_free(signing->method);
    free(signing);
    if (key->release != NULL)
        key->release(key->context);
    return NULL;
}
