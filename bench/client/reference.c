/* SPDX-License-Identifier: Apache-2.0 */
/* The reference application: it publishes with each QoS, subscribes, reads what comes, stops. What
 * the linker keeps of the library for it is the size that counts; its transport does nothing. */
#include "reference.h"

extern volatile uint8_t reference_wire[4]; /* a device's register; never run */

static int stub_open(void *context, struct tacit_bytes host, uint16_t port)
{
    (void)context;
    return reference_wire[0] != 0 && host.len > 0 && port > 0 ? TACIT_OK : TACIT_AGAIN;
}

static int stub_sendv(void *context, const struct tacit_bytes *pieces, unsigned count)
{
    (void)context;
    reference_wire[1] = *(const uint8_t *)pieces[0].data;
    return count > 0 ? (int)pieces[0].len : 0;
}

static int stub_receive(void *context, void *out, size_t size)
{
    (void)context;
    *(uint8_t *)out = reference_wire[2];
    return size > 0;
}

static void stub_close(void *context)
{
    (void)context;
    reference_wire[3] = 0;
}

static int stub_random(void *context, void *out, size_t len)
{
    return stub_receive(context, out, len) == 1 ? 0 : -1;
}

static const struct tacit_config config = {
    .port = 8883,
    .keep_alive_s = 60,
    .session_expiry_s = 3600,
    .host = TACIT_LITERAL("broker"),
    .client_id = TACIT_LITERAL(REFERENCE_CLIENT_ID),
    .limits = REFERENCE_LIMITS,
    .transport = { stub_open, stub_sendv, stub_receive, stub_close, 0 },
    .random = stub_random,
};
static const struct tacit_subscription commands = { .filter = TACIT_LITERAL(REFERENCE_FILTER),
                                                    .qos = 2 };
static uint64_t arena[(REFERENCE_ARENA_BYTES + 7) / 8];

static void on_event(struct tacit_client *client, const struct tacit_event *event)
{
    if (event->type == TACIT_EVENT_MESSAGE && event->message.payload.len > 0)
        reference_wire[3] = *(const uint8_t *)event->message.payload.data;
    else if (event->type == TACIT_EVENT_UNSUBSCRIBED)
        tacit_stop(client, false);
}

int main(void)
{
    struct tacit_client *client = tacit_init(arena, sizeof(arena), &config);
    struct tacit_message message = { .topic = TACIT_LITERAL(REFERENCE_TOPIC),
                                     .payload = TACIT_LITERAL(REFERENCE_PAYLOAD) };
    struct tacit_event event;
    (void)tacit_subscribe(client, &commands);
    tacit_start(client);
    for (uint64_t now_ms = 0;; now_ms++) {
        message.qos = reference_wire[0] & 3;
        (void)tacit_publish(client, &message, 0);
        (void)tacit_poll(client, now_ms, &event);
        on_event(client, &event);
        if (reference_wire[1] == 1)
            (void)tacit_unsubscribe(client, &commands);
    }
}
