/* SPDX-License-Identifier: Apache-2.0 */
/* A transport to start from, for FreeRTOS with lwIP, for Zephyr, for whatever has TCP and a TLS
 * library. Copy it into your project, and replace what platform.h declares by what your platform
 * calls it; the table in docs/client.md has the names. What the client relies on is said at each
 * function; nothing here blocks, nothing allocates, nothing is called from an interrupt. */
#include "template.h"

/* What a call of the platform means to the client. */
static int status_of(int result)
{
    if (result == PLATFORM_LATER)
        return TACIT_AGAIN;
    return result == PLATFORM_UNTRUSTED ? TACIT_KEY : TACIT_IO;
}

/* Called again and again until it no longer says TACIT_AGAIN: each call continues where the last one
 * stopped. After anything but TACIT_OK and TACIT_AGAIN the client calls close. */
static int template_open(void *context, struct tacit_bytes host, uint16_t port)
{
    struct template_transport *link = context;
    int result = 0;
    if (link->state == TEMPLATE_CLOSED) {
        result = platform_tcp_connect(&link->socket, host.data, host.len, port);
        link->state = TEMPLATE_CONNECTING;
    } else if (link->state == TEMPLATE_CONNECTING) {
        result = platform_tcp_is_connected(link->socket);
    }
    if (result == 0 && link->state == TEMPLATE_CONNECTING) {
        /* The host is what the server's certificate has to be for. Offer the last session first: a
         * resumed handshake needs no private key. */
        result = platform_tls_begin(&link->tls, link->socket, host.data, host.len);
        link->state = TEMPLATE_HANDSHAKING;
    }
    if (result == 0 && link->state == TEMPLATE_HANDSHAKING)
        result = platform_tls_handshake(link->tls);
    if (result != 0)
        return status_of(result);
    link->state = TEMPLATE_UP;
    return TACIT_OK;
}

/* One record for all pieces: 22 bytes each are saved, and a radio that sleeps in between. A TLS
 * library that would encrypt each write by itself gets them in one buffer. What does not fit is
 * offered again by the client. */
static int template_sendv(void *context, const struct tacit_bytes *pieces, unsigned count)
{
    struct template_transport *link = context;
    size_t len = 0;
    for (unsigned i = 0; i < count && len < sizeof(link->record); i++) {
        const unsigned char *bytes = pieces[i].data;
        for (size_t at = 0; at < pieces[i].len && len < sizeof(link->record); at++)
            link->record[len++] = bytes[at];
    }
    int sent = platform_tls_write(link->tls, link->record, len);
    if (sent >= 0)
        return sent;
    return sent == PLATFORM_LATER ? 0 : TACIT_IO;
}

/* 0 is "nothing now", so a connection that has ended must be a negative status. */
static int template_receive(void *context, void *out, size_t size)
{
    struct template_transport *link = context;
    int got = platform_tls_read(link->tls, out, size);
    if (got > 0)
        return got;
    return got == PLATFORM_LATER ? 0 : TACIT_IO;
}

/* In any state, also before there was a connection; `open` may follow. */
static void template_close(void *context)
{
    struct template_transport *link = context;
    if (link->state >= TEMPLATE_HANDSHAKING)
        platform_tls_end(&link->tls);
    if (link->state >= TEMPLATE_CONNECTING)
        platform_tcp_close(&link->socket);
    link->state = TEMPLATE_CLOSED;
}

struct tacit_transport template_transport(struct template_transport *link)
{
    return (struct tacit_transport){ .open = template_open,
                                     .sendv = template_sendv,
                                     .receive = template_receive,
                                     .close = template_close,
                                     .context = link };
}

/* Unpredictable, or devices of a kind all come back in the same second. */
int template_random(void *context, void *out, size_t len)
{
    (void)context;
    return platform_random(out, len);
}

void template_task(struct template_transport *link, struct tacit_client *client,
                   template_handler *handle, void *context)
{
    struct tacit_event event;
    tacit_start(client);
    for (;;) {
        uint32_t sleep_ms = tacit_poll(client, platform_now_ms(), &event);
        if (event.type != TACIT_EVENT_NONE)
            handle(context, client, &event);
        else
            platform_wait(link->socket, sleep_ms);
    }
}
