/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/probe_state.h"

#include <tacit/posix.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int tacit_probe_wait(const struct tacit_probe *probe, short events, uint64_t end_ms)
{
    struct pollfd poller = { .fd = probe->fd, .events = events };
    uint64_t now_ms = tacit_posix_now_ms();

    for (; now_ms < end_ms; now_ms = tacit_posix_now_ms()) {
        uint64_t left_ms = end_ms - now_ms;
        if (poll(&poller, 1, left_ms < 60000 ? (int)left_ms : 60000) > 0)
            return 0;
    }
    return -ETIMEDOUT;
}

static struct addrinfo *digits(const char *address, uint16_t port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char service[6];

    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    return getaddrinfo(address, service, &hints, &found) == 0 ? found : NULL;
}

static int bind_source(int fd, const char *source)
{
    struct addrinfo *own = digits(source, 0);
    int result = own == NULL ? -EINVAL : bind(fd, own->ai_addr, own->ai_addrlen);

    if (own != NULL && result < 0)
        result = -errno;
    freeaddrinfo(own);
    return result;
}

static int prepare(int fd, const struct tacit_probe_target *target)
{
    int one = 1;
    int buffer = target->receive_buffer_bytes < INT32_MAX ? (int)target->receive_buffer_bytes : 0;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (buffer > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    return target->source != NULL ? bind_source(fd, target->source) : 0;
}

static int finish_connecting(const struct tacit_probe *probe, uint64_t end_ms)
{
    int error = 0;
    socklen_t len = sizeof(error);
    int result = tacit_probe_wait(probe, POLLOUT, end_ms);

    if (result == 0 && getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    return result < 0 ? result : -error;
}

static int connect_to(struct tacit_probe *probe, const struct tacit_probe_target *target,
                      uint64_t end_ms)
{
    struct addrinfo *peer = digits(target->address, target->port);
    int result = peer == NULL ? -EINVAL : 0;

    if (result == 0)
        probe->fd = socket(peer->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (result == 0 && probe->fd < 0)
        result = -errno;
    if (result == 0)
        result = prepare(probe->fd, target);
    if (result == 0 && connect(probe->fd, peer->ai_addr, peer->ai_addrlen) < 0)
        result = errno == EINPROGRESS ? finish_connecting(probe, end_ms) : -errno;
    freeaddrinfo(peer);
    return result;
}

int tacit_probe_open(const struct tacit_probe_target *target, uint32_t timeout_ms,
                     struct tacit_probe **out, char error[TACIT_PROBE_ERROR_SIZE])
{
    struct tacit_probe *probe = calloc(1, sizeof(*probe));
    int result = -ENOMEM;

    if (probe != NULL) {
        probe->fd = -1;
        result = connect_to(probe, target, tacit_posix_now_ms() + timeout_ms);
    }
    if (result < 0) {
        (void)snprintf(error, TACIT_PROBE_ERROR_SIZE, "%s port %u: %s", target->address,
                       (unsigned)target->port, strerror(-result));
        tacit_probe_close(probe);
        return result;
    }
    *out = probe;
    return 0;
}

void tacit_probe_close(struct tacit_probe *probe)
{
    if (probe == NULL)
        return;
    SSL_free(probe->ssl);
    SSL_SESSION_free(probe->session);
    if (probe->fd >= 0)
        (void)close(probe->fd);
    free(probe);
}

const char *tacit_probe_error(const struct tacit_probe *probe)
{
    return probe->error;
}

/* What a call that gave nothing means: 0 for "later", else a negative errno. */
static int verdict(struct tacit_probe *probe, ssize_t result)
{
    int error = result == 0 ? ECONNRESET : errno;

    if (error == EAGAIN || error == EINTR)
        return 0;
    (void)snprintf(probe->error, sizeof(probe->error), "%s",
                   result == 0 ? "the server closed the connection" : strerror(error));
    /* To whoever asks, a broken pipe is a connection that the other side closed. */
    return error == EPIPE ? -ECONNRESET : -error;
}

static int64_t plain_send(struct tacit_probe *probe, const void *bytes, size_t len, uint64_t end_ms)
{
    for (;;) {
        ssize_t sent = send(probe->fd, bytes, len, MSG_NOSIGNAL);
        int failed = sent > 0 ? 0 : verdict(probe, sent);
        if (sent > 0 || failed < 0)
            return sent > 0 ? sent : failed;
        if (tacit_probe_wait(probe, POLLOUT, end_ms) < 0)
            return 0;
    }
}

static int64_t plain_receive(struct tacit_probe *probe, void *out, size_t size, uint64_t end_ms)
{
    for (;;) {
        ssize_t got = recv(probe->fd, out, size, 0);
        int failed = got > 0 ? 0 : verdict(probe, got);
        if (got > 0 || failed < 0)
            return got > 0 ? got : failed;
        if (tacit_probe_wait(probe, POLLIN, end_ms) < 0)
            return 0;
    }
}

int64_t tacit_probe_send(struct tacit_probe *probe, const void *bytes, size_t len,
                         uint32_t timeout_ms)
{
    uint64_t end_ms = tacit_posix_now_ms() + timeout_ms;
    size_t done = 0;

    while (done < len) {
        const char *rest = (const char *)bytes + done;
        int64_t sent = probe->ssl != NULL ? tacit_probe_tls_send(probe, rest, len - done, end_ms)
                                          : plain_send(probe, rest, len - done, end_ms);
        if (sent < 0)
            return sent;
        if (sent == 0)
            break;
        done += (size_t)sent;
    }
    return (int64_t)done;
}

int64_t tacit_probe_receive(struct tacit_probe *probe, void *out, size_t size, uint32_t timeout_ms)
{
    uint64_t end_ms = tacit_posix_now_ms() + timeout_ms;

    return probe->ssl != NULL ? tacit_probe_tls_receive(probe, out, size, end_ms)
                              : plain_receive(probe, out, size, end_ms);
}
