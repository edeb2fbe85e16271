/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/link.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

void link_to_client(struct link *link)
{
    tls_client_give(link->client, tls_shard_output(link->shard));
    tls_shard_clear(link->shard);
}

int link_shake_hands(struct link *link, size_t piece)
{
    int client = 0;
    bool moved = true;
    link->server = TLS_WANTS_INPUT;
    while (moved) {
        client = tls_client_handshake(link->client);
        moved = false;
        uint8_t *wire = malloc(piece);
        assert_non_null(wire);
        size_t len;
        while (link->server == TLS_WANTS_INPUT
               && (len = tls_client_take(link->client, wire, piece)) > 0) {
            tls_shard_feed(link->shard, (struct mqtt_span){ wire, len });
            link->server = tls_stream_handshake(&link->stream, link->shard, &link->agreed);
            link_to_client(link);
            moved = true;
        }
        free(wire);
    }
    uint8_t byte;
    if (client == 1)
        client = tls_client_read(link->client, &byte, 1); /* takes tickets and alerts in */
    return client;
}

struct link link_open(struct tls_context *context, const struct tls_client_options *options)
{
    struct link link = { .shard = tls_shard_new(), .client = tls_client_new(options) };
    assert_non_null(link.shard);
    assert_int_equal(tls_stream_open(&link.stream, context, link.shard), 0);
    return link;
}

void link_close(struct link *link)
{
    tls_stream_close(&link->stream, link->shard);
    tls_stream_close(&link->stream, link->shard);
    tls_shard_free(link->shard);
    tls_client_free(link->client);
}

size_t link_receive(struct link *link, uint8_t *into, size_t room)
{
    uint8_t *wire = malloc(262144);
    assert_non_null(wire);
    size_t len = tls_client_take(link->client, wire, 262144);
    tls_shard_feed(link->shard, (struct mqtt_span){ wire, len });
    size_t total = 0;
    size_t got = 0;
    while ((link->server =
                tls_stream_read(&link->stream, link->shard, into + total, room - total, &got))
           == TLS_DONE)
        total += got;
    link_to_client(link);
    free(wire);
    return total;
}

size_t link_fill(struct link *link, uint8_t *record)
{
    size_t sent = 0;
    for (; tls_shard_room(link->shard) > 0; sent += TLS_RECORD_BYTES)
        assert_int_equal(tls_stream_write(&link->stream, link->shard,
                                          (struct mqtt_span){ record, TLS_RECORD_BYTES }),
                         0);
    assert_true(sent >= (size_t)15 * TLS_RECORD_BYTES);
    link_to_client(link);
    size_t got = 0;
    for (int len; (len = tls_client_read(link->client, record, TLS_RECORD_BYTES)) > 0;)
        got += (size_t)len;
    assert_int_equal(got, sent);
    return sent;
}

void link_talk(struct link *link)
{
    uint8_t got[32];
    tls_client_write(link->client, span_of("up"));
    assert_int_equal(link_receive(link, got, sizeof(got)), 2);
    assert_memory_equal(got, "up", 2);
    assert_int_equal(link->server, TLS_WANTS_INPUT);
    assert_int_equal(tls_stream_write(&link->stream, link->shard, span_of("down")), 0);
    link_to_client(link);
    assert_int_equal(tls_client_read(link->client, got, sizeof(got)), 4);
    assert_memory_equal(got, "down", 4);
}
