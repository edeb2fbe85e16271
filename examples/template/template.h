/* SPDX-License-Identifier: Apache-2.0 */
/* The transport of template.c, and the task that runs a client over it. */
#pragma once

#include "platform.h"

#include <tacit/client.h>

#define TEMPLATE_RECORD_BYTES \
    512 /* as much as limits.send_bytes, and a payload that passes it by */

enum template_state {
    TEMPLATE_CLOSED = 0,
    TEMPLATE_CONNECTING,
    TEMPLATE_HANDSHAKING,
    TEMPLATE_UP,
};

/* One connection, in static memory; zero is closed. */
struct template_transport {
    enum template_state state;
    platform_socket socket;
    platform_tls *tls;
    unsigned char record[TEMPLATE_RECORD_BYTES];
};

struct tacit_transport template_transport(struct template_transport *link);

/* For tacit_config.random; needs no context. Negative if the platform has no randomness now. */
int template_random(void *context, void *out, size_t len);

/* What the application does with an event; may call any function of the client. */
typedef void template_handler(void *context, struct tacit_client *client,
                              const struct tacit_event *event);

/* The body of a task: never returns. Other tasks do not touch the client: they send to a queue of
 * the platform that `handle` and this task's own work read. */
void template_task(struct template_transport *link, struct tacit_client *client,
                   template_handler *handle, void *context);
