/* SPDX-License-Identifier: Apache-2.0 */
/* Publishers and persistent sessions of a running broker on 127.0.0.1, plain MQTT 3.1.1, QoS 1.
 * Session number i is subscribed to d/<i>; what is sent there carries i and a sequence number.
 *   bench-durable join PORT SESSIONS      makes the sessions and leaves them
 *   bench-durable load offline|online PORT PID PUBLISHERS SESSIONS WINDOW WARM MEASURED SECONDS
 *                                         each publisher sends WARM messages, then MEASURED or for
 *                                         so long, with at most WINDOW on their way; "online": the
 *                                         sessions' clients are there and take them. Prints JSON,
 *                                         and appends the length of each stream to standard output
 *   bench-durable kill PORT PID PUBLISHERS WINDOW SECONDS
 *                                         publishes to offline sessions for so long, ends the broker
 *                                         with SIGKILL, and prints how much of each stream had been
 *                                         acknowledged
 *   bench-durable drain PORT SESSIONS     comes back as every session and takes what waits; reads
 *                                         the lengths of the streams from standard input
 *   bench-durable wait PORT COUNT PATH    one message, one append of 4 KiB to PATH and fdatasync,
 *                                         one overwritten block and fdatasync, COUNT times in turn */
#include "bench/durable/peers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S      60.0
#define QUIET_S         0.5 /* after which nothing more is expected */
#define WAITS_MOST      4000000u
#define BLOCK_BYTES     4096u
#define OVERWRITE_COUNT 256u

static unsigned number_of(const char *text)
{
    return (unsigned)strtoul(text, NULL, 10);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Of `count` durations in seconds: median and 99th percentile in milliseconds, as JSON. */
static void print_waits(const char *name, double *waits, size_t count)
{
    if (count == 0)
        return;
    qsort(waits, count, sizeof(*waits), compare);
    printf("\"%s_ms_p50\": %.4f, \"%s_ms_p99\": %.4f, ", name, waits[count / 2] * 1000, name,
           waits[count * 99 / 100] * 1000);
}

/* ---- join ---- */

static int join_all(uint16_t port, unsigned sessions)
{
    struct stream stream = { 0 };
    struct peer peer;

    for (unsigned i = 0; i < sessions; i++) {
        peer_join(&peer, port, "s", i, &stream);
        peer_subscribe(&peer, i);
        peer_leave(&peer);
    }
    return 0;
}

/* ---- load ---- */

struct publisher {
    struct peer peer;
    unsigned number;
    unsigned next_stream; /* in turn: number, number + publishers, ... */
    uint16_t packet_id;   /* last used */
    uint64_t sent;
    uint64_t most; /* to be sent before the end of the phase */
    uint64_t acked;
    double since; /* when the last was sent */
    uint8_t inflight[65536 / 8];
};

struct load {
    struct publisher *publishers;
    struct peer *receivers; /* NULL: the sessions are offline */
    struct stream *streams;
    double *waits; /* with a window of 1 */
    size_t wait_count;
    unsigned publisher_count;
    unsigned stream_count;
    unsigned window;
    uint64_t bad_acks;
    int epoll;
};

static uint64_t through(const struct load *load, const struct publisher *p)
{
    if (load->receivers == NULL)
        return p->acked;
    uint64_t received = load->streams[p->number].received;

    return received < p->acked ? received : p->acked;
}

static void send_some(struct load *load, struct publisher *p)
{
    uint64_t room = load->window - (p->sent - through(load, p));
    bool has_sent = false;

    for (; room > 0 && p->sent < p->most; room--, p->sent++) {
        struct stream *stream = &load->streams[p->next_stream];

        p->packet_id = p->packet_id == UINT16_MAX ? 1 : (uint16_t)(p->packet_id + 1);
        p->inflight[p->packet_id / 8] |= (uint8_t)(1u << p->packet_id % 8);
        peer_publish(&p->peer, p->next_stream, stream->sent++, p->packet_id);
        p->next_stream += load->publisher_count;
        if (p->next_stream >= load->stream_count)
            p->next_stream = p->number;
        has_sent = true;
    }
    if (!has_sent)
        return;
    p->since = now_s();
    peer_flush(&p->peer);
}

static void on_acked(void *context, struct peer *peer, uint16_t packet_id)
{
    struct load *load = context;
    struct publisher *p = (struct publisher *)peer; /* its first member */
    uint8_t bit = (uint8_t)(1u << packet_id % 8);

    load->bad_acks += (p->inflight[packet_id / 8] & bit) == 0;
    p->inflight[packet_id / 8] &= (uint8_t)~bit;
    p->acked++;
    if (load->window == 1 && load->wait_count < WAITS_MOST)
        load->waits[load->wait_count++] = now_s() - p->since;
}

static bool is_done(const struct load *load)
{
    for (unsigned i = 0; i < load->publisher_count; i++) {
        if (through(load, &load->publishers[i]) < load->publishers[i].sent)
            return false;
    }
    return true;
}

/* Sends up to `more` messages each, for so long, and waits until all are acknowledged. */
static void run_phase(struct load *load, uint64_t more, double seconds)
{
    double end = now_s() + seconds;
    struct peer *ready[256];

    for (unsigned i = 0; i < load->publisher_count; i++)
        load->publishers[i].most = load->publishers[i].sent + more;
    for (;;) {
        double now = now_s();
        bool is_over = now >= end;

        for (unsigned i = 0; i < load->publisher_count && !is_over; i++)
            send_some(load, &load->publishers[i]);
        if (is_done(load) || now > end + PATIENCE_S)
            break;
        unsigned count = peers_wait(load->epoll, ready, MQTT_ARRAY_LEN(ready), 100);
        for (unsigned i = 0; i < count; i++)
            peer_take(ready[i], on_acked, load);
    }
}

static void load_begin(struct load *load, uint16_t port)
{
    load->epoll = peers_new();
    load->streams = calloc(load->stream_count, sizeof(*load->streams));
    load->publishers = calloc(load->publisher_count, sizeof(*load->publishers));
    load->waits = calloc(WAITS_MOST, sizeof(*load->waits));
    must(load->streams != NULL && load->publishers != NULL && load->waits != NULL, "calloc");
    for (unsigned i = 0; i < load->publisher_count; i++) {
        struct publisher *p = &load->publishers[i];

        p->number = p->next_stream = i;
        peer_join(&p->peer, port, "p", i, load->streams);
        peers_add(load->epoll, &p->peer);
    }
    for (unsigned i = 0; load->receivers != NULL && i < load->stream_count; i++) {
        peer_join(&load->receivers[i], port, "s", i, load->streams);
        peers_add(load->epoll, &load->receivers[i]);
    }
}

static uint64_t acked_by_all(const struct load *load)
{
    uint64_t acked = 0;

    for (unsigned i = 0; i < load->publisher_count; i++)
        acked += load->publishers[i].acked;
    return acked;
}

static void load_print(struct load *load)
{
    uint64_t sent = 0;
    uint64_t lost = 0;
    uint64_t twice = 0;

    for (unsigned i = 0; i < load->stream_count; i++) {
        sent += load->streams[i].sent;
        twice += load->streams[i].twice;
        lost += load->streams[i].lost;
        if (load->receivers != NULL)
            lost += load->streams[i].sent - load->streams[i].next;
    }
    print_waits("puback", load->waits, load->wait_count);
    printf("\"sent\": %lu, \"unacked\": %lu, \"bad_acks\": %lu, \"lost\": %lu, \"twice\": %lu}\n",
           sent, sent - acked_by_all(load), load->bad_acks, lost, twice);
    for (unsigned i = 0; i < load->stream_count; i++)
        printf("%u\n", load->streams[i].sent);
}

static int load_run(struct load *load, uint16_t port, pid_t pid, uint64_t warm, uint64_t measured,
                    double seconds)
{
    load_begin(load, port);
    run_phase(load, warm, seconds);
    usleep((useconds_t)(QUIET_S * 1e6));
    load->wait_count = 0;
    uint64_t acked = acked_by_all(load);
    struct cost before = cost_of(pid);
    double begin = now_s();
    run_phase(load, measured, seconds);
    double took = now_s() - begin;
    /* What the broker does afterwards belongs to it. */
    usleep((useconds_t)(QUIET_S * 1e6));
    struct cost after = cost_of(pid);
    printf("{\"messages\": %lu, \"seconds\": %.4f, \"cpu_s\": %.6f, \"written_bytes\": %lu, ",
           acked_by_all(load) - acked, took, after.cpu_s - before.cpu_s,
           cost_written_bytes(&before, &after));
    load_print(load);
    return 0;
}

/* ---- kill ---- */

/* What the system had taken from the broker before it ended is read, too. */
static void take_rest(struct load *load)
{
    for (unsigned i = 0; i < load->publisher_count; i++) {
        while (!load->publishers[i].peer.has_ended)
            peer_take(&load->publishers[i].peer, on_acked, load);
    }
}

static int load_kill(struct load *load, uint16_t port, pid_t pid, double seconds)
{
    struct peer *ready[256];

    load_begin(load, port);
    for (unsigned i = 0; i < load->publisher_count; i++) {
        load->publishers[i].peer.may_end = true;
        load->publishers[i].most = UINT64_MAX;
    }
    for (double end = now_s() + seconds; now_s() < end;) {
        for (unsigned i = 0; i < load->publisher_count; i++)
            send_some(load, &load->publishers[i]);
        unsigned count = peers_wait(load->epoll, ready, MQTT_ARRAY_LEN(ready), 100);
        for (unsigned i = 0; i < count; i++)
            peer_take(ready[i], on_acked, load);
    }
    must(kill(pid, SIGKILL) == 0, "kill");
    take_rest(load);
    printf("{\"acked\": %lu, \"bad_acks\": %lu}\n", acked_by_all(load), load->bad_acks);
    for (unsigned i = 0; i < load->publisher_count; i++)
        printf("%lu\n", load->publishers[i].acked);
    return 0;
}

/* ---- drain ---- */

static void no_ack(void *context, struct peer *peer, uint16_t packet_id)
{
    (void)context;
    (void)peer;
    (void)packet_id;
}

struct drained {
    uint64_t wanted;
    uint64_t lost;
    uint64_t twice;
};

static struct drained count_drained(const struct stream *streams, unsigned sessions)
{
    struct drained d = { 0 };

    for (unsigned i = 0; i < sessions; i++) {
        const struct stream *s = &streams[i];

        d.wanted += s->sent;
        d.lost += s->lost + (s->sent > s->next ? s->sent - s->next : 0);
        d.twice += s->twice;
    }
    return d;
}

static int drain(uint16_t port, unsigned sessions)
{
    struct stream *streams = calloc(sessions, sizeof(*streams));
    struct peer *peers = calloc(sessions, sizeof(*peers));
    struct peer *ready[256];
    struct drained d = { 0 };
    int epoll = peers_new();

    must(streams != NULL && peers != NULL, "calloc");
    for (unsigned i = 0; i < sessions; i++) {
        must(scanf("%u", &streams[i].sent) == 1, "the lengths of the streams");
        peer_join(&peers[i], port, "s", i, streams);
        peers_add(epoll, &peers[i]);
    }
    d = count_drained(streams, sessions);
    for (double heard = now_s(); now_s() - heard < (d.lost > 0 ? PATIENCE_S / 10 : QUIET_S);) {
        unsigned count = peers_wait(epoll, ready, MQTT_ARRAY_LEN(ready), 50);

        heard = count > 0 ? now_s() : heard;
        for (unsigned i = 0; i < count; i++)
            peer_take(ready[i], no_ack, NULL);
        d = count_drained(streams, sessions);
    }
    printf("{\"wanted\": %lu, \"lost\": %lu, \"twice\": %lu}\n", d.wanted, d.lost, d.twice);
    return 0;
}

/* ---- wait ---- */

static double sync_one(int fd, off_t at)
{
    static const uint8_t block[BLOCK_BYTES] = { 1 };
    double begin = now_s();

    must(pwrite(fd, block, sizeof(block), at) == (ssize_t)sizeof(block) && fdatasync(fd) == 0,
         "fdatasync");
    return now_s() - begin;
}

static double publish_one(struct peer *peer, int epoll, unsigned number)
{
    struct peer *ready[1];
    bool is_acked = false;
    double begin = now_s();

    peer_publish(peer, 0, number, (uint16_t)(1 + number % UINT16_MAX));
    peer_flush(peer);
    while (!is_acked) {
        must(peers_wait(epoll, ready, 1, 10000) == 1, "PUBACK");
        is_acked = peer_take(peer, no_ack, NULL) > 0;
    }
    return now_s() - begin;
}

static int wait_each(uint16_t port, unsigned count, const char *path)
{
    double *waits[3];
    struct stream stream = { 0 };
    struct peer *peer = calloc(1, sizeof(*peer));
    int epoll = peers_new();
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    off_t base = (off_t)OVERWRITE_COUNT * BLOCK_BYTES;

    must(fd >= 0 && peer != NULL, path);
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(waits); i++)
        must((waits[i] = calloc(count, sizeof(double))) != NULL, "calloc");
    for (unsigned i = 0; i < OVERWRITE_COUNT; i++)
        sync_one(fd, (off_t)i * BLOCK_BYTES);
    peer_join(peer, port, "p", 0, &stream);
    peers_add(epoll, peer);
    for (unsigned i = 0; i < count; i++) {
        waits[0][i] = publish_one(peer, epoll, i);
        waits[1][i] = sync_one(fd, base + (off_t)i * BLOCK_BYTES);
        waits[2][i] = sync_one(fd, (off_t)(i % OVERWRITE_COUNT) * BLOCK_BYTES);
    }
    printf("{");
    print_waits("puback", waits[0], count);
    print_waits("fdatasync", waits[1], count);
    print_waits("overwrite", waits[2], count);
    printf("\"count\": %u}\n%u\n", count, count);
    return 0;
}

int main(int argc, char **argv)
{
    uint16_t port = argc > 2 ? (uint16_t)number_of(argv[2]) : 0;

    if (argc == 4 && strcmp(argv[1], "join") == 0)
        return join_all(port, number_of(argv[3]));
    if (argc == 4 && strcmp(argv[1], "drain") == 0)
        return drain(port, number_of(argv[3]));
    if (argc == 5 && strcmp(argv[1], "wait") == 0)
        return wait_each(port, number_of(argv[3]), argv[4]);
    if (argc == 7 && strcmp(argv[1], "kill") == 0) {
        struct load load = { .publisher_count = number_of(argv[4]),
                             .stream_count = number_of(argv[4]),
                             .window = number_of(argv[5]) };

        return load_kill(&load, port, (pid_t)number_of(argv[3]), strtod(argv[6], NULL));
    }
    if (argc == 11 && strcmp(argv[1], "load") == 0) {
        struct load load = { .publisher_count = number_of(argv[5]),
                             .stream_count = number_of(argv[6]),
                             .window = number_of(argv[7]) };

        if (strcmp(argv[2], "online") == 0)
            load.receivers = calloc(load.stream_count, sizeof(struct peer));
        return load_run(&load, (uint16_t)number_of(argv[3]), (pid_t)number_of(argv[4]),
                        number_of(argv[8]), number_of(argv[9]), strtod(argv[10], NULL));
    }
    fputs("usage: bench-durable join|load|drain|wait ...: the head of its source says how\n",
          stderr);
    return 2;
}
