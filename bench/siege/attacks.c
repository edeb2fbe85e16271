/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/attacks.h"

#include "codec/writer.h"

#include <openssl/err.h>
#include <string.h>

#define CONNECT     0x10
#define DRIP_BYTES  1000u /* of a CONNECT that comes byte by byte: it is never whole */
#define KEY_UPDATES 10u   /* each second */
#define FILLER      'a'
#define CHUNK_BYTES 16384u
#define MALFORMED(bytes)                            \
    {                                               \
        (const uint8_t *)(bytes), sizeof(bytes) - 1 \
    }

/* ---- bit by bit ---- */

/* Sends up to `most` further bytes of `head` and then filler, until `end` bytes went out in all. */
static void send_some(struct peer *peer, struct mqtt_span head, size_t end, size_t most)
{
    uint8_t chunk[CHUNK_BYTES];

    while (peer->sent < end && most > 0) {
        size_t len = end - peer->sent;

        len = len < most ? len : most;
        len = len < sizeof(chunk) ? len : sizeof(chunk);
        memset(chunk, FILLER, len);
        if (peer->sent < head.len) {
            size_t rest = head.len - peer->sent;
            memcpy(chunk, head.data + peer->sent, rest < len ? rest : len);
        }
        ssize_t count = line_send(&peer->line, chunk, len);
        if (count <= 0)
            return;
        peer->sent += (size_t)count;
        most -= (size_t)count;
    }
}

/* Of a CONNECT with a name and a password, whose client identifier never ends: `remaining` bytes
 * after its fixed header are announced, and all of it is sent up to `end`. */
static void send_connect(struct peer *peer, uint32_t remaining, size_t end, size_t most)
{
    static const uint8_t body[] = { 0, 4, 'M', 'Q', 'T', 'T', 4, 0xc2, 0, 60, 0xff, 0xff };
    uint8_t memory[32];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    mqtt_write_u8(&w, CONNECT);
    mqtt_write_varint(&w, remaining);
    mqtt_write_bytes(&w, (struct mqtt_span){ body, sizeof(body) });
    send_some(peer, mqtt_writer_written(&w), end, most);
}

static struct mqtt_span hello_of(const struct peer *peer)
{
    return (struct mqtt_span){ peer->means->hello, peer->means->hello_len };
}

/* ---- steps ---- */

static void stay(struct peer *peer)
{
    (void)peer;
}

static void leave(struct peer *peer)
{
    line_close(&peer->line);
}

static void send_half(struct peer *peer)
{
    send_some(peer, hello_of(peer), peer->means->hello_len / 2, SIZE_MAX);
}

static void send_hello(struct peer *peer)
{
    send_some(peer, hello_of(peer), peer->means->hello_len, SIZE_MAX);
}

static void drip_hello(struct peer *peer)
{
    send_some(peer, hello_of(peer), peer->means->hello_len, 1);
}

static void drip_connect(struct peer *peer)
{
    send_connect(peer, DRIP_BYTES, DRIP_BYTES, 1);
}

static void send_huge(struct peer *peer)
{
    send_connect(peer, peer->means->huge_bytes, peer->means->huge_sent_bytes, SIZE_MAX);
}

static void send_legal(struct peer *peer)
{
    size_t whole = 1 + mqtt_varint_size(peer->means->legal_bytes) + peer->means->legal_bytes;

    send_connect(peer, peer->means->legal_bytes, whole - 1, SIZE_MAX);
}

static void renegotiate(struct peer *peer)
{
    /* One that is refused ends the line: the peer's own TLS gives up. */
    if (SSL_renegotiate(peer->line.ssl) == 1)
        (void)line_shake_again(&peer->line);
    ERR_clear_error();
}

static void update_keys(struct peer *peer)
{
    for (unsigned i = 0; i < KEY_UPDATES; i++) {
        if (SSL_key_update(peer->line.ssl, SSL_KEY_UPDATE_REQUESTED) != 1
            || !line_shake_again(&peer->line))
            break;
    }
    ERR_clear_error();
}

/* Of the packets in turn, the next one. */
static void send_one_of(struct peer *peer, const struct mqtt_span *packets, size_t count)
{
    struct mqtt_span packet = packets[peer->turn % count];

    send_some(peer, packet, packet.len, SIZE_MAX);
}

static void send_garbage(struct peer *peer)
{
    static const struct mqtt_span packets[] = {
        MALFORMED("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01g"), /* MQTT without TLS */
        MALFORMED("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        MALFORMED("\x16\x03\x01\xff\xff\x01\xff\xff\xff"),         /* a record longer than may be */
        MALFORMED("\x16\x03\x01\x00\x04\x01\x00\x00\x00"),         /* an empty ClientHello */
        MALFORMED("\x15\x03\x03\x00\x02\x02\x28"),                 /* an alert first */
        MALFORMED("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"), /* SSL 2 */
        MALFORMED("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
    };

    send_one_of(peer, packets, MQTT_ARRAY_LEN(packets));
}

static void send_malformed(struct peer *peer)
{
    static const struct mqtt_span packets[] = {
        MALFORMED("\x00\x00"),                                         /* a reserved type */
        MALFORMED("\x30\x07\x00\x04test!"),                            /* PUBLISH first */
        MALFORMED("\x10\xff\xff\xff\xff\x7f"),                         /* a length of five bytes */
        MALFORMED("\x1f\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01g"),    /* reserved flags */
        MALFORMED("\x10\x0d\x00\x04MQTT\x7f\x02\x00\x3c\x00\x01g"),    /* an unknown level */
        MALFORMED("\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01g"),    /* the reserved flag */
        MALFORMED("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\xff\xff\xc3"), /* longer than it is */
        MALFORMED("\x10\x00"),                                         /* an empty CONNECT */
        MALFORMED("\xe0\x00"),                                         /* DISCONNECT first */
        MALFORMED("\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x03\x11\x00\x00\x00\x01g"),
    };

    send_one_of(peer, packets, MQTT_ARRAY_LEN(packets));
}

const struct attack attacks[ATTACK_KIND_COUNT] = {
#define ATTACK(name, listener, wire, share, per_s, begin, each_second)           \
    [ATTACK_KIND_##name] = { #name,   ATTACK_##listener, ATTACK_##wire, (share), \
                             (per_s), (begin),           (each_second) },
#include "bench/siege/attacks.def"
#undef ATTACK
};

void attack_means_prepare(struct attack_means *means, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    BIO *out = BIO_new(BIO_s_mem());
    BIO *in = BIO_new(BIO_s_mem());

    must(ssl != NULL && out != NULL && in != NULL, "a ClientHello");
    SSL_set_bio(ssl, in, out);
    must(SSL_connect(ssl) != 1, "a ClientHello without an answer");
    int len = BIO_read(out, means->hello, sizeof(means->hello));
    must(len > 0, "a ClientHello");
    means->hello_len = (size_t)len;
    SSL_free(ssl);
    ERR_clear_error();
}
