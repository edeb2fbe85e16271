/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of bench-siege to the broker on 127.0.0.1, from any address of 127.0.0.0/8, so
 * that one machine looks like many hosts: TCP, or TLS over it. It never blocks; epoll says when a
 * line is to be stepped, and gives back its owner. One thread. */
#pragma once

#include "base/attrs.h"
#include "bench/ground.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum line_state {
    LINE_CLOSED, /* zero: no line yet, or it has ended */
    LINE_CONNECTING,
    LINE_SHAKING, /* TCP is there, the TLS handshake is not over */
    LINE_OPEN,
};

struct line {
    enum line_state state;
    int fd;
    int epoll;
    uint32_t events; /* that epoll watches for */
    void *owner;     /* borrowed */
    SSL *ssl;        /* NULL: bare TCP */
};

/* Where a line comes from and leads to. */
struct line_ends {
    uint32_t address; /* its own, in host order: 0x7fxxxxxx */
    uint16_t port;    /* of the broker */
};

/* A context for clients, TLS 1.2 at most or at least 1.3, that takes any server for what it says
 * it is. Never NULL; the caller frees it. */
SSL_CTX *line_context(bool is_tls_1_2);

/* Begins to connect; takes `ssl` (NULL: bare TCP), also when it fails. The closed line `line` is
 * in memory that does not move until it is closed again. False: the system refused. */
MQTT_NODISCARD bool line_open(struct line *line, int epoll, const struct line_ends *ends, SSL *ssl,
                              void *owner);

/* Goes on after epoll has reported it. The new state; LINE_CLOSED: it has ended and holds nothing
 * any more. In LINE_OPEN nothing is read: line_receive() does. */
enum line_state line_step(struct line *line);

/* How many of `len` bytes went out or came in; 0: none at the moment; -1: the line has ended, and
 * is closed. */
ssize_t line_send(struct line *line, const void *bytes, size_t len);
ssize_t line_receive(struct line *line, void *bytes, size_t len);

/* Whether epoll is to report that an open line takes bytes again. */
void line_watch_output(struct line *line, bool is_wanted);

/* Goes on with a handshake that SSL_renegotiate() or SSL_key_update() has begun on an open line.
 * False: the line has ended, and is closed. */
bool line_shake_again(struct line *line);

/* Ends it: with a reset, so that no port has to wait, or with what belongs to a polite end. A
 * closed one may be closed. */
void line_close(struct line *line);
void line_leave(struct line *line);
