/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a device at the other end of a real socket, with or without TLS. It
 * never blocks. */
#pragma once

#include "net/facts.h"
#include "tls/fixture.h"

enum kind {
    KIND_PLAIN,
    KIND_TLS,
    KIND_UNIX,
    KIND_DETACHED, /* TLS that leaves OpenSSL when its client is let in */
    KIND_IDLE,     /* TLS that leaves OpenSSL when it is idle */
};

bool kind_is_tls(enum kind kind);

struct queue {
    uint8_t *bytes;
    size_t len;
    size_t capacity;
};

struct device {
    int fd;
    struct tls_client *tls;
    bool is_shaken;
    bool is_deaf; /* does not read */
    bool is_over; /* end of file */
    bool is_closed_by_tls;
    int error;
    struct queue out;  /* plaintext to be sent */
    struct queue wire; /* ciphertext to be sent */
    struct queue in;   /* plaintext that came */
};

void queue_put(struct queue *queue, const void *bytes, size_t len);

/* A PUBLISH with `len` bytes of body, 128 or more, made from the seed. */
void queue_put_publish(struct queue *queue, size_t len, unsigned seed);

/* Where to connect to. */
struct device_target {
    enum kind kind;
    uint16_t port;
    const char *path;
    const struct tls_fixture *pki;
    uint32_t source; /* address to come from, host order; 0: any */
};

void device_open(struct device *device, const struct device_target *target, const char *identity);
void device_close(struct device *device);

/* Closes the socket so that the other side sees a reset. */
void device_reset(struct device *device);

/* Sends what the socket takes, reads what is there. */
void device_turn(struct device *device);
