/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/record_pair.h"

#include "base/invariant.h"

#include <openssl/err.h>
#include <stdlib.h>

#define MOST_ROUNDS 8u

/* ---- the shared key ---- */

static int on_use(SSL *ssl, const EVP_MD *digest, const unsigned char **out_id, size_t *out_id_len,
                  SSL_SESSION **out_session)
{
    struct tls_pair *pair = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    (void)digest;
    MQTT_INVARIANT(SSL_SESSION_up_ref(pair->session) == 1);
    *out_session = pair->session;
    *out_id = (const unsigned char *)"pair";
    *out_id_len = 4;
    return 1;
}

static int on_find(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **out_session)
{
    const unsigned char *unused_id;
    size_t unused_len;
    (void)id;
    (void)id_len;
    return on_use(ssl, NULL, &unused_id, &unused_len, out_session);
}

static SSL_SESSION *session_new(SSL_CTX *context, unsigned number)
{
    const unsigned char id[] = { (unsigned char)(number >> 8), (unsigned char)number };
    static const unsigned char key[48] = { 1, 2, 3 };
    SSL *ssl = SSL_new(context);
    SSL_SESSION *session = SSL_SESSION_new();
    MQTT_INVARIANT(ssl != NULL && session != NULL);
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, id);
    MQTT_INVARIANT(cipher != NULL && SSL_SESSION_set_cipher(session, cipher) == 1
                   && SSL_SESSION_set1_master_key(session, key, sizeof(key)) == 1
                   && SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1);
    SSL_free(ssl);
    return session;
}

/* ---- what is seen ---- */

static struct tls_pair_end *end_of(const SSL *ssl)
{
    struct tls_pair *pair = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    return SSL_is_server(ssl) ? &pair->server : &pair->client;
}

static void on_info(const SSL *ssl, int where, int value)
{
    if (where == SSL_CB_WRITE_ALERT)
        end_of(ssl)->sent_alert = value & 0xff;
    if (where == SSL_CB_READ_ALERT)
        end_of(ssl)->received_alert = value & 0xff;
}

static uint8_t digit(uint8_t text)
{
    return (uint8_t)(text <= '9' ? text - '0' : text - 'a' + 10);
}

/* "LABEL CLIENT_RANDOM SECRET". */
static void on_key_log(const SSL *ssl, const char *line)
{
    struct tls_pair *pair = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct mqtt_span rest = span_of(line);
    size_t len = tls_suite_secret_bytes(pair->suite);
    uint8_t *into = NULL;
    if (span_skip(&rest, "CLIENT_TRAFFIC_SECRET_0 "))
        into = pair->client.secret;
    else if (span_skip(&rest, "SERVER_TRAFFIC_SECRET_0 "))
        into = pair->server.secret;
    const uint8_t *text = rest.data + rest.len - 2 * len;
    for (size_t i = 0; into != NULL && i < len; i++)
        into[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
}

/* ---- ends ---- */

static SSL_CTX *context_new(struct tls_pair *pair, const SSL_METHOD *method)
{
    static const char *const names[] = { [TLS_SUITE_AES_128_GCM_SHA256] = "TLS_AES_128_GCM_SHA256",
                                         [TLS_SUITE_AES_256_GCM_SHA384] = "TLS_AES_256_GCM_SHA384",
                                         [TLS_SUITE_CHACHA20_POLY1305_SHA256] =
                                             "TLS_CHACHA20_POLY1305_SHA256" };
    int groups[] = { NID_X25519 };
    SSL_CTX *context = SSL_CTX_new(method);
    MQTT_INVARIANT(context != NULL && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1
                   && SSL_CTX_set_ciphersuites(context, names[pair->suite]) == 1
                   && SSL_CTX_set1_groups(context, groups, 1) == 1
                   && SSL_CTX_set_num_tickets(context, 0) == 1);
    SSL_CTX_set_app_data(context, pair);
    SSL_CTX_set_info_callback(context, on_info);
    SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
    return context;
}

void tls_pair_init(struct tls_pair *pair, enum tls_suite suite)
{
    static const unsigned numbers[] = { 0, 0x1301, 0x1302, 0x1303 };
    *pair = (struct tls_pair){ .suite = suite };
    pair->client_context = context_new(pair, TLS_client_method());
    pair->server_context = context_new(pair, TLS_server_method());
    pair->session = session_new(pair->client_context, numbers[suite]);
    SSL_CTX_set_psk_use_session_callback(pair->client_context, on_use);
    SSL_CTX_set_psk_find_session_callback(pair->server_context, on_find);
    SSL_CTX_set_keylog_callback(pair->server_context, on_key_log);
}

static void end_fini(struct tls_pair_end *end)
{
    SSL_free(end->ssl);
    *end = (struct tls_pair_end){ 0 };
}

static void end_init(struct tls_pair_end *end, SSL_CTX *context)
{
    end_fini(end);
    *end = (struct tls_pair_end){ .ssl = SSL_new(context),
                                  .in = BIO_new(BIO_s_mem()),
                                  .out = BIO_new(BIO_s_mem()),
                                  .sent_alert = TLS_PAIR_NO_ALERT,
                                  .received_alert = TLS_PAIR_NO_ALERT };
    MQTT_INVARIANT(end->ssl != NULL && end->in != NULL && end->out != NULL);
    SSL_set_bio(end->ssl, end->in, end->out);
}

static void pass(struct tls_pair_end *from, struct tls_pair_end *to)
{
    uint8_t bytes[4096];
    size_t len = tls_pair_take(from, bytes, sizeof(bytes));
    tls_pair_give(to, (struct mqtt_span){ bytes, len });
}

void tls_pair_connect(struct tls_pair *pair)
{
    end_init(&pair->client, pair->client_context);
    end_init(&pair->server, pair->server_context);
    SSL_set_connect_state(pair->client.ssl);
    SSL_set_accept_state(pair->server.ssl);
    int done = 0;
    for (unsigned i = 0; i < MOST_ROUNDS && done != 2; i++) {
        done = SSL_do_handshake(pair->client.ssl) == 1;
        pass(&pair->client, &pair->server);
        done += SSL_do_handshake(pair->server.ssl) == 1;
        pass(&pair->server, &pair->client);
    }
    MQTT_INVARIANT(done == 2 && SSL_session_reused(pair->server.ssl) == 1);
    ERR_clear_error();
}

void tls_pair_fini(struct tls_pair *pair)
{
    end_fini(&pair->client);
    end_fini(&pair->server);
    SSL_SESSION_free(pair->session);
    SSL_CTX_free(pair->client_context);
    SSL_CTX_free(pair->server_context);
    *pair = (struct tls_pair){ 0 };
}

struct tls_record_secrets tls_pair_server_secrets(const struct tls_pair *pair)
{
    return (struct tls_record_secrets){ .suite = pair->suite,
                                        .read_secret = pair->client.secret,
                                        .write_secret = pair->server.secret };
}

struct tls_record_secrets tls_pair_client_secrets(const struct tls_pair *pair)
{
    return (struct tls_record_secrets){ .suite = pair->suite,
                                        .read_secret = pair->server.secret,
                                        .write_secret = pair->client.secret };
}

/* ---- bytes ---- */

void tls_pair_give(struct tls_pair_end *end, struct mqtt_span ciphertext)
{
    int len = (int)ciphertext.len;
    MQTT_INVARIANT(len == 0 || BIO_write(end->in, ciphertext.data, len) == len);
}

size_t tls_pair_take(struct tls_pair_end *end, uint8_t *into, size_t room)
{
    int len = BIO_read(end->out, into, (int)room);
    return len > 0 ? (size_t)len : 0;
}

enum tls_result tls_pair_read(struct tls_pair_end *end, struct tls_sink *plaintext)
{
    size_t len = 0;
    ERR_clear_error();
    int result = SSL_read_ex(end->ssl, plaintext->bytes + plaintext->len,
                             plaintext->room - plaintext->len, &len);
    plaintext->len += len;
    if (result == 1)
        return TLS_DONE;
    switch (SSL_get_error(end->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_INPUT;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_CLOSED;
    default:
        return TLS_FAILED;
    }
}

void tls_pair_write(struct tls_pair_end *end, struct mqtt_span plaintext)
{
    size_t len = 0;
    MQTT_INVARIANT(SSL_write_ex(end->ssl, plaintext.data, plaintext.len, &len) == 1
                   && len == plaintext.len);
}
