/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/stream.h"

#include "base/invariant.h"
#include "tls/certificate.h"
#include "tls/departure.h"
#include "tls/detached.h"
#include "tls/generation.h"
#include "tls/sessions.h"
#include "tls/shard.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

int tls_stream_open(struct tls_stream *stream, struct tls_context *context, struct tls_shard *shard)
{
    struct tls_generation *generation = tls_context_generation(context);
    if (generation == NULL)
        return -ENOMEM;
    SSL *ssl = SSL_new(generation->ssl_ctx);
    if (ssl == NULL || (generation->detach != TLS_DETACH_OFF && tls_departure_prepare(ssl) < 0)) {
        SSL_free(ssl);
        ERR_clear_error();
        tls_generation_unref(generation);
        return -ENOMEM;
    }
    /* The connection keeps the reference to its generation: tls_stream_close(). */
    SSL_set_accept_state(ssl);
    *stream = (struct tls_stream){ .ssl = ssl };
    tls_stream_join(stream, shard);
    return 0;
}

static struct tls_generation *generation_of(const struct tls_stream *stream)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(stream->ssl));
}

static void leave_openssl(struct tls_stream *stream)
{
    struct tls_generation *generation = generation_of(stream);
    tls_departure_drop(stream->ssl);
    SSL_free(stream->ssl);
    tls_generation_unref(generation);
    stream->ssl = NULL;
}

void tls_stream_close(struct tls_stream *stream, struct tls_shard *shard)
{
    if (stream->ssl != NULL)
        leave_openssl(stream);
    if (stream->records != NULL)
        tls_detached_close(stream, shard);
    tls_peer_unref(stream->peer);
    *stream = (struct tls_stream){ 0 };
}

void tls_stream_leave(struct tls_stream *stream, struct tls_shard *shard)
{
    if (tls_stream_is_detached(stream))
        tls_detached_leave(stream, shard);
    else
        SSL_set_bio(stream->ssl, NULL, NULL);
}

void tls_stream_join(struct tls_stream *stream, struct tls_shard *shard)
{
    if (tls_stream_is_detached(stream))
        return;
    BIO_up_ref(shard->bio);
    SSL_set_bio(stream->ssl, shard->bio, shard->bio);
}

bool tls_stream_is_1_3(const struct tls_stream *stream)
{
    return stream->ssl != NULL && SSL_version(stream->ssl) == TLS1_3_VERSION;
}

enum tls_detach tls_stream_wish(const struct tls_stream *stream)
{
    return stream->ssl != NULL ? generation_of(stream)->detach : TLS_DETACH_OFF;
}

enum tls_detached tls_stream_detach(struct tls_stream *stream, struct tls_shard *shard)
{
    enum tls_departure_state state = tls_departure_state(stream->ssl);
    if (state != TLS_DEPARTURE_READY)
        return state == TLS_DEPARTURE_LATER ? TLS_NOT_YET : TLS_STAYS;
    enum tls_detached end = tls_detached_open(stream, shard);
    if (end == TLS_DETACHED)
        leave_openssl(stream);
    return end;
}

static enum tls_result outcome(struct tls_stream *stream, struct tls_shard *shard, int result)
{
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return shard->steps <= TLS_STEPS_MAX ? TLS_WANTS_INPUT : TLS_FAILED;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_CLOSED;
    default:
        tls_shard_explain(shard);
        return TLS_FAILED;
    }
}

/* Who it is, after a full handshake: whom the certificate names. What a ticket that was
 * found, and not taken, left in stream->peer does not count. A resumed connection has its
 * peer from the cache. */
static bool settle_peer(struct tls_stream *stream)
{
    if (SSL_session_reused(stream->ssl))
        return true;
    X509 *certificate = SSL_get0_peer_certificate(stream->ssl);
    if (certificate != NULL && stream->peer != NULL && tls_peer_is_of(stream->peer, certificate))
        return true; /* made when the ticket was */
    tls_peer_unref(stream->peer);
    stream->peer =
        certificate != NULL ? tls_generation_peer(generation_of(stream), certificate) : NULL;
    return certificate == NULL || stream->peer != NULL;
}

/* OpenSSL keeps the client's parsed certificate as long as the connection lives. It is
 * nobody else's (sessions.h keeps copies of what it needs, and `peer` has the facts). With TLS 1.3 the
 * session is not needed any more; else the certificate's heavy parts are swapped for small ones that all
 * connections share, which takes as long as a signature. */
static void drop_certificate(const struct tls_stream *stream)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(stream->ssl);
    while (sk_X509_num(chain) > 0)
        X509_free(sk_X509_pop(chain));
    X509 *leaf = SSL_get0_peer_certificate(stream->ssl);
    if (leaf != NULL && !tls_sessions_strip(stream->ssl))
        tls_certificate_slim(leaf, generation_of(stream)->placeholder);
}

enum tls_result tls_stream_handshake(struct tls_stream *stream, struct tls_shard *shard,
                                     struct tls_agreed *agreed)
{
    shard->current = stream;
    tls_agreed_follow(agreed, stream->ssl);
    int result = SSL_do_handshake(stream->ssl);
    if (result != 1) {
        enum tls_result end = outcome(stream, shard, result);
        if (end == TLS_CLOSED) {
            tls_shard_fail(shard, "the client gave the handshake up");
            end = TLS_FAILED;
        }
        return end;
    }
    if (!settle_peer(stream)) {
        tls_shard_fail(shard, "out of memory");
        return TLS_FAILED;
    }
    drop_certificate(stream);
    tls_agreed_settle(agreed, stream->ssl);
    tls_departure_follow(stream->ssl);
    return TLS_DONE;
}

enum tls_result tls_stream_read(struct tls_stream *stream, struct tls_shard *shard, uint8_t *into,
                                size_t room, size_t *out_len)
{
    if (tls_stream_is_detached(stream))
        return tls_detached_read(stream, shard, into, room, out_len);
    shard->current = stream;
    int result = SSL_read_ex(stream->ssl, into, room, out_len);
    if (MQTT_LIKELY(result == 1))
        return TLS_DONE;
    return outcome(stream, shard, result);
}

int tls_stream_write(struct tls_stream *stream, struct tls_shard *shard, struct mqtt_span plaintext)
{
    MQTT_INVARIANT(plaintext.len > 0 && plaintext.len <= tls_shard_room(shard));
    if (tls_stream_is_detached(stream))
        return tls_detached_write(stream, shard, plaintext);
    shard->current = stream;
    size_t written;
    if (SSL_write_ex(stream->ssl, plaintext.data, plaintext.len, &written) == 1)
        return 0;
    tls_shard_explain(shard);
    return -EPROTO;
}

int tls_stream_export(const struct tls_stream *stream, const char *label, uint8_t *out, size_t len)
{
    if (stream->ssl == NULL)
        return -EPROTO;
    if (SSL_export_keying_material(stream->ssl, out, len, label, strlen(label), NULL, 0, 0) == 1)
        return 0;
    ERR_clear_error();
    return -EPROTO;
}

void tls_stream_shutdown(struct tls_stream *stream, struct tls_shard *shard)
{
    if (tls_stream_is_detached(stream)) {
        tls_detached_shutdown(stream, shard);
        return;
    }
    shard->current = stream;
    /* Before the handshake is over there is nobody to say it to. */
    if (!SSL_in_init(stream->ssl))
        (void)SSL_shutdown(stream->ssl);
    ERR_clear_error();
}
