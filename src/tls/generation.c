/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/generation.h"

#include "tls/credentials.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_LIFETIME_S 7200

/* AES-128 first: devices have it in hardware, and so have we; a client that prefers
 * ChaCha20 because it has not gets that (SSL_OP_PRIORITIZE_CHACHA). */
static const char suites_1_3[] = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
                                 "TLS_AES_256_GCM_SHA384";
static const char suites_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
                                 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

/* How clients may prove that they have their key; the order is a preference. RSA without PSS is
 * for TLS 1.2. */
#define CLIENT_SIGNATURES                             \
    "ECDSA+SHA256:ed25519:ECDSA+SHA384:ECDSA+SHA512:" \
    "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"

#define SECURITY_LEVEL 2 /* 112 bits: no RSA below 2048, no SHA-1, whatever openssl.cnf says */

static int openssl_failed(struct tls_error *why)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(why->text, sizeof(why->text), "OpenSSL: %s", reason != NULL ? reason : "failed");
    ERR_clear_error();
    return -EINVAL;
}

static bool set_protocol(SSL_CTX *ssl_ctx, bool allow_tls_1_2)
{
    char signatures[] = CLIENT_SIGNATURES; /* OpenSSL asks for one that is not constant */
    int groups[] = { NID_X25519, NID_X9_62_prime256v1 };
    SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                                     | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA
                                     | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_quiet_shutdown(ssl_ctx, 0);
    SSL_CTX_set_security_level(ssl_ctx, SECURITY_LEVEL);
    SSL_CTX_set_max_cert_list(ssl_ctx, TLS_CERTIFICATES_MAX_BYTES);
    SSL_CTX_set_verify_depth(ssl_ctx, TLS_CHAIN_MAX);
    return SSL_CTX_set_min_proto_version(ssl_ctx, allow_tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION)
               == 1
           && SSL_CTX_set_ciphersuites(ssl_ctx, suites_1_3) == 1
           && SSL_CTX_set_cipher_list(ssl_ctx, suites_1_2) == 1
           && SSL_CTX_set1_client_sigalgs_list(ssl_ctx, signatures) == 1
           && SSL_CTX_set1_groups(ssl_ctx, groups, MQTT_ARRAY_LEN(groups)) == 1
           && SSL_CTX_set_max_send_fragment(ssl_ctx, 16384) == 1;
}

/* Tickets name an entry of our cache (stateful), so that they are short and can be
 * forgotten; OpenSSL's own cache would keep each session's parsed certificate. */
static bool set_resumption(struct tls_generation *generation)
{
    SSL_CTX *ssl_ctx = generation->ssl_ctx;
    SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_TICKET);
    bool is_on = generation->sessions != NULL;
    SSL_CTX_set_session_cache_mode(ssl_ctx, is_on
                                                ? SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL
                                                      | SSL_SESS_CACHE_NO_AUTO_CLEAR
                                                : SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_num_tickets(ssl_ctx, is_on ? 1 : 0) == 1
           && SSL_CTX_set_session_id_context(ssl_ctx, generation->trust, TLS_TRUST_BYTES) == 1;
}

static bool choose_sessions(struct tls_generation *generation, const struct tls_options *options,
                            const struct tls_generation *before)
{
    if (options->sessions == 0)
        return true;
    if (before != NULL && before->sessions != NULL
        && memcmp(before->trust, generation->trust, TLS_TRUST_BYTES) == 0) {
        generation->sessions = tls_sessions_ref(before->sessions);
        return true;
    }
    uint32_t lifetime_s = options->session_lifetime_s;
    generation->sessions =
        tls_sessions_new(options->sessions, lifetime_s != 0 ? lifetime_s : DEFAULT_LIFETIME_S);
    return generation->sessions != NULL;
}

/* A time that cannot be read has passed. */
static int64_t expiry_of(const X509_CRL *list)
{
    struct tm parts;
    const ASN1_TIME *until = X509_CRL_get0_nextUpdate(list);

    if (until == NULL)
        return INT64_MAX; /* it never does */
    return ASN1_TIME_to_tm(until, &parts) == 1 ? (int64_t)timegm(&parts) : 1;
}

static int64_t first_expiry(SSL_CTX *ssl_ctx)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ssl_ctx));
    int64_t first_s = 0;

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        const X509_CRL *list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        int64_t expires_s = list != NULL ? expiry_of(list) : 0;
        if (list != NULL && (first_s == 0 || expires_s < first_s))
            first_s = expires_s;
    }
    return first_s;
}

static int load_trust(struct tls_generation *generation, const struct tls_options *options,
                      struct tls_error *why)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    int error = 0;
    if (digest == NULL || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1
        || EVP_DigestUpdate(digest, &options->clients, sizeof(options->clients)) != 1)
        error = openssl_failed(why);
    if (error == 0)
        error = tls_credentials_trust(generation->ssl_ctx, options, digest, why);
    if (error == 0 && EVP_DigestFinal_ex(digest, generation->trust, NULL) != 1)
        error = openssl_failed(why);
    EVP_MD_CTX_free(digest);
    return error;
}

static int load(struct tls_generation *generation, const struct tls_options *options,
                const struct tls_generation *before, struct tls_error *why)
{
    generation->ssl_ctx = SSL_CTX_new(TLS_server_method());
    if (generation->ssl_ctx != NULL && options->wipes_plaintext)
        SSL_CTX_set_options(generation->ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT);
    if (generation->ssl_ctx == NULL || !set_protocol(generation->ssl_ctx, options->allow_tls_1_2))
        return openssl_failed(why);
    generation->peers = tls_peers_new();
    generation->placeholder = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (generation->peers == NULL || generation->placeholder == NULL)
        return openssl_failed(why);
    int error = tls_credentials_own(generation->ssl_ctx, options, why);
    if (error < 0)
        return error;
    error = load_trust(generation, options, why);
    if (error < 0)
        return error;
    tls_credentials_complete(generation->ssl_ctx);
    if (options->extension_oid != NULL) {
        generation->extension = OBJ_txt2obj(options->extension_oid, 1);
        if (generation->extension == NULL)
            return openssl_failed(why);
    }
    generation->crl_expires_s = first_expiry(generation->ssl_ctx);
    generation->accepts_stale_crl = options->accepts_stale_crl;
    generation->protocol = options->protocol;
    generation->detach = options->detach;
    if (options->ocsp_response_path != NULL) {
        error = tls_credentials_read(options->ocsp_response_path, why, &generation->ocsp_response,
                                     &generation->ocsp_response_bytes);
        if (error < 0)
            return error;
    }
    if (!choose_sessions(generation, options, before) || !set_resumption(generation))
        return openssl_failed(why);
    tls_generation_set_callbacks(generation, options->clients);
    return 0;
}

int tls_generation_new(const struct tls_options *options, const struct tls_generation *before,
                       struct tls_error *why, struct tls_generation **out)
{
    struct tls_generation *generation = calloc(1, sizeof(*generation));
    if (generation == NULL) {
        snprintf(why->text, sizeof(why->text), "out of memory");
        return -ENOMEM;
    }
    atomic_init(&generation->references, 1);
    ERR_clear_error();
    int error = load(generation, options, before, why);
    if (error < 0) {
        tls_generation_unref(generation);
        return error;
    }
    *out = generation;
    return 0;
}

void tls_generation_unref(struct tls_generation *generation)
{
    if (generation == NULL
        || atomic_fetch_sub_explicit(&generation->references, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(generation->ssl_ctx);
    EVP_PKEY_free(generation->placeholder);
    ASN1_OBJECT_free(generation->extension);
    tls_sessions_unref(generation->sessions);
    tls_peers_unref(generation->peers);
    free(generation->ocsp_response);
    free(generation);
}
