/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/bundle.h"

#include "pki/base64.h"
#include "pki/private_file.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (256 * 1024)

struct bundle {
    struct certificate *all[BUNDLE_MAX];
    size_t count;
};

static int add(struct bundle *bundle, X509 *x509)
{
    if (bundle->count == BUNDLE_MAX)
        return -EBADMSG;
    if (X509_up_ref(x509) != 1)
        return -ENOMEM;
    struct certificate *certificate = certificate_take(x509);
    if (certificate == NULL)
        return -ENOMEM;
    bundle->all[bundle->count++] = certificate;
    return 0;
}

static int add_all(struct bundle *bundle, const PKCS7 *message)
{
    int error = 0;
    STACK_OF(X509) *certificates =
        PKCS7_type_is_signed(message) && message->d.sign != NULL ? message->d.sign->cert : NULL;

    for (int i = 0; i < sk_X509_num(certificates) && error == 0; i++)
        error = add(bundle, sk_X509_value(certificates, i));
    return error == 0 && bundle->count == 0 ? -EBADMSG : error;
}

static int parse_der(struct mqtt_span der, struct bundle **out)
{
    const uint8_t *at = der.data;
    PKCS7 *message = d2i_PKCS7(NULL, &at, (long)der.len);
    struct bundle *bundle = calloc(1, sizeof(*bundle));
    int error = message == NULL ? -EBADMSG : bundle == NULL ? -ENOMEM : 0;

    if (error == 0)
        error = add_all(bundle, message);
    PKCS7_free(message);
    ERR_clear_error();
    if (error == 0)
        *out = bundle;
    else
        bundle_free(bundle);
    return error;
}

int bundle_parse(struct mqtt_span text, struct bundle **out, struct pki_fault *fault)
{
    size_t len = 0;
    uint8_t *der = malloc(text.len / 4 * 3 + 3);

    if (der == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    int error = base64_decode_lines(text, der, &len);
    if (error == 0)
        error = parse_der((struct mqtt_span){ der, len }, out);
    free(der);
    return error == 0 ? 0
                      : pki_fail(fault, error, "the answer holds no certificates (PKCS#7, base64)");
}

int bundle_load(const char *path, struct bundle **out, struct pki_fault *fault)
{
    uint8_t *pem;
    size_t len;
    int error = private_file_read(path, FILE_MAX_BYTES, &pem, &len);
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot read the certificates: %s", path,
                        strerror(-error));

    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    struct bundle *bundle = calloc(1, sizeof(*bundle));
    error = bio == NULL || bundle == NULL ? -ENOMEM : 0;
    X509 *one = error == 0 ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    while (one != NULL && error == 0) {
        error = add(bundle, one);
        X509_free(one);
        one = error == 0 ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    }
    BIO_free(bio);
    free(pem);
    ERR_clear_error();
    if (error == 0 && bundle->count == 0)
        error = -EBADMSG;
    if (error == 0) {
        *out = bundle;
        return 0;
    }
    bundle_free(bundle);
    return pki_fail(fault, error, "%s: no certificates in PEM", path);
}

void bundle_free(struct bundle *bundle)
{
    if (bundle == NULL)
        return;
    for (size_t i = 0; i < bundle->count; i++)
        certificate_free(bundle->all[i]);
    free(bundle);
}

size_t bundle_count(const struct bundle *bundle)
{
    return bundle->count;
}

const struct certificate *bundle_at(const struct bundle *bundle, size_t index)
{
    return bundle->all[index];
}

struct certificate *bundle_take_first(struct bundle *bundle)
{
    struct certificate *first = bundle->all[0];

    bundle->count--;
    bundle->all[0] = bundle->all[bundle->count];
    return first;
}

static bool is_of(const struct certificate *certificate, const uint8_t sha256[32])
{
    struct certificate_facts facts;

    return certificate_facts_of(certificate, &facts, NULL) == 0
           && memcmp(facts.registered.fingerprint, sha256, 32) == 0;
}

int bundle_keep_under(struct bundle *bundle, const uint8_t sha256[32], int64_t now_s)
{
    size_t found = 0;
    size_t kept = 1;

    while (found < bundle->count && !is_of(bundle->all[found], sha256))
        found++;
    if (found == bundle->count)
        return -ENOENT;
    struct certificate *root = bundle->all[found];
    bundle->all[found] = bundle->all[0];
    bundle->all[0] = root;
    for (size_t i = 1; i < bundle->count; i++) {
        if (certificate_is_valid_under(bundle->all[i], root, now_s))
            bundle->all[kept++] = bundle->all[i];
        else
            certificate_free(bundle->all[i]);
    }
    bundle->count = kept;
    return 0;
}

int bundle_save(const struct bundle *bundle, const char *path, struct pki_fault *fault)
{
    char *pem;
    BIO *bio = BIO_new(BIO_s_mem());
    int error = bio != NULL ? 0 : -ENOMEM;

    for (size_t i = 0; i < bundle->count && error == 0; i++)
        error = PEM_write_bio_X509(bio, certificate_handle(bundle->all[i])) == 1 ? 0 : -EIO;
    if (error == 0) {
        long len = BIO_get_mem_data(bio, &pem);
        error = private_file_write(path, (struct mqtt_span){ (const uint8_t *)pem, (size_t)len },
                                   PRIVATE_FILE_REPLACE);
    }
    BIO_free(bio);
    if (error < 0)
        return pki_fail(fault, error, "%s: cannot write the certificates: %s", path,
                        strerror(-error));
    return 0;
}
