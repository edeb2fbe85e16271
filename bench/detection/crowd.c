/* SPDX-License-Identifier: Apache-2.0 */
/* bench-crowd PORT FOLDER DEVICES QOS WINDOW: devices with a certificate each, from FOLDER ("-": no TLS),
 * publish as fast as the broker takes it, each to itself, with so many messages on their way. Prints
 * "ready" when all are connected, and then for each byte of its standard input how many messages have come
 * back so far, until that ends. One device that is lost ends it: exit code 1. */
#include "bench/siege/device.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FIRST           0x7f010001u /* 127.1.0.1: an address of its own for each device */
#define ARRIVING_MOST   32u
#define EVENTS_PER_TURN 256
#define TURN_MS         10
#define PATIENCE_S      120.0 /* until all are connected */

struct crowd {
    struct device *devices;
    uint32_t count;
    uint32_t arrived; /* have begun to connect */
    uint32_t here;
    uint32_t window;
    uint64_t messages; /* that came back */
    struct device_way way;
    uint8_t payload[DEVICE_PAYLOAD_BYTES];
};

static void on_here(void *context, struct device *device)
{
    struct crowd *crowd = context;

    (void)device;
    crowd->here++;
}

static void on_message(void *context, struct device *device, struct mqtt_span payload)
{
    struct crowd *crowd = context;

    (void)payload;
    crowd->messages++;
    must(device_queue(device, crowd->payload), "what has come back may go out again");
}

static void on_acked(void *context, struct device *device)
{
    (void)context;
    (void)device;
}

static void on_away(void *context, struct device *device)
{
    (void)context;
    (void)device;
    must(false, "a device was cut off");
}

static void arrive(struct crowd *crowd)
{
    while (crowd->arrived < crowd->count && crowd->arrived < crowd->here + ARRIVING_MOST) {
        crowd->way.ends.address = FIRST + crowd->arrived;
        must(device_arrive(&crowd->devices[crowd->arrived++], &crowd->way), "a connection");
    }
}

static void turn(const struct crowd *crowd)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(crowd->way.epoll, events, EVENTS_PER_TURN, TURN_MS);

    for (int i = 0; i < count; i++)
        device_step(events[i].data.ptr);
}

static void gather(struct crowd *crowd)
{
    double begin_s = now_s();

    while (crowd->here < crowd->count) {
        arrive(crowd);
        turn(crowd);
        must(now_s() < begin_s + PATIENCE_S, "not all devices get in");
    }
}

/* Answers who asks; false: nobody is there any more. */
static bool answer(const struct crowd *crowd)
{
    char byte;
    ssize_t count = read(STDIN_FILENO, &byte, 1);

    if (count < 0) /* nobody asks at present */
        return true;
    if (count > 0)
        printf("%llu\n", (unsigned long long)crowd->messages);
    return count > 0 && fflush(stdout) == 0;
}

static void run(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->count; i++)
        for (uint32_t n = 0; n < crowd->window; n++)
            must(device_publish(&crowd->devices[i], crowd->payload), "the first messages go out");
    while (answer(crowd))
        turn(crowd);
}

static uint32_t number_of(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
    struct crowd crowd = { 0 };
    const struct device_events events = { on_here, on_message, on_acked, on_away, &crowd };

    if (argc != 6) {
        fputs("usage: bench-crowd PORT FOLDER DEVICES QOS WINDOW\n", stderr);
        return 2;
    }
    must(signal(SIGPIPE, SIG_IGN) != SIG_ERR, "signal");
    must(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) == 0, "standard input");
    crowd.count = number_of(argv[3]);
    crowd.window = number_of(argv[5]);
    crowd.devices = calloc(crowd.count, sizeof(*crowd.devices));
    must(crowd.devices != NULL, "memory");
    memset(crowd.payload, 'x', sizeof(crowd.payload));
    crowd.way = (struct device_way){ .epoll = epoll_create1(EPOLL_CLOEXEC),
                                     .ends.port = (uint16_t)number_of(argv[1]),
                                     .folder = argv[2] };
    must(crowd.way.epoll >= 0, "epoll");
    if (strcmp(argv[2], "-") != 0)
        crowd.way.context = line_context(false);
    for (uint32_t i = 0; i < crowd.count; i++)
        crowd.devices[i] = (struct device){ .number = i,
                                            .subscribes_to = i,
                                            .qos = (enum mqtt_qos)number_of(argv[4]),
                                            .events = &events };
    gather(&crowd);
    puts("ready");
    must(fflush(stdout) == 0, "standard output");
    run(&crowd);
    for (uint32_t i = 0; i < crowd.count; i++)
        device_drop(&crowd.devices[i]);
    SSL_CTX_free(crowd.way.context);
    close(crowd.way.epoll);
    free(crowd.devices);
    return 0;
}
