/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for one connection, without sockets: ciphertext goes in and out through the
 * buffers of a tls_shard, of which each thread has one for all its connections.
 *
 * Owner: the thread whose shard is passed; tls_stream_join() changes it. Between
 * two calls a stream owns no buffers but an unfinished record's. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "tls/agreed.h"
#include "tls/context.h"
#include "tls/peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_RECORD_BYTES 16384u /* most plaintext in one record */

/* ---- a thread's buffers ---- */

struct tls_shard;

/* NULL out of memory. */
MQTT_NODISCARD struct tls_shard *tls_shard_new(void);
void tls_shard_free(struct tls_shard *shard); /* streams closed before; NULL is fine */

/* Ciphertext that waits to be sent for the stream last worked on. Whoever calls a
 * function below takes it (sends or copies it, then tls_shard_clear) before
 * the next call for another stream. */
struct mqtt_span tls_shard_output(const struct tls_shard *shard);
void tls_shard_clear(struct tls_shard *shard);

/* Output of the same stream that was taken and not sent yet goes in front of what waits now. Copies it.
 * False: there is no room. */
MQTT_NODISCARD bool tls_shard_put_first(struct tls_shard *shard, struct mqtt_span ciphertext);

/* Plaintext that one more tls_stream_write() could take: 0 when the output has to
 * be sent first. */
size_t tls_shard_room(const struct tls_shard *shard);

/* ---- a connection ---- */

struct ssl_st;
struct tls_records;

/* Zero is closed. */
struct tls_stream {
    struct ssl_st *ssl;          /* NULL: closed, or detached */
    struct tls_records *records; /* detached: what goes on instead */
    const struct tls_peer *peer; /* after the handshake; NULL: no certificate */
};

enum tls_result {
    TLS_FAILED = 0,  /* output may hold an alert; tls_shard_failure() says why */
    TLS_WANTS_INPUT, /* all input was used */
    TLS_DONE,        /* handshake: done; read: *out_len bytes */
    TLS_CLOSED,      /* the peer said close_notify */
};

/* The server's side of a new connection. -ENOMEM. */
MQTT_NODISCARD int tls_stream_open(struct tls_stream *stream, struct tls_context *context,
                                   struct tls_shard *shard);

/* Frees it, sends nothing. A closed one is fine. */
void tls_stream_close(struct tls_stream *stream, struct tls_shard *shard);

static inline bool tls_stream_is_open(const struct tls_stream *stream)
{
    return stream->ssl != NULL || stream->records != NULL;
}

static inline bool tls_stream_is_detached(const struct tls_stream *stream)
{
    return stream->records != NULL;
}

/* After the handshake, and not detached: with TLS 1.3 all that the server still says are tickets. */
bool tls_stream_is_1_3(const struct tls_stream *stream);

/* Ciphertext has come: borrowed until it was used up by calls to handshake or read
 * that end in something else than TLS_DONE, or tls_shard_feed() is called again. */
void tls_shard_feed(struct tls_shard *shard, struct mqtt_span ciphertext);

/* Goes on with the handshake. At TLS_DONE stream->peer and *agreed are set, and what OpenSSL keeps of
 * the certificate has been dropped as far as it lets go. `agreed` is zeroed before the first call
 * and the same in all: the print may be in it earlier. */
enum tls_result tls_stream_handshake(struct tls_stream *stream, struct tls_shard *shard,
                                     struct tls_agreed *agreed);

/* Plaintext of at most one record. */
MQTT_HOT enum tls_result tls_stream_read(struct tls_stream *stream, struct tls_shard *shard,
                                         uint8_t *into, size_t room, size_t *out_len);

/* Turns at most TLS_RECORD_BYTES and at most tls_shard_room() bytes into a record
 * of the output. -EPROTO when the stream is broken. */
MQTT_HOT MQTT_NODISCARD int tls_stream_write(struct tls_stream *stream, struct tls_shard *shard,
                                             struct mqtt_span plaintext);

/* ---- without OpenSSL ---- */

/* What its context says of leaving OpenSSL; OFF: it has, or it is closed. */
enum tls_detach tls_stream_wish(const struct tls_stream *stream);

enum tls_detached {
    TLS_STAYS =
        0, /* with OpenSSL, for good: TLS 1.2, keys that were renewed, short records, a suite that is not known
                      here, or its context does not let it go */
    TLS_NOT_YET, /* part of a record has come, or memory is short */
    TLS_DETACHED,
};

/* After the handshake, between two calls: goes on with records of our own (tls/record.h), and lets go
 * of OpenSSL, of what it has in memory, and of the certificates that were current. Nobody can see
 * it from outside. What works the same: all of the functions here but tls_stream_export(). */
enum tls_detached tls_stream_detach(struct tls_stream *stream, struct tls_shard *shard);

/* ---- the rest ---- */

/* Bytes that the two ends of this connection have and nobody else (RFC 8446, section 7.5; RFC 5705), by
 * the label, without a context. After the handshake. -EPROTO, also of one that is detached. */
MQTT_NODISCARD int tls_stream_export(const struct tls_stream *stream, const char *label,
                                     uint8_t *out, size_t len);

/* Puts a close_notify into the output. */
void tls_stream_shutdown(struct tls_stream *stream, struct tls_shard *shard);

/* Between two threads: leave on the old one, join on the new one before anything
 * else. All input was used and the output taken. */
void tls_stream_leave(struct tls_stream *stream, struct tls_shard *shard);
void tls_stream_join(struct tls_stream *stream, struct tls_shard *shard);

/* For people: why the last call that returned TLS_FAILED did; borrowed until the
 * next call. */
const char *tls_shard_failure(const struct tls_shard *shard);
