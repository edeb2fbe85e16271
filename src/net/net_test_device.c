/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_test_device.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void queue_put(struct queue *queue, const void *bytes, size_t len)
{
    if (queue->len + len > queue->capacity) {
        queue->capacity = (queue->len + len) * 2;
        queue->bytes = realloc(queue->bytes, queue->capacity);
        assert_non_null(queue->bytes);
    }
    if (len > 0)
        memcpy(queue->bytes + queue->len, bytes, len);
    queue->len += len;
}

static void drop(struct queue *queue, size_t len)
{
    memmove(queue->bytes, queue->bytes + len, queue->len - len);
    queue->len -= len;
}

static int connect_to(const struct device_target *target)
{
    struct sockaddr_in tcp = { .sin_family = AF_INET,
                               .sin_port = htons(target->port),
                               .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    bool is_local = target->kind == KIND_UNIX;
    snprintf(local.sun_path, sizeof(local.sun_path), "%.100s", target->path);
    int fd = socket(is_local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (target->source != 0) {
        const struct sockaddr_in from = { .sin_family = AF_INET,
                                          .sin_addr = { htonl(target->source) } };
        assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
    }
    int result = is_local ? connect(fd, (const struct sockaddr *)&local, sizeof(local))
                          : connect(fd, (const struct sockaddr *)&tcp, sizeof(tcp));
    assert_int_equal(result, 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

bool kind_is_tls(enum kind kind)
{
    return kind == KIND_TLS || kind == KIND_DETACHED || kind == KIND_IDLE;
}

void device_open(struct device *device, const struct device_target *target, const char *identity)
{
    *device = (struct device){ .fd = connect_to(target) };
    if (kind_is_tls(target->kind))
        device->tls = tls_client_new(
            &(struct tls_client_options){ .fixture = target->pki, .identity = identity });
}

void device_close(struct device *device)
{
    if (device->fd >= 0)
        close(device->fd);
    tls_client_free(device->tls);
    free(device->out.bytes);
    free(device->wire.bytes);
    free(device->in.bytes);
}

void device_reset(struct device *device)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };
    assert_int_equal(setsockopt(device->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(device->fd);
    device->fd = -1;
}

static void push(struct device *device, struct queue *queue)
{
    ssize_t sent = queue->len > 0 ? send(device->fd, queue->bytes, queue->len, MSG_NOSIGNAL) : 0;
    if (sent > 0)
        drop(queue, (size_t)sent);
    else if (sent < 0 && errno != EAGAIN)
        device->error = errno;
}

static void device_encrypt(struct device *device)
{
    uint8_t bytes[16384];
    if (!device->is_shaken)
        device->is_shaken = tls_client_handshake(device->tls) == 1;
    if (device->is_shaken && device->out.len > 0) {
        tls_client_write(device->tls, (struct mqtt_span){ device->out.bytes, device->out.len });
        device->out.len = 0;
    }
    size_t len;
    while ((len = tls_client_take(device->tls, bytes, sizeof(bytes))) > 0)
        queue_put(&device->wire, bytes, len);
    push(device, &device->wire);
}

static void device_take(struct device *device, const uint8_t *bytes, size_t len)
{
    if (device->tls == NULL) {
        queue_put(&device->in, bytes, len);
        return;
    }
    uint8_t plain[16384];
    int got = 0;
    tls_client_give(device->tls, (struct mqtt_span){ bytes, len });
    if (!device->is_shaken)
        device->is_shaken = tls_client_handshake(device->tls) == 1;
    while (device->is_shaken && (got = tls_client_read(device->tls, plain, sizeof(plain))) > 0)
        queue_put(&device->in, plain, (size_t)got);
    device->is_closed_by_tls |= got == -2;
}

void device_turn(struct device *device)
{
    static uint8_t bytes[262144];
    if (device->tls != NULL)
        device_encrypt(device);
    else
        push(device, &device->out);
    if (device->is_deaf || device->is_over)
        return;
    ssize_t got = recv(device->fd, bytes, sizeof(bytes), 0);
    if (got > 0)
        device_take(device, bytes, (size_t)got);
    else if (got == 0)
        device->is_over = true;
    else if (errno != EAGAIN)
        device->error = errno;
}

void queue_put_publish(struct queue *queue, size_t len, unsigned seed)
{
    struct test_random random = { seed };
    queue_put(queue, "\x30", 1);
    for (size_t left = len;; left >>= 7) {
        uint8_t byte = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        queue_put(queue, &byte, 1);
        if (left <= 0x7f)
            break;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)test_random_next(&random);
        queue_put(queue, &byte, 1);
    }
}
