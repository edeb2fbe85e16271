/* SPDX-License-Identifier: Apache-2.0 */
/* The transport for POSIX systems: non-blocking sockets, with OpenSSL or, by a name
 * that says so, without. Looking up a host name may block; everything else does not.
 *
 * Uses the heap. One connection belongs to one thread at a time. The program ignores
 * SIGPIPE. */
#pragma once

#include "tacit/key.h"
#include "tacit/transport.h"

#include <stdbool.h>

/* NULL means not set. */
struct tacit_tls_options {
    const char *ca_file;          /* PEM; NULL: the CAs that the system trusts */
    const char *certificate_file; /* PEM, with the chain; needs key_file or key */
    const char *key_file;         /* PEM */
    bool require_tls_1_3;         /* else 1.2 will do */

    /* Signs in place of key_file. Its context is taken, also on failure: it is released when the
     * last connection that uses it is gone. */
    const struct tacit_key *key;
};

/* What connections share: options, certificates, the key. */
struct tacit_tls;

/* NULL on failure, with one line about it in `error`. */
struct tacit_tls *tacit_tls_new(const struct tacit_tls_options *options, char *error,
                                size_t error_size);
void tacit_tls_free(struct tacit_tls *tls);

struct tacit_posix;

/* One connection, reusable after each close; resumes TLS sessions by itself. NULL when
 * out of memory. `tls` outlives it. */
struct tacit_posix *tacit_posix_tls_new(struct tacit_tls *tls);

/* The same without encryption: everything can be read and changed on the way. */
struct tacit_posix *tacit_posix_insecure_new(void);

void tacit_posix_free(struct tacit_posix *posix);

struct tacit_transport tacit_posix_transport(struct tacit_posix *posix);

/* Offers this protocol (ALPN; a static text of 1..32 bytes) before "mqtt", on connections opened from
 * now on. */
void tacit_posix_offer(struct tacit_posix *posix, const char *protocol);

/* Has the server of the connection that is open chosen that protocol? */
bool tacit_posix_agrees(const struct tacit_posix *posix, const char *protocol);

/* What the exporter of its TLS says to `label`, without a context. TACIT_KEY: it is not open, or not
 * encrypted. */
int tacit_posix_export(const struct tacit_posix *posix, const char *label, uint8_t *out,
                       size_t len);

/* HMAC-SHA-256 with a key of 32 bytes, for tacit/ratchet.h. TACIT_KEY: it failed. */
int tacit_posix_hmac(const uint8_t key[32], struct tacit_bytes data, uint8_t out[32]);

/* For poll(2): the socket, -1 if there is none; and whether it also waits for room
 * to write. */
int tacit_posix_descriptor(const struct tacit_posix *posix);
bool tacit_posix_wants_write(const struct tacit_posix *posix);

/* Bytes of MQTT that were taken for sending, on all its connections so far. */
uint64_t tacit_posix_sent_bytes(const struct tacit_posix *posix);

/* One line about what failed last, or "". */
const char *tacit_posix_error(const struct tacit_posix *posix);

/* "TLSv1.3, TLS_AES_256_GCM_SHA384, resumed" or "not encrypted". */
void tacit_posix_describe(const struct tacit_posix *posix, char *out, size_t size);

/* Sleeps until the connection or `other_descriptor` (-1: none) can be read, the
 * connection can be written if it waits for that, or `timeout_ms` has passed
 * (UINT32_MAX: no limit). */
void tacit_posix_wait(const struct tacit_posix *posix, int other_descriptor, uint32_t timeout_ms);

/* May nobody but its owner read this file? True as well if there is none. */
bool tacit_posix_key_is_private(const char *path);

/* "localhost", 127.0.0.0/8 or ::1: what is said to it does not leave the machine. */
bool tacit_posix_is_loopback(const char *host);

/* The clock for tacit_poll, and the randomness for tacit_config. */
uint64_t tacit_posix_now_ms(void);
int tacit_posix_random(void *context, void *out, size_t len);
