/* SPDX-License-Identifier: Apache-2.0 */
#include <tacit/blocking.h>

#define PATIENCE_MS 10000u
#define TURN_MS     100u

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/* Waits for the connection until `end_ms`. False: it is later than that. */
static bool wait_until(const struct tacit_posix *posix, uint64_t end_ms)
{
    uint64_t now_ms = tacit_posix_now_ms();
    if (now_ms >= end_ms)
        return false;
    tacit_posix_wait(posix, -1, (uint32_t)(end_ms - now_ms));
    return true;
}

static int blocking_open(void *context, struct tacit_bytes host, uint16_t port)
{
    struct tacit_blocking *blocking = context;
    struct tacit_transport inner = tacit_posix_transport(blocking->posix);
    uint64_t end_ms = tacit_posix_now_ms() + or_else(blocking->open_ms, PATIENCE_MS);
    int status = inner.open(inner.context, host, port);
    while (status == TACIT_AGAIN) {
        if (!wait_until(blocking->posix, end_ms))
            return TACIT_TIMEOUT;
        status = inner.open(inner.context, host, port);
    }
    return status;
}

/* After one wait "not now" is an answer: whoever does not read may wait for us to read first. */
static int blocking_sendv(void *context, const struct tacit_bytes *pieces, unsigned count)
{
    struct tacit_blocking *blocking = context;
    struct tacit_transport inner = tacit_posix_transport(blocking->posix);
    int taken = inner.sendv(inner.context, pieces, count);
    if (taken != 0 || count == 0)
        return taken;
    tacit_posix_wait(blocking->posix, -1, or_else(blocking->send_ms, TURN_MS));
    return inner.sendv(inner.context, pieces, count);
}

static int blocking_receive(void *context, void *out, size_t size)
{
    struct tacit_blocking *blocking = context;
    struct tacit_transport inner = tacit_posix_transport(blocking->posix);
    int got = inner.receive(inner.context, out, size);
    if (got != 0)
        return got;
    tacit_posix_wait(blocking->posix, -1, or_else(blocking->receive_ms, TURN_MS));
    return inner.receive(inner.context, out, size);
}

static void blocking_close(void *context)
{
    struct tacit_blocking *blocking = context;
    struct tacit_transport inner = tacit_posix_transport(blocking->posix);
    inner.close(inner.context);
}

struct tacit_transport tacit_blocking_transport(struct tacit_blocking *blocking)
{
    return (struct tacit_transport){ .open = blocking_open,
                                     .sendv = blocking_sendv,
                                     .receive = blocking_receive,
                                     .close = blocking_close,
                                     .context = blocking };
}
