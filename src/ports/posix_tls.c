/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/posix.h"

#include "ports/posix_unverified.h"
#include "ports/signing_key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The deepest reason on OpenSSL's error queue, which is emptied. */
static const char *openssl_reason(void)
{
    const char *reason = NULL;
    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error())
        if (reason == NULL)
            reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
                                            : ERR_reason_error_string(code);
    return reason != NULL ? reason : "unknown TLS error";
}

/* A session ticket came: the next connect resumes it, without a key operation. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tacit_posix *posix = SSL_get_app_data(ssl);
    SSL_SESSION_free(posix->session);
    posix->session = session;
    return 1; /* the reference is ours now */
}

/* The hook, if there is one: the file is not looked at then. */
static bool use_key(SSL_CTX *context, EVP_PKEY *hook, const char *key_file)
{
    return hook != NULL ? SSL_CTX_use_PrivateKey(context, hook) == 1
                        : SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1;
}

static bool load_identity(SSL_CTX *context, const struct tacit_tls_options *options, EVP_PKEY *hook,
                          char *error, size_t error_size)
{
    const char *certificate = options->certificate_file;
    const char *key = options->key_file;
    const char *culprit = NULL;
    if (hook != NULL && key == NULL)
        key = "the key";
    if (certificate == NULL && key == NULL)
        return true;
    if (certificate == NULL || key == NULL) {
        (void)snprintf(error, error_size, "a certificate and its key go together");
        return false;
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        culprit = certificate;
    else if (!use_key(context, hook, key))
        culprit = key;
    if (culprit != NULL)
        (void)snprintf(error, error_size, "%s: %s", culprit, openssl_reason());
    return culprit == NULL;
}

static bool load_trust(SSL_CTX *context, const char *ca_file, char *error, size_t error_size)
{
    int loaded = ca_file != NULL ? SSL_CTX_load_verify_file(context, ca_file)
                                 : SSL_CTX_set_default_verify_paths(context);
    if (loaded != 1)
        (void)snprintf(error, error_size, "%s: %s", ca_file != NULL ? ca_file : "system CAs",
                       openssl_reason());
    return loaded == 1;
}

/* ALPN, as it goes over the wire. */
static const unsigned char plain_protocols[] = "\x04mqtt";
#define PLAIN_BYTES (sizeof(plain_protocols) - 1)
#define OFFER_BYTES 32u

static void set_rules(SSL_CTX *context, const struct tacit_tls_options *options)
{
    (void)SSL_CTX_set_min_proto_version(context,
                                        options->require_tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    (void)SSL_CTX_set_alpn_protos(context, plain_protocols, PLAIN_BYTES);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE
                                        | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                        | SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
}

struct tacit_tls *tacit_tls_new(const struct tacit_tls_options *options, char *error,
                                size_t error_size)
{
    struct tacit_tls *tls = calloc(1, sizeof(*tls));
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    EVP_PKEY *hook = options->key != NULL ? tacit_signing_key_new(options->key) : NULL;
    ERR_clear_error();
    if (tls == NULL || context == NULL || (options->key != NULL && hook == NULL)) {
        (void)snprintf(error, error_size, "out of memory");
        goto failed;
    }
    set_rules(context, options);
    if (!load_trust(context, options->ca_file, error, error_size)
        || !load_identity(context, options, hook, error, error_size))
        goto failed;
    EVP_PKEY_free(hook); /* the context has a reference of its own */
    tls->context = context;
    return tls;
failed:
    EVP_PKEY_free(hook);
    SSL_CTX_free(context);
    free(tls);
    return NULL;
}

struct tacit_tls *tacit_tls_unverified_new(char *error, size_t error_size)
{
    const struct tacit_tls_options options = { .require_tls_1_3 = false };
    struct tacit_tls *tls = calloc(1, sizeof(*tls));
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (tls == NULL || context == NULL) {
        (void)snprintf(error, error_size, "out of memory");
        SSL_CTX_free(context);
        free(tls);
        return NULL;
    }
    set_rules(context, &options);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    tls->context = context;
    return tls;
}

void tacit_tls_free(struct tacit_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

/* Whom we expect: an address must stand in the certificate as an address. */
static bool expect_host(SSL *ssl, char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* What begins every connection of the context, with the offer before it. */
static bool offer(SSL *ssl, const char *protocol)
{
    unsigned char wire[1 + OFFER_BYTES + sizeof(plain_protocols)];
    size_t len = strnlen(protocol, OFFER_BYTES);

    wire[0] = (unsigned char)len;
    memcpy(wire + 1, protocol, len);
    memcpy(wire + 1 + len, plain_protocols, PLAIN_BYTES);
    return SSL_set_alpn_protos(ssl, wire, (unsigned)(1 + len + PLAIN_BYTES)) == 0;
}

static bool begin(struct tacit_posix *posix)
{
    SSL *ssl = SSL_new(posix->tls->context);
    if (ssl == NULL || !expect_host(ssl, posix->host) || SSL_set_fd(ssl, posix->fd) != 1
        || (posix->offer != NULL && !offer(ssl, posix->offer))) {
        SSL_free(ssl);
        return false;
    }
    SSL_set_app_data(ssl, posix);
    if (posix->session != NULL)
        (void)SSL_set_session(ssl, posix->session);
    posix->ssl = ssl;
    return true;
}

/* What an SSL call that did not succeed means: 0 for "later", or a status. */
static int verdict(struct tacit_posix *posix, int result)
{
    int why = SSL_get_error(posix->ssl, result);
    posix->wants_write = why == SSL_ERROR_WANT_WRITE;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;
    long verified = SSL_get_verify_result(posix->ssl);
    if (verified != X509_V_OK) {
        tacit_posix_complain(posix, "%s: the server's certificate is not accepted: %s", posix->host,
                             X509_verify_cert_error_string(verified));
        return TACIT_KEY;
    }
    if (why == SSL_ERROR_ZERO_RETURN || (why == SSL_ERROR_SYSCALL && errno == 0)) {
        tacit_posix_complain(posix, "%s: the server closed the connection", posix->host);
        return TACIT_IO;
    }
    tacit_posix_complain(posix, "%s: %s", posix->host,
                         why == SSL_ERROR_SYSCALL ? strerror(errno) : openssl_reason());
    return why == SSL_ERROR_SSL && posix->state == TACIT_POSIX_HANDSHAKING ? TACIT_KEY : TACIT_IO;
}

int tacit_tls_handshake(struct tacit_posix *posix)
{
    if (posix->ssl == NULL && !begin(posix)) {
        tacit_posix_complain(posix, "%s: %s", posix->host, openssl_reason());
        return TACIT_IO;
    }
    ERR_clear_error();
    errno = 0;
    int result = SSL_connect(posix->ssl);
    if (result == 1) {
        posix->wants_write = false;
        return TACIT_OK;
    }
    int status = verdict(posix, result);
    return status == 0 ? TACIT_AGAIN : status;
}

void tacit_tls_close(struct tacit_posix *posix)
{
    if (posix->ssl == NULL)
        return;
    ERR_clear_error();
    if (posix->state == TACIT_POSIX_UP)
        (void)SSL_shutdown(posix->ssl); /* says goodbye; the answer is not awaited */
    SSL_free(posix->ssl);
    posix->ssl = NULL;
    ERR_clear_error();
}

void tacit_tls_forget(struct tacit_posix *posix)
{
    SSL_SESSION_free(posix->session);
    posix->session = NULL;
}

/* One record: the pieces are put together first, up to what a record holds. A write
 * that must be repeated starts with the same bytes, which is all OpenSSL asks. */
int tacit_tls_send(struct tacit_posix *posix, const struct tacit_bytes *pieces, unsigned count)
{
    unsigned char record[TACIT_RECORD_BYTES];
    const void *bytes = pieces[0].data;
    size_t len = pieces[0].len < sizeof(record) ? pieces[0].len : sizeof(record);
    if (count > 1 && len < sizeof(record)) {
        len = 0;
        for (unsigned i = 0; i < count; i++) {
            size_t room = sizeof(record) - len;
            size_t part = pieces[i].len < room ? pieces[i].len : room;
            memcpy(record + len, pieces[i].data, part);
            len += part;
        }
        bytes = record;
    }
    ERR_clear_error();
    errno = 0;
    int sent = SSL_write(posix->ssl, bytes, (int)len);
    if (sent <= 0)
        return verdict(posix, sent);
    posix->wants_write = false;
    return sent;
}

int tacit_tls_receive(struct tacit_posix *posix, void *out, size_t size)
{
    bool wanted_write = posix->wants_write;
    ERR_clear_error();
    errno = 0;
    int got = SSL_read(posix->ssl, out, size < INT32_MAX ? (int)size : INT32_MAX);
    if (got > 0)
        return got;
    int status = verdict(posix, got);
    posix->wants_write |= wanted_write;
    return status;
}

void tacit_posix_offer(struct tacit_posix *posix, const char *protocol)
{
    posix->offer = protocol;
}

bool tacit_posix_agrees(const struct tacit_posix *posix, const char *protocol)
{
    const unsigned char *chosen = NULL;
    unsigned len = 0;

    if (posix->ssl != NULL)
        SSL_get0_alpn_selected(posix->ssl, &chosen, &len);
    return len == strlen(protocol) && len > 0 && memcmp(chosen, protocol, len) == 0;
}

int tacit_posix_export(const struct tacit_posix *posix, const char *label, uint8_t *out, size_t len)
{
    if (posix->ssl == NULL || posix->state != TACIT_POSIX_UP
        || SSL_export_keying_material(posix->ssl, out, len, label, strlen(label), NULL, 0, 0) != 1)
        return TACIT_KEY;
    return TACIT_OK;
}

int tacit_posix_hmac(const uint8_t key[32], struct tacit_bytes data, uint8_t out[32])
{
    unsigned len = 0;
    return HMAC(EVP_sha256(), key, 32, data.data, data.len, out, &len) != NULL ? TACIT_OK
                                                                               : TACIT_KEY;
}
