/* SPDX-License-Identifier: Apache-2.0 */
/* What a client offered in its handshake, and what was agreed on: for the log and for alarms, never
 * for a decision.
 *
 * The print of a ClientHello tells one TLS library, its version and its settings from another. It is
 * the first TLS_HELLO_PRINT_BYTES bytes of the SHA-256 of numbers of two bytes, the high one first:
 *
 *     the version field of the ClientHello (legacy_version)
 *     how many cipher suites follow, and they
 *     how many types of extensions follow, and they
 *     how many groups follow, and they (extension 10, supported_groups)
 *
 * all in the order of the ClientHello, without GREASE (RFC 8701), and without the extensions that
 * come and go with the same client: padding (21), pre_shared_key (41), early_data (42), cookie (44).
 * Of two ClientHellos of one handshake the first counts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TLS_HELLO_PRINT_BYTES 16

/* Owner: whoever shakes hands; fixed once the handshake is over. Zero: nothing has come yet. */
struct tls_agreed {
    const char *version; /* "TLSv1.3"; static; NULL: the handshake is not over */
    const char *cipher;  /* "TLS_AES_128_GCM_SHA256"; likewise */
    bool is_resumed;
    bool has_print; /* a ClientHello has come that is no longer than TLS_HELLO_MAX_BYTES */
    uint8_t print[TLS_HELLO_PRINT_BYTES];
};

struct ssl_st;

/* Before a handshake, or anywhere in it: its first ClientHello leaves its print in `agreed`, which is
 * borrowed until the handshake is settled or `ssl` freed. */
void tls_agreed_follow(struct tls_agreed *agreed, struct ssl_st *ssl);

/* The handshake is over. */
void tls_agreed_settle(struct tls_agreed *agreed, struct ssl_st *ssl);
