/* SPDX-License-Identifier: Apache-2.0 */
/* What can be resumed: a bounded cache of session secrets, shared by all shards.
 * Inside tls/ only.
 *
 * Thread-safe and reference-counted. Entries are made by hand from the few fields
 * that TLS 1.3 resumption needs, not by keeping OpenSSL's object, whose parsed
 * certificate costs several kilobytes: here an entry is 200 bytes beside a struct
 * tls_peer that live connections share. At the bound the oldest goes. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "tls/peer.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct tls_sessions;

/* One reference. NULL out of memory. */
MQTT_NODISCARD struct tls_sessions *tls_sessions_new(uint32_t most, uint32_t lifetime_s);
struct tls_sessions *tls_sessions_ref(struct tls_sessions *sessions); /* NULL is fine */
void tls_sessions_unref(struct tls_sessions *sessions);               /* NULL is fine */

/* Copies the secret, refs the peer (NULL: none). Silently does nothing for what
 * cannot be kept: TLS 1.2, out of memory. */
void tls_sessions_put(struct tls_sessions *sessions, const SSL_SESSION *session,
                      const struct tls_peer *peer);

/* A new SSL_SESSION for the id, the caller's, with a reference to its peer in
 * *out_peer; or NULL. */
SSL_SESSION *tls_sessions_find(struct tls_sessions *sessions, struct mqtt_span id,
                               struct mqtt_span id_context, const struct tls_peer **out_peer);

/* Is there one of that id that has not expired? */
bool tls_sessions_has(struct tls_sessions *sessions, struct mqtt_span id);

/* After a handshake: the session of a connection of TLS 1.3 forgets the peer's certificate, and all that
 * is for a resumption, which are entries of their own here. Nobody else has a reference to it. False: it is
 * as it was, as what OpenSSL looks at in it yet cannot be kept. */
bool tls_sessions_strip(SSL *ssl);

void tls_sessions_clear(struct tls_sessions *sessions);
uint32_t tls_sessions_count(struct tls_sessions *sessions);
