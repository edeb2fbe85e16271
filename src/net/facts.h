/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a connection before its first packet. The `facts` pointers of
 * core/ports.h point at this.
 *
 * Immutable after the handshake, but for `opening`; lives as long as the connection. */
#pragma once

#include "tls/agreed.h"
#include "tls/peer.h"
#include "tls/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum transport_kind {
    TRANSPORT_PLAIN = 0,
    TRANSPORT_TLS,
    TRANSPORT_UNIX,
};

/* What only counts until it is let in. */
struct connection_opening {
    const struct tls_stream *stream; /* for tls_stream_export(), on the connection's thread; NULL:
                                        none */
    uint64_t accepted_ns; /* of two connections of one client, the one that it opened later is
                             later */
    bool is_tls;          /* its listener speaks TLS */
};

struct connection_facts {
    const char *listener;        /* name; from listener_options */
    const char *address;         /* numeric, "192.0.2.1:40000", "[2001:db8::1]:40000" or "unix" */
    const struct tls_peer *peer; /* NULL: no verified certificate */
    struct tls_agreed *tls;      /* NULL: no handshake has begun */
    struct connection_opening *opening; /* NULL: it is in */
};

/* By what is known: who has said nothing of TLS yet is on its way to it only as long as it has an
 * opening. Of facts that say nothing at all: plain, which trusts it least. */
static inline enum transport_kind facts_transport(const struct connection_facts *facts)
{
    if (facts->address[0] == 'u') /* no numeric address begins so */
        return TRANSPORT_UNIX;
    bool is_tls = facts->tls != NULL || (facts->opening != NULL && facts->opening->is_tls);
    return is_tls ? TRANSPORT_TLS : TRANSPORT_PLAIN;
}

/* Bytes of the address without its port. */
static inline size_t facts_host_len(const struct connection_facts *facts)
{
    const char *colon = strrchr(facts->address, ':');

    return colon != NULL ? (size_t)(colon - facts->address) : strlen(facts->address);
}
