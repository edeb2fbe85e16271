/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/sessions.h"

#include "base/bytes_map.h"
#include "base/list.h"
#include "base/wipe.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define LIFETIME_MOST_S ((1u << 25) - 1) /* a year; TLS 1.3 has a week */
#define SECRET_BYTES    48               /* SHA-384, the longest hash of a TLS 1.3 suite */

struct tls_sessions {
    atomic_uint references;
    uint32_t most;
    uint32_t lifetime_s;
    CRYPTO_RWLOCK *lock; /* of what follows */
    struct bytes_map by_id;
    struct list by_age; /* oldest first */
};

struct entry {
    struct bytes_node node;
    struct list age;
    const struct tls_peer *peer;
    const SSL_CIPHER *cipher;
    uint32_t created_s;       /* since 1970: until 2106 */
    uint32_t lifetime_s : 25; /* from then on */
    uint32_t secret_len : 7;
    uint8_t id[SSL_MAX_SSL_SESSION_ID_LENGTH];
    uint8_t secret[SECRET_BYTES];
};

struct tls_sessions *tls_sessions_new(uint32_t most, uint32_t lifetime_s)
{
    struct tls_sessions *sessions = calloc(1, sizeof(*sessions));
    if (sessions == NULL)
        return NULL;
    struct siphash_key key;
    sessions->lock = CRYPTO_THREAD_lock_new();
    if (sessions->lock == NULL || RAND_bytes((unsigned char *)&key, sizeof(key)) != 1) {
        CRYPTO_THREAD_lock_free(sessions->lock);
        free(sessions);
        return NULL;
    }
    atomic_init(&sessions->references, 1);
    sessions->most = most;
    sessions->lifetime_s = lifetime_s < LIFETIME_MOST_S ? lifetime_s : LIFETIME_MOST_S;
    bytes_map_init(&sessions->by_id, &key);
    list_init(&sessions->by_age);
    return sessions;
}

struct tls_sessions *tls_sessions_ref(struct tls_sessions *sessions)
{
    if (sessions != NULL)
        atomic_fetch_add_explicit(&sessions->references, 1, memory_order_relaxed);
    return sessions;
}

static void entry_free(struct entry *entry)
{
    wipe_bytes(entry->secret, sizeof(entry->secret));
    tls_peer_unref(entry->peer);
    free(entry);
}

static void drop(struct tls_sessions *sessions, struct entry *entry)
{
    bytes_map_remove(&sessions->by_id, &entry->node);
    list_unlink(&entry->age);
    entry_free(entry);
}

static void drop_oldest(struct tls_sessions *sessions, size_t keep)
{
    while (sessions->by_id.count > keep)
        drop(sessions, MQTT_CONTAINER_OF(sessions->by_age.next, struct entry, age));
}

void tls_sessions_unref(struct tls_sessions *sessions)
{
    if (sessions == NULL
        || atomic_fetch_sub_explicit(&sessions->references, 1, memory_order_acq_rel) != 1)
        return;
    drop_oldest(sessions, 0);
    bytes_map_fini(&sessions->by_id);
    CRYPTO_THREAD_lock_free(sessions->lock);
    free(sessions);
}

/* Not longer than the certificate that was shown. */
static uint32_t lifetime_s(const struct tls_sessions *sessions, const struct tls_peer *peer,
                           int64_t now_s)
{
    if (peer == NULL || peer->not_after_s >= now_s + sessions->lifetime_s)
        return sessions->lifetime_s;
    return peer->not_after_s > now_s ? (uint32_t)(peer->not_after_s - now_s) : 0;
}

static bool has_expired(const struct entry *entry)
{
    return (int64_t)time(NULL) >= (int64_t)entry->created_s + entry->lifetime_s;
}

static struct entry *entry_new(const struct tls_sessions *sessions, const SSL_SESSION *session,
                               const struct tls_peer *peer)
{
    unsigned id_len = 0;
    const unsigned char *id = SSL_SESSION_get_id(session, &id_len);
    size_t secret_len = SSL_SESSION_get_master_key(session, NULL, 0);
    if (SSL_SESSION_get_protocol_version(session) != TLS1_3_VERSION || id_len == 0
        || id_len > SSL_MAX_SSL_SESSION_ID_LENGTH || secret_len > SECRET_BYTES)
        return NULL;
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return NULL;
    memcpy(entry->id, id, id_len);
    entry->node.key = (struct mqtt_span){ entry->id, id_len };
    entry->secret_len = SSL_SESSION_get_master_key(session, entry->secret, SECRET_BYTES) & 0x7fu;
    entry->cipher = SSL_SESSION_get0_cipher(session);
    entry->created_s = (uint32_t)time(NULL);
    entry->lifetime_s = lifetime_s(sessions, peer, entry->created_s) & LIFETIME_MOST_S;
    entry->peer = tls_peer_ref(peer);
    return entry;
}

void tls_sessions_put(struct tls_sessions *sessions, const SSL_SESSION *session,
                      const struct tls_peer *peer)
{
    struct entry *entry = entry_new(sessions, session, peer);
    if (entry == NULL)
        return;
    if (CRYPTO_THREAD_write_lock(sessions->lock) != 1) {
        entry_free(entry);
        return;
    }
    struct bytes_node *same = bytes_map_find(&sessions->by_id, entry->node.key);
    if (same != NULL)
        drop(sessions, MQTT_CONTAINER_OF(same, struct entry, node));
    if (bytes_map_insert(&sessions->by_id, &entry->node) == 0) {
        list_push_back(&sessions->by_age, &entry->age);
        drop_oldest(sessions, sessions->most);
    } else {
        entry_free(entry);
    }
    CRYPTO_THREAD_unlock(sessions->lock);
}

static SSL_SESSION *session_of(const struct entry *entry, struct mqtt_span id_context)
{
    SSL_SESSION *session = SSL_SESSION_new();
    if (session == NULL)
        return NULL;
    if (SSL_SESSION_set1_id(session, entry->id, (unsigned)entry->node.key.len) != 1
        || SSL_SESSION_set1_id_context(session, id_context.data, (unsigned)id_context.len) != 1
        || SSL_SESSION_set1_master_key(session, entry->secret, entry->secret_len) != 1
        || SSL_SESSION_set_cipher(session, entry->cipher) != 1
        || SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) != 1) {
        SSL_SESSION_free(session);
        return NULL;
    }
    SSL_SESSION_set_time(session, (long)entry->created_s);
    SSL_SESSION_set_timeout(session, (long)entry->lifetime_s);
    return session;
}

SSL_SESSION *tls_sessions_find(struct tls_sessions *sessions, struct mqtt_span id,
                               struct mqtt_span id_context, const struct tls_peer **out_peer)
{
    if (CRYPTO_THREAD_write_lock(sessions->lock) != 1)
        return NULL;
    SSL_SESSION *session = NULL;
    struct bytes_node *node = bytes_map_find(&sessions->by_id, id);
    if (node != NULL) {
        struct entry *entry = MQTT_CONTAINER_OF(node, struct entry, node);
        if (!has_expired(entry)) {
            session = session_of(entry, id_context);
            if (session != NULL)
                *out_peer = tls_peer_ref(entry->peer);
        } else {
            drop(sessions, entry);
        }
    }
    CRYPTO_THREAD_unlock(sessions->lock);
    return session;
}

/* A session of which there is nothing but what it was agreed to, as it is written down; freed by
 * OPENSSL_free(). Its length; 0: none. */
static int write_bare(const SSL_SESSION *session, unsigned char **out)
{
    SSL_SESSION *bare = SSL_SESSION_new();
    int len = -1;
    if (bare != NULL && SSL_SESSION_set_cipher(bare, SSL_SESSION_get0_cipher(session)) == 1
        && SSL_SESSION_set_protocol_version(bare, TLS1_3_VERSION) == 1)
        len = i2d_SSL_SESSION(bare, out);
    SSL_SESSION_free(bare);
    return len > 0 ? len : 0;
}

bool tls_sessions_strip(SSL *ssl)
{
    SSL_SESSION *session = SSL_get_session(ssl);
    unsigned char *bytes = NULL;
    /* Short records are a property of the session. */
    if (SSL_SESSION_get_protocol_version(session) != TLS1_3_VERSION
        || SSL_SESSION_get_max_fragment_length(session) != TLSEXT_max_fragment_length_DISABLED)
        return false;
    int len = write_bare(session, &bytes);
    const unsigned char *at = bytes;
    /* There is no function that takes the certificate out of a session, but one is read into another. */
    if (len > 0)
        (void)d2i_SSL_SESSION(&session, &at, len);
    OPENSSL_free(bytes);
    ERR_clear_error();
    return SSL_get0_peer_certificate(ssl) == NULL;
}

bool tls_sessions_has(struct tls_sessions *sessions, struct mqtt_span id)
{
    if (CRYPTO_THREAD_read_lock(sessions->lock) != 1)
        return false;
    struct bytes_node *node = bytes_map_find(&sessions->by_id, id);
    bool is_good = node != NULL && !has_expired(MQTT_CONTAINER_OF(node, struct entry, node));
    CRYPTO_THREAD_unlock(sessions->lock);
    return is_good;
}

void tls_sessions_clear(struct tls_sessions *sessions)
{
    if (CRYPTO_THREAD_write_lock(sessions->lock) != 1)
        return;
    drop_oldest(sessions, 0);
    CRYPTO_THREAD_unlock(sessions->lock);
}

uint32_t tls_sessions_count(struct tls_sessions *sessions)
{
    if (CRYPTO_THREAD_read_lock(sessions->lock) != 1)
        return 0;
    uint32_t count = (uint32_t)sessions->by_id.count;
    CRYPTO_THREAD_unlock(sessions->lock);
    return count;
}
