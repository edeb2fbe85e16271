/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/credentials.h"

#include "vault/vault.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX     (64u << 20) /* a revocation list of a million entries fits */
#define KEY_FILE_BYTES_MAX 65536       /* with what else may stand in it */

static int refuse(struct tls_error *why, int error, const char *path, const char *what)
{
    snprintf(why->text, sizeof(why->text), "%s: %s", path, what);
    ERR_clear_error();
    return error;
}

/* ---- files ---- */

struct content {
    const char *path;
    uint8_t *bytes;
    size_t len;
    BIO *bio; /* over the bytes */
};

static int read_stream(FILE *file, uint8_t **out, size_t *out_bytes)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    size_t room = 0;
    while (!feof(file) && !ferror(file)) {
        if (len == room) {
            room = room == 0 ? 16384 : room * 2;
            uint8_t *larger = room <= FILE_BYTES_MAX ? realloc(bytes, room) : NULL;
            if (larger == NULL) {
                free(bytes);
                return room <= FILE_BYTES_MAX ? -ENOMEM : -EFBIG;
            }
            bytes = larger;
        }
        len += fread(bytes + len, 1, room - len, file);
    }
    if (ferror(file)) {
        free(bytes);
        return -EIO;
    }
    *out = bytes;
    *out_bytes = len;
    return 0;
}

int tls_credentials_read(const char *path, struct tls_error *why, uint8_t **out, size_t *out_bytes)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        int error = -errno;
        return refuse(why, error, path, strerror(-error));
    }
    int error = read_stream(file, out, out_bytes);
    fclose(file);
    return error < 0 ? refuse(why, error, path, strerror(-error)) : 0;
}

static void content_fini(struct content *content)
{
    BIO_free(content->bio);
    free(content->bytes);
    *content = (struct content){ 0 };
}

static int content_init(struct content *content, const char *path, struct tls_error *why)
{
    *content = (struct content){ .path = path };
    int error = tls_credentials_read(path, why, &content->bytes, &content->len);
    if (error < 0)
        return error;
    content->bio = BIO_new_mem_buf(content->bytes, (int)content->len);
    if (content->bio == NULL) {
        content_fini(content);
        return refuse(why, -ENOMEM, path, "out of memory");
    }
    return 0;
}

/* Did the last PEM reader stop because the file ended, not at something broken? */
static bool ended_well(void)
{
    unsigned long code = ERR_peek_last_error();
    bool well = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return well;
}

/* ---- our own ---- */

static int use_chain(SSL_CTX *ssl_ctx, struct content *content, struct tls_error *why)
{
    X509 *own = PEM_read_bio_X509_AUX(content->bio, NULL, NULL, NULL);
    if (own == NULL)
        return refuse(why, -EINVAL, content->path, "no certificate in PEM form");
    int used = SSL_CTX_use_certificate(ssl_ctx, own);
    X509_free(own);
    if (used != 1)
        return refuse(why, -EINVAL, content->path,
                      "the certificate's key is too weak or of an unknown kind");
    for (;;) {
        X509 *issuer = PEM_read_bio_X509(content->bio, NULL, NULL, NULL);
        if (issuer == NULL)
            break;
        if (SSL_CTX_add0_chain_cert(ssl_ctx, issuer) != 1) {
            X509_free(issuer);
            return refuse(why, -EINVAL, content->path, "an intermediate certificate is unusable");
        }
    }
    return ended_well() ? 0 : refuse(why, -EINVAL, content->path, "a certificate is damaged");
}

static int use_key(SSL_CTX *ssl_ctx, struct mqtt_span pem, const struct tls_options *options,
                   struct tls_error *why)
{
    EVP_PKEY *key = vault_key(pem, NULL, NULL);
    if (key == NULL) {
        bool is_locked = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_BAD_PASSWORD_READ;
        return refuse(why, -EINVAL, options->key_path,
                      is_locked ? "the key is encrypted; store it without a password, readable "
                                  "by the broker only"
                                : "no private key in PEM form");
    }
    int used = SSL_CTX_use_PrivateKey(ssl_ctx, key);
    EVP_PKEY_free(key);
    if (used == 1 && SSL_CTX_check_private_key(ssl_ctx) == 1)
        return 0;
    refuse(why, -EINVAL, options->key_path, "this key does not belong to the certificate");
    size_t len = strlen(why->text);
    snprintf(why->text + len, sizeof(why->text) - len, " %s", options->certificate_path);
    return -EINVAL;
}

int tls_credentials_own(SSL_CTX *ssl_ctx, const struct tls_options *options, struct tls_error *why)
{
    struct content content;
    uint8_t *pem = NULL;
    size_t len = 0;
    int error = content_init(&content, options->certificate_path, why);
    if (error < 0)
        return error;
    error = use_chain(ssl_ctx, &content, why);
    content_fini(&content);
    if (error < 0)
        return error;

    error = vault_read(options->key_path, KEY_FILE_BYTES_MAX, &pem, &len);
    if (error < 0)
        return refuse(why, error, options->key_path, strerror(-error));
    error = use_key(ssl_ctx, (struct mqtt_span){ pem, len }, options, why);
    vault_free(pem);
    return error;
}

void tls_credentials_complete(SSL_CTX *ssl_ctx)
{
    const int flags = SSL_BUILD_CHAIN_FLAG_NO_ROOT | SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR
                      | SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR;
    STACK_OF(X509) *chain = NULL;

    (void)SSL_CTX_get0_chain_certs(ssl_ctx, &chain);
    if (sk_X509_num(chain) <= 0)
        (void)SSL_CTX_build_cert_chain(ssl_ctx, flags);
    (void)SSL_CTX_set_mode(ssl_ctx, SSL_MODE_NO_AUTO_CHAIN);
    ERR_clear_error();
}

/* ---- whom we trust ---- */

static int add_authorities(X509_STORE *store, struct content *content, struct tls_error *why)
{
    unsigned count = 0;
    for (;;) {
        X509 *authority = PEM_read_bio_X509(content->bio, NULL, NULL, NULL);
        if (authority == NULL)
            break;
        int added = X509_STORE_add_cert(store, authority);
        X509_free(authority);
        if (added != 1)
            return refuse(why, -EINVAL, content->path, "a CA certificate is unusable");
        count++;
    }
    if (!ended_well())
        return refuse(why, -EINVAL, content->path, "a CA certificate is damaged");
    return count > 0 ? 0 : refuse(why, -EINVAL, content->path, "no CA certificate in PEM form");
}

static int add_revocations(X509_STORE *store, struct content *content, struct tls_error *why)
{
    unsigned count = 0;
    for (;;) {
        X509_CRL *list = PEM_read_bio_X509_CRL(content->bio, NULL, NULL, NULL);
        if (list == NULL)
            break;
        int added = X509_STORE_add_crl(store, list);
        X509_CRL_free(list);
        if (added != 1)
            return refuse(why, -EINVAL, content->path, "a revocation list is unusable");
        count++;
    }
    if (!ended_well())
        return refuse(why, -EINVAL, content->path, "a revocation list is damaged");
    if (count == 0)
        return refuse(why, -EINVAL, content->path, "no revocation list (CRL) in PEM form");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return 0;
}

typedef int (*add_function)(X509_STORE *store, struct content *content, struct tls_error *why);

static int add_file(SSL_CTX *ssl_ctx, const char *path, add_function add, EVP_MD_CTX *digest,
                    struct tls_error *why)
{
    struct content content;
    int error = content_init(&content, path, why);
    if (error < 0)
        return error;
    error = add(SSL_CTX_get_cert_store(ssl_ctx), &content, why);
    /* The length keeps the end of one file apart from the start of the next. */
    if (error == 0
        && (EVP_DigestUpdate(digest, &content.len, sizeof(content.len)) != 1
            || EVP_DigestUpdate(digest, content.bytes, content.len) != 1))
        error = refuse(why, -ENOMEM, path, "out of memory");
    content_fini(&content);
    return error;
}

int tls_credentials_trust(SSL_CTX *ssl_ctx, const struct tls_options *options, EVP_MD_CTX *digest,
                          struct tls_error *why)
{
    if (options->clients == TLS_CLIENTS_NONE)
        return 0;
    if (options->client_ca_path == NULL) {
        snprintf(why->text, sizeof(why->text),
                 "client certificates are wanted but no client CA file is given");
        return -EINVAL;
    }
    /* What the operator put into the file is trusted, be it a root or an issuer. */
    X509_STORE_set_flags(SSL_CTX_get_cert_store(ssl_ctx), X509_V_FLAG_PARTIAL_CHAIN);
    int error = add_file(ssl_ctx, options->client_ca_path, add_authorities, digest, why);
    if (error == 0 && options->crl_path != NULL)
        error = add_file(ssl_ctx, options->crl_path, add_revocations, digest, why);
    return error;
}
