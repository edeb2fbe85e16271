/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/posix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void tacit_posix_complain(struct tacit_posix *posix, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(posix->error, sizeof(posix->error), format, arguments);
    va_end(arguments);
}

static int resolve(struct tacit_posix *posix, struct tacit_bytes host, uint16_t port)
{
    char service[6];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    if (host.len == 0 || host.len >= sizeof(posix->host)) {
        tacit_posix_complain(posix, "host name is empty or too long");
        return TACIT_ARGUMENT;
    }
    if (strlen(posix->host) != host.len || memcmp(posix->host, host.data, host.len) != 0)
        tacit_tls_forget(posix);
    memcpy(posix->host, host.data, host.len);
    posix->host[host.len] = '\0';
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    int failed = getaddrinfo(posix->host, service, &hints, &posix->addresses);
    if (failed != 0) {
        posix->addresses = NULL;
        tacit_posix_complain(posix, "%s: %s", posix->host, gai_strerror(failed));
        return TACIT_IO;
    }
    posix->next = posix->addresses;
    return TACIT_OK;
}

/* Starts on the next address that lets us start; TACIT_IO when none is left. */
static int try_next(struct tacit_posix *posix)
{
    int one = 1;
    while (posix->next != NULL) {
        const struct addrinfo *address = posix->next;
        posix->next = address->ai_next;
        if (posix->fd >= 0)
            (void)close(posix->fd);
        posix->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (posix->fd >= 0) {
            (void)setsockopt(posix->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
            if (connect(posix->fd, address->ai_addr, address->ai_addrlen) == 0
                || errno == EINPROGRESS)
                return TACIT_AGAIN;
        }
        tacit_posix_complain(posix, "%s: %s", posix->host, strerror(errno));
    }
    return TACIT_IO;
}

static int check_connecting(struct tacit_posix *posix)
{
    struct pollfd poller = { .fd = posix->fd, .events = POLLOUT };
    int error = 0;
    socklen_t len = sizeof(error);
    if (poll(&poller, 1, 0) <= 0)
        return TACIT_AGAIN;
    if (getsockopt(posix->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error == 0) {
        freeaddrinfo(posix->addresses);
        posix->addresses = NULL;
        return TACIT_OK;
    }
    tacit_posix_complain(posix, "%s: %s", posix->host, strerror(error));
    return try_next(posix);
}

int tacit_posix_connect(struct tacit_posix *posix, struct tacit_bytes host, uint16_t port)
{
    int status;
    if (posix->state == TACIT_POSIX_CONNECTING) {
        status = check_connecting(posix);
    } else {
        posix->error[0] = '\0';
        status = resolve(posix, host, port);
        if (status == TACIT_OK)
            status = try_next(posix);
        posix->state = TACIT_POSIX_CONNECTING;
    }
    posix->wants_write = status == TACIT_AGAIN;
    return status;
}

void tacit_posix_disconnect(struct tacit_posix *posix)
{
    if (posix->fd >= 0) {
        /* Unread input would make close() a reset that overtakes our last words. */
        (void)shutdown(posix->fd, SHUT_WR);
        (void)close(posix->fd);
    }
    if (posix->addresses != NULL)
        freeaddrinfo(posix->addresses);
    posix->fd = -1;
    posix->addresses = NULL;
    posix->next = NULL;
    posix->wants_write = false;
    posix->state = TACIT_POSIX_CLOSED;
}

static int failure(struct tacit_posix *posix)
{
    tacit_posix_complain(posix, "%s: %s", posix->host, strerror(errno));
    return TACIT_IO;
}

int tacit_posix_send(struct tacit_posix *posix, const struct tacit_bytes *pieces, unsigned count)
{
    struct iovec vector[4];
    struct msghdr message = { .msg_iov = vector };
    for (unsigned i = 0; i < count && i < MQTT_ARRAY_LEN(vector); i++) {
        /* iovec is not const-correct; sendmsg only reads. */
        memcpy(&vector[i].iov_base, &pieces[i].data, sizeof(void *));
        vector[i].iov_len = pieces[i].len;
        message.msg_iovlen++;
    }
    ssize_t sent = sendmsg(posix->fd, &message, MSG_NOSIGNAL);
    posix->wants_write = sent < 0 && (errno == EAGAIN || errno == EINTR);
    if (sent < 0 && !posix->wants_write)
        return failure(posix);
    size_t offered = 0;
    for (unsigned i = 0; i < message.msg_iovlen; i++)
        offered += vector[i].iov_len;
    posix->wants_write = sent < 0 || (size_t)sent < offered;
    return sent < 0 ? 0 : (int)sent;
}

int tacit_posix_receive(struct tacit_posix *posix, void *out, size_t size)
{
    ssize_t got = recv(posix->fd, out, size < INT32_MAX ? size : INT32_MAX, 0);
    if (got > 0)
        return (int)got;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got < 0)
        return failure(posix);
    tacit_posix_complain(posix, "%s: the server closed the connection", posix->host);
    return TACIT_IO;
}

bool tacit_posix_is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcmp(host, "localhost") == 0;
}
