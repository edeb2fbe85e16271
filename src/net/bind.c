/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets before anything listens to them: listener_bind(). */
#include "net/address.h"
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_BACKLOG 4096

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int prepare_tcp(int fd, const struct address *address, bool is_shared)
{
    int error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && is_shared)
        error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (error == 0 && address->raw.ss_family == AF_INET6)
        error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, address->is_any ? 0 : 1);
    /* Accepted sockets inherit it. */
    if (error == 0)
        error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return error;
}

/* A bound socket, or a negative errno. */
static int bound_socket(const struct address *address, bool is_shared)
{
    int fd = socket(address->raw.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = address->raw.ss_family != AF_UNIX ? prepare_tcp(fd, address, is_shared) : 0;
    if (error == 0 && bind(fd, (const struct sockaddr *)&address->raw, address->len) < 0)
        error = -errno;
    if (error < 0) {
        close(fd);
        return error;
    }
    return fd;
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

/* Any process of ours may join a shared port, so that another broker's would not be
 * noticed: an exclusive socket goes first. It also picks the port where any will do. */
static int probe(struct address *address)
{
    int fd = bound_socket(address, false);
    if (fd < 0)
        return fd;
    address_set_port(address, listener_port(fd));
    close(fd);
    return 0;
}

static int bind_tcp(struct address *address, int backlog, unsigned count, int *out_fds)
{
    int fds[LISTENER_SHARDS_MAX] = { 0 };
    int error = count > 1 ? probe(address) : 0;
    for (unsigned i = 0; error == 0 && i < count; i++) {
        fds[i] = bound_socket(address, count > 1);
        if (fds[i] >= 0 && listen(fds[i], backlog) == 0)
            continue;
        error = fds[i] < 0 ? fds[i] : -errno;
        close_all(fds, fds[i] < 0 ? i : i + 1);
    }
    for (unsigned i = 0; error == 0 && i < count; i++)
        out_fds[i] = fds[i];
    return error;
}

/* A socket that nobody listens on any more: left behind by a process that was killed.
 * Another kind of file is not ours to remove. */
static bool is_stale(const struct address *address, const char *path)
{
    struct stat status;
    if (lstat(path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)&address->raw, address->len) < 0
                   && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* The shards share one socket, each through a descriptor of its own. */
static int bind_unix(const struct address *address, const char *path, int backlog, unsigned count,
                     int *out_fds)
{
    int fds[LISTENER_SHARDS_MAX];
    fds[0] = bound_socket(address, false);
    if (fds[0] == -EADDRINUSE && is_stale(address, path) && unlink(path) == 0)
        fds[0] = bound_socket(address, false);
    if (fds[0] < 0)
        return fds[0];
    if (listen(fds[0], backlog) < 0) {
        int error = -errno;
        close(fds[0]);
        return error;
    }
    for (unsigned i = 1; i < count; i++) {
        fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
        if (fds[i] < 0) {
            int error = -errno;
            close_all(fds, i);
            return error;
        }
    }
    for (unsigned i = 0; i < count; i++)
        out_fds[i] = fds[i];
    return 0;
}

int listener_bind(const struct listener_options *options, unsigned count, int *out_fds)
{
    struct address address;
    int backlog = options->backlog != 0 ? (int)options->backlog : DEFAULT_BACKLOG;
    if (count == 0 || count > LISTENER_SHARDS_MAX)
        return -EINVAL;
    if (options->path != NULL) {
        int error = address_of_path(options->path, &address);
        return error < 0 ? error : bind_unix(&address, options->path, backlog, count, out_fds);
    }
    int error = address_parse(options->address, options->port, &address);
    if (error < 0)
        return error;
    error = bind_tcp(&address, backlog, count, out_fds);
    if (address.is_any && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)) {
        /* No IPv6 on this machine. */
        error = address_parse("0.0.0.0", options->port, &address);
        if (error == 0)
            error = bind_tcp(&address, backlog, count, out_fds);
    }
    return error;
}

uint16_t listener_port(int fd)
{
    struct address address = { .len = sizeof(address.raw) };
    if (getsockname(fd, (struct sockaddr *)&address.raw, &address.len) < 0)
        return 0;
    return address_port(&address);
}
