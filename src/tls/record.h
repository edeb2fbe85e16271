/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.3's record layer without OpenSSL's connection: what is left of one after its handshake are two
 * secrets, two keys, two nonces and two counters (RFC 8446, sections 5 and 7).
 *
 * The server's side: "read" is what the client writes. Owner: the thread whose engine is passed;
 * tls_records_leave() lets it change. No locks, and no allocation but for a record that came in pieces
 * and for plaintext that found no room.
 *
 * What it promises:
 * - AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305; the nonce is the counter over the key's own (5.3).
 * - No key protects more than TLS_KEY_MOST_RECORDS (5.5): ours is renewed at TLS_KEY_RENEW_RECORDS, the
 *   peer is asked to renew its own there, and refused past the bound.
 * - Renewals both ways (4.6.3, 7.2), also in pieces (5.1). Many requests in one input get one answer;
 *   more than TLS_RENEWALS_MAX in one input are refused. A renewal ends its record (5.1).
 * - Any other message of a handshake, a change of cipher spec, empty pieces and alerts, a record within
 *   a message that came in pieces: unexpected_message (4.6, 5, 5.1).
 * - Padding of the peer's is accepted, and not sent (5.4). Empty records of data are, in a row, up to
 *   TLS_EMPTY_MAX. legacy_record_version has to be 0x0303, as OpenSSL wants it.
 * - Too long: record_overflow (5.1, 5.2, 5.4); damaged or forged: bad_record_mac (5.2).
 * - After a failure all is wiped, an alert was put into the output once, and every call fails (6.2). */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "tls/stream.h"

#include <stddef.h>
#include <stdint.h>

enum tls_suite {
    TLS_SUITE_NONE = 0,
    TLS_SUITE_AES_128_GCM_SHA256,
    TLS_SUITE_AES_256_GCM_SHA384,
    TLS_SUITE_CHACHA20_POLY1305_SHA256,
    TLS_SUITE_COUNT,
};

#define TLS_SECRET_MOST_BYTES 48u
#define TLS_KEY_MOST_BYTES    32u
#define TLS_NONCE_BYTES       12u

/* RFC 8446, section 5.5, allows 2^24.5 full records under a key of AES-GCM. */
#define TLS_KEY_RENEW_RECORDS (1u << 23)
#define TLS_KEY_MOST_RECORDS  (1u << 24)

#define TLS_RENEWALS_MAX 32u /* of the peer's keys, in one input */
#define TLS_EMPTY_MAX    32u /* in a row; so many does OpenSSL take */
#define TLS_CANCELED_MAX 4u  /* alerts user_canceled, in a row; likewise */

/* What a record adds to its plaintext, when no renewal is due and when one is; and the most that
 * reading puts into the output. */
#define TLS_RECORD_ADDED_BYTES      22u
#define TLS_RECORD_MOST_ADDED_BYTES 49u
#define TLS_RECORD_ANSWER_BYTES     51u

/* Where bytes go: behind those that are there. Borrowed. */
struct tls_sink {
    uint8_t *bytes;
    size_t room; /* of all */
    size_t len;
};

/* ---- a thread ---- */

/* The algorithms, and what they have made of the keys of those connections that were worked on last:
 * in up to `slots` places, a power of two, each made when it is first needed (about 1 KB): more than
 * 64 only if so many connections are at work that those are too few, and all are enough. A connection has
 * one for each direction that it uses, and can do without. */
struct tls_record_engine;

#define TLS_RECORD_SLOTS 1024u

/* NULL: out of memory, or OpenSSL lacks an algorithm. */
MQTT_NODISCARD struct tls_record_engine *tls_record_engine_new(size_t slots);
void tls_record_engine_free(struct tls_record_engine *engine); /* wipes; NULL is fine */

/* For people: why the last call that returned TLS_FAILED or -EPROTO did; no secret is in it. Borrowed
 * until the next call. */
const char *tls_record_engine_failure(const struct tls_record_engine *engine);

/* ---- a connection ---- */

struct tls_record_direction {
    uint64_t ticket; /* of its place in the engine */
    uint8_t secret[TLS_SECRET_MOST_BYTES];
    uint8_t key[TLS_KEY_MOST_BYTES];
    uint8_t nonce[TLS_NONCE_BYTES];
    uint32_t sequence; /* records that this key has protected */
};

struct tls_kept; /* a record of which not all has come, or plaintext that found no room */

/* Zero is closed. May be moved in memory. */
struct tls_records {
    struct tls_record_direction read;
    struct tls_record_direction write;
    struct tls_kept *kept;
    uint8_t suite;    /* enum tls_suite */
    uint8_t state;    /* enum of record.c */
    uint8_t due;      /* a renewal of our key, that is */
    uint8_t renewals; /* in this input */
    uint8_t empty;    /* in a row */
    uint8_t canceled;
    uint8_t message_len; /* of a renewal in pieces */
    uint8_t message[4];
};

/* What OpenSSL's handshake has left: the traffic secrets that are in force and how many records each
 * has protected so far. Borrowed; read_secret is the client's, write_secret the server's, of
 * tls_suite_secret_bytes() each. */
struct tls_record_secrets {
    enum tls_suite suite;
    const uint8_t *read_secret;
    const uint8_t *write_secret;
    uint64_t read_sequence;
    uint64_t write_sequence;
};

/* By the number that TLS has for it (0x1301 …). TLS_SUITE_NONE: it is not known here. */
enum tls_suite tls_suite_of(unsigned number);
size_t tls_suite_secret_bytes(enum tls_suite suite); /* 0: none */

/* Keys are derived; nothing is sent. -EINVAL: no such suite. -ERANGE: a key has protected
 * TLS_KEY_MOST_RECORDS already. -ENOMEM. */
MQTT_NODISCARD int tls_records_open(struct tls_records *records, struct tls_record_engine *engine,
                                    const struct tls_record_secrets *secrets);

/* Wipes everything, also what the engine has of it; sends nothing. A closed one is fine. */
void tls_records_close(struct tls_records *records, struct tls_record_engine *engine);

/* To another thread: the engine forgets it, and any other one may be passed from now on. */
void tls_records_leave(struct tls_records *records, struct tls_record_engine *engine);

/* Ciphertext in, the plaintext of at most one record out. The input is advanced; what was used is the
 * caller's again. Into the output goes what is to be sent: the answer to renewals when the input has
 * run out, or an alert; where it has less room than TLS_RECORD_ANSWER_BYTES, the answer goes before
 * the next record that is written, and an alert is left out.
 *
 * TLS_DONE: plaintext was added (never nothing): call again. When it did not all find room the rest
 * is kept and comes at the next call. TLS_WANTS_INPUT: all was used, an unfinished record is kept.
 * TLS_CLOSED: close_notify; whatever comes behind it is ignored. TLS_FAILED: an alert of the peer's,
 * or ours is in the output. There is room for some plaintext. */
MQTT_HOT enum tls_result tls_records_read(struct tls_records *records,
                                          struct tls_record_engine *engine, struct mqtt_span *input,
                                          struct tls_sink *plaintext, struct tls_sink *output);

/* 1 to TLS_RECORD_BYTES as one record; a renewal that is due goes before it. The plaintext may not
 * overlap the output. -ENOSPC: the output lacks room for it and TLS_RECORD_MOST_ADDED_BYTES, and
 * nothing has happened. -EPROTO: closed for writing, or broken. */
MQTT_HOT MQTT_NODISCARD int tls_records_write(struct tls_records *records,
                                              struct tls_record_engine *engine,
                                              struct mqtt_span plaintext, struct tls_sink *output);

/* Renews our key before the next record is written; asks the peer to renew its own. */
void tls_records_renew(struct tls_records *records);

/* Puts a close_notify into the output, once; reading goes on. Left out where there is no room for
 * TLS_RECORD_ANSWER_BYTES. */
void tls_records_shutdown(struct tls_records *records, struct tls_record_engine *engine,
                          struct tls_sink *output);

/* Bytes on the heap: of a record of which not all has come, or plaintext that found no room. */
size_t tls_records_held_bytes(const struct tls_records *records);
