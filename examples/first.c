/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest whole program: connects, publishes one message with QoS 1, and ends when the server
 * has it. Without encryption, to a server on this machine, as the name of the transport says; see
 * device.c for TLS.
 *
 *   first PORT TOPIC TEXT */
#include <tacit/blocking.h>
#include <tacit/client.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 10000u

static uint64_t arena[256];

int main(int count, char **words)
{
    struct tacit_blocking line = { .posix = tacit_posix_insecure_new() };
    if (count != 4 || line.posix == NULL)
        return 2;
    const struct tacit_config config = {
        .host = TACIT_LITERAL("127.0.0.1"),
        .port = (uint16_t)strtoul(words[1], NULL, 10),
        .client_id = TACIT_LITERAL("first"),
        .limits = { .receive_bytes = 256, .send_bytes = 256, .queue_bytes = 512 },
        .transport = tacit_blocking_transport(&line),
        .random = tacit_posix_random,
    };
    const struct tacit_message message = { .topic = { words[2], strlen(words[2]) },
                                           .payload = { words[3], strlen(words[3]) },
                                           .qos = 1 };
    struct tacit_event event = { .type = TACIT_EVENT_NONE };
    uint64_t end_ms = tacit_posix_now_ms() + PATIENCE_MS;

    struct tacit_client *client = tacit_init(arena, sizeof(arena), &config);
    if (client == NULL || tacit_publish(client, &message, NULL) != TACIT_OK)
        return 2;
    tacit_start(client);
    while (event.type != TACIT_EVENT_DELIVERED && tacit_posix_now_ms() < end_ms)
        (void)tacit_poll(client, tacit_posix_now_ms(), &event);
    (void)puts(event.type == TACIT_EVENT_DELIVERED ? "delivered" : "not delivered");
    tacit_posix_free(line.posix);
    return event.type == TACIT_EVENT_DELIVERED ? 0 : 1;
}
