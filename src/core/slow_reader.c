/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that do not take what is sent to them: contract of client_full() in broker.h. */
#include "core/slow_reader.h"

#include "core/client.h"
#include "core/state.h"

#define CLOSE_TEXT "it took nothing of what was sent to it for too long"

static void on_slow(struct wheel_timer *timer, void *context, uint64_t now_ms);

static uint64_t timeout_ms(const struct broker *broker)
{
    return broker->limits.slow_reader_timeout_s * 1000;
}

/* For the one whose connection has been full the longest. */
static void arm(struct broker *broker)
{
    if (list_is_empty(&broker->full) || timeout_ms(broker) == 0)
        return;
    const struct client_aside *first =
        MQTT_CONTAINER_OF(broker->full.next, struct client_aside, full);
    wheel_arm(&broker->wheel, &broker->slow, first->full_ms + timeout_ms(broker), on_slow);
}

static void on_slow(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct broker *broker = context;

    (void)timer;
    list_for_each_safe (link, following, &broker->full) {
        const struct client_aside *aside = MQTT_CONTAINER_OF(link, struct client_aside, full);

        if (timeout_ms(broker) == 0 || aside->full_ms + timeout_ms(broker) > now_ms)
            break;
        list_unlink(link);
        broker->stats.slow_readers_closed++;
        client_doom(aside->client, MQTT_QUOTA_EXCEEDED, CLOSE_TEXT);
    }
    arm(broker);
}

void client_full(struct client *client, bool is_full, uint64_t now_ms)
{
    struct broker *broker = client->broker;

    slow_reader_leave(client);
    if (!is_full || client->state == CLIENT_CLOSING)
        return;
    struct client_aside *aside = client_aside(client);
    if (aside == NULL)
        return;
    aside->full_ms = now_ms;
    list_push_back(&broker->full, &aside->full);
    if (!wheel_is_armed(&broker->slow))
        arm(broker);
}

void slow_reader_leave(struct client *client)
{
    if (client->aside != NULL)
        list_unlink(&client->aside->full);
}
