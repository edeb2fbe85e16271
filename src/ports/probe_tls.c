/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/probe_state.h"
#include "ports/signing_key.h"

#include <tacit/posix.h>

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last reason on OpenSSL's error queue, which is emptied. */
static const char *reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return text != NULL ? text : "TLS failed";
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tacit_probe *probe = SSL_get_app_data(ssl);

    SSL_SESSION_free(probe->session);
    probe->session = session;
    return 1; /* the reference is ours now */
}

/* A server that chooses says so in its hello, even if it asks for a certificate next and ends the
 * handshake because there is none: that is how an examiner without one sees what it offers. */
static void on_state(const SSL *ssl, int where, int result)
{
    struct tacit_probe *probe = SSL_get_app_data(ssl);

    (void)result;
    if (where == SSL_CB_CONNECT_LOOP && SSL_get_state(ssl) == TLS_ST_CR_SRVR_HELLO)
        probe->has_hello = true;
}

static int openssl_version(enum tacit_probe_version version)
{
    switch (version) {
    case TACIT_PROBE_TLS_ANY:
        return 0;
    case TACIT_PROBE_TLS_1_0:
        return TLS1_VERSION;
    case TACIT_PROBE_TLS_1_1:
        return TLS1_1_VERSION;
    case TACIT_PROBE_TLS_1_2:
        return TLS1_2_VERSION;
    case TACIT_PROBE_TLS_1_3:
        return TLS1_3_VERSION;
    }
    return 0;
}

static bool set_offer(SSL_CTX *context, const struct tacit_probe_tls_options *options)
{
    int version = openssl_version(options->only);

    /* What nobody should use any more is offered on purpose: whether the server takes it is asked. */
    if (version != 0 || options->ciphers != NULL)
        SSL_CTX_set_security_level(context, 0);
    return SSL_CTX_set_min_proto_version(context, version) == 1
           && SSL_CTX_set_max_proto_version(context, version) == 1
           && (options->ciphers == NULL || SSL_CTX_set_cipher_list(context, options->ciphers) == 1);
}

static bool use_key(SSL_CTX *context, const struct tacit_probe_tls_options *options, EVP_PKEY *hook)
{
    return hook != NULL
               ? SSL_CTX_use_PrivateKey(context, hook) == 1
               : SSL_CTX_use_PrivateKey_file(context, options->key_file, SSL_FILETYPE_PEM) == 1;
}

static bool load_files(SSL_CTX *context, const struct tacit_probe_tls_options *options,
                       EVP_PKEY *hook, const char **out_culprit)
{
    int trusts = options->ca_file != NULL ? SSL_CTX_load_verify_file(context, options->ca_file)
                                          : SSL_CTX_set_default_verify_paths(context);

    if (trusts != 1)
        *out_culprit = options->ca_file != NULL ? options->ca_file : "the CAs of the system";
    else if (options->certificate_file != NULL
             && SSL_CTX_use_certificate_chain_file(context, options->certificate_file) != 1)
        *out_culprit = options->certificate_file;
    else if (options->certificate_file != NULL && !use_key(context, options, hook))
        *out_culprit = options->key_file;
    else
        return true;
    return false;
}

struct tacit_probe_tls *tacit_probe_tls_new(const struct tacit_probe_tls_options *options,
                                            char error[TACIT_PROBE_ERROR_SIZE])
{
    struct tacit_probe_tls *tls = calloc(1, sizeof(*tls));
    const char *culprit = "TLS";
    EVP_PKEY *hook = options->key != NULL ? tacit_signing_key_new(options->key) : NULL;
    bool has_key = options->key == NULL || hook != NULL;

    ERR_clear_error();
    if (tls != NULL)
        tls->context = SSL_CTX_new(TLS_client_method());
    bool is_loaded = has_key && tls != NULL && tls->context != NULL
                     && set_offer(tls->context, options)
                     && load_files(tls->context, options, hook, &culprit);
    EVP_PKEY_free(hook); /* the context has a reference of its own */
    if (is_loaded) {
        SSL_CTX_set_verify(tls->context, options->must_verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                           NULL);
        (void)SSL_CTX_set_mode(tls->context,
                               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        (void)SSL_CTX_set_session_cache_mode(tls->context,
                                             SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(tls->context, keep_session);
        return tls;
    }
    (void)snprintf(error, TACIT_PROBE_ERROR_SIZE, "%.120s: %s", culprit, reason());
    tacit_probe_tls_free(tls);
    return NULL;
}

void tacit_probe_tls_free(struct tacit_probe_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

static bool expect_host(SSL *ssl, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    char name[TLSEXT_MAXLEN_host_name + 1]; /* OpenSSL only reads it, and is not const-correct */

    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    int len = snprintf(name, sizeof(name), "%s", host);
    return len > 0 && (size_t)len < sizeof(name) && SSL_set1_host(ssl, name) == 1
           && SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* What a call that did not succeed means: 0 after waiting for what it wants, else why not. */
static int wait_or_fail(struct tacit_probe *probe, int result, uint64_t end_ms)
{
    int why = SSL_get_error(probe->ssl, result);
    long verified = SSL_get_verify_result(probe->ssl);

    if (why == SSL_ERROR_WANT_READ)
        return tacit_probe_wait(probe, POLLIN, end_ms);
    if (why == SSL_ERROR_WANT_WRITE)
        return tacit_probe_wait(probe, POLLOUT, end_ms);
    bool is_over = why == SSL_ERROR_ZERO_RETURN || why == SSL_ERROR_SYSCALL;
    const char *text = is_over ? "the server closed the connection" : reason();
    if ((SSL_get_verify_mode(probe->ssl) & SSL_VERIFY_PEER) != 0 && verified != X509_V_OK)
        text = X509_verify_cert_error_string(verified);
    else if (why == SSL_ERROR_SSL && strstr(text, "unexpected eof") != NULL)
        is_over = true;
    (void)snprintf(probe->error, sizeof(probe->error), "%s", text);
    ERR_clear_error();
    return is_over ? -ECONNRESET : -EPROTO;
}

int tacit_probe_handshake(struct tacit_probe *probe, struct tacit_probe_tls *tls, const char *host,
                          const struct tacit_probe *earlier, uint32_t timeout_ms)
{
    uint64_t end_ms = tacit_posix_now_ms() + timeout_ms;
    SSL *ssl = SSL_new(tls->context);

    ERR_clear_error();
    if (ssl == NULL || !expect_host(ssl, host) || SSL_set_fd(ssl, probe->fd) != 1) {
        SSL_free(ssl);
        return -ENOMEM;
    }
    SSL_set_app_data(ssl, probe);
    SSL_set_info_callback(ssl, on_state);
    if (earlier != NULL && earlier->session != NULL)
        (void)SSL_set_session(ssl, earlier->session);
    probe->ssl = ssl;
    for (;;) {
        int result = SSL_connect(ssl);
        int failed = result == 1 ? 0 : wait_or_fail(probe, result, end_ms);
        if (result == 1 || failed < 0)
            return failed;
    }
}

int tacit_probe_renegotiate(struct tacit_probe *probe, uint32_t timeout_ms)
{
    uint64_t end_ms = tacit_posix_now_ms() + timeout_ms;

    ERR_clear_error();
    if (SSL_renegotiate(probe->ssl) != 1)
        return -EPROTO;
    for (;;) {
        int result = SSL_do_handshake(probe->ssl);
        int failed = result == 1 ? 0 : wait_or_fail(probe, result, end_ms);
        if (failed < 0)
            return failed;
        /* The first call sends our hello and succeeds at once; the handshake is pending until the
         * server has answered. */
        if (result == 1 && SSL_renegotiate_pending(probe->ssl) == 0)
            return 0;
    }
}

/* One call of SSL_write() or SSL_read() moved so many bytes, or none. False: the next one may. */
static bool is_through(struct tacit_probe *probe, int moved, uint64_t end_ms, int64_t *out)
{
    int failed = moved > 0 ? 0 : wait_or_fail(probe, moved, end_ms);

    *out = moved > 0 ? moved : failed == -ETIMEDOUT ? 0 : failed;
    return moved > 0 || failed < 0;
}

int64_t tacit_probe_tls_send(struct tacit_probe *probe, const void *bytes, size_t len,
                             uint64_t end_ms)
{
    int64_t result = 0;
    int sent = 0;

    do {
        ERR_clear_error();
        sent = SSL_write(probe->ssl, bytes, len < INT32_MAX ? (int)len : INT32_MAX);
    } while (!is_through(probe, sent, end_ms, &result));
    return result;
}

int64_t tacit_probe_tls_receive(struct tacit_probe *probe, void *out, size_t size, uint64_t end_ms)
{
    int64_t result = 0;
    int got = 0;

    do {
        ERR_clear_error();
        got = SSL_read(probe->ssl, out, size < INT32_MAX ? (int)size : INT32_MAX);
    } while (!is_through(probe, got, end_ms, &result));
    return result;
}

void tacit_probe_facts(const struct tacit_probe *probe, struct tacit_probe_facts *out)
{
    *out = (struct tacit_probe_facts){ .has_hello = probe->has_hello };
    if (probe->ssl == NULL)
        return;
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(probe->ssl);
    if (cipher == NULL)
        cipher = SSL_get_current_cipher(probe->ssl);
    (void)snprintf(out->version, sizeof(out->version), "%s", SSL_get_version(probe->ssl));
    (void)snprintf(out->cipher, sizeof(out->cipher), "%s",
                   cipher != NULL ? SSL_CIPHER_get_name(cipher) : "");
    out->is_resumed = SSL_session_reused(probe->ssl) == 1;
}
