/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a stream and a client of OpenSSL's, both ends in one thread. */
#pragma once

#include "tls/fixture.h"
#include "tls/stream.h"

struct link {
    struct tls_shard *shard;
    struct tls_stream stream;
    struct tls_client *client;
    struct tls_agreed agreed;
    enum tls_result server; /* what the last call of the server's end said */
};

struct link link_open(struct tls_context *context, const struct tls_client_options *options);
void link_close(struct link *link);

/* Moves ciphertext in pieces of at most `piece` bytes until both ends rest. As
 * tls_client_handshake(), or the client's end when it took in what came behind it. */
int link_shake_hands(struct link *link, size_t piece);

/* What the server's end has to send. */
void link_to_client(struct link *link);

/* The server's end writes `record`, TLS_RECORD_BYTES, as often as the output has room, and the client reads
 * that, into `record`; so many bytes. */
size_t link_fill(struct link *link, uint8_t *record);

/* Reads what the client has sent; how many bytes of plaintext came. */
size_t link_receive(struct link *link, uint8_t *into, size_t room);

/* "up" and "down", which have to come. */
void link_talk(struct link *link);
