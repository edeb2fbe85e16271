/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/probe_state.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

int tacit_probe_common_name(const char *path, char *out, size_t size)
{
    char name[256];
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    int len = -1;

    if (certificate != NULL)
        len = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                        sizeof(name));
    X509_free(certificate);
    BIO_free(file);
    if (len <= 0 || (size_t)len >= size || (size_t)len >= sizeof(name) - 1)
        return -ENOENT;
    (void)snprintf(out, size, "%s", name);
    return 0;
}

static void take_key(X509 *certificate, struct tacit_probe_certificate *out)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    if (key == NULL)
        return;
    (void)snprintf(out->key, sizeof(out->key), "%s",
                   EVP_PKEY_get0_type_name(key) != NULL ? EVP_PKEY_get0_type_name(key) : "unknown");
    out->key_bits = EVP_PKEY_get_bits(key);
    out->security_bits = EVP_PKEY_get_security_bits(key);
}

static void take_signature(X509 *certificate, struct tacit_probe_certificate *out)
{
    int digest = NID_undef;

    if (X509_get_signature_info(certificate, &digest, NULL, &out->digest_security_bits, NULL) != 1)
        out->digest_security_bits = 0;
    if (digest != NID_undef)
        (void)snprintf(out->digest, sizeof(out->digest), "%s", OBJ_nid2sn(digest));
}

static int64_t days_between(const ASN1_TIME *from, const ASN1_TIME *until)
{
    int days = 0;
    int seconds = 0;

    return ASN1_TIME_diff(&days, &seconds, from, until) == 1 ? days : 0;
}

static void take_names(X509 *certificate, const char *host, struct tacit_probe_certificate *out)
{
    out->has_names = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0;
    out->is_for_host = X509_check_ip_asc(certificate, host, 0) == 1
                       || X509_check_host(certificate, host, 0, 0, NULL) == 1;
}

bool tacit_probe_certificate(const struct tacit_probe *probe, const char *host,
                             struct tacit_probe_certificate *out)
{
    X509 *certificate = probe->ssl != NULL ? SSL_get1_peer_certificate(probe->ssl) : NULL;

    if (certificate == NULL)
        return false;
    *out = (struct tacit_probe_certificate){ 0 };
    long verified = SSL_get_verify_result(probe->ssl);
    if (verified != X509_V_OK)
        (void)snprintf(out->trust, sizeof(out->trust), "%s",
                       X509_verify_cert_error_string(verified));
    take_key(certificate, out);
    take_signature(certificate, out);
    take_names(certificate, host, out);
    out->days_left = days_between(NULL, X509_get0_notAfter(certificate));
    out->days_in_all =
        days_between(X509_get0_notBefore(certificate), X509_get0_notAfter(certificate));
    out->is_self_signed = X509_self_signed(certificate, 0) == 1;
    X509_free(certificate);
    return true;
}
