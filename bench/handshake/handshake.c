/* SPDX-License-Identifier: Apache-2.0 */
/* bench-handshake CA CERT KEY CLIENT_CERT CLIENT_KEY SECONDS: what OpenSSL alone costs the server in a
 * TLS 1.3 handshake, in memory: microseconds of CPU for one that is full, resumed, full with a client
 * certificate, resumed with one. Each takes SECONDS. The relay floor asks for no certificate; the
 * difference between the third and the first is what it would cost it to do so. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEPS_MOST    8 /* of a handshake: three are enough */
#define US_PER_SECOND 1000000.0
#define NS_PER_US     1000.0

struct files {
    const char *ca, *cert, *key, *client_cert, *client_key;
};

struct side {
    SSL_CTX *ctx;
    double us; /* of CPU so far */
};

struct ends {
    struct side server;
    struct side client;
    SSL_SESSION *ticket; /* the last one; NULL: none */
    bool resumes;
};

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bench-handshake: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static double cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * US_PER_SECOND + (double)now.tv_nsec / NS_PER_US;
}

static int on_ticket(SSL *ssl, SSL_SESSION *ticket)
{
    struct ends *ends = SSL_get_app_data(ssl);

    SSL_SESSION_free(ends->ticket);
    ends->ticket = ticket;
    return 1;
}

static SSL_CTX *make_server(const struct files *files, bool is_mutual)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    must(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1, "no context");
    must(SSL_CTX_use_certificate_chain_file(ctx, files->cert) == 1, files->cert);
    must(SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) == 1, files->key);
    must(SSL_CTX_load_verify_locations(ctx, files->ca, NULL) == 1, files->ca);
    must(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"bench", 5) == 1, "no context");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1);
    if (is_mutual)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return ctx;
}

static SSL_CTX *make_client(const struct files *files, bool is_mutual)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    must(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1, "no context");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_ticket);
    /* As every client has that checks its server, the load generator among them: OpenSSL sends the issuer
     * that it finds there behind a certificate, and the server reads both. */
    must(SSL_CTX_load_verify_locations(ctx, files->ca, NULL) == 1, files->ca);
    if (is_mutual) {
        must(SSL_CTX_use_certificate_chain_file(ctx, files->client_cert) == 1, files->client_cert);
        must(SSL_CTX_use_PrivateKey_file(ctx, files->client_key, SSL_FILETYPE_PEM) == 1,
             files->client_key);
    }
    return ctx;
}

static SSL *open_end(struct side *side, BIO *in, BIO *out)
{
    SSL *ssl = SSL_new(side->ctx);

    must(ssl != NULL && BIO_up_ref(in) == 1 && BIO_up_ref(out) == 1, "out of memory");
    SSL_set_bio(ssl, in, out);
    return ssl;
}

static bool step(struct side *side, SSL *ssl)
{
    double begin = cpu_us();
    bool is_done = SSL_do_handshake(ssl) == 1;

    side->us += cpu_us() - begin;
    return is_done;
}

static void shake_hands(struct ends *ends, SSL *client, SSL *server)
{
    bool is_done = false;
    char byte;

    for (unsigned i = 0; i < STEPS_MOST && !is_done; i++) {
        bool client_is_done = step(&ends->client, client);
        is_done = step(&ends->server, server) && client_is_done;
    }
    must(is_done, "a handshake failed");
    (void)SSL_read(client, &byte, 1); /* takes the ticket in; there are no data */
}

static void connect_once(struct ends *ends)
{
    BIO *up = BIO_new(BIO_s_mem());
    BIO *down = BIO_new(BIO_s_mem());

    must(up != NULL && down != NULL, "out of memory");
    SSL *client = open_end(&ends->client, down, up);
    SSL_set_app_data(client, ends);
    SSL_set_connect_state(client);
    bool has_ticket = ends->resumes && ends->ticket != NULL;
    if (has_ticket)
        SSL_set_session(client, ends->ticket);
    double begin = cpu_us();
    SSL *server = open_end(&ends->server, up, down);
    SSL_set_accept_state(server);
    ends->server.us += cpu_us() - begin;
    shake_hands(ends, client, server);
    must(SSL_session_reused(client) == has_ticket, "a ticket was not taken");
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(client);
    begin = cpu_us();
    SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(server);
    ends->server.us += cpu_us() - begin;
    BIO_free(up);
    BIO_free(down);
}

static double measure(const struct files *files, bool is_mutual, bool resumes, double seconds)
{
    struct ends ends = {
        .server = { .ctx = make_server(files, is_mutual) },
        .client = { .ctx = make_client(files, is_mutual) },
        .resumes = resumes,
    };
    double count = 0;

    connect_once(&ends); /* the first one is never resumed, and warms up */
    ends.server.us = 0;
    double end = cpu_us() + seconds * US_PER_SECOND;
    do {
        connect_once(&ends);
        count++;
    } while (cpu_us() < end);
    SSL_SESSION_free(ends.ticket);
    SSL_CTX_free(ends.server.ctx);
    SSL_CTX_free(ends.client.ctx);
    return ends.server.us / count;
}

int main(int argc, char **argv)
{
    double seconds = argc == 7 ? strtod(argv[6], NULL) : 0;

    if (seconds <= 0) {
        fputs("usage: bench-handshake CA CERT KEY CLIENT_CERT CLIENT_KEY SECONDS\n", stderr);
        return 2;
    }
    const struct files files = { argv[1], argv[2], argv[3], argv[4], argv[5] };
    for (int i = 0; i < 4; i++)
        printf("%.1f\n", measure(&files, i >= 2, i % 2 == 1, seconds));
    return 0;
}
