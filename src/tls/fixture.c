/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/fixture.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void need(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "fixture: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

/* ---- files ---- */

void tls_fixture_path(const struct tls_fixture *fixture, const char *name, char out[128])
{
    need(snprintf(out, 128, "%.60s/%.60s", fixture->directory, name) < 128, "path");
}

static FILE *create(const struct tls_fixture *fixture, const char *stem, const char *ending)
{
    char name[64];
    char path[128];
    snprintf(name, sizeof(name), "%.50s%s", stem, ending);
    tls_fixture_path(fixture, name, path);
    FILE *file = fopen(path, "w");
    need(file != NULL, path);
    return file;
}

void tls_fixture_write(const struct tls_fixture *fixture, const char *file, const char *text)
{
    FILE *stream = create(fixture, file, "");
    need(fputs(text, stream) >= 0, file);
    fclose(stream);
}

static void save(const struct tls_fixture *fixture, const char *stem, X509 *certificate,
                 EVP_PKEY *key)
{
    FILE *file = create(fixture, stem, ".crt");
    need(PEM_write_X509(file, certificate) == 1, "write certificate");
    fclose(file);
    file = create(fixture, stem, ".key");
    need(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1, "write key");
    fclose(file);
}

/* ---- certificates ---- */

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void add_name(X509 *certificate, const char *kind, const char *value)
{
    X509_NAME *subject = X509_get_subject_name(certificate);

    if (value != NULL)
        need(X509_NAME_add_entry_by_txt(subject, kind, MBSTRING_UTF8, (const unsigned char *)value,
                                        -1, -1, 0)
                 == 1,
             kind);
}

static X509 *certificate_for(const struct tls_fixture_subject *subject, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    need(certificate != NULL, "certificate");
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), subject->serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), subject->from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), subject->until_s);
    X509_set_pubkey(certificate, key);
    add_name(certificate, "O", subject->organization);
    add_name(certificate, "OU", subject->organizational_unit);
    add_name(certificate, "CN", subject->common_name);
    return certificate;
}

static void make_ca(const char *name, X509 **out, EVP_PKEY **out_key)
{
    struct tls_fixture_subject subject = {
        .common_name = name, .serial = 1, .from_s = -3600, .until_s = 86400
    };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = certificate_for(&subject, key);
    X509_set_issuer_name(ca, X509_get_subject_name(ca));
    add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign");
    need(X509_sign(ca, key, EVP_sha256()) > 0, "sign CA");
    *out = ca;
    *out_key = key;
}

void tls_fixture_issue(const struct tls_fixture *fixture, const struct tls_fixture_subject *subject)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = certificate_for(subject, key);
    X509_set_issuer_name(certificate, X509_get_subject_name(fixture->ca));
    if (subject->alternative != NULL)
        add_extension(certificate, fixture->ca, NID_subject_alt_name, subject->alternative);
    need(X509_sign(certificate, fixture->ca_key, EVP_sha256()) > 0, "sign");
    save(fixture, subject->file, certificate, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void tls_fixture_other_ca(const struct tls_fixture *fixture, const char *file)
{
    X509 *ca;
    EVP_PKEY *key;
    make_ca("other CA", &ca, &key);
    save(fixture, file, ca, key);
    X509_free(ca);
    EVP_PKEY_free(key);
}

void tls_fixture_revoke(const struct tls_fixture *fixture, const char *file, long serial)
{
    tls_fixture_revoke_until(fixture, file, serial, 3600);
}

void tls_fixture_revoke_until(const struct tls_fixture *fixture, const char *file, long serial,
                              long until_s)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *when = X509_gmtime_adj(NULL, -3600);
    X509_CRL_set_version(list, 1);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(fixture->ca));
    X509_CRL_set1_lastUpdate(list, when);
    if (serial != 0) {
        X509_REVOKED *revoked = X509_REVOKED_new();
        ASN1_INTEGER *number = ASN1_INTEGER_new();
        ASN1_INTEGER_set(number, serial);
        X509_REVOKED_set_serialNumber(revoked, number);
        X509_REVOKED_set_revocationDate(revoked, when);
        need(X509_CRL_add0_revoked(list, revoked) == 1, "revoke");
        ASN1_INTEGER_free(number);
    }
    X509_gmtime_adj(when, until_s);
    X509_CRL_set1_nextUpdate(list, when);
    need(X509_CRL_sign(list, fixture->ca_key, EVP_sha256()) > 0, "sign CRL");
    FILE *stream = create(fixture, file, "");
    need(PEM_write_X509_CRL(stream, list) == 1, "write CRL");
    fclose(stream);
    ASN1_TIME_free(when);
    X509_CRL_free(list);
}

void tls_fixture_init(struct tls_fixture *fixture)
{
    *fixture = (struct tls_fixture){ .directory = "/tmp/tacit-test-XXXXXX" };
    need(mkdtemp(fixture->directory) != NULL, "temporary directory");
    X509 *ca;
    EVP_PKEY *key;
    make_ca("test CA", &ca, &key);
    fixture->ca = ca;
    fixture->ca_key = key;
    save(fixture, "ca", ca, key);
    tls_fixture_issue(fixture, &(struct tls_fixture_subject){ .file = "server",
                                                              .common_name = "localhost",
                                                              .alternative = "DNS:localhost",
                                                              .serial = 2,
                                                              .from_s = -3600,
                                                              .until_s = 86400 });
    tls_fixture_path(fixture, "ca.crt", fixture->ca_path);
    tls_fixture_path(fixture, "server.crt", fixture->server_path);
    tls_fixture_path(fixture, "server.key", fixture->server_key_path);
}

void tls_fixture_fini(struct tls_fixture *fixture)
{
    DIR *directory = opendir(fixture->directory);
    need(directory != NULL, "open directory");
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        char path[128];
        tls_fixture_path(fixture, entry->d_name, path);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    closedir(directory);
    rmdir(fixture->directory);
    X509_free(fixture->ca);
    EVP_PKEY_free(fixture->ca_key);
}

/* ---- a client ---- */

struct tls_client {
    SSL_CTX *ssl_ctx;
    SSL *ssl;
    BIO *in;
    BIO *out;
    SSL_SESSION *ticket;
};

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *client = SSL_get_app_data(ssl);
    SSL_SESSION_free(client->ticket);
    client->ticket = session;
    return 1;
}

static void set_identity(SSL_CTX *ssl_ctx, const struct tls_fixture *fixture, const char *identity)
{
    char name[64];
    char path[128];
    snprintf(name, sizeof(name), "%.50s.crt", identity);
    tls_fixture_path(fixture, name, path);
    need(SSL_CTX_use_certificate_chain_file(ssl_ctx, path) == 1, path);
    snprintf(name, sizeof(name), "%.50s.key", identity);
    tls_fixture_path(fixture, name, path);
    need(SSL_CTX_use_PrivateKey_file(ssl_ctx, path, SSL_FILETYPE_PEM) == 1, path);
}

static void set_alpn(SSL *ssl, const char *protocols)
{
    unsigned char wire[64];
    size_t used = 0;
    while (*protocols != '\0') {
        size_t len = strcspn(protocols, ",");
        need(used + 1 + len <= sizeof(wire), "ALPN is too long");
        wire[used] = (unsigned char)len;
        memcpy(wire + used + 1, protocols, len);
        used += 1 + len;
        protocols += len + (protocols[len] == ',');
    }
    need(SSL_set_alpn_protos(ssl, wire, (unsigned)used) == 0, "ALPN");
}

static void set_server_name(SSL *ssl, const char *name)
{
    char copy[64];
    snprintf(copy, sizeof(copy), "%s", name);
    need(SSL_set_tlsext_host_name(ssl, copy) == 1, "server name");
}

struct tls_client *tls_client_new(const struct tls_client_options *options)
{
    struct tls_client *client = calloc(1, sizeof(*client));
    need(client != NULL, "client");
    client->ssl_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(client->ssl_ctx, SSL_VERIFY_PEER, NULL);
    /* It may show what no decent server accepts. */
    SSL_CTX_set_security_level(client->ssl_ctx, 0);
    /* It sends the chain of its file, not what it trusts itself. */
    SSL_CTX_set_mode(client->ssl_ctx, SSL_MODE_NO_AUTO_CHAIN);
    need(SSL_CTX_load_verify_file(client->ssl_ctx, options->fixture->ca_path) == 1, "trust");
    SSL_CTX_set_session_cache_mode(client->ssl_ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client->ssl_ctx, on_ticket);
    if (options->only_1_2)
        SSL_CTX_set_max_proto_version(client->ssl_ctx, TLS1_2_VERSION);
    if (options->suites != NULL)
        need(SSL_CTX_set_ciphersuites(client->ssl_ctx, options->suites) == 1, "suites");
    if (options->identity != NULL)
        set_identity(client->ssl_ctx, options->fixture, options->identity);

    client->ssl = SSL_new(client->ssl_ctx);
    client->in = BIO_new(BIO_s_mem());
    client->out = BIO_new(BIO_s_mem());
    need(client->ssl != NULL && client->in != NULL && client->out != NULL, "client");
    SSL_set_bio(client->ssl, client->in, client->out);
    SSL_set_connect_state(client->ssl);
    SSL_set_app_data(client->ssl, client);
    if (options->alpn != NULL)
        set_alpn(client->ssl, options->alpn);
    if (options->server_name != NULL)
        set_server_name(client->ssl, options->server_name);
    if (options->wants_short_records)
        need(SSL_set_tlsext_max_fragment_length(client->ssl, TLSEXT_max_fragment_length_512) == 1,
             "short records");
    if (options->resume != NULL && options->resume->ticket != NULL)
        need(SSL_set_session(client->ssl, options->resume->ticket) == 1, "resume");
    return client;
}

void tls_client_free(struct tls_client *client)
{
    if (client == NULL)
        return;
    SSL_SESSION_free(client->ticket);
    SSL_free(client->ssl);
    SSL_CTX_free(client->ssl_ctx);
    free(client);
    ERR_clear_error();
}

size_t tls_client_take(struct tls_client *client, uint8_t *into, size_t room)
{
    int len = BIO_read(client->out, into, (int)room);
    return len > 0 ? (size_t)len : 0;
}

void tls_client_give(struct tls_client *client, struct mqtt_span ciphertext)
{
    if (ciphertext.len > 0)
        need(BIO_write(client->in, ciphertext.data, (int)ciphertext.len) == (int)ciphertext.len,
             "give");
}

int tls_client_handshake(struct tls_client *client)
{
    ERR_clear_error();
    int result = SSL_do_handshake(client->ssl);
    if (result == 1)
        return 1;
    return SSL_get_error(client->ssl, result) == SSL_ERROR_WANT_READ ? 0 : -1;
}

void tls_client_write(struct tls_client *client, struct mqtt_span plaintext)
{
    size_t written = 0;
    need(SSL_write_ex(client->ssl, plaintext.data, plaintext.len, &written) == 1
             && written == plaintext.len,
         "write");
}

int tls_client_read(struct tls_client *client, uint8_t *into, size_t room)
{
    ERR_clear_error();
    int result = SSL_read(client->ssl, into, (int)room);
    if (result > 0)
        return result;
    int error = SSL_get_error(client->ssl, result);
    if (error == SSL_ERROR_WANT_READ)
        return 0;
    return error == SSL_ERROR_ZERO_RETURN ? -2 : -1;
}

void tls_client_renew_keys(struct tls_client *client)
{
    need(SSL_key_update(client->ssl, SSL_KEY_UPDATE_REQUESTED) == 1, "renewal");
    need(SSL_do_handshake(client->ssl) == 1, "renewal");
}

void tls_client_renew_own_key(struct tls_client *client)
{
    need(SSL_key_update(client->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1, "renewal");
    need(SSL_do_handshake(client->ssl) == 1, "renewal");
}

void tls_client_renegotiate(struct tls_client *client)
{
    need(SSL_renegotiate(client->ssl) == 1, "renewal");
    (void)SSL_do_handshake(client->ssl);
}

void tls_client_shutdown(struct tls_client *client)
{
    SSL_shutdown(client->ssl);
}

int tls_client_certificates(const struct tls_client *client)
{
    return sk_X509_num(SSL_get_peer_cert_chain(client->ssl));
}

bool tls_client_resumed(const struct tls_client *client)
{
    return SSL_session_reused(client->ssl) == 1;
}

bool tls_client_has_ticket(const struct tls_client *client)
{
    return client->ticket != NULL;
}

struct mqtt_span tls_client_alpn(const struct tls_client *client)
{
    const unsigned char *chosen = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(client->ssl, &chosen, &len);
    return (struct mqtt_span){ chosen, len };
}

const char *tls_client_suite(const struct tls_client *client)
{
    return SSL_get_cipher_name(client->ssl);
}
