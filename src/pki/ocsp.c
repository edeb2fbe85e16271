/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ocsp.h"

#include "pki/private_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_A_DAY 86400
#define MAX_BYTES     65536 /* of a response; ours have 400 */

static OCSP_CERTID *id_of(const struct certificate *certificate,
                          const struct certificate *authority)
{
    /* SHA-1 names the issuer here, as every client expects; nothing rests on it. */
    return OCSP_cert_to_id(EVP_sha1(), certificate_handle(certificate),
                           certificate_handle(authority));
}

/* ---- reading ---- */

static OCSP_BASICRESP *load(const char *path)
{
    uint8_t *bytes;
    size_t len;
    OCSP_BASICRESP *basic = NULL;

    if (private_file_read(path, MAX_BYTES, &bytes, &len) < 0)
        return NULL;
    const unsigned char *at = bytes;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)len);
    if (response != NULL)
        basic = OCSP_response_get1_basic(response);
    OCSP_RESPONSE_free(response);
    free(bytes);
    return basic;
}

/* The `part`th part of its time is not over: 1 is all of it, 2 the first half. */
static bool is_within(const ASN1_GENERALIZEDTIME *from, const ASN1_GENERALIZEDTIME *until, int part,
                      int64_t now_s)
{
    struct tm parts;

    if (from == NULL || until == NULL || ASN1_TIME_to_tm(from, &parts) != 1)
        return false;
    int64_t from_s = (int64_t)timegm(&parts);
    if (ASN1_TIME_to_tm(until, &parts) != 1)
        return false;
    int64_t until_s = (int64_t)timegm(&parts);
    return from_s <= now_s && now_s < from_s + (until_s - from_s) / part;
}

static bool is_about(const char *path, const struct certificate *certificate,
                     const struct certificate *authority, int part, int64_t now_s)
{
    ASN1_GENERALIZEDTIME *from = NULL;
    ASN1_GENERALIZEDTIME *until = NULL;
    int status = -1;
    OCSP_BASICRESP *basic = load(path);
    OCSP_CERTID *id = id_of(certificate, authority);
    bool is_good = basic != NULL && id != NULL
                   && OCSP_resp_find_status(basic, id, &status, NULL, NULL, &from, &until) == 1
                   && status == V_OCSP_CERTSTATUS_GOOD && is_within(from, until, part, now_s);

    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    return is_good;
}

bool ocsp_is_current(const char *path, const struct certificate *certificate,
                     const struct certificate *authority, int64_t now_s)
{
    return is_about(path, certificate, authority, 2, now_s);
}

bool ocsp_is_good(const char *path, const struct certificate *certificate,
                  const struct certificate *authority, int64_t now_s)
{
    return is_about(path, certificate, authority, 1, now_s);
}

/* ---- making ---- */

static bool fill(OCSP_BASICRESP *basic, const struct certificate *certificate, const struct ca *ca,
                 int64_t now_s)
{
    OCSP_CERTID *id = id_of(certificate, ca_certificate(ca));
    ASN1_TIME *from = ASN1_GENERALIZEDTIME_set(NULL, (time_t)(now_s - CA_BACKDATE_S));
    ASN1_TIME *until =
        ASN1_GENERALIZEDTIME_set(NULL, (time_t)(now_s + (int64_t)OCSP_DAYS * SECONDS_A_DAY));
    EVP_PKEY *key = key_handle(ca_key(ca));
    const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") == 1 ? NULL : EVP_sha256();
    bool ok =
        id != NULL && from != NULL && until != NULL
        && OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, from, until) != NULL
        && OCSP_basic_sign(basic, certificate_handle(ca_certificate(ca)), key, digest, NULL,
                           OCSP_NOCERTS | OCSP_RESPID_KEY)
               == 1;

    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return ok;
}

static int respond(const struct certificate *certificate, const struct ca *ca, int64_t now_s,
                   uint8_t **out)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_RESPONSE *response = NULL;
    int len = -1;

    *out = NULL;
    if (basic != NULL && fill(basic, certificate, ca, now_s))
        response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    if (response != NULL)
        len = i2d_OCSP_RESPONSE(response, out);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    return len;
}

int ocsp_make(const struct certificate *certificate, const struct ca *ca, int64_t now_s,
              struct der *out, struct pki_fault *fault)
{
    const struct ca_signer *signer = ca_signer(ca);
    uint8_t *made = NULL;

    if (signer != NULL)
        return signer->vouch(signer->context, ca_certificate(ca), certificate, out, fault);
    int len = respond(certificate, ca, now_s, &made);
    return der_take(made, len, out) == 0
               ? 0
               : pki_fail_crypto(fault, -EIO, "cannot make the OCSP response for the server");
}

int ocsp_write(const char *path, const struct certificate *certificate, const struct ca *ca,
               int64_t now_s, struct pki_fault *fault)
{
    struct der made = { 0 };
    int error = ocsp_make(certificate, ca, now_s, &made, fault);

    if (error < 0)
        return error;
    error = private_file_write(path, der_span(&made), PRIVATE_FILE_REPLACE);
    der_fini(&made);
    return error == 0 ? 0
                      : pki_fail(fault, error, "%s: cannot write the OCSP response: %s", path,
                                 strerror(-error));
}
