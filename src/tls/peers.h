/* SPDX-License-Identifier: Apache-2.0 */
/* The peers that are in use, of connections and of what can be resumed: who comes with a certificate
 * that is known shares its peer, and it is not read again. Inside tls/ only.
 *
 * Thread-safe and reference-counted: each peer in it is a reference, and has its place until its last
 * user lets go. So nothing is kept here, and there are never more than certificates in use. */
#pragma once

#include "base/attrs.h"
#include "base/bytes_map.h"
#include "tls/peer.h"

#include <openssl/x509.h>
#include <stdatomic.h>

struct tls_peers;

/* The peer and its strings are one block: this, as many pointers as there are URIs, the text. */
struct counted_peer {
    struct tls_peer peer;
    atomic_uint references; /* goes to 0 under the lock of `peers` */
    struct tls_peers *peers;
    struct bytes_node by_fingerprint;
    const char *uris[];
};

/* One reference. NULL out of memory. */
MQTT_NODISCARD struct tls_peers *tls_peers_new(void);
void tls_peers_unref(struct tls_peers *peers); /* NULL is fine */

/* What that certificate says, with a reference; NULL: out of memory, or it is not encodable.
 * `extension`: the one whose value is kept, the same in all calls; NULL: none. */
MQTT_NODISCARD const struct tls_peer *tls_peers_get(struct tls_peers *peers, X509 *certificate,
                                                    const ASN1_OBJECT *extension);

/* For tests. */
size_t tls_peers_count(struct tls_peers *peers);
