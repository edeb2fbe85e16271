/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that are revoked while they live, for bench/revoke.py:
 *   bench-revoke enrol STATE FOLDER COUNT   adds the devices d0000 and so on, and "panel", with keys
 *                                           and certificates in FOLDER
 *   bench-revoke live PORT CA FOLDER COUNT  connects all of them over mutual TLS, each with a will,
 *                                           a session to be kept and a subscription; says "ready";
 *                                           then the panel publishes to them all the time. Of each
 *                                           connection that ends prints "closed NAME SECONDS"
 *                                           (monotonic); of each will that the panel is sent,
 *                                           "will TOPIC". Ends with its standard input. */
#include "codec/connect.h"
#include "codec/publish.h"
#include "codec/subscribe.h"
#include "pki/enrolment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 512
#define BURST      20 /* messages a turn; some 10,000 a second */
#define TURN_MS    2

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(1);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- enrolment ---- */

static void enrol_one(const struct ca *ca, struct registry *registry, const char *folder,
                      const char *name, const char *role)
{
    char key[PATH_BYTES];
    char certificate[PATH_BYTES];
    struct pki_fault fault = { "" };
    const struct enrolment request = {
        .name = name, .kind = IDENTITY_DEVICE, .role = role, .now_s = (int64_t)time(NULL)
    };
    const struct enrolment_paths paths = { .key_path = key, .certificate_path = certificate };

    (void)snprintf(key, sizeof(key), "%s/%s.key", folder, name);
    (void)snprintf(certificate, sizeof(certificate), "%s/%s.crt", folder, name);
    if (enrolment_create(ca, registry, &request, &paths, &fault) == 0)
        return;
    fprintf(stderr, "%s: %s\n", name, fault.text);
    exit(1);
}

static int enrol(const char *state, const char *folder, unsigned count)
{
    char path[3][PATH_BYTES];
    struct ca *ca;
    struct registry *registry;

    (void)snprintf(path[0], PATH_BYTES, "%s/ca/ca.crt", state);
    (void)snprintf(path[1], PATH_BYTES, "%s/ca/ca.key", state);
    (void)snprintf(path[2], PATH_BYTES, "%s/registry.db", state);
    must(ca_open(path[0], path[1], &ca, NULL) == 0, "the CA");
    must(registry_open(path[2], &registry, NULL) == 0, "the registry");
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "d%04u", i);
        enrol_one(ca, registry, folder, name, "device");
    }
    enrol_one(ca, registry, folder, "panel", "panel");
    registry_close(registry);
    ca_close(ca);
    return 0;
}

/* ---- peers ---- */

struct peer {
    char name[16];
    SSL *ssl; /* NULL: it has ended */
    int fd;
};

static SSL *shake_hands(const char *ca, const char *folder, const char *name, int fd)
{
    char path[PATH_BYTES];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    must(context != NULL && SSL_CTX_load_verify_locations(context, ca, NULL) == 1, "CA");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    (void)snprintf(path, sizeof(path), "%s/%s.crt", folder, name);
    must(SSL_CTX_use_certificate_chain_file(context, path) == 1, path);
    (void)snprintf(path, sizeof(path), "%s/%s.key", folder, name);
    must(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1, path);
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    must(ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1, "handshake");
    return ssl;
}

static void write_all(struct peer *peer, const struct mqtt_writer *w)
{
    struct mqtt_span bytes = mqtt_writer_written(w);

    must(SSL_write(peer->ssl, bytes.data, (int)bytes.len) == (int)bytes.len, "write");
}

/* The first byte of the next packet; all that come here are short. */
static uint8_t read_packet(struct peer *peer)
{
    uint8_t head[2];
    uint8_t body[127];

    must(SSL_read(peer->ssl, head, 1) == 1 && SSL_read(peer->ssl, head + 1, 1) == 1, "read");
    must(head[1] < 128, "length");
    for (int got = 0, n; got < head[1]; got += n) {
        n = SSL_read(peer->ssl, body, head[1] - got);
        must(n > 0, "read");
    }
    return head[0];
}

static void join(struct peer *peer, uint16_t port, const char *ca, const char *folder)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char topic[64];
    uint8_t memory[512];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));
    bool is_panel = strcmp(peer->name, "panel") == 0;
    int on = 1;

    (void)snprintf(topic, sizeof(topic), "devices/%s/state", peer->name);
    struct mqtt_connect connect_packet = { .version = MQTT_VERSION_5,
                                           .clean_start = true,
                                           .client_id = span_of(peer->name),
                                           .session_expiry_s = 3600,
                                           .has_will = !is_panel };
    connect_packet.will.topic = span_of(topic);
    connect_packet.will.payload = span_of("will");
    connect_packet.will.qos = MQTT_QOS_1;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(peer->fd >= 0 && connect(peer->fd, (struct sockaddr *)&address, sizeof(address)) == 0,
         "connect");
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    peer->ssl = shake_hands(ca, folder, peer->name, peer->fd);
    mqtt_connect_encode(&w, &connect_packet);
    write_all(peer, &w);
    must(read_packet(peer) == 0x20, "CONNACK");

    if (is_panel)
        (void)snprintf(topic, sizeof(topic), "devices/+/state");
    else
        (void)snprintf(topic, sizeof(topic), "devices/%s/set", peer->name);
    const struct mqtt_subscription wanted = { .filter = span_of(topic) };
    w = mqtt_writer_over(memory, sizeof(memory));
    mqtt_subscribe_encode(&w, MQTT_VERSION_5, 1, (struct mqtt_span){ 0 }, &wanted, 1);
    write_all(peer, &w);
    must(read_packet(peer) == 0x90, "SUBACK");
    must(fcntl(peer->fd, F_SETFL, O_NONBLOCK) == 0, "non-blocking");
}

/* ---- the load ---- */

/* Whatever the panel is sent is a will: nobody else publishes. */
static void look_for_wills(const uint8_t *bytes, int len)
{
    const uint8_t *at = memmem(bytes, (size_t)len, "will", 4);

    for (; at != NULL; at = memmem(at + 4, (size_t)(bytes + len - at - 4), "will", 4))
        printf("will\n");
}

static void read_some(struct peer *peer, int epoll)
{
    uint8_t bytes[16384];
    int len;

    while ((len = SSL_read(peer->ssl, bytes, sizeof(bytes))) > 0) {
        if (strcmp(peer->name, "panel") == 0)
            look_for_wills(bytes, len);
    }
    if (SSL_get_error(peer->ssl, len) == SSL_ERROR_WANT_READ)
        return;
    printf("closed %s %.6f\n", peer->name, now_s());
    epoll_ctl(epoll, EPOLL_CTL_DEL, peer->fd, NULL);
    SSL_free(peer->ssl);
    close(peer->fd);
    peer->ssl = NULL;
}

static void publish_some(struct peer *panel, unsigned count, unsigned *next)
{
    uint8_t memory[BURST * 64];
    uint8_t *end = memory;

    for (unsigned i = 0; i < BURST; i++) {
        char topic[32];
        (void)snprintf(topic, sizeof(topic), "devices/d%04u/set", (*next)++ % count);
        const struct mqtt_publish_out publish = { .topic = span_of(topic),
                                                  .payload = span_of("on") };
        end = mqtt_publish_write(end, MQTT_VERSION_5, &publish, NULL);
    }
    /* A full socket has to take the rest of the packets, too, before others follow. */
    while (SSL_write(panel->ssl, memory, (int)(end - memory)) != (int)(end - memory)) {
        struct pollfd output = { .fd = panel->fd, .events = POLLOUT };
        must(poll(&output, 1, 5000) == 1, "the panel's connection");
    }
}

static bool is_over(void)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

    return poll(&input, 1, 0) != 0;
}

static int live(uint16_t port, const char *ca, const char *folder, unsigned count)
{
    struct peer *peers = calloc(count + 1, sizeof(*peers));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    unsigned next = 0;

    must(peers != NULL && epoll >= 0, "memory");
    for (unsigned i = 0; i <= count; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &peers[i] };
        (void)snprintf(peers[i].name, sizeof(peers[i].name), i < count ? "d%04u" : "panel", i);
        join(&peers[i], port, ca, folder);
        must(epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i].fd, &event) == 0, "epoll");
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    while (!is_over()) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll, events, 256, TURN_MS);
        for (int i = 0; i < ready; i++)
            read_some(events[i].data.ptr, epoll);
        publish_some(&peers[count], count, &next);
    }
    printf("published %u\n", next);
    return 0; /* the system closes what is open */
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "enrol") == 0)
        return enrol(argv[2], argv[3], (unsigned)strtoul(argv[4], NULL, 10));
    if (argc == 6 && strcmp(argv[1], "live") == 0)
        return live((uint16_t)strtoul(argv[2], NULL, 10), argv[3], argv[4],
                    (unsigned)strtoul(argv[5], NULL, 10));
    fputs("usage: bench-revoke enrol STATE FOLDER COUNT | live PORT CA FOLDER COUNT\n", stderr);
    return 2;
}
