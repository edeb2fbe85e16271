/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/peers.h"

#include "base/invariant.h"
#include "tls/certificate.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

struct tls_peers {
    atomic_uint references;
    CRYPTO_RWLOCK *lock; /* of what follows */
    struct bytes_map by_fingerprint;
};

struct tls_peers *tls_peers_new(void)
{
    struct tls_peers *peers = calloc(1, sizeof(*peers));
    struct siphash_key key;
    if (peers == NULL)
        return NULL;
    peers->lock = CRYPTO_THREAD_lock_new();
    if (peers->lock == NULL || RAND_bytes((unsigned char *)&key, sizeof(key)) != 1) {
        CRYPTO_THREAD_lock_free(peers->lock);
        free(peers);
        return NULL;
    }
    atomic_init(&peers->references, 1);
    bytes_map_init(&peers->by_fingerprint, &key);
    return peers;
}

void tls_peers_unref(struct tls_peers *peers)
{
    if (peers == NULL
        || atomic_fetch_sub_explicit(&peers->references, 1, memory_order_acq_rel) != 1)
        return;
    bytes_map_fini(&peers->by_fingerprint);
    CRYPTO_THREAD_lock_free(peers->lock);
    free(peers);
}

/* ---- one ---- */

static struct counted_peer *counted(const struct tls_peer *peer)
{
    /* Only the count behind the constant face changes. */
    return (struct counted_peer *)(uintptr_t)peer;
}

const struct tls_peer *tls_peer_ref(const struct tls_peer *peer)
{
    if (peer != NULL)
        atomic_fetch_add_explicit(&counted(peer)->references, 1, memory_order_relaxed);
    return peer;
}

/* True if somebody else has it yet. */
static bool let_go(struct counted_peer *peer)
{
    unsigned before = atomic_load_explicit(&peer->references, memory_order_relaxed);
    while (before > 1) {
        if (atomic_compare_exchange_weak_explicit(&peer->references, &before, before - 1,
                                                  memory_order_acq_rel, memory_order_relaxed))
            return true;
    }
    return false;
}

/* Who finds a peer has the lock: none is found that goes. */
void tls_peer_unref(const struct tls_peer *peer)
{
    if (peer == NULL || let_go(counted(peer)))
        return;
    struct counted_peer *last = counted(peer);
    struct tls_peers *peers = last->peers;
    MQTT_INVARIANT(CRYPTO_THREAD_write_lock(peers->lock) == 1);
    bool is_over = atomic_fetch_sub_explicit(&last->references, 1, memory_order_acq_rel) == 1;
    if (is_over)
        bytes_map_remove(&peers->by_fingerprint, &last->by_fingerprint);
    CRYPTO_THREAD_unlock(peers->lock);
    if (!is_over)
        return;
    free(last);
    tls_peers_unref(peers);
}

/* ---- all ---- */

/* Under the lock. */
static const struct tls_peer *find(struct tls_peers *peers, struct mqtt_span fingerprint)
{
    struct bytes_node *node = bytes_map_find(&peers->by_fingerprint, fingerprint);
    if (node == NULL)
        return NULL;
    return tls_peer_ref(&MQTT_CONTAINER_OF(node, struct counted_peer, by_fingerprint)->peer);
}

static const struct tls_peer *find_known(struct tls_peers *peers, struct mqtt_span fingerprint)
{
    if (CRYPTO_THREAD_write_lock(peers->lock) != 1)
        return NULL;
    const struct tls_peer *known = find(peers, fingerprint);
    CRYPTO_THREAD_unlock(peers->lock);
    return known;
}

/* Takes it. Another thread may have been faster: then it is that one's. */
static const struct tls_peer *add(struct tls_peers *peers, struct counted_peer *made)
{
    const struct tls_peer *known = NULL;
    struct mqtt_span fingerprint = { made->peer.fingerprint, TLS_FINGERPRINT_BYTES };
    bool is_in = false;
    made->by_fingerprint.key = fingerprint;
    made->peers = peers;
    if (CRYPTO_THREAD_write_lock(peers->lock) == 1) {
        known = find(peers, fingerprint);
        is_in =
            known == NULL && bytes_map_insert(&peers->by_fingerprint, &made->by_fingerprint) == 0;
        if (is_in)
            atomic_fetch_add_explicit(&peers->references, 1, memory_order_relaxed);
        CRYPTO_THREAD_unlock(peers->lock);
    }
    if (is_in)
        return &made->peer;
    free(made);
    return known;
}

const struct tls_peer *tls_peers_get(struct tls_peers *peers, X509 *certificate,
                                     const ASN1_OBJECT *extension)
{
    uint8_t digest[TLS_FINGERPRINT_BYTES];
    if (X509_digest(certificate, EVP_sha256(), digest, NULL) != 1)
        return NULL;
    const struct tls_peer *known = find_known(peers, (struct mqtt_span){ digest, sizeof(digest) });
    if (known != NULL)
        return known;
    struct counted_peer *made = tls_peer_new(certificate, extension);
    return made != NULL ? add(peers, made) : NULL;
}

size_t tls_peers_count(struct tls_peers *peers)
{
    if (CRYPTO_THREAD_read_lock(peers->lock) != 1)
        return 0;
    size_t count = peers->by_fingerprint.count;
    CRYPTO_THREAD_unlock(peers->lock);
    return count;
}
