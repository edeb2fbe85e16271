/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

SSL_CTX *line_context(bool is_tls_1_2)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    must(context != NULL, "a TLS context");
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                  | SSL_MODE_RELEASE_BUFFERS);
    must((is_tls_1_2 ? SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION)
                     : SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION))
             == 1,
         "a TLS version");
    return context;
}

/* The socket, on its way to the broker; -1: the system refused. */
static int begin(const struct line_ends *ends)
{
    const struct sockaddr_in from = { .sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(ends->address) };
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(ends->port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    must(fd >= 0, "a socket");
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0
        && (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS))
        return fd;
    close(fd);
    return -1;
}

static void watch(struct line *line, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = line->owner };

    if (line->events == events)
        return;
    must(epoll_ctl(line->epoll, line->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, line->fd, &event)
             == 0,
         "epoll");
    line->events = events;
}

bool line_open(struct line *line, int epoll, const struct line_ends *ends, SSL *ssl, void *owner)
{
    int fd = begin(ends);

    if (fd < 0) {
        SSL_free(ssl);
        return false;
    }
    if (ssl != NULL) {
        must(SSL_set_fd(ssl, fd) == 1, "TLS over a socket");
        SSL_set_connect_state(ssl);
    }
    *line = (struct line){
        .state = LINE_CONNECTING, .fd = fd, .epoll = epoll, .owner = owner, .ssl = ssl
    };
    watch(line, EPOLLIN | EPOLLOUT);
    return true;
}

static bool is_connected(const struct line *line)
{
    int error = 0;
    socklen_t len = sizeof(error);

    return getsockopt(line->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

/* After a TLS call that returned `result`: does the peer only have to be waited for? */
static bool is_waiting(const struct line *line, int result)
{
    int error = SSL_get_error(line->ssl, result);

    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void shake(struct line *line)
{
    int result = SSL_do_handshake(line->ssl);

    if (result == 1)
        line->state = LINE_OPEN;
    else if (!is_waiting(line, result))
        line_close(line);
}

enum line_state line_step(struct line *line)
{
    if (line->state == LINE_CONNECTING) {
        if (!is_connected(line)) {
            line_close(line);
            return LINE_CLOSED;
        }
        watch(line, EPOLLIN);
        line->state = line->ssl == NULL ? LINE_OPEN : LINE_SHAKING;
    }
    if (line->state == LINE_SHAKING)
        shake(line);
    return line->state;
}

static ssize_t moved(struct line *line, ssize_t count)
{
    if (count > 0)
        return count;
    if (line->ssl != NULL ? is_waiting(line, (int)count) : count < 0 && errno == EAGAIN)
        return 0;
    line_close(line);
    return -1;
}

ssize_t line_send(struct line *line, const void *bytes, size_t len)
{
    return moved(line, line->ssl != NULL ? SSL_write(line->ssl, bytes, (int)len)
                                         : send(line->fd, bytes, len, MSG_NOSIGNAL));
}

ssize_t line_receive(struct line *line, void *bytes, size_t len)
{
    return moved(line, line->ssl != NULL ? SSL_read(line->ssl, bytes, (int)len)
                                         : recv(line->fd, bytes, len, 0));
}

void line_watch_output(struct line *line, bool is_wanted)
{
    watch(line, is_wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

bool line_shake_again(struct line *line)
{
    int result = SSL_do_handshake(line->ssl);

    if (result == 1 || is_waiting(line, result))
        return true;
    line_close(line);
    return false;
}

void line_close(struct line *line)
{
    const struct linger abrupt = { .l_onoff = 1 };

    if (line->state == LINE_CLOSED)
        return;
    setsockopt(line->fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof(abrupt));
    SSL_free(line->ssl);
    close(line->fd);
    *line = (struct line){ .fd = -1 };
}

void line_leave(struct line *line)
{
    if (line->state == LINE_CLOSED)
        return;
    if (line->ssl != NULL)
        (void)SSL_shutdown(line->ssl);
    ERR_clear_error();
    SSL_free(line->ssl);
    close(line->fd);
    *line = (struct line){ .fd = -1 };
}
