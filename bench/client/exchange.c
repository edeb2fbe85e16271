/* SPDX-License-Identifier: Apache-2.0 */
/* The standard exchange, for this machine: CONNECT, SUBSCRIBE, 100 messages of QoS 0 and 100 of
 * QoS 1, over a transport that counts, to a server that answers at once and allows topic aliases.
 * The application publishes as long as it may and polls; it knows nothing of aliases and records.
 * Prints bytes and records as "up N\nrecords N\ndown N\n"; exit code 1 when not all was delivered. */
#include "reference.h"

#include <stdio.h>
#include <string.h>

#define MESSAGES 200u

struct server {
    uint8_t answers[4096];
    size_t len;
    uint8_t packet[512]; /* what is not yet a whole packet */
    size_t packet_len;
    unsigned long up;
    unsigned long down;
    unsigned long records;
};

static void answer(struct server *server, const uint8_t *bytes, size_t len)
{
    if (len > sizeof(server->answers) - server->len)
        return;
    memcpy(server->answers + server->len, bytes, len);
    server->len += len;
    server->down += len;
}

/* One packet that is shorter than 128 bytes, so with one byte of length. */
static void on_packet(struct server *server, const uint8_t *packet)
{
    const uint8_t connack[] = { 0x20, 6, 0, 0, 3, 0x22, 0, 16 }; /* 16 aliases */
    if (packet[0] >> 4 == 1) {
        answer(server, connack, sizeof(connack));
    } else if (packet[0] >> 4 == 8) {
        const uint8_t suback[] = { 0x90, 4, packet[2], packet[3], 0, 1 };
        answer(server, suback, sizeof(suback));
    } else if (packet[0] >> 4 == 3 && (packet[0] & 6) == 2) {
        size_t at = 4 + (size_t)packet[3];
        const uint8_t puback[] = { 0x40, 2, packet[at], packet[at + 1] };
        answer(server, puback, sizeof(puback));
    }
}

static void on_bytes(struct server *server, const uint8_t *bytes, size_t len)
{
    memcpy(server->packet + server->packet_len, bytes, len);
    server->packet_len += len;
    server->up += len;
    while (server->packet_len >= 2 && server->packet_len >= 2u + server->packet[1]) {
        size_t whole = 2u + server->packet[1];
        on_packet(server, server->packet);
        server->packet_len -= whole;
        memmove(server->packet, server->packet + whole, server->packet_len);
    }
}

static int count_open(void *context, struct tacit_bytes host, uint16_t port)
{
    (void)context;
    (void)host;
    (void)port;
    return TACIT_OK;
}

static int count_sendv(void *context, const struct tacit_bytes *pieces, unsigned count)
{
    struct server *server = context;
    int taken = 0;
    for (unsigned i = 0; i < count; i++) {
        on_bytes(server, pieces[i].data, pieces[i].len);
        taken += (int)pieces[i].len;
    }
    server->records += taken > 0;
    return taken;
}

static int count_receive(void *context, void *out, size_t size)
{
    struct server *server = context;
    size_t len = server->len < size ? server->len : size;
    memcpy(out, server->answers, len);
    server->len -= len;
    memmove(server->answers, server->answers + len, server->len);
    return (int)len;
}

static void count_close(void *context)
{
    (void)context;
}

static int fixed_random(void *context, void *out, size_t len)
{
    (void)context;
    memset(out, 7, len);
    return 0;
}

static bool publish_next(struct tacit_client *client, unsigned number)
{
    struct tacit_message message = { .topic = TACIT_LITERAL(REFERENCE_TOPIC),
                                     .payload = TACIT_LITERAL(REFERENCE_PAYLOAD),
                                     .qos = number < MESSAGES / 2 ? 0 : 1 };
    return tacit_publish(client, &message, NULL) == TACIT_OK;
}

int main(void)
{
    static uint64_t arena[1024];
    static struct server server;
    /* As the reference, with room for a burst in the queue and in a record. */
    struct tacit_config config = {
        .port = 8883,
        .keep_alive_s = 60,
        .host = TACIT_LITERAL("broker"),
        .client_id = TACIT_LITERAL(REFERENCE_CLIENT_ID),
        .limits = REFERENCE_LIMITS,
        .transport = { count_open, count_sendv, count_receive, count_close, &server },
        .random = fixed_random,
    };
    config.limits.send_bytes = 256;
    config.limits.queue_bytes = 16 * TACIT_QUEUED_BYTES(40, 0, 20);
    const struct tacit_subscription commands = { .filter = TACIT_LITERAL(REFERENCE_FILTER),
                                                 .qos = 1 };
    struct tacit_client *client = tacit_init(arena, sizeof(arena), &config);
    unsigned published = 0;
    unsigned delivered = 0;
    if (client == NULL || tacit_subscribe(client, &commands) != TACIT_OK)
        return 1;
    tacit_start(client);
    for (uint64_t now_ms = 1; now_ms < 10 * MESSAGES; now_ms++) {
        struct tacit_event event;
        while (tacit_is_up(client) && published < MESSAGES && publish_next(client, published))
            published++;
        do {
            (void)tacit_poll(client, now_ms, &event);
            delivered += event.type == TACIT_EVENT_DELIVERED;
        } while (event.type != TACIT_EVENT_NONE);
    }
    (void)printf("up %lu\nrecords %lu\ndown %lu\n", server.up, server.records, server.down);
    return published == MESSAGES && delivered == MESSAGES / 2 && tacit_is_idle(client) ? 0 : 1;
}
