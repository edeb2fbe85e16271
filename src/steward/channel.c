/* SPDX-License-Identifier: Apache-2.0 */
#include "steward/channel.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static int wait_for(int fd, short events, int wait_ms)
{
    struct pollfd one = { .fd = fd, .events = events };
    int ready;

    do {
        ready = poll(&one, 1, wait_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0 ? 0 : ready == 0 ? -ETIMEDOUT : -errno;
}

static int send_all(int fd, struct mqtt_span bytes, int wait_ms)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n > 0)
            (void)span_take(&bytes, (size_t)n);
        if (n >= 0 || errno == EINTR)
            continue;
        int error = errno == EAGAIN ? wait_for(fd, POLLOUT, wait_ms) : -errno;
        if (error < 0)
            return error;
    }
    return 0;
}

static int receive_all(int fd, uint8_t *into, size_t len, int wait_ms)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = read(fd, into + done, len - done);
        if (n == 0)
            return -EPIPE;
        if (n > 0)
            done += (size_t)n;
        if (n > 0 || errno == EINTR)
            continue;
        int error = errno == EAGAIN       ? wait_for(fd, POLLIN, wait_ms)
                    : errno == ECONNRESET ? -EPIPE
                                          : -errno;
        if (error < 0)
            return error;
    }
    return 0;
}

int steward_channel_send(int fd, const struct steward_message *message, int wait_ms)
{
    uint8_t head[STEWARD_HEADER_BYTES];
    const struct steward_header header = { message->kind, (uint32_t)message->len };

    steward_header_encode(&header, head);
    int error = send_all(fd, (struct mqtt_span){ head, sizeof(head) }, wait_ms);
    return error == 0 ? send_all(fd, steward_message_body(message), wait_ms) : error;
}

int steward_channel_receive(int fd, enum steward_direction direction, int wait_ms,
                            struct steward_message *out)
{
    uint8_t head[STEWARD_HEADER_BYTES];
    struct steward_header header;
    struct steward_message message = { 0 };
    int error = receive_all(fd, head, sizeof(head), wait_ms);

    if (error == 0)
        error = steward_header_decode(head, direction, &header);
    if (error == 0)
        error = steward_message_init(&message, header.kind, direction, header.len);
    if (error == 0)
        error = receive_all(fd, message.body, message.len, wait_ms);
    if (error < 0) {
        steward_message_fini(&message);
        return error;
    }
    *out = message;
    return 0;
}
