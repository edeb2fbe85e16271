/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of bench-durable: MQTT 3.1.1, plain, to 127.0.0.1. Whatever goes wrong ends the
 * program with a message: a figure of a broken run is worth nothing. One thread. */
#pragma once

#include "base/attrs.h"
#include "bench/ground.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PEER_IN_BYTES  65536u
#define PEER_OUT_BYTES 65536u

/* Messages of one session. */
struct stream {
    unsigned sent;     /* or, where they are read from a list: to be expected at least */
    unsigned next;     /* sequence number that is expected next */
    unsigned received; /* each counted once */
    unsigned lost;     /* left out; a message that comes too late is in `twice` besides */
    unsigned twice;
};

struct peer {
    int fd;
    struct stream *streams; /* of all sessions; borrowed */
    bool may_end;           /* the broker is about to be killed */
    bool has_ended;
    size_t in_len;
    size_t out_len;
    uint8_t in[PEER_IN_BYTES];
    uint8_t out[PEER_OUT_BYTES];
};

/* What a process has cost so far: user and system time of all its threads, and what it has
 * written. */
struct cost {
    double cpu_s;
    uint64_t call_bytes; /* with write() and the like, to sockets, too */
    uint64_t page_bytes; /* of files, with what the page cache holds beside them in one piece */
};
struct cost cost_of(pid_t pid);
/* To files: the lesser of the two. */
uint64_t cost_written_bytes(const struct cost *before, const struct cost *after);

/* Client identifier: `prefix` and `number`. The session outlives the connection if the prefix is
 * "s". CONNACK has come. */
void peer_join(struct peer *peer, uint16_t port, const char *prefix, unsigned number,
               struct stream *streams);
void peer_subscribe(struct peer *peer, unsigned number); /* to d/<number>; SUBACK has come */
void peer_leave(struct peer *peer);                      /* with DISCONNECT */

/* Into the buffer, which is sent when it is full or with peer_flush(). */
void peer_publish(struct peer *peer, unsigned stream, unsigned sequence, uint16_t packet_id);
void peer_flush(struct peer *peer);

/* Reads once and handles what is whole: a PUBLISH is verified and acknowledged, a PUBACK given to
 * `on_acked`. How many packets that were. */
typedef void (*peer_acked)(void *context, struct peer *peer, uint16_t packet_id);
unsigned peer_take(struct peer *peer, peer_acked on_acked, void *context);

int peers_new(void);
void peers_add(int epoll, struct peer *peer);
/* Those that have something to read. */
unsigned peers_wait(int epoll, struct peer **out, unsigned most, int timeout_ms);
