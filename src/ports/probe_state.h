/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of an examiner; private to src/ports. */
#pragma once

#include "ports/probe.h"

#include <openssl/ssl.h>

struct tacit_probe_tls {
    SSL_CTX *context;
};

struct tacit_probe {
    int fd;
    bool has_hello;
    SSL *ssl;             /* NULL: plain */
    SSL_SESSION *session; /* the last ticket that came */
    char error[TACIT_PROBE_ERROR_SIZE];
};

/* Waits until the socket is ready for `events` of poll(2). 0 or -ETIMEDOUT. */
MQTT_NODISCARD int tacit_probe_wait(const struct tacit_probe *probe, short events, uint64_t end_ms);

/* Writes or reads what goes now: bytes, 0 for "the time is over", or a negative errno. */
MQTT_NODISCARD int64_t tacit_probe_tls_send(struct tacit_probe *probe, const void *bytes,
                                            size_t len, uint64_t end_ms);
MQTT_NODISCARD int64_t tacit_probe_tls_receive(struct tacit_probe *probe, void *out, size_t size,
                                               uint64_t end_ms);
