/* SPDX-License-Identifier: Apache-2.0 */
/* Guesses at a password of a running broker on 127.0.0.1, plain MQTT 5, a new one each:
 *   bench-guess PORT NAME ADDRESSES PER_S MS   from that many addresses (127.1.0.1 and on), so many
 *                                              per second are tried, for so long
 * Prints how many were sent, how many were answered, and how many connections failed. */
#include "codec/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 1024

struct flood {
    const char *name;
    struct sockaddr_in broker;
    unsigned addresses;
    int epoll;
    unsigned open;
    unsigned long sent;
    unsigned long answered;
    unsigned long failed;
};

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

/* A connection without a farewell: the ports would run out. */
static int open_socket(const struct flood *flood)
{
    const struct sockaddr_in from = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(0x7f010001u + (uint32_t)(flood->sent % flood->addresses)),
    };
    const struct linger abrupt = { .l_onoff = 1 };
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof(abrupt));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0
        && (connect(fd, (const struct sockaddr *)&flood->broker, sizeof(flood->broker)) == 0
            || errno == EINPROGRESS))
        return fd;
    close(fd);
    return -1;
}

static void start(struct flood *flood)
{
    struct epoll_event event = { .events = EPOLLOUT };
    int fd = open_socket(flood);

    event.data.fd = fd;
    flood->sent++;
    if (fd >= 0 && epoll_ctl(flood->epoll, EPOLL_CTL_ADD, fd, &event) == 0) {
        flood->open++;
        return;
    }
    flood->failed++;
    if (fd >= 0)
        close(fd);
}

static bool send_guess(const struct flood *flood, int fd)
{
    char password[64];
    uint8_t memory[256];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    snprintf(password, sizeof(password), "guess-%d-%.4f", fd, now_ms());
    const struct mqtt_connect packet = { .version = MQTT_VERSION_5,
                                         .clean_start = true,
                                         .client_id = span_of("guess"),
                                         .has_user_name = true,
                                         .user_name = span_of(flood->name),
                                         .has_password = true,
                                         .password = span_of(password) };
    mqtt_connect_encode(&w, &packet);
    struct mqtt_span bytes = mqtt_writer_written(&w);
    return send(fd, bytes.data, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len;
}

static void end(struct flood *flood, int fd, bool is_answered)
{
    flood->answered += is_answered ? 1 : 0;
    flood->failed += is_answered ? 0 : 1;
    flood->open--;
    close(fd);
}

static void on_ready(struct flood *flood, const struct epoll_event *event)
{
    struct epoll_event next = { .events = EPOLLIN, .data.fd = event->data.fd };
    uint8_t answer[512];
    int fd = event->data.fd;

    if ((event->events & EPOLLOUT) != 0) {
        if (!send_guess(flood, fd) || epoll_ctl(flood->epoll, EPOLL_CTL_MOD, fd, &next) != 0)
            end(flood, fd, false);
        return;
    }
    end(flood, fd, recv(fd, answer, sizeof(answer), 0) > 0);
}

static void turn(struct flood *flood, int wait_ms)
{
    struct epoll_event events[256];
    int count = epoll_wait(flood->epoll, events, 256, wait_ms);

    for (int i = 0; i < count; i++)
        on_ready(flood, &events[i]);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    struct flood flood = {
        .name = argv[2],
        .broker = { .sin_family = AF_INET,
                    .sin_port = htons((uint16_t)atoi(argv[1])),
                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
        .addresses = (unsigned)atoi(argv[3]),
        .epoll = epoll_create1(0),
    };
    double per_ms = atof(argv[4]) / 1000;
    double began_ms = now_ms();
    double until_ms = began_ms + atof(argv[5]);

    for (double now = began_ms; now < until_ms; now = now_ms()) {
        double due = (now - began_ms) * per_ms;
        while ((double)flood.sent < due && flood.open < AT_ONCE)
            start(&flood);
        turn(&flood, 1);
    }
    for (until_ms = now_ms() + 2000; flood.open > 0 && now_ms() < until_ms;)
        turn(&flood, 10);
    printf("%lu %lu %lu\n", flood.sent, flood.answered, flood.failed + flood.open);
    return 0;
}
