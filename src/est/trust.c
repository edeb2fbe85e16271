/* SPDX-License-Identifier: Apache-2.0 */
#include "est/trust.h"

#include "pki/base64.h"
#include "pki/certificate.h"
#include "vault/vault.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_FILE_MAX_BYTES 65536
#define SUITES_1_2         "ECDHE+AESGCM:ECDHE+CHACHA20"

struct est_trust {
    SSL_CTX *context;
    STACK_OF(X509) * authorities;
    STACK_OF(X509) * *manufacturers; /* one for each of the options' */
    size_t manufacturer_count;
    char *answer;
    struct stat seen; /* the file of the server's certificate */
};

/* ---- files ---- */

static int read_all(const char *path, STACK_OF(X509) * out, struct pki_fault *fault)
{
    BIO *file = BIO_new_file(path, "re");
    int error = 0;

    if (file == NULL)
        return pki_fail_crypto(fault, -ENOENT, "%s: cannot read the certificates", path);
    for (X509 *one = PEM_read_bio_X509(file, NULL, NULL, NULL); one != NULL && error == 0;
         one = PEM_read_bio_X509(file, NULL, NULL, NULL))
        if (sk_X509_push(out, one) == 0) {
            X509_free(one);
            error = -ENOMEM;
        }
    BIO_free(file);
    ERR_clear_error();
    if (error == 0 && sk_X509_num(out) == 0)
        error = pki_fail(fault, -EBADMSG, "%s: no certificate in PEM", path);
    return error;
}

static int trust_all(SSL_CTX *context, STACK_OF(X509) * authorities)
{
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        X509 *one = sk_X509_value(authorities, i);
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one) != 1
            || SSL_CTX_add_client_CA(context, one) != 1)
            return -ENOMEM;
    }
    return 0;
}

/* ---- TLS ---- */

static bool use_key(SSL_CTX *context, const char *path)
{
    uint8_t *pem = NULL;
    size_t len = 0;

    if (vault_read(path, KEY_FILE_MAX_BYTES, &pem, &len) != 0)
        return false;
    EVP_PKEY *key = vault_key((struct mqtt_span){ pem, len }, NULL, NULL);
    vault_free(pem);
    bool is_used = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    return is_used;
}

static int own_certificate(struct est_trust *trust, const struct est_options *options,
                           struct pki_fault *fault)
{
    /* Before it is read: what is written meanwhile counts as a change. */
    if (stat(options->certificate_path, &trust->seen) < 0)
        return pki_fail(fault, -errno, "%s: %s", options->certificate_path, strerror(errno));
    if (SSL_CTX_use_certificate_chain_file(trust->context, options->certificate_path) != 1)
        return pki_fail_crypto(fault, -EBADMSG, "%s: no certificate for a server",
                               options->certificate_path);
    if (!use_key(trust->context, options->key_path)
        || SSL_CTX_check_private_key(trust->context) != 1)
        return pki_fail_crypto(fault, -EBADMSG, "%s is not the key of %s", options->key_path,
                               options->certificate_path);
    return 0;
}

/* TLS 1.3 and 1.2, forward secrecy, nothing to resume. A certificate is asked for and not needed;
 * est_trust_judge() says what is wrong with one, which an alert could not. */
static int make_context(struct est_trust *trust, const struct est_options *options,
                        struct pki_fault *fault)
{
    trust->context = SSL_CTX_new(TLS_server_method());
    if (trust->context == NULL)
        return -ENOMEM;
    SSL_CTX_set_options(trust->context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION
                                            | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(trust->context, SSL_SESS_CACHE_OFF);
    X509_STORE_set_flags(SSL_CTX_get_cert_store(trust->context), X509_V_FLAG_PARTIAL_CHAIN);
    if (SSL_CTX_set_min_proto_version(trust->context, TLS1_2_VERSION) != 1
        || SSL_CTX_set_cipher_list(trust->context, SUITES_1_2) != 1
        || SSL_CTX_set_num_tickets(trust->context, 0) != 1)
        return pki_fail_crypto(fault, -EIO, "TLS cannot be set up");
    int error = own_certificate(trust, options, fault);
    if (error == 0)
        error = trust_all(trust->context, trust->authorities);
    for (size_t i = 0; i < trust->manufacturer_count && error == 0; i++)
        error = trust_all(trust->context, trust->manufacturers[i]);
    return error;
}

/* ---- PKCS#7 with nothing but certificates ---- */

static PKCS7 *wrap(STACK_OF(X509) * certificates)
{
    PKCS7 *message = PKCS7_new();
    bool is_good = message != NULL && PKCS7_set_type(message, NID_pkcs7_signed) == 1
                   && PKCS7_content_new(message, NID_pkcs7_data) == 1
                   && PKCS7_set_detached(message, 1) == 1;

    for (int i = 0; is_good && i < sk_X509_num(certificates); i++)
        is_good = PKCS7_add_certificate(message, sk_X509_value(certificates, i)) == 1;
    if (is_good)
        return message;
    PKCS7_free(message);
    ERR_clear_error();
    return NULL;
}

static char *encode(STACK_OF(X509) * certificates)
{
    PKCS7 *message = wrap(certificates);
    uint8_t *der = NULL;
    int len = message != NULL ? i2d_PKCS7(message, &der) : -1;
    char *text = len > 0 ? base64_encode_lines((struct mqtt_span){ der, (size_t)len }) : NULL;

    OPENSSL_free(der);
    PKCS7_free(message);
    return text;
}

char *est_trust_encode(struct x509_st *certificate)
{
    STACK_OF(X509) *one = sk_X509_new_null();
    char *text = one != NULL && sk_X509_push(one, certificate) > 0 ? encode(one) : NULL;

    sk_X509_free(one);
    return text;
}

/* ---- the whole ---- */

static int load(struct est_trust *trust, const struct est_options *options, struct pki_fault *fault)
{
    int error = 0;

    trust->authorities = sk_X509_new_null();
    trust->manufacturers = calloc(options->manufacturer_count + 1, sizeof(trust->manufacturers[0]));
    if (trust->authorities == NULL || trust->manufacturers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < options->authority_count && error == 0; i++)
        error = read_all(options->authority_paths[i], trust->authorities, fault);
    for (size_t i = 0; i < options->manufacturer_count && error == 0; i++) {
        trust->manufacturers[i] = sk_X509_new_null();
        trust->manufacturer_count++;
        error = trust->manufacturers[i] == NULL
                    ? -ENOMEM
                    : read_all(options->manufacturers[i].ca_path, trust->manufacturers[i], fault);
    }
    if (error == 0)
        error = make_context(trust, options, fault);
    if (error < 0)
        return error;
    trust->answer = encode(trust->authorities);
    return trust->answer != NULL ? 0 : -ENOMEM;
}

int est_trust_new(const struct est_options *options, struct est_trust **out,
                  struct pki_fault *fault)
{
    struct est_trust *trust = calloc(1, sizeof(*trust));

    if (trust == NULL)
        return -ENOMEM;
    int error = load(trust, options, fault);
    if (error < 0) {
        est_trust_free(trust);
        return error;
    }
    *out = trust;
    return 0;
}

void est_trust_free(struct est_trust *trust)
{
    if (trust == NULL)
        return;
    SSL_CTX_free(trust->context);
    sk_X509_pop_free(trust->authorities, X509_free);
    for (size_t i = 0; i < trust->manufacturer_count; i++)
        sk_X509_pop_free(trust->manufacturers[i], X509_free);
    free(trust->manufacturers);
    free(trust->answer);
    free(trust);
}

bool est_trust_is_stale(const struct est_trust *trust, const struct est_options *options)
{
    struct stat now;

    return stat(options->certificate_path, &now) == 0
           && (now.st_ino != trust->seen.st_ino || now.st_size != trust->seen.st_size
               || now.st_mtim.tv_sec != trust->seen.st_mtim.tv_sec
               || now.st_mtim.tv_nsec != trust->seen.st_mtim.tv_nsec);
}

struct ssl_ctx_st *est_trust_context(const struct est_trust *trust)
{
    return trust->context;
}

const char *est_trust_authorities(const struct est_trust *trust)
{
    return trust->answer;
}

/* ---- who is it? ---- */

static void refuse(struct est_peer *out, const char *why)
{
    out->kind = EST_PEER_BAD;
    (void)snprintf(out->why, sizeof(out->why), "the client certificate is not accepted: %s", why);
}

static bool has(STACK_OF(X509) * certificates, const X509 *one)
{
    for (int i = 0; i < sk_X509_num(certificates); i++)
        if (X509_cmp(sk_X509_value(certificates, i), one) == 0)
            return true;
    return false;
}

static void judge_ours(X509 *certificate, struct est_peer *out)
{
    struct certificate_facts facts;
    struct certificate *handle =
        X509_up_ref(certificate) == 1 ? certificate_take(certificate) : NULL;
    int error = handle != NULL ? certificate_facts_of(handle, &facts, NULL) : -ENOMEM;

    certificate_free(handle);
    if (error == 0)
        error = identity_uri_parse(span_of(facts.uri), &out->uri);
    if (error < 0) {
        refuse(out, "it names no device");
        return;
    }
    out->kind = EST_PEER_OURS;
    memcpy(out->fingerprint, facts.registered.fingerprint, sizeof(out->fingerprint));
    memcpy(out->key_sha256, facts.key_sha256, sizeof(out->key_sha256));
}

/* The text of one attribute of the subject. False: there is none, or not one that we could use. */
static bool read_attribute(X509 *certificate, int nid, char *out, size_t size)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, nid, -1);
    uint8_t *text = NULL;

    if (at < 0)
        return false;
    int len =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    bool is_good = len > 0 && (size_t)len < size && memchr(text, 0, (size_t)len) == NULL;
    if (is_good) {
        memcpy(out, text, (size_t)len);
        out[len] = '\0';
    }
    OPENSSL_free(text);
    ERR_clear_error();
    return is_good;
}

/* The serial number of the device (IEEE 802.1AR), else that of its certificate. */
static bool read_serial(X509 *certificate, char out[EST_TRUST_SERIAL_SIZE])
{
    if (read_attribute(certificate, NID_serialNumber, out, EST_TRUST_SERIAL_SIZE))
        return true;
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number != NULL ? BN_bn2hex(number) : NULL;
    bool is_good = hex != NULL && strlen(hex) < EST_TRUST_SERIAL_SIZE;
    if (is_good)
        memcpy(out, hex, strlen(hex) + 1);
    OPENSSL_free(hex);
    BN_free(number);
    return is_good;
}

/* Puts what the certificate says into the name that the configuration wants. */
static bool expand(const char *pattern, const char *serial, const char *common_name,
                   char out[IDENTITY_URI_NAME_SIZE])
{
    const char *at = strchr(pattern, '%');
    const char *end = at != NULL ? strchr(at, '}') : NULL;

    if (end == NULL)
        return false;
    const char *value = strncmp(at, "%{serial}", 9) == 0 ? serial : common_name;
    int len = snprintf(out, IDENTITY_URI_NAME_SIZE, "%.*s%s%s", (int)(at - pattern), pattern, value,
                       end + 1);
    return value[0] != '\0' && len < IDENTITY_URI_NAME_SIZE && identity_uri_name_is_valid(out);
}

/* Who made it and its serial number: what does not change when it gets another certificate. */
static bool mark_of(const char *manufacturer, const char *serial, uint8_t out[TOKEN_HASH_BYTES])
{
    char text[512];
    int len = snprintf(text, sizeof(text), "manufacturer %s serial %s", manufacturer, serial);

    return len > 0 && (size_t)len < sizeof(text)
           && EVP_Digest(text, (size_t)len, out, NULL, EVP_sha256(), NULL) == 1;
}

static void judge_device(X509 *certificate, const struct est_manufacturer *manufacturer,
                         struct est_peer *out)
{
    char serial[EST_TRUST_SERIAL_SIZE] = "";
    char common_name[EST_TRUST_SERIAL_SIZE] = "";

    (void)read_attribute(certificate, NID_commonName, common_name, sizeof(common_name));
    if (!read_serial(certificate, serial) || !mark_of(manufacturer->name, serial, out->mark)) {
        refuse(out, "it has no serial number");
        return;
    }
    if (!expand(manufacturer->device_name, serial, common_name, out->device_name)) {
        refuse(out, "what it calls the device cannot be the name of one here");
        return;
    }
    out->kind = EST_PEER_MANUFACTURER;
    out->manufacturer = manufacturer;
}

void est_trust_judge(const struct est_trust *trust, const struct est_options *options,
                     const struct ssl_st *ssl, int verify_error, struct est_peer *out)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

    *out = (struct est_peer){ .kind = EST_PEER_NONE };
    if (certificate == NULL)
        return;
    if (verify_error == X509_V_OK)
        verify_error = (int)SSL_get_verify_result(ssl);
    if (verify_error != X509_V_OK || sk_X509_num(chain) < 2) {
        refuse(out, verify_error != X509_V_OK ? X509_verify_cert_error_string(verify_error)
                                              : "it is an authority itself");
        return;
    }
    const X509 *top = sk_X509_value(chain, sk_X509_num(chain) - 1);
    if (has(trust->authorities, top)) {
        judge_ours(certificate, out);
        return;
    }
    for (size_t i = 0; i < trust->manufacturer_count; i++)
        if (has(trust->manufacturers[i], top)) {
            judge_device(certificate, &options->manufacturers[i], out);
            return;
        }
    refuse(out, "its authority is none of those that may vouch for devices");
}
