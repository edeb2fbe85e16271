/* SPDX-License-Identifier: Apache-2.0 */
#include "est/est.h"

#include "est/state.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX_BYTES 8192
#define BODY_MAX_BYTES    (2 * CSR_MAX_BYTES) /* in base64, with line breaks */
#define STALE_CHECK_MS    1000
#define ALL_METHODS                                                                          \
    (EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE \
     | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH)

uint64_t est_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* ---- connections ---- */

/* It counts no more, whenever its memory goes. */
static void leave(struct est_connection *connection)
{
    if (!list_is_linked(&connection->place))
        return;
    list_unlink(&connection->place);
    connection->est->count--;
}

/* OpenSSL calls it for every TLS object of the process that ends, also on other threads: those of
 * the broker carry nothing under our index. */
static void on_tls_end(void *parent, void *object, CRYPTO_EX_DATA *all, int index, long number,
                       void *context)
{
    struct est_connection *connection = object;

    (void)parent;
    (void)all;
    (void)index;
    (void)number;
    (void)context;
    if (connection == NULL)
        return;
    leave(connection);
    event_free(connection->deadline);
    free(connection);
}

/* Ends it as the HTTP library ends what has timed out. */
static void cut(struct est_connection *connection)
{
    leave(connection);
    bufferevent_trigger_event(connection->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT,
                              BEV_OPT_DEFER_CALLBACKS);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    cut(context);
}

/* Goes on whatever is wrong: the first fault is remembered, and who has one is told in words. */
static int on_verify(int is_good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct est *est = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct est_connection *connection = SSL_get_ex_data(ssl, est->index);

    if (is_good == 1)
        return 1;
    if (connection == NULL)
        return 0;
    if (connection->verify_error == 0)
        connection->verify_error = X509_STORE_CTX_get_error(store);
    return 1;
}

static void use_trust(struct est *est, struct est_trust *trust)
{
    SSL_CTX *context = est_trust_context(trust);

    SSL_CTX_set_app_data(context, est);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_info_callback(context, est_handshake_on_step);
    est_trust_free(est->trust);
    est->trust = trust;
}

/* A certificate that was renewed is used by the next connection. One that cannot be read is not:
 * it may be half written. */
static void refresh_trust(struct est *est)
{
    struct est_trust *fresh;
    uint64_t now_ms = est_now_ms();

    if (now_ms - est->trust_checked_ms < STALE_CHECK_MS)
        return;
    est->trust_checked_ms = now_ms;
    if (est_trust_is_stale(est->trust, &est->options)
        && est_trust_new(&est->options, &fresh, NULL) == 0)
        use_trust(est, fresh);
}

/* Takes the TLS object. */
static struct est_connection *hang_on(struct est *est, SSL *ssl)
{
    const struct timeval patience = { est->options.limits.timeout_ms / 1000,
                                      (est->options.limits.timeout_ms % 1000) * 1000 };
    struct est_connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL)
        return NULL;
    connection->est = est;
    connection->deadline = evtimer_new(est->base, on_deadline, connection);
    if (connection->deadline == NULL || evtimer_add(connection->deadline, &patience) != 0
        || SSL_set_ex_data(ssl, est->index, connection) != 1) {
        if (connection->deadline != NULL)
            event_free(connection->deadline);
        free(connection);
        return NULL;
    }
    tls_agreed_follow(&connection->agreed, ssl);
    list_push_back(&est->connections, &connection->place);
    est->count++;
    return connection;
}

/* For a connection that was accepted. What cannot be had here leaves the library with a connection
 * in the clear, of which est_service_on_request() wants nothing. */
static struct bufferevent *make_stream(struct event_base *base, void *context)
{
    struct est *est = context;

    refresh_trust(est);
    if (est->count >= est->options.limits.connections)
        cut(MQTT_CONTAINER_OF(est->connections.next, struct est_connection, place));
    SSL *ssl = SSL_new(est_trust_context(est->trust));
    struct est_connection *connection = ssl != NULL ? hang_on(est, ssl) : NULL;
    if (connection == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    connection->stream = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                                        BEV_OPT_CLOSE_ON_FREE);
    if (connection->stream == NULL)
        SSL_free(ssl);
    return connection->stream;
}

struct est_connection *est_connection_of(struct est *est, struct bufferevent *stream)
{
    const SSL *ssl = bufferevent_openssl_get_ssl(stream);

    return ssl != NULL ? SSL_get_ex_data(ssl, est->index) : NULL;
}

/* ---- the thread ---- */

static void on_stop(evutil_socket_t fd, short what, void *context)
{
    struct est *est = context;

    (void)fd;
    (void)what;
    event_base_loopbreak(est->base);
}

static void *run(void *context)
{
    struct est *est = context;

    pthread_setname_np(pthread_self(), "enrolment");
    (void)event_base_dispatch(est->base);
    return NULL;
}

/* ---- opening and closing ---- */

static int open_http(struct est *est)
{
    est->http = evhttp_new(est->base);
    if (est->http == NULL)
        return -ENOMEM;
    evhttp_set_bevcb(est->http, make_stream, est);
    evhttp_set_gencb(est->http, est_service_on_request, est);
    evhttp_set_allowed_methods(est->http, ALL_METHODS);
    evhttp_set_max_headers_size(est->http, HEADERS_MAX_BYTES);
    evhttp_set_max_body_size(est->http, BODY_MAX_BYTES);
    /* Who sends too much hears that before the connection ends. */
    (void)evhttp_set_flags(est->http, EVHTTP_SERVER_LINGERING_CLOSE);
    evhttp_set_default_content_type(est->http, NULL);
    evhttp_set_timeout(est->http, (int)(est->options.limits.timeout_ms / 1000 + 1));
    if (evhttp_accept_socket_with_handle(est->http, est->options.fd) == NULL)
        return -ENOMEM;
    est->options.fd = -1;
    return 0;
}

static int open_loop(struct est *est)
{
    est->base = event_base_new();
    if (est->base == NULL)
        return -ENOMEM;
    if (pipe2(est->stop_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    est->stop = event_new(est->base, est->stop_fds[0], EV_READ, on_stop, est);
    if (est->stop == NULL || event_add(est->stop, NULL) != 0)
        return -ENOMEM;
    return open_http(est);
}

static int load(struct est *est, struct pki_fault *fault)
{
    const struct est_limits *limits = &est->options.limits;
    struct est_trust *trust;
    int error = est_trust_new(&est->options, &trust, fault);

    if (error < 0)
        return error;
    use_trust(est, trust);
    error = registry_open(est->options.registry_path, &est->registry, fault);
    if (error < 0)
        return error;
    if (est->options.attestation_roots != NULL)
        error = attest_roots_load(est->options.attestation_roots, &est->roots);
    if (error < 0)
        return pki_fail(fault, error, "%s: no certificates in PEM", est->options.attestation_roots);
    est->waiting = est_waiting_new(limits->attestations, limits->attestation_ms);
    est->attempts = est_attempts_new(
        &(struct est_attempts_options){ limits->sources, limits->failures, limits->failures_all });
    return est->attempts != NULL && est->waiting != NULL ? 0 : -ENOMEM;
}

/* Releases what there is, the thread having ended. */
static void release(struct est *est)
{
    if (est->http != NULL)
        evhttp_free(est->http);
    /* Streams end a turn later. */
    if (est->base != NULL)
        (void)event_base_loop(est->base, EVLOOP_NONBLOCK);
    if (est->stop != NULL)
        event_free(est->stop);
    if (est->base != NULL)
        event_base_free(est->base);
    for (int i = 0; i < 2; i++)
        if (est->stop_fds[i] >= 0)
            close(est->stop_fds[i]);
    if (est->options.fd >= 0)
        close(est->options.fd);
    if (est->index >= 0)
        (void)CRYPTO_free_ex_index(CRYPTO_EX_INDEX_SSL, est->index);
    est_trust_free(est->trust);
    est_attempts_free(est->attempts);
    est_waiting_free(est->waiting);
    attest_roots_free(est->roots);
    registry_close(est->registry);
    ca_close(est->options.ca);
    free(est);
}

int est_open(const struct est_options *options, struct est **out, struct pki_fault *fault)
{
    struct est *est = calloc(1, sizeof(*est));

    if (est == NULL) {
        close(options->fd);
        ca_close(options->ca);
        return pki_fail(fault, -ENOMEM, "out of memory");
    }
    est->options = *options;
    est->stop_fds[0] = est->stop_fds[1] = -1;
    list_init(&est->connections);
    est->index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_tls_end);
    int error = est->index >= 0 ? 0 : -ENOMEM;
    (void)pki_fail(fault, error, "enrolment cannot be set up");
    if (error == 0)
        error = load(est, fault);
    if (error == 0)
        error = open_loop(est);
    if (error == 0)
        error = -pthread_create(&est->thread, NULL, run, est);
    if (error < 0) {
        release(est);
        return error;
    }
    *out = est;
    return 0;
}

void est_close(struct est *est)
{
    static const char stop = 0;

    if (est == NULL)
        return;
    /* The pipe is empty, so it takes a byte; nothing else can go wrong with it. */
    while (write(est->stop_fds[1], &stop, 1) < 0 && errno == EINTR)
        continue;
    (void)pthread_join(est->thread, NULL);
    release(est);
}
