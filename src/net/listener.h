/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: TCP over IPv4 and IPv6, and Unix.
 *
 * listener_bind() needs no loop, so that a start can fail before anything exists. */
#pragma once

#include "base/attrs.h"
#include "net/net.h"
#include "tls/context.h"

#include <stdint.h>

#define LISTENER_SHARDS_MAX 256

struct listener;

struct listener_options {
    const char *name;        /* borrowed until every net is closed: facts point at it */
    const char *path;        /* Unix socket; NULL: TCP */
    const char *address;     /* numeric; NULL or "": every IPv6 and IPv4 address */
    uint16_t port;           /* 0: any free one */
    unsigned backlog;        /* 0: 4096 */
    struct tls_context *tls; /* a reference is taken; NULL: plaintext */
};

/* Binds one listening socket for each of `count` shards (1..LISTENER_SHARDS_MAX) and stores them in
 * out_fds. Refuses an address that another process listens on: -EADDRINUSE.
 * Otherwise -EINVAL for an address that is not numeric, or what the kernel said. A
 * Unix socket nobody listens on any more is replaced. */
MQTT_NODISCARD int listener_bind(const struct listener_options *options, unsigned count,
                                 int *out_fds);

/* The port that a bound socket has; 0 for a Unix socket. */
uint16_t listener_port(int fd);

/* Starts to accept. Takes the descriptor, also on failure. Copies the options. */
MQTT_NODISCARD int listener_open(struct net *net, const struct listener_options *options, int fd,
                                 struct listener **out);

/* Another TLS context for connections to come; a reference is taken. */
void listener_set_tls(struct listener *listener, struct tls_context *tls);

/* Stops accepting; accepted connections live on. The path of a Unix socket is
 * the caller's to unlink. NULL is fine. */
void listener_close(struct listener *listener);
