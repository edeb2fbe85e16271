/* SPDX-License-Identifier: Apache-2.0 */
/* The transport for a program without a loop of its own: the POSIX connection of posix.h, with or
 * without TLS, whose functions wait, each up to its time-out. tacit_poll then waits for what the
 * network brings, and the whole program is
 *
 *     for (;;)
 *         tacit_poll(client, tacit_posix_now_ms(), &event);
 *
 * Between two calls of tacit_poll pass up to `receive_ms`, so that is how late a message of the
 * program's own leaves. A program that has something else to wait for uses posix.h as it is.
 *
 * Takes no memory besides that of the connection. One thread at a time. */
#pragma once

#include "tacit/posix.h"

/* Zero becomes the value in brackets. */
struct tacit_blocking {
    struct tacit_posix *posix; /* borrowed; outlives the client */
    uint32_t open_ms;          /* for TCP and TLS together [10,000] */
    uint32_t send_ms;          /* for room to send, or something to read [100] */
    uint32_t receive_ms;       /* for the first byte; nothing in that time is no failure [100] */
};

/* `blocking` is borrowed for the life of the client. `open` answers TACIT_TIMEOUT after open_ms;
 * looking up a name is not limited. Everything else is as in posix.h. */
struct tacit_transport tacit_blocking_transport(struct tacit_blocking *blocking);
