/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bench_connection.h"

#include "codec/ack.h"
#include "codec/connect.h"
#include "codec/publish.h"
#include "codec/subscribe.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

uint8_t *bench_bytes_add(struct bench_bytes *bytes, size_t len)
{
    if (len > bytes->size - bytes->len) {
        size_t wanted = bytes->size < 512 ? 1024 : bytes->size * 2;
        while (wanted - bytes->len < len)
            wanted *= 2;
        bytes->memory = realloc(bytes->memory, wanted);
        if (bytes->memory == NULL)
            err(1, "tacit bench");
        bytes->size = wanted;
    }
    uint8_t *place = bytes->memory + bytes->len;
    bytes->len += len;
    return place;
}

void bench_bytes_free(struct bench_bytes *bytes)
{
    free(bytes->memory);
    *bytes = (struct bench_bytes){ 0 };
}

static void put(struct bench_bytes *bytes, struct mqtt_span span)
{
    memcpy(bench_bytes_add(bytes, span.len), span.data, span.len);
}

void bench_connection_hello(struct bench_connection *connection, const char *client_id,
                            const char *user_name, const char *password)
{
    uint8_t packet[4096];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    struct mqtt_connect connect = {
        .version = connection->version,
        .clean_start = true,
        .client_id = span_of(client_id),
        .has_user_name = user_name != NULL,
        .user_name = span_of(user_name),
        .has_password = password != NULL,
        .password = span_of(password),
    };
    mqtt_connect_encode(&w, &connect);
    put(&connection->out, mqtt_writer_written(&w));
}

void bench_connection_subscribe(struct bench_connection *connection, const char *topic,
                                enum mqtt_qos qos, uint16_t packet_id)
{
    uint8_t packet[1024];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    struct mqtt_subscription entry = { .filter = span_of(topic), .qos = qos };
    mqtt_subscribe_encode(&w, connection->version, packet_id, (struct mqtt_span){ NULL, 0 }, &entry,
                          1);
    put(&connection->out, mqtt_writer_written(&w));
}

void bench_connection_prepare(struct bench_connection *connection, const char *topic,
                              enum mqtt_qos qos, uint32_t run, uint32_t publisher, uint32_t size)
{
    uint8_t *payload = calloc(1, size);
    uint8_t *identifier = NULL;
    if (payload == NULL)
        err(1, "tacit bench");
    memcpy(payload, &run, sizeof(run));
    memcpy(payload + 4, &publisher, sizeof(publisher));
    struct mqtt_publish_out publish = {
        .qos = qos, .packet_id = 1, .topic = span_of(topic), .payload = { payload, size }
    };
    size_t len = mqtt_publish_size(connection->version, &publish);
    uint8_t *place = bench_bytes_add(&connection->packet, len);
    (void)mqtt_publish_write(place, connection->version, &publish, &identifier);
    connection->identifier_at = identifier != NULL ? (size_t)(identifier - place) : 0;
    connection->sequence_at = len - size + 8;
    free(payload);
}

void bench_connection_publish(struct bench_connection *connection)
{
    uint64_t sequence = connection->sent++;
    uint8_t *place = bench_bytes_add(&connection->out, connection->packet.len);
    memcpy(place, connection->packet.memory, connection->packet.len);
    memcpy(place + connection->sequence_at, &sequence, sizeof(sequence));
    if (connection->identifier_at != 0) {
        /* Never more than 65,535 are in flight, so that identifiers do not collide. */
        uint16_t identifier = (uint16_t)(sequence % UINT16_MAX + 1);
        place[connection->identifier_at] = (uint8_t)(identifier >> 8);
        place[connection->identifier_at + 1] = (uint8_t)identifier;
    }
}

void bench_connection_ack(struct bench_connection *connection, enum mqtt_packet_type type,
                          uint16_t packet_id)
{
    uint8_t packet[8];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    struct mqtt_ack ack = { .packet_id = packet_id };
    mqtt_ack_encode(&w, connection->version, type, &ack);
    put(&connection->out, mqtt_writer_written(&w));
}

void bench_stream_take(struct bench_stream *stream, uint64_t sequence, struct bench_counts *counts)
{
    if (sequence >= stream->next) {
        uint64_t step = sequence - stream->next + 1;
        counts->lost += step - 1;
        stream->seen = (step < 64 ? stream->seen << step : 0) | 1;
        stream->next = sequence + 1;
        counts->delivered++;
        return;
    }
    uint64_t age = stream->next - 1 - sequence;
    if (age >= 64 || (stream->seen >> age & 1) != 0) {
        counts->duplicated++; /* beyond 64 it may be a late one */
        return;
    }
    stream->seen |= 1ull << age;
    counts->lost--;
    counts->reordered++;
    counts->delivered++;
}

bool bench_connection_flush(struct bench_connection *connection)
{
    struct bench_bytes *out = &connection->out;
    size_t at = 0;
    while (at < out->len) {
        struct tacit_bytes piece = { out->memory + at, out->len - at };
        int taken = connection->transport.sendv(connection->transport.context, &piece, 1);
        if (taken < 0)
            return false;
        if (taken == 0)
            break;
        at += (size_t)taken;
    }
    if (at > 0)
        memmove(out->memory, out->memory + at, out->len - at);
    out->len -= at;
    return true;
}

void bench_connection_fini(struct bench_connection *connection)
{
    tacit_posix_free(connection->posix);
    bench_bytes_free(&connection->out);
    bench_bytes_free(&connection->partial);
    bench_bytes_free(&connection->packet);
    free(connection->streams);
    *connection = (struct bench_connection){ 0 };
}
