/* SPDX-License-Identifier: Apache-2.0 */
/* What libtacit asks of a platform: one reliable stream of bytes.
 *
 * A transport never blocks and never calls back into the client. The client calls it
 * from tacit_poll, and `sendv` from tacit_publish_part, always from the thread that
 * calls these. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes, not NUL-terminated; `data` may be NULL only when `len` is 0. */
struct tacit_bytes {
    const void *data;
    size_t len;
};

/* The bytes of a string literal, for initialisers. */
#define TACIT_LITERAL(text)      \
    {                            \
        (text), sizeof(text) - 1 \
    }

enum tacit_status {
    TACIT_OK = 0,
    TACIT_AGAIN = -1,     /* not yet; try later */
    TACIT_FULL = -2,      /* the queue or a table is full; all else goes on */
    TACIT_TOO_BIG = -3,   /* would never fit, here or at the server */
    TACIT_MALFORMED = -4, /* the server sent what MQTT does not allow */
    TACIT_REFUSED = -5,   /* the server said no; the reason code tells why */
    TACIT_IO = -6,        /* the network or the server hung up */
    TACIT_KEY = -7,       /* certificate or key: ours unusable or theirs not trusted */
    TACIT_ARGUMENT = -8,  /* the caller's mistake */
    TACIT_TIMEOUT = -9,   /* no answer in time */
    TACIT_EXPIRED = -10,  /* the message outlived its expiry while it waited */
    TACIT_STOPPED = -11,  /* by tacit_stop */
    TACIT_STORE = -12,    /* the application's store failed */
    TACIT_DROPPED = -13,  /* given up here, for a message that matters more or by tacit_cancel */
};

/* All functions get `context` first. */
struct tacit_transport {
    /* Starts to connect, and later continues: TACIT_OK once bytes can flow (TCP and
     * TLS both up), TACIT_AGAIN while under way, else it failed and close follows.
     *
     * After a close it may be another host and port: with config.redirects a server says
     * where to go instead. A transport with TLS protects that connection as any other: the
     * certificate has to be for the `host` of this call, and a session of another host is
     * not offered to it. Bytes of `host` are good until the answer is not TACIT_AGAIN. */
    int (*open)(void *context, struct tacit_bytes host, uint16_t port);

    /* Takes up to all bytes of `pieces`, in order, as ONE record where the
     * transport knows records. Returns the bytes taken, 0 for none now, or a
     * negative status. What was not taken is offered again, from the same byte. */
    int (*sendv)(void *context, const struct tacit_bytes *pieces, unsigned count);

    /* Returns bytes written to `out`, 0 for none now, negative when closed. */
    int (*receive)(void *context, void *out, size_t size);

    /* Ends it, in any state; after that `open` may be called again. */
    void (*close)(void *context);

    void *context;
};
