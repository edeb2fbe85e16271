/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the load generator: bytes and packets, on the codec and a
 * transport. It knows its sequence numbers, not the scenario. */
#pragma once

#include "codec/frame.h"
#include "codec/packet.h"

#include <tacit/posix.h>

#include <stdbool.h>

#define BENCH_STAMP_BYTES 16 /* run, publisher, sequence: what a payload starts with */

enum bench_state {
    BENCH_UNUSED = 0,
    BENCH_OPENING,
    BENCH_CONNECTING,
    BENCH_SUBSCRIBING,
    BENCH_READY,
    BENCH_FAILED,
};

/* What one subscriber has seen of one publisher. */
struct bench_stream {
    uint64_t next; /* sequence number expected */
    uint64_t seen; /* bit i: next - 1 - i has come */
};

struct bench_counts {
    uint64_t delivered, lost, duplicated, reordered, corrupt;
};

struct bench_bytes {
    uint8_t *memory;
    size_t len;
    size_t size;
};

struct bench_connection {
    struct tacit_posix *posix;
    struct tacit_transport transport;
    enum bench_state state;
    enum mqtt_version version;
    bool encrypted;
    struct bench_bytes out;     /* to be written */
    struct bench_bytes partial; /* the start of a packet that is not whole */
    /* publisher */
    struct bench_bytes packet; /* its PUBLISH; identifier and sequence are filled in */
    size_t identifier_at;      /* 0: QoS 0 */
    size_t sequence_at;
    uint64_t sent;    /* messages */
    uint64_t acked;   /* of them, with QoS 1 and 2 */
    uint64_t arrived; /* copies that reached subscribers */
    uint16_t receive_maximum;
    /* subscriber */
    struct bench_stream *streams; /* one per publisher it takes */
    unsigned stream_count;
    unsigned first_publisher;
};

/* Makes room and gives it; the process ends when out of memory. */
uint8_t *bench_bytes_add(struct bench_bytes *bytes, size_t len);
void bench_bytes_free(struct bench_bytes *bytes);

/* Queues CONNECT. `user_name` and `password` may be NULL. */
void bench_connection_hello(struct bench_connection *connection, const char *client_id,
                            const char *user_name, const char *password);

/* Queues SUBSCRIBE for one exact topic. */
void bench_connection_subscribe(struct bench_connection *connection, const char *topic,
                                enum mqtt_qos qos, uint16_t packet_id);

/* Prepares the publisher's packet. `size` is at least BENCH_STAMP_BYTES. */
void bench_connection_prepare(struct bench_connection *connection, const char *topic,
                              enum mqtt_qos qos, uint32_t run, uint32_t publisher, uint32_t size);

/* Queues its next message. */
void bench_connection_publish(struct bench_connection *connection);

/* Queues the acknowledgement of a packet. */
void bench_connection_ack(struct bench_connection *connection, enum mqtt_packet_type type,
                          uint16_t packet_id);

/* Books a sequence number. */
void bench_stream_take(struct bench_stream *stream, uint64_t sequence, struct bench_counts *counts);

/* Writes what is queued, as much as goes; false when the connection is lost. */
bool bench_connection_flush(struct bench_connection *connection);

void bench_connection_fini(struct bench_connection *connection);
