/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/departure.h"

#include "base/wipe.h"
#include "vault/vault.h"

#include <errno.h>
#include <string.h>

/* The labels of NSS's format; the number of the secret is 0 for the first one of a connection. */
#define READ_LABEL  "CLIENT_TRAFFIC_SECRET_0 "
#define WRITE_LABEL "SERVER_TRAFFIC_SECRET_0 "

struct way {
    bool is_open; /* `secret` is there, and records are counted */
    uint8_t secret_len;
    uint8_t secret[TLS_SECRET_MOST_BYTES];
    uint64_t records;
};

struct tls_departure {
    struct way read;
    struct way write;
    bool is_barred; /* something has come that only OpenSSL knows how to go on with */
};

static struct tls_departure *departure_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

int tls_departure_prepare(SSL *ssl)
{
    struct tls_departure *departure = vault_brief_alloc(sizeof(*departure));
    if (departure == NULL)
        return -ENOMEM;
    if (SSL_set_app_data(ssl, departure) == 1)
        return 0;
    vault_brief_free(departure);
    return -ENOMEM;
}

void tls_departure_drop(SSL *ssl)
{
    struct tls_departure *departure = departure_of(ssl);
    if (departure == NULL)
        return;
    wipe_bytes(departure, sizeof(*departure));
    vault_brief_free(departure);
    (void)SSL_set_app_data(ssl, NULL);
}

/* ---- secrets ---- */

static int digit_of(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    return -1;
}

/* 0: it is no hexadecimal number that fits. */
static size_t read_hex(const char *text, uint8_t out[TLS_SECRET_MOST_BYTES])
{
    size_t len = strlen(text);
    if (len % 2 != 0 || len > (size_t)2 * TLS_SECRET_MOST_BYTES)
        return 0;
    for (size_t i = 0; i < len; i += 2) {
        int high = digit_of(text[i]);
        int low = digit_of(text[i + 1]);
        if (high < 0 || low < 0)
            return 0;
        out[i / 2] = (uint8_t)(high * 16 + low);
    }
    return len / 2;
}

static struct way *way_of(struct tls_departure *departure, const char *line)
{
    if (strncmp(line, READ_LABEL, strlen(READ_LABEL)) == 0)
        return &departure->read;
    if (strncmp(line, WRITE_LABEL, strlen(WRITE_LABEL)) == 0)
        return &departure->write;
    return NULL;
}

void tls_departure_on_secret(const SSL *ssl, const char *line)
{
    struct tls_departure *departure = departure_of(ssl);
    struct way *way = departure != NULL ? way_of(departure, line) : NULL;
    const char *secret = strrchr(line, ' ');
    if (way == NULL || secret == NULL)
        return;
    /* A second first secret would be of something that is not known here. */
    departure->is_barred = departure->is_barred || way->is_open;
    way->secret_len = (uint8_t)read_hex(secret + 1, way->secret);
    way->records = 0;
    way->is_open = way->secret_len > 0;
}

/* ---- records ---- */

static void count(struct tls_departure *departure, bool is_ours, uint8_t content_type)
{
    struct way *way = is_ours ? &departure->write : &departure->read;
    if (!way->is_open)
        return;
    way->records++;
    /* We send tickets under it. What else is no data is a renewal of keys, or an end. */
    bool is_usual =
        content_type == SSL3_RT_APPLICATION_DATA || (is_ours && content_type == SSL3_RT_HANDSHAKE);
    departure->is_barred = departure->is_barred || !is_usual;
}

void tls_departure_note(const SSL *ssl, bool is_ours, int content_type, const uint8_t *bytes,
                        size_t len)
{
    struct tls_departure *departure = departure_of(ssl);
    if (departure != NULL && content_type == SSL3_RT_INNER_CONTENT_TYPE && len == 1)
        count(departure, is_ours, bytes[0]);
}

static void on_message(int is_ours, int version, int content_type, const void *bytes, size_t len,
                       SSL *ssl, void *context)
{
    (void)version;
    (void)context;
    tls_departure_note(ssl, is_ours != 0, content_type, bytes, len);
}

void tls_departure_follow(SSL *ssl)
{
    if (departure_of(ssl) == NULL)
        return;
    SSL_set_msg_callback_arg(ssl, NULL);
    SSL_set_msg_callback(ssl, on_message);
}

/* ---- leaving ---- */

static enum tls_suite suite_of(const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    return cipher != NULL ? tls_suite_of(SSL_CIPHER_get_protocol_id(cipher)) : TLS_SUITE_NONE;
}

/* OpenSSL has read a header, or has bytes that it has not looked at. */
static bool is_inside_a_record(const SSL *ssl)
{
    return SSL_has_pending(ssl) == 1 || strcmp(SSL_rstate_string(ssl), "RH") != 0;
}

/* As many bytes as the suite has. */
static bool is_whole(const struct way *way, enum tls_suite suite)
{
    return way->is_open && way->secret_len == tls_suite_secret_bytes(suite);
}

/* Only OpenSSL keeps to what a small client has asked for (RFC 6066, section 4). */
static bool wants_short_records(const SSL *ssl)
{
    const SSL_SESSION *session = SSL_get_session(ssl);
    return session != NULL
           && SSL_SESSION_get_max_fragment_length(session) != TLSEXT_max_fragment_length_DISABLED;
}

static bool is_known(const struct tls_departure *departure, const SSL *ssl)
{
    enum tls_suite suite = suite_of(ssl);
    return SSL_version(ssl) == TLS1_3_VERSION && suite != TLS_SUITE_NONE
           && !wants_short_records(ssl) && is_whole(&departure->read, suite)
           && is_whole(&departure->write, suite);
}

enum tls_departure_state tls_departure_state(const SSL *ssl)
{
    const struct tls_departure *departure = departure_of(ssl);
    if (departure == NULL || departure->is_barred || SSL_get_shutdown(ssl) != 0
        || SSL_get_early_data_status(ssl) != SSL_EARLY_DATA_NOT_SENT || SSL_in_init(ssl)
        || !is_known(departure, ssl))
        return TLS_DEPARTURE_NEVER;
    if (is_inside_a_record(ssl) || SSL_want_write(ssl))
        return TLS_DEPARTURE_LATER;
    return TLS_DEPARTURE_READY;
}

struct tls_record_secrets tls_departure_secrets(const SSL *ssl)
{
    const struct tls_departure *departure = departure_of(ssl);
    return (struct tls_record_secrets){ .suite = suite_of(ssl),
                                        .read_secret = departure->read.secret,
                                        .write_secret = departure->write.secret,
                                        .read_sequence = departure->read.records,
                                        .write_sequence = departure->write.records };
}
