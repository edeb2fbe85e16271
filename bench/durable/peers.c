/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/durable/peers.h"

#include "codec/ack.h"
#include "codec/connect.h"
#include "codec/publish.h"
#include "codec/subscribe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_BYTES 64u
#define PACKET_BYTES  160u /* the longest that is written here */
#define FILLER        0x5a

/* ---- what a process has cost ---- */

struct cost cost_of(pid_t pid)
{
    struct cost cost = { 0 };
    struct timespec used;
    clockid_t clock;
    char path[64];
    char line[128];

    must(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &used) == 0, "the broker");
    cost.cpu_s = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
    FILE *file = fopen(path, "re");
    must(file != NULL, path);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "wchar: ", 7) == 0)
            cost.call_bytes = strtoull(line + 7, NULL, 10);
        if (strncmp(line, "write_bytes: ", 13) == 0)
            cost.page_bytes = strtoull(line + 13, NULL, 10);
    }
    fclose(file);
    return cost;
}

uint64_t cost_written_bytes(const struct cost *before, const struct cost *after)
{
    uint64_t by_calls = after->call_bytes - before->call_bytes;
    uint64_t by_pages = after->page_bytes - before->page_bytes;

    return by_calls < by_pages ? by_calls : by_pages;
}

/* ---- out ---- */

void peer_flush(struct peer *peer)
{
    size_t done = 0;

    while (done < peer->out_len) {
        ssize_t sent = send(peer->fd, peer->out + done, peer->out_len - done, MSG_NOSIGNAL);
        if (sent < 0 && peer->may_end)
            break;
        must(sent > 0 || errno == EINTR, "send");
        done += sent > 0 ? (size_t)sent : 0;
    }
    peer->out_len = 0;
}

static struct mqtt_writer room(struct peer *peer)
{
    if (peer->out_len + PACKET_BYTES > sizeof(peer->out))
        peer_flush(peer);
    return mqtt_writer_over(peer->out + peer->out_len, PACKET_BYTES);
}

static void add(struct peer *peer, const struct mqtt_writer *w)
{
    must(w->status == MQTT_OK, "encoding");
    peer->out_len += mqtt_writer_written(w).len;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t take_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void peer_publish(struct peer *peer, unsigned stream, unsigned sequence, uint16_t packet_id)
{
    uint8_t payload[PAYLOAD_BYTES];
    uint8_t *where;
    char topic[16];
    struct mqtt_writer w = room(peer);

    memset(payload, FILLER, sizeof(payload));
    put_u32(payload, stream);
    put_u32(payload + 4, sequence);
    snprintf(topic, sizeof(topic), "d/%u", stream);
    const struct mqtt_publish_out publish = { .qos = MQTT_QOS_1,
                                              .packet_id = packet_id,
                                              .topic = span_of(topic),
                                              .payload = { payload, sizeof(payload) } };
    w.at = mqtt_publish_write(w.at, MQTT_VERSION_3_1_1, &publish, &where);
    add(peer, &w);
}

/* ---- in ---- */

static void verify(const struct peer *peer, const struct mqtt_frame *frame, uint16_t *packet_id)
{
    struct mqtt_publish publish;
    char topic[16];

    must(mqtt_publish_decode(MQTT_VERSION_3_1_1, frame->flags, frame->body, &publish) == MQTT_OK
             && publish.payload.len == PAYLOAD_BYTES && publish.qos == MQTT_QOS_1
             && publish.payload.data[PAYLOAD_BYTES - 1] == FILLER,
         "a message");
    uint32_t sequence = take_u32(publish.payload.data + 4);
    struct stream *stream = &peer->streams[take_u32(publish.payload.data)];
    snprintf(topic, sizeof(topic), "d/%u", take_u32(publish.payload.data));
    must(span_equal(publish.topic, span_of(topic)), "a topic");
    if (sequence < stream->next) {
        stream->twice++;
    } else {
        stream->lost += sequence - stream->next;
        stream->next = sequence + 1;
        stream->received++;
    }
    *packet_id = publish.packet_id;
}

static void handle(struct peer *peer, const struct mqtt_frame *frame, peer_acked on_acked,
                   void *context)
{
    struct mqtt_ack ack = { 0 };

    if (frame->type == MQTT_PUBLISH) {
        verify(peer, frame, &ack.packet_id);
        struct mqtt_writer w = room(peer);
        mqtt_ack_encode(&w, MQTT_VERSION_3_1_1, MQTT_PUBACK, &ack);
        add(peer, &w);
        return;
    }
    must(frame->type == MQTT_PUBACK
             && mqtt_ack_decode(MQTT_VERSION_3_1_1, MQTT_PUBACK, frame->body, &ack) == MQTT_OK,
         "an answer");
    on_acked(context, peer, ack.packet_id);
}

unsigned peer_take(struct peer *peer, peer_acked on_acked, void *context)
{
    ssize_t got = recv(peer->fd, peer->in + peer->in_len, sizeof(peer->in) - peer->in_len, 0);
    struct mqtt_frame frame;
    size_t done = 0;
    unsigned count = 0;

    if (got <= 0 && peer->may_end) {
        peer->has_ended = true;
        return 0;
    }
    if (got == 0)
        errno = 0;
    must(got > 0, "the broker has closed a connection");
    peer->in_len += (size_t)got;
    for (;; count++) {
        struct mqtt_span rest = { peer->in + done, peer->in_len - done };
        enum mqtt_status status = mqtt_frame_decode(rest, sizeof(peer->in), &frame);

        if (status == MQTT_PENDING)
            break;
        must(status == MQTT_OK, "a packet");
        handle(peer, &frame, on_acked, context);
        done += frame.len;
    }
    memmove(peer->in, peer->in + done, peer->in_len - done);
    peer->in_len -= done;
    peer_flush(peer);
    return count;
}

/* The one packet that is expected, nothing behind it. */
static void expect(struct peer *peer, size_t len, uint8_t first, const char *what)
{
    uint8_t packet[8];

    must(recv(peer->fd, packet, len, MSG_WAITALL) == (ssize_t)len && packet[0] == first
             && packet[len - 1] < 0x80,
         what);
}

/* ---- life ---- */

void peer_join(struct peer *peer, uint16_t port, const char *prefix, unsigned number,
               struct stream *streams)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char id[16];
    int on = 1;

    snprintf(id, sizeof(id), "%s%u", prefix, number);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    peer->streams = streams;
    peer->may_end = false;
    peer->has_ended = false;
    peer->in_len = 0;
    peer->out_len = 0;
    must(peer->fd >= 0 && connect(peer->fd, (struct sockaddr *)&address, sizeof(address)) == 0,
         "connect");
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct mqtt_writer w = room(peer);
    mqtt_connect_encode(&w, &(struct mqtt_connect){ .version = MQTT_VERSION_3_1_1,
                                                    .clean_start = prefix[0] != 's',
                                                    .client_id = span_of(id) });
    add(peer, &w);
    peer_flush(peer);
    expect(peer, 4, 0x20, "CONNACK");
}

void peer_subscribe(struct peer *peer, unsigned number)
{
    char filter[16];
    struct mqtt_writer w = room(peer);

    snprintf(filter, sizeof(filter), "d/%u", number);
    mqtt_subscribe_encode(
        &w, MQTT_VERSION_3_1_1, 1, (struct mqtt_span){ 0 },
        &(struct mqtt_subscription){ .filter = span_of(filter), .qos = MQTT_QOS_1 }, 1);
    add(peer, &w);
    peer_flush(peer);
    expect(peer, 5, 0x90, "SUBACK");
}

void peer_leave(struct peer *peer)
{
    static const uint8_t disconnect[2] = { 0xe0, 0 };

    must(send(peer->fd, disconnect, sizeof(disconnect), MSG_NOSIGNAL) == 2, "send");
    /* Until the broker has closed it, too: the session is without a client from then on. */
    must(recv(peer->fd, peer->in, 1, 0) <= 0, "the end");
    close(peer->fd);
}

/* ---- many ---- */

int peers_new(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    must(epoll >= 0, "epoll");
    return epoll;
}

void peers_add(int epoll, struct peer *peer)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };

    must(epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event) == 0, "epoll");
}

unsigned peers_wait(int epoll, struct peer **out, unsigned most, int timeout_ms)
{
    struct epoll_event events[256];
    int count =
        epoll_wait(epoll, events, most < MQTT_ARRAY_LEN(events) ? (int)most : 256, timeout_ms);

    must(count >= 0 || errno == EINTR, "epoll");
    for (int i = 0; i < count; i++)
        out[i] = events[i].data.ptr;
    return count > 0 ? (unsigned)count : 0;
}
