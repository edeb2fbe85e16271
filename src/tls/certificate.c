/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certificate.h"

#include "keycheck/keycheck.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_URIS   8   /* more than any scheme we know puts into one certificate */
#define NAME_BYTES  257 /* X.520 allows a common name of 64; be generous, not endless */
#define SERIAL_SIZE 43  /* RFC 5280: at most 20 octets, some have 21 */

struct names {
    char common_name[NAME_BYTES];
    char organization[NAME_BYTES];
    char organizational_unit[NAME_BYTES];
    char issuer[NAME_BYTES];
    char serial[SERIAL_SIZE];
    size_t uri_count;
    const ASN1_STRING *uris[MOST_URIS]; /* the certificate's, as is the extension */
    struct mqtt_span extension;
};

static bool is_text(const unsigned char *bytes, int len, int most)
{
    if (len <= 0 || len > most)
        return false;
    for (int i = 0; i < len; i++) {
        if (bytes[i] < 0x20 || bytes[i] > 0x7e)
            return false;
    }
    return true;
}

/* Of one byte a character: of two or four bytes, what one character is made of could be read as the
 * name of somebody else. */
static bool is_byte_string(const ASN1_STRING *value)
{
    int type = ASN1_STRING_type(value);
    return type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING
           || type == V_ASN1_T61STRING;
}

/* Of several attributes of a kind the last is the most specific one; "" when there is none. */
static void read_name(const X509_NAME *name, int kind, char out[NAME_BYTES])
{
    out[0] = '\0';
    int at = -1;
    for (int next = X509_NAME_get_index_by_NID(name, kind, -1); next >= 0;
         next = X509_NAME_get_index_by_NID(name, kind, next))
        at = next;
    if (at < 0)
        return;
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    int len = ASN1_STRING_length(value);
    if (!is_byte_string(value) || !is_text(ASN1_STRING_get0_data(value), len, NAME_BYTES - 1))
        return;
    memcpy(out, ASN1_STRING_get0_data(value), (size_t)len);
    out[len] = '\0';
}

static void read_serial(const X509 *certificate, char out[SERIAL_SIZE])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    const unsigned char *bytes = ASN1_STRING_get0_data(serial);
    int len = ASN1_STRING_length(serial);
    out[0] = '\0';
    for (int i = 0; i < len && i < (SERIAL_SIZE - 1) / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* The text of a URI alternative name, or NULL for another kind or one that is not text. */
static const ASN1_STRING *uri_of(const GENERAL_NAME *name)
{
    if (name->type != GEN_URI)
        return NULL;
    const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
    return is_text(ASN1_STRING_get0_data(uri), ASN1_STRING_length(uri), 2048) ? uri : NULL;
}

/* Too long counts as none. */
static struct mqtt_span value_of(const X509 *certificate, const ASN1_OBJECT *kind)
{
    int at = kind != NULL ? X509_get_ext_by_OBJ(certificate, kind, -1) : -1;
    if (at < 0)
        return (struct mqtt_span){ 0 };
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
    int len = ASN1_STRING_length(value);
    if (len <= 0 || len > TLS_EXTENSION_BYTES)
        return (struct mqtt_span){ 0 };
    return (struct mqtt_span){ ASN1_STRING_get0_data(value), (size_t)len };
}

static void read_uris(const GENERAL_NAMES *alternatives, struct names *names)
{
    names->uri_count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(alternatives) && names->uri_count < MOST_URIS; i++) {
        const ASN1_STRING *uri = uri_of(sk_GENERAL_NAME_value(alternatives, i));
        if (uri != NULL)
            names->uris[names->uri_count++] = uri;
    }
}

static size_t text_bytes(const struct names *names)
{
    size_t bytes = strlen(names->common_name) + strlen(names->organization)
                   + strlen(names->organizational_unit) + strlen(names->issuer)
                   + strlen(names->serial) + 5 + names->extension.len;
    for (size_t i = 0; i < names->uri_count; i++)
        bytes += (size_t)ASN1_STRING_length(names->uris[i]) + 1;
    return bytes;
}

static const char *put(char **at, const void *bytes, size_t len)
{
    char *text = *at;
    memcpy(text, bytes, len);
    text[len] = '\0';
    *at += len + 1;
    return text;
}

static struct counted_peer *assemble(const struct names *names)
{
    size_t pointers = names->uri_count * sizeof(const char *);
    struct counted_peer *made = calloc(1, sizeof(*made) + pointers + text_bytes(names));
    if (made == NULL)
        return NULL;
    char *at = (char *)made->uris + pointers;
    made->peer.common_name = put(&at, names->common_name, strlen(names->common_name));
    made->peer.organization = put(&at, names->organization, strlen(names->organization));
    made->peer.organizational_unit =
        put(&at, names->organizational_unit, strlen(names->organizational_unit));
    made->peer.issuer = put(&at, names->issuer, strlen(names->issuer));
    made->peer.serial = put(&at, names->serial, strlen(names->serial));
    made->peer.uris = made->uris;
    made->peer.uri_count = names->uri_count;
    for (size_t i = 0; i < names->uri_count; i++)
        made->uris[i] = put(&at, ASN1_STRING_get0_data(names->uris[i]),
                            (size_t)ASN1_STRING_length(names->uris[i]));
    if (names->extension.len > 0) {
        memcpy(at, names->extension.data, names->extension.len);
        made->peer.extension = (struct mqtt_span){ (const uint8_t *)at, names->extension.len };
    }
    atomic_init(&made->references, 1);
    return made;
}

/* Once for each full handshake, with its certificate; resumed ones have it from the cache. */
static void judge_key(struct mqtt_span spki, struct tls_peer *peer)
{
    _Static_assert(TLS_MODULUS_TAG_BYTES == KEYCHECK_TAG_BYTES, "it is the same tag");
    struct keycheck_result found = keycheck_of_spki(spki, KEYCHECK_QUICK);

    peer->weakness = found.fault != KEYCHECK_FINE ? keycheck_text(found.fault) : NULL;
    peer->is_rsa = keycheck_modulus_tag(spki, peer->modulus_tag);
}

static bool read_key(X509 *certificate, struct tls_peer *peer)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len <= 0)
        return false;
    int done = EVP_Digest(der, (size_t)len, peer->key_fingerprint, NULL, EVP_sha256(), NULL);
    judge_key((struct mqtt_span){ der, (size_t)len }, peer);
    OPENSSL_free(der);
    return done == 1;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    int days = 0;
    int seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    /* A time that cannot be read has passed. */
    if (epoch == NULL || ASN1_TIME_diff(&days, &seconds, epoch, time) != 1)
        days = seconds = 0;
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

struct counted_peer *tls_peer_new(X509 *certificate, const ASN1_OBJECT *extension)
{
    struct names names;
    const X509_NAME *subject = X509_get_subject_name(certificate);
    read_name(subject, NID_commonName, names.common_name);
    read_name(subject, NID_organizationName, names.organization);
    read_name(subject, NID_organizationalUnitName, names.organizational_unit);
    read_name(X509_get_issuer_name(certificate), NID_commonName, names.issuer);
    read_serial(certificate, names.serial);
    GENERAL_NAMES *alternatives = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    read_uris(alternatives, &names);
    names.extension = value_of(certificate, extension);

    struct counted_peer *made = assemble(&names);
    GENERAL_NAMES_free(alternatives);
    if (made == NULL)
        return NULL;
    made->peer.not_after_s = seconds_of(X509_get0_notAfter(certificate));
    if (X509_digest(certificate, EVP_sha256(), made->peer.fingerprint, NULL) != 1
        || !read_key(certificate, &made->peer)) {
        free(made);
        return NULL;
    }
    return made;
}

bool tls_peer_is_of(const struct tls_peer *peer, X509 *certificate)
{
    uint8_t digest[TLS_FINGERPRINT_BYTES];
    return X509_digest(certificate, EVP_sha256(), digest, NULL) == 1
           && memcmp(digest, peer->fingerprint, sizeof(digest)) == 0;
}

void tls_certificate_label(X509 *certificate, char *out, size_t size)
{
    char name[NAME_BYTES];
    char serial[SERIAL_SIZE];
    read_name(X509_get_subject_name(certificate), NID_commonName, name);
    read_serial(certificate, serial);
    snprintf(out, size, "%.64s (serial %s)", name[0] != '\0' ? name : "without a common name",
             serial);
}

void tls_certificate_stale_list(const X509_CRL *list, char *out, size_t size)
{
    char name[NAME_BYTES];
    char when[24] = "long ago";
    struct tm parts;
    const ASN1_TIME *until = X509_CRL_get0_nextUpdate(list);

    read_name(X509_CRL_get_issuer(list), NID_commonName, name);
    if (until != NULL && ASN1_TIME_to_tm(until, &parts) == 1)
        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &parts);
    snprintf(out, size, "revocation list of %.64s is out of date since %s",
             name[0] != '\0' ? name : "an authority without a common name", when);
}

void tls_certificate_slim(X509 *certificate, EVP_PKEY *placeholder)
{
    (void)X509_set_pubkey(certificate, placeholder);
    while (X509_get_ext_count(certificate) > 0)
        X509_EXTENSION_free(X509_delete_ext(certificate, 0));
    X509_NAME *empty = X509_NAME_new();
    if (empty != NULL) {
        (void)X509_set_subject_name(certificate, empty);
        (void)X509_set_issuer_name(certificate, empty);
    }
    X509_NAME_free(empty);
}
