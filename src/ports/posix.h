/* SPDX-License-Identifier: Apache-2.0 */
/* One POSIX connection; private to src/ports. */
#pragma once

#include <tacit/posix.h>

#include "base/attrs.h"

#include <netdb.h>
#include <openssl/ssl.h>

#define TACIT_RECORD_BYTES 16384u /* the largest TLS record */

enum tacit_posix_state {
    TACIT_POSIX_CLOSED = 0,
    TACIT_POSIX_CONNECTING,
    TACIT_POSIX_HANDSHAKING,
    TACIT_POSIX_UP,
};

struct tacit_tls {
    SSL_CTX *context;
};

struct tacit_posix {
    enum tacit_posix_state state;
    int fd; /* -1: none */
    bool wants_write;
    struct addrinfo *addresses; /* all that the name has; freed once connected */
    struct addrinfo *next;      /* to be tried if the current one fails */
    struct tacit_tls *tls;      /* NULL: not encrypted */
    SSL *ssl;
    const char *offer;    /* static; NULL: "mqtt" alone */
    SSL_SESSION *session; /* to be resumed */
    uint64_t sent_bytes;  /* of MQTT */
    char host[256];
    char error[240];
};

void tacit_posix_complain(struct tacit_posix *posix, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* TCP: connected (TACIT_OK), under way (TACIT_AGAIN), or failed with an error text. */
int tacit_posix_connect(struct tacit_posix *posix, struct tacit_bytes host, uint16_t port);
void tacit_posix_disconnect(struct tacit_posix *posix);
int tacit_posix_send(struct tacit_posix *posix, const struct tacit_bytes *pieces, unsigned count);
int tacit_posix_receive(struct tacit_posix *posix, void *out, size_t size);

/* TLS on a connected socket. */
int tacit_tls_handshake(struct tacit_posix *posix);
void tacit_tls_close(struct tacit_posix *posix);

/* What was agreed with one server is not offered to another. */
void tacit_tls_forget(struct tacit_posix *posix);
int tacit_tls_send(struct tacit_posix *posix, const struct tacit_bytes *pieces, unsigned count);
int tacit_tls_receive(struct tacit_posix *posix, void *out, size_t size);
