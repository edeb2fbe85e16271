/* SPDX-License-Identifier: Apache-2.0 */
/* Two peers of a running broker on 127.0.0.1, plain MQTT 5:
 *   bench-live load PORT CLIENTS FILTERS   subscribes CLIENTS x FILTERS exact filters, half of them
 *                                          below load/keep/, half below load/drop/; says "ready" and
 *                                          holds them until its standard input ends
 *   bench-live probe PORT MS               sends PINGREQ again and again for so long; prints the
 *                                          longest wait for an answer and the 99th percentile, ms */
#include "codec/connect.h"
#include "codec/subscribe.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PER_PACKET  100
#define PROBES_MOST 2000000

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static void send_all(int fd, struct mqtt_span bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        must(sent > 0, "send");
        bytes.data += sent;
        bytes.len -= (size_t)sent;
    }
}

/* One whole packet; all that come here are shorter than 16 KiB. */
static uint8_t read_packet(int fd)
{
    uint8_t head[5];
    uint8_t body[16384];
    size_t len = 0;
    unsigned shift = 0;

    must(recv(fd, head, 1, MSG_WAITALL) == 1, "recv");
    for (unsigned i = 1; i < sizeof(head); i++, shift += 7) {
        must(recv(fd, head + i, 1, MSG_WAITALL) == 1, "recv");
        len |= (size_t)(head[i] & 0x7f) << shift;
        if ((head[i] & 0x80) == 0)
            break;
    }
    must(len <= sizeof(body), "length");
    if (len > 0)
        must(recv(fd, body, len, MSG_WAITALL) == (ssize_t)len, "recv");
    return head[0];
}

static int join(uint16_t port, const char *client_id)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    uint8_t memory[256];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));
    const struct mqtt_connect connect_packet = { .version = MQTT_VERSION_5,
                                                 .clean_start = true,
                                                 .client_id = span_of(client_id) };
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    mqtt_connect_encode(&w, &connect_packet);
    send_all(fd, mqtt_writer_written(&w));
    must(read_packet(fd) == 0x20, "CONNACK");
    return fd;
}

static void subscribe_some(int fd, unsigned client, unsigned first, unsigned count)
{
    static char texts[PER_PACKET][64];
    static uint8_t memory[PER_PACKET * 80];
    struct mqtt_subscription entries[PER_PACKET];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    for (unsigned i = 0; i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "load/%s/client%05u/filter%06u",
                 (first + i) % 2 == 0 ? "keep" : "drop", client, first + i);
        entries[i] = (struct mqtt_subscription){ .filter = span_of(texts[i]) };
    }
    mqtt_subscribe_encode(&w, MQTT_VERSION_5, 1, (struct mqtt_span){ 0 }, entries, count);
    send_all(fd, mqtt_writer_written(&w));
    must(read_packet(fd) == 0x90, "SUBACK");
}

static int load(uint16_t port, unsigned clients, unsigned filters)
{
    char id[32];

    for (unsigned c = 0; c < clients; c++) {
        snprintf(id, sizeof(id), "load%05u", c);
        int fd = join(port, id);
        for (unsigned f = 0; f < filters; f += PER_PACKET)
            subscribe_some(fd, c, f, filters - f < PER_PACKET ? filters - f : PER_PACKET);
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    return 0; /* the system closes what is open */
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static int probe(uint16_t port, unsigned ms)
{
    static const uint8_t ping[2] = { 0xc0, 0 };
    double *waits = calloc(PROBES_MOST, sizeof(*waits));
    size_t count = 0;
    int fd = join(port, "probe");
    double end = now_ms() + ms;

    must(waits != NULL, "calloc");
    puts("ready");
    fflush(stdout);
    while (count < PROBES_MOST && now_ms() < end) {
        double begin = now_ms();
        send_all(fd, (struct mqtt_span){ ping, sizeof(ping) });
        must(read_packet(fd) == 0xd0, "PINGRESP");
        waits[count++] = now_ms() - begin;
        usleep(200);
    }
    qsort(waits, count, sizeof(*waits), compare);
    printf("%.3f %.3f\n", waits[count - 1], waits[count * 99 / 100]);
    free(waits);
    return 0;
}

int main(int argc, char **argv)
{
    uint16_t port = argc > 2 ? (uint16_t)strtoul(argv[2], NULL, 10) : 0;

    if (argc == 5 && strcmp(argv[1], "load") == 0)
        return load(port, (unsigned)strtoul(argv[3], NULL, 10),
                    (unsigned)strtoul(argv[4], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "probe") == 0)
        return probe(port, (unsigned)strtoul(argv[3], NULL, 10));
    fputs("usage: bench-live load PORT CLIENTS FILTERS | probe PORT MS\n", stderr);
    return 2;
}
