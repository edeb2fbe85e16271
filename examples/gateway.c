/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway: many small things behind one connection.
 *
 *   gateway ... < LINES
 *
 * Each line of standard input is "CHILD VALUE", as a radio or a bus would bring it; it is published
 * with QoS 1 to devices/NAME/telemetry/CHILD. Nothing is read while the queue is full, so whoever
 * writes the lines is slowed down rather than something being lost. Topic aliases, and several
 * messages a TLS record, come by themselves. Ends at the end of the input, when all is delivered. */
#include "device.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct gateway {
    struct device device;
    char line[1024]; /* read and not yet published */
    size_t len;
    bool ended;   /* of the input */
    bool blocked; /* by a full queue: nothing is read */
    unsigned long published;
    unsigned long skipped; /* lines that are none */
};

/* "CHILD VALUE" to the queue. False: it is full. */
static bool publish(struct gateway *gateway, const char *line, size_t len)
{
    char rest[DEVICE_TOPIC_SIZE];
    char topic[DEVICE_TOPIC_SIZE];
    const char *space = memchr(line, ' ', len);
    if (space == NULL || space == line || (size_t)(space - line) > 40) {
        gateway->skipped++;
        return true;
    }
    (void)snprintf(rest, sizeof(rest), "telemetry/%.*s", (int)(space - line), line);
    struct tacit_message message = {
        .topic = device_topic(&gateway->device, topic, rest),
        .payload = { space + 1, len - (size_t)(space + 1 - line) },
        .qos = 1,
    };
    enum tacit_status status = tacit_publish(gateway->device.client, &message, NULL);
    gateway->published += status == TACIT_OK;
    gateway->skipped += status != TACIT_OK && status != TACIT_FULL;
    return status != TACIT_FULL;
}

/* All whole lines there are, as far as the queue takes them. */
static void publish_lines(struct gateway *gateway)
{
    char *end = memchr(gateway->line, '\n', gateway->len);
    gateway->blocked = false;
    while (end != NULL && !gateway->blocked) {
        size_t len = (size_t)(end - gateway->line);
        gateway->blocked = !publish(gateway, gateway->line, len);
        if (gateway->blocked)
            break;
        gateway->len -= len + 1;
        memmove(gateway->line, end + 1, gateway->len);
        end = memchr(gateway->line, '\n', gateway->len);
    }
    if (end == NULL && gateway->len == sizeof(gateway->line)) {
        gateway->len = 0; /* a line that never ends */
        gateway->skipped++;
    }
}

/* The last line may lack its end. */
static void end_input(struct gateway *gateway)
{
    gateway->ended = true;
    if (gateway->len > 0 && gateway->len < sizeof(gateway->line))
        gateway->line[gateway->len++] = '\n';
}

/* What is there; standard input does not block. */
static void read_more(struct gateway *gateway)
{
    ssize_t got =
        read(STDIN_FILENO, gateway->line + gateway->len, sizeof(gateway->line) - gateway->len);
    if (got > 0)
        gateway->len += (size_t)got;
    else if (got == 0)
        end_input(gateway);
}

int main(int count, char **arguments)
{
    static struct gateway gateway;
    unsigned long refused = 0;
    (void)count;
    if (!device_read(&gateway.device, arguments, "< LINES") || !device_start(&gateway.device))
        return 2;
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    bool done = false;
    while (!done) {
        struct tacit_event event;
        bool listens = !gateway.ended && !gateway.blocked;
        device_next(&gateway.device, listens ? STDIN_FILENO : -1, listens ? 200 : 10, &event);
        refused += event.type == TACIT_EVENT_REJECTED;
        if (listens)
            read_more(&gateway);
        publish_lines(&gateway);
        done = gateway.ended && !gateway.blocked && tacit_is_idle(gateway.device.client);
    }
    (void)printf("published %lu, refused %lu, not understood %lu\n", gateway.published, refused,
                 gateway.skipped);
    device_end(&gateway.device);
    return refused + gateway.skipped > 0 ? 1 : 0;
}
