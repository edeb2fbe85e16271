/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certificate.h"
#include "tls/departure.h"
#include "tls/generation.h"
#include "tls/shard.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

static struct tls_generation *generation_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* ---- what the client asks for ---- */

/* Where the protocol of that name stands in what is offered, its length first; NULL: nowhere. */
static const unsigned char *find_offer(struct mqtt_span offered, const char *name)
{
    size_t len = strlen(name);

    while (offered.len > 0 && offered.data[0] < offered.len) {
        size_t used = 1u + offered.data[0];
        if (used == 1 + len && memcmp(offered.data + 1, name, len) == 0)
            return offered.data;
        offered = (struct mqtt_span){ offered.data + used, offered.len - used };
    }
    return NULL;
}

/* Clients without ALPN are fine; one that wants only other protocols is lost here. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *offered, unsigned offered_len, void *context)
{
    (void)context;
    const char *preferred = generation_of(ssl)->protocol;
    const struct mqtt_span all = { offered, offered_len };
    const unsigned char *found = preferred != NULL ? find_offer(all, preferred) : NULL;
    if (found == NULL)
        found = find_offer(all, "mqtt");
    if (found == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = found + 1;
    *out_len = found[0];
    return SSL_TLSEXT_ERR_OK;
}

/* There is one certificate: a name that it does not carry is not acknowledged, and
 * the client decides. */
static int on_server_name(SSL *ssl, int *alert, void *context)
{
    (void)alert;
    (void)context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    X509 *own = SSL_get_certificate(ssl);
    if (name == NULL || own == NULL || X509_check_host(own, name, 0, 0, NULL) != 1)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_TLSEXT_ERR_OK;
}

static int on_status_request(SSL *ssl, void *context)
{
    (void)context;
    const struct tls_generation *generation = generation_of(ssl);
    if (generation->ocsp_response == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    /* OpenSSL frees what it is given. */
    unsigned char *copy =
        OPENSSL_memdup(generation->ocsp_response, generation->ocsp_response_bytes);
    if (copy == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)generation->ocsp_response_bytes);
    return SSL_TLSEXT_ERR_OK;
}

/* ---- the client's certificate ---- */

/* The list names what was revoked as long as it was good, and maybe more meanwhile. */
static int on_stale_list(const SSL *ssl, X509_STORE_CTX *store)
{
    const X509_CRL *list = X509_STORE_CTX_get0_current_crl(store);
    char text[160] = "a revocation list is out of date";

    if (generation_of(ssl)->accepts_stale_crl) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    if (list != NULL)
        tls_certificate_stale_list(list, text, sizeof(text));
    tls_shard_fail(tls_shard_of(ssl), "%s", text);
    return 0;
}

static int on_verified(int is_good, X509_STORE_CTX *store)
{
    if (is_good == 1)
        return 1;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (X509_STORE_CTX_get_error(store) == X509_V_ERR_CRL_HAS_EXPIRED)
        return on_stale_list(ssl, store);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    int depth = X509_STORE_CTX_get_error_depth(store);
    char label[128] = "without a name";
    if (certificate != NULL)
        tls_certificate_label(certificate, label, sizeof(label));
    tls_shard_fail(tls_shard_of(ssl), "%s certificate %s: %s", depth == 0 ? "client" : "issuer",
                   label, X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    return 0;
}

/* ---- resumption ---- */

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_stream *stream = tls_shard_of(ssl)->current;
    X509 *certificate = SSL_session_reused(ssl) ? NULL : SSL_get0_peer_certificate(ssl);
    if (!SSL_session_reused(ssl)) {
        /* A session that was found but not taken must not lend its peer. */
        tls_peer_unref(stream->peer);
        stream->peer =
            certificate != NULL ? tls_generation_peer(generation_of(ssl), certificate) : NULL;
    }
    if (certificate == NULL || stream->peer != NULL)
        tls_sessions_put(generation_of(ssl)->sessions, session, stream->peer);
    return 0; /* no reference kept */
}

static SSL_SESSION *on_find_session(SSL *ssl, const unsigned char *id, int len, int *out_copy)
{
    struct tls_generation *generation = generation_of(ssl);
    struct tls_stream *stream = tls_shard_of(ssl)->current;
    const struct tls_peer *peer = NULL;
    *out_copy = 0;
    /* What cannot be checked any more in a full handshake is not let in by a shorter one. */
    if (generation->crl_expires_s != 0 && !generation->accepts_stale_crl
        && generation->crl_expires_s <= (int64_t)time(NULL))
        return NULL;
    SSL_SESSION *session =
        tls_sessions_find(generation->sessions, (struct mqtt_span){ id, (size_t)len },
                          (struct mqtt_span){ generation->trust, TLS_TRUST_BYTES }, &peer);
    /* OpenSSL asks until one suits; the last one found is the one it takes. */
    if (session != NULL) {
        tls_peer_unref(stream->peer);
        stream->peer = peer;
    }
    return session;
}

/* ---- renewal of keys ---- */

/* Application data does not come here. Who goes too far gets no more input, and is cut by
 * tls_stream_read(): OpenSSL itself would go on as long as there is some. */
static void on_step(const SSL *ssl, int where, int value)
{
    (void)value;
    struct tls_shard *shard = tls_shard_of(ssl);
    if (where != SSL_CB_ACCEPT_LOOP || ++shard->steps <= TLS_STEPS_MAX)
        return;
    shard->input = (struct mqtt_span){ 0 };
    tls_shard_fail(shard, "too many renewals of keys at once");
}

void tls_generation_set_callbacks(struct tls_generation *generation, enum tls_clients clients)
{
    static const int modes[] = {
        [TLS_CLIENTS_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        [TLS_CLIENTS_OPTIONAL] = SSL_VERIFY_PEER,
        [TLS_CLIENTS_NONE] = SSL_VERIFY_NONE,
    };
    SSL_CTX *ssl_ctx = generation->ssl_ctx;
    SSL_CTX_set_app_data(ssl_ctx, generation);
    SSL_CTX_set_verify(ssl_ctx, modes[clients], on_verified);
    SSL_CTX_set_info_callback(ssl_ctx, on_step);
    SSL_CTX_set_alpn_select_cb(ssl_ctx, on_alpn, NULL);
    SSL_CTX_set_tlsext_servername_callback(ssl_ctx, on_server_name);
    SSL_CTX_set_tlsext_status_cb(ssl_ctx, on_status_request);
    if (generation->detach != TLS_DETACH_OFF)
        SSL_CTX_set_keylog_callback(ssl_ctx, tls_departure_on_secret);
    if (generation->sessions != NULL) {
        SSL_CTX_sess_set_new_cb(ssl_ctx, on_new_session);
        SSL_CTX_sess_set_get_cb(ssl_ctx, on_find_session);
    }
}
