/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/posix.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

static int posix_open(void *context, struct tacit_bytes host, uint16_t port)
{
    struct tacit_posix *posix = context;
    int status = TACIT_OK;
    if (posix->state <= TACIT_POSIX_CONNECTING)
        status = tacit_posix_connect(posix, host, port);
    if (status == TACIT_OK && posix->tls != NULL) {
        posix->state = TACIT_POSIX_HANDSHAKING;
        status = tacit_tls_handshake(posix);
    }
    if (status == TACIT_OK)
        posix->state = TACIT_POSIX_UP;
    return status;
}

static int posix_sendv(void *context, const struct tacit_bytes *pieces, unsigned count)
{
    struct tacit_posix *posix = context;
    if (posix->state != TACIT_POSIX_UP || count == 0)
        return posix->state != TACIT_POSIX_UP ? TACIT_IO : 0;
    int taken = posix->tls != NULL ? tacit_tls_send(posix, pieces, count)
                                   : tacit_posix_send(posix, pieces, count);
    if (taken > 0)
        posix->sent_bytes += (uint64_t)taken;
    return taken;
}

uint64_t tacit_posix_sent_bytes(const struct tacit_posix *posix)
{
    return posix->sent_bytes;
}

static int posix_receive(void *context, void *out, size_t size)
{
    struct tacit_posix *posix = context;
    if (posix->state != TACIT_POSIX_UP)
        return TACIT_IO;
    return posix->tls != NULL ? tacit_tls_receive(posix, out, size)
                              : tacit_posix_receive(posix, out, size);
}

static void posix_close(void *context)
{
    struct tacit_posix *posix = context;
    tacit_tls_close(posix);
    tacit_posix_disconnect(posix);
}

struct tacit_transport tacit_posix_transport(struct tacit_posix *posix)
{
    return (struct tacit_transport){ .open = posix_open,
                                     .sendv = posix_sendv,
                                     .receive = posix_receive,
                                     .close = posix_close,
                                     .context = posix };
}

struct tacit_posix *tacit_posix_tls_new(struct tacit_tls *tls)
{
    struct tacit_posix *posix = tacit_posix_insecure_new();
    if (posix != NULL)
        posix->tls = tls;
    return posix;
}

struct tacit_posix *tacit_posix_insecure_new(void)
{
    struct tacit_posix *posix = calloc(1, sizeof(*posix));
    if (posix != NULL)
        posix->fd = -1;
    return posix;
}

void tacit_posix_free(struct tacit_posix *posix)
{
    if (posix == NULL)
        return;
    posix_close(posix);
    SSL_SESSION_free(posix->session);
    free(posix);
}

int tacit_posix_descriptor(const struct tacit_posix *posix)
{
    return posix->fd;
}

bool tacit_posix_wants_write(const struct tacit_posix *posix)
{
    return posix->wants_write;
}

const char *tacit_posix_error(const struct tacit_posix *posix)
{
    return posix->error;
}

void tacit_posix_describe(const struct tacit_posix *posix, char *out, size_t size)
{
    if (posix->ssl == NULL)
        (void)snprintf(out, size, "not encrypted");
    else
        (void)snprintf(out, size, "%s, %s%s", SSL_get_version(posix->ssl),
                       SSL_get_cipher_name(posix->ssl),
                       SSL_session_reused(posix->ssl) ? ", resumed" : "");
}

void tacit_posix_wait(const struct tacit_posix *posix, int other_descriptor, uint32_t timeout_ms)
{
    struct pollfd pollers[2] = {
        { .fd = posix->fd, .events = POLLIN },
        { .fd = other_descriptor, .events = POLLIN },
    };
    if (posix->state == TACIT_POSIX_CONNECTING)
        pollers[0].events = POLLOUT;
    else if (posix->wants_write)
        pollers[0].events = POLLIN | POLLOUT;
    (void)poll(pollers, 2, timeout_ms > INT32_MAX ? -1 : (int)timeout_ms);
}

bool tacit_posix_key_is_private(const char *path)
{
    struct stat file;
    return stat(path, &file) < 0 || (file.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

uint64_t tacit_posix_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int tacit_posix_random(void *context, void *out, size_t len)
{
    (void)context;
    ssize_t got = getrandom(out, len, GRND_NONBLOCK);
    return got == (ssize_t)len ? 0 : -EAGAIN;
}
