/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the enrolment, for the files of this layer. Owner: its thread. */
#pragma once

#include "base/list.h"
#include "est/attempts.h"
#include "est/est.h"
#include "est/trust.h"
#include "est/waiting.h"
#include "pki/registry.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct event;
struct event_base;
struct evhttp;
struct evhttp_request;
struct bufferevent;
struct ssl_st;

/* One connection, from TCP accept to the end of its TLS object, which it hangs on. */
struct est_connection {
    struct est *est;
    struct list place; /* among all, the oldest in front */
    struct bufferevent *stream;
    struct event *deadline;
    int verify_error; /* of the client's certificate: the first one; 0: none */
    struct tls_agreed agreed;
};

struct est {
    struct est_options options;
    struct registry *registry;
    struct est_attempts *attempts;
    struct est_waiting *waiting;
    struct attest_roots *roots; /* NULL: none are configured */
    struct est_trust *trust;
    uint64_t trust_checked_ms;
    struct event_base *base;
    struct evhttp *http;
    struct event *stop;
    int stop_fds[2]; /* a pipe: who closes writes */
    int index;       /* of struct est_connection in a TLS object; -1: none */
    struct list connections;
    uint32_t count;
    pthread_t thread;
};

/* service.c: answers one request. */
void est_service_on_request(struct evhttp_request *request, void *context);

/* The connection of a request; NULL: it is not over TLS. */
struct est_connection *est_connection_of(struct est *est, struct bufferevent *stream);

uint64_t est_now_ms(void); /* monotonic */

/* handshake.c: OpenSSL's callback for each step of a connection. */
void est_handshake_on_step(const struct ssl_st *ssl, int where, int value);

/* Is a credential of that name a canary's? "" is nobody's. */
bool est_is_canary(struct est *est, const char *name);

/* A numeric address without what IPv6 puts in front of one of IPv4. */
const char *est_plain_address(const char *address);
