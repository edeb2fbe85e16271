/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/software_key.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#define SIGNATURE_DER_MAX 80
#define HALF              (TACIT_KEY_SIGNATURE_BYTES / 2)

static int take_apart(EVP_PKEY *handle, struct software_key_halves *out, struct pki_fault *fault)
{
    BIGNUM *scalar = NULL;
    size_t len = 0;
    bool done = EVP_PKEY_get_bn_param(handle, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1
                && BN_bn2binpad(scalar, out->scalar, sizeof(out->scalar)) > 0
                && EVP_PKEY_get_octet_string_param(handle, OSSL_PKEY_PARAM_PUB_KEY, out->point,
                                                   sizeof(out->point), &len)
                       == 1
                && len == sizeof(out->point);

    BN_clear_free(scalar);
    return done ? 0 : pki_fail_crypto(fault, -EIO, "cannot take the key apart");
}

int software_key_generate(struct software_key_halves *out, struct pki_fault *fault)
{
    struct key *key;
    int error = key_generate(&key, fault);

    if (error < 0)
        return error;
    error = take_apart(key_handle(key), out, fault);
    key_free(key);
    return error;
}

int software_key_take_apart(const struct key *key, struct software_key_halves *out,
                            struct pki_fault *fault)
{
    if (key_algorithm_of(key) != KEY_P256)
        return pki_fail(fault, -ENOTSUP, "only a key of P-256 can be sealed");
    return take_apart(key_handle(key), out, fault);
}

/* r and s out of DER. */
static bool split(const uint8_t *der, size_t len, unsigned char *out)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool done = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, HALF) == HALF
                && BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + HALF, HALF) == HALF;

    ECDSA_SIG_free(signature);
    return done;
}

static int sign(void *context, const unsigned char *digest, size_t len, unsigned char *signature)
{
    uint8_t der[SIGNATURE_DER_MAX];
    size_t der_len = sizeof(der);
    EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new(context, NULL);
    bool done = operation != NULL && EVP_PKEY_sign_init(operation) == 1
                && EVP_PKEY_sign(operation, der, &der_len, digest, len) == 1
                && split(der, der_len, signature);

    EVP_PKEY_CTX_free(operation);
    return done ? 0 : -EIO;
}

static void release(void *context)
{
    EVP_PKEY_free(context);
}

static EVP_PKEY *from_params(OSSL_PARAM *params)
{
    EVP_PKEY *handle = NULL;
    EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    bool done = params != NULL && operation != NULL && EVP_PKEY_fromdata_init(operation) == 1
                && EVP_PKEY_fromdata(operation, &handle, EVP_PKEY_KEYPAIR, params) == 1;

    EVP_PKEY_CTX_free(operation);
    return done ? handle : NULL;
}

/* The public half has to be that of the private one: the file may be a forgery of two. */
static bool is_pair(EVP_PKEY *handle)
{
    EVP_PKEY_CTX *operation = EVP_PKEY_CTX_new(handle, NULL);
    bool is = operation != NULL && EVP_PKEY_pairwise_check(operation) == 1;

    EVP_PKEY_CTX_free(operation);
    return is;
}

static EVP_PKEY *put_together(const struct software_key_halves *halves)
{
    BIGNUM *scalar = BN_secure_new();
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *handle = NULL;

    if (scalar != NULL && builder != NULL
        && BN_bin2bn(halves->scalar, sizeof(halves->scalar), scalar) != NULL
        && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1
        && OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, halves->point,
                                            sizeof(halves->point))
               == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1) {
        params = OSSL_PARAM_BLD_to_param(builder);
        handle = from_params(params);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_clear_free(scalar);
    return handle;
}

int software_key_hook(const struct software_key_halves *halves, struct tacit_key *out,
                      struct pki_fault *fault)
{
    EVP_PKEY *handle = put_together(halves);

    if (handle == NULL || !is_pair(handle)) {
        EVP_PKEY_free(handle);
        return pki_fail_crypto(fault, -EBADMSG, "the two halves of the key do not belong together");
    }
    *out = (struct tacit_key){ .context = handle, .sign = sign, .release = release };
    memcpy(out->point, halves->point, sizeof(out->point));
    return 0;
}
