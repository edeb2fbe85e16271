/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/roots.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define ENDORSEMENT_USE "2.23.133.8.1" /* tcg-kp-EKCertificate */

struct attest_roots {
    X509_STORE *store;
    size_t count;
};

static int add_all(struct attest_roots *roots, BIO *file)
{
    X509 *one;
    int error = 0;

    while (error == 0 && (one = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL) {
        if (X509_STORE_add_cert(roots->store, one) != 1)
            error = -ENOMEM;
        roots->count++;
        X509_free(one);
    }
    return error == 0 && roots->count == 0 ? -EBADMSG : error;
}

int attest_roots_load(const char *path, struct attest_roots **out)
{
    struct attest_roots *roots = calloc(1, sizeof(*roots));
    BIO *file = BIO_new_file(path, "re");
    int error = -ENOENT;

    if (roots != NULL)
        roots->store = X509_STORE_new();
    if (roots == NULL || roots->store == NULL)
        error = -ENOMEM;
    else if (file != NULL)
        error = add_all(roots, file);
    BIO_free(file);
    ERR_clear_error();
    if (error < 0) {
        attest_roots_free(roots);
        return error;
    }
    X509_STORE_set_flags(roots->store, X509_V_FLAG_PARTIAL_CHAIN);
    *out = roots;
    return 0;
}

void attest_roots_free(struct attest_roots *roots)
{
    if (roots == NULL)
        return;
    X509_STORE_free(roots->store);
    free(roots);
}

static bool is_for_endorsement(X509 *certificate)
{
    ASN1_OBJECT *wanted = OBJ_txt2obj(ENDORSEMENT_USE, 1);
    EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    bool is_found = false;

    for (int i = 0; wanted != NULL && i < sk_ASN1_OBJECT_num(uses); i++)
        is_found = is_found || OBJ_cmp(sk_ASN1_OBJECT_value(uses, i), wanted) == 0;
    EXTENDED_KEY_USAGE_free(uses);
    ASN1_OBJECT_free(wanted);
    return is_found && X509_check_ca(certificate) == 0;
}

static bool is_of(X509 *certificate, const struct attest_area *endorsement)
{
    EVP_PKEY *key = attest_area_key(endorsement);
    EVP_PKEY *certified = X509_get0_pubkey(certificate);
    bool is_same = key != NULL && certified != NULL && EVP_PKEY_eq(key, certified) == 1;

    EVP_PKEY_free(key);
    return is_same;
}

static bool is_signed(const struct attest_roots *roots, X509 *certificate)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool is_good = context != NULL
                   && X509_STORE_CTX_init(context, roots->store, certificate, NULL) == 1
                   && X509_verify_cert(context) == 1;

    X509_STORE_CTX_free(context);
    return is_good;
}

bool attest_roots_vouch(const struct attest_roots *roots, struct mqtt_span certificate,
                        const struct attest_area *endorsement)
{
    const uint8_t *at = certificate.data;
    X509 *x509 =
        roots != NULL && certificate.len > 0 ? d2i_X509(NULL, &at, (long)certificate.len) : NULL;
    bool is_good = x509 != NULL && at == certificate.data + certificate.len
                   && is_of(x509, endorsement) && is_for_endorsement(x509)
                   && is_signed(roots, x509);

    X509_free(x509);
    ERR_clear_error();
    return is_good;
}
