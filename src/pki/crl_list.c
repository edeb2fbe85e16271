/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/crl_list.h"

#include "pki/crl.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* ---- what it says ---- */

void crl_entries_fini(struct crl_entries *entries)
{
    free(entries->all);
    *entries = (struct crl_entries){ 0 };
}

int crl_entries_add(struct crl_entries *entries, const struct crl_entry *entry)
{
    if (entries->count == entries->room) {
        size_t room = entries->room > 0 ? entries->room * 2 : 16;
        struct crl_entry *all = reallocarray(entries->all, room, sizeof(*all));
        if (all == NULL)
            return -ENOMEM;
        entries->all = all;
        entries->room = room;
    }
    entries->all[entries->count++] = *entry;
    return 0;
}

/* ---- making ---- */

struct asn1_string_st *crl_list_serial(const char *hex)
{
    BIGNUM *number = NULL;
    ASN1_INTEGER *serial = NULL;
    size_t len = strlen(hex);

    if (len == 0 || len >= REGISTRY_SERIAL_SIZE || strspn(hex, "0123456789abcdef") != len)
        return NULL;
    if (BN_hex2bn(&number, hex) == (int)len)
        serial = BN_to_ASN1_INTEGER(number, NULL);
    BN_free(number);
    return serial;
}

static bool add_reason(X509_REVOKED *revoked, enum registry_reason reason)
{
    ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();
    bool ok = code != NULL && ASN1_ENUMERATED_set(code, (long)reason) == 1
              && X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, code, 0, 0) == 1;

    ASN1_ENUMERATED_free(code);
    return ok;
}

static bool fill(X509_REVOKED *revoked, const struct crl_entry *entry)
{
    ASN1_INTEGER *serial = crl_list_serial(entry->serial);
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)entry->revoked_s);
    bool ok = serial != NULL && when != NULL && X509_REVOKED_set_serialNumber(revoked, serial) == 1
              && X509_REVOKED_set_revocationDate(revoked, when) == 1;

    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(when);
    /* RFC 5280, 5.3.1: "unspecified" is said by saying nothing. */
    return ok
           && (entry->reason == REGISTRY_REASON_UNSPECIFIED || add_reason(revoked, entry->reason));
}

static bool add(X509_CRL *list, const struct crl_entry *entry)
{
    X509_REVOKED *revoked = X509_REVOKED_new();

    if (revoked != NULL && fill(revoked, entry) && X509_CRL_add0_revoked(list, revoked) == 1)
        return true;
    X509_REVOKED_free(revoked);
    return false;
}

int crl_list_make(const struct crl_entries *entries, X509_CRL **out, struct pki_fault *fault)
{
    X509_CRL *list = X509_CRL_new();
    bool ok = list != NULL;

    for (size_t i = 0; i < entries->count && ok; i++)
        ok = add(list, &entries->all[i]);
    if (!ok || X509_CRL_sort(list) != 1) {
        X509_CRL_free(list);
        return pki_fail_crypto(fault, -EBADMSG, "cannot make the revocation list");
    }
    *out = list;
    return 0;
}

/* ---- signing ---- */

static bool add_extensions(X509_CRL *list, X509 *issuer, uint64_t number)
{
    X509V3_CTX context;
    ASN1_INTEGER *value = ASN1_INTEGER_new();

    X509V3_set_ctx(&context, issuer, NULL, NULL, list, 0);
    X509_EXTENSION *key_id =
        X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    bool ok = key_id != NULL && X509_CRL_add_ext(list, key_id, -1) == 1 && value != NULL
              && ASN1_INTEGER_set_uint64(value, number) == 1
              && X509_CRL_add1_ext_i2d(list, NID_crl_number, value, 0, 0) == 1;
    X509_EXTENSION_free(key_id);
    ASN1_INTEGER_free(value);
    return ok;
}

static int sign(X509_CRL *list, const struct ca *ca, uint64_t number, int64_t now_s,
                struct pki_fault *fault)
{
    X509 *issuer = certificate_handle(ca_certificate(ca));
    EVP_PKEY *key = key_handle(ca_key(ca));
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)now_s);
    ASN1_TIME *until = ASN1_TIME_set(NULL, (time_t)(now_s + CRL_KEEP_S));
    /* Ed25519 brings its own digest and wants none. */
    const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") == 1 ? NULL : EVP_sha256();
    bool ok = from != NULL && until != NULL && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1
              && X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer)) == 1
              && X509_CRL_set1_lastUpdate(list, from) == 1
              && X509_CRL_set1_nextUpdate(list, until) == 1 && add_extensions(list, issuer, number)
              && X509_CRL_sign(list, key, digest) > 0;

    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return ok ? 0 : pki_fail_crypto(fault, -EIO, "cannot sign the revocation list");
}

static int sign_elsewhere(const struct crl_entries *entries, const struct ca *ca, X509_CRL **out,
                          struct pki_fault *fault)
{
    const struct ca_signer *signer = ca_signer(ca);
    struct der made = { 0 };
    int error = signer->list(signer->context, ca_certificate(ca), entries, &made, fault);

    if (error < 0)
        return error;
    *out = crl_list_decode(der_span(&made));
    der_fini(&made);
    return *out != NULL ? 0 : pki_fail_crypto(fault, -EIO, "what was signed is no revocation list");
}

int crl_list_sign(const struct crl_entries *entries, const struct ca *ca, int64_t now_s,
                  X509_CRL **out, struct pki_fault *fault)
{
    X509_CRL *list;

    if (ca_signer(ca) != NULL)
        return sign_elsewhere(entries, ca, out, fault);
    int error = crl_list_make(entries, &list, fault);
    if (error == 0)
        error = sign(list, ca, entries->number, now_s, fault);
    else
        list = NULL;
    if (error < 0) {
        X509_CRL_free(list);
        return error;
    }
    *out = list;
    return 0;
}

/* ---- as bytes ---- */

int crl_list_sign_der(const struct crl_entries *entries, const struct ca *ca, int64_t now_s,
                      struct der *out, struct pki_fault *fault)
{
    X509_CRL *list;
    uint8_t *made = NULL;
    int error = crl_list_sign(entries, ca, now_s, &list, fault);

    if (error < 0)
        return error;
    int len = i2d_X509_CRL(list, &made);
    X509_CRL_free(list);
    return der_take(made, len, out) == 0
               ? 0
               : pki_fail_crypto(fault, -EIO, "cannot encode the revocation list");
}

X509_CRL *crl_list_decode(struct mqtt_span bytes)
{
    BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);

    if (bio == NULL)
        return NULL;
    bool is_pem = memmem(bytes.data, bytes.len, "-----BEGIN", 10) != NULL;
    X509_CRL *list =
        is_pem ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : d2i_X509_CRL_bio(bio, NULL);
    BIO_free(bio);
    return list;
}

uint64_t crl_list_number(const X509_CRL *list)
{
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(list, NID_crl_number, NULL, NULL);
    uint64_t value = 0;

    if (number != NULL && ASN1_INTEGER_get_uint64(&value, number) != 1)
        value = 0;
    ASN1_INTEGER_free(number);
    return value;
}
