/* SPDX-License-Identifier: Apache-2.0 */
#include "core/gate.h"

#include "base/pool.h"
#include "core/client.h"
#include "core/state.h"

static struct gate *gate_new(struct client *client)
{
    struct gate *gate = pool_take(client->broker->gates);

    if (gate == NULL)
        return NULL;
    gate->client = client;
    gate->base = 0;
    gate->count = 0;
    gate->holds_connack = false;
    list_push_back(&client->broker->journal.gated, &gate->link);
    client->gate = gate;
    return gate;
}

static void gate_free(struct client *client)
{
    struct gate *gate = client->gate;

    list_unlink(&gate->link);
    pool_give(client->broker->gates, gate);
    client->gate = NULL;
}

bool gate_close(struct client *client, uint64_t frame)
{
    struct gate *gate = client->gate != NULL ? client->gate : gate_new(client);

    if (gate == NULL)
        return false;
    client->outbox.is_held = true;
    if (gate->count > 0 && gate->marks[gate->count - 1].frame >= frame)
        return true;
    if (gate->count == GATE_MARKS) {
        gate->marks[gate->count - 1].frame = frame;
        return true;
    }
    gate->marks[gate->count++] =
        (struct gate_mark){ gate->base + client->outbox.held_bytes, frame };
    return true;
}

/* How many marks stand for frames that have come. */
static uint32_t passed(const struct gate *gate)
{
    const struct journal *journal = &gate->client->broker->journal;
    uint64_t frame =
        gate->client->durability == POLICY_RELAXED ? journal->written : journal->confirmed;
    uint32_t count = 0;

    while (count < gate->count && gate->marks[count].frame <= frame)
        count++;
    return count;
}

/* The first `count` marks are no longer there. */
static void let_through(struct gate *gate, uint32_t count)
{
    struct outbox *outbox = &gate->client->outbox;
    uint64_t end = gate->base + outbox->held_bytes;

    gate->holds_connack = false;
    gate->base = gate->marks[count].at;
    outbox->held_bytes = (uint32_t)(end - gate->base);
    gate->count -= count;
    for (uint32_t i = 0; i < gate->count; i++)
        gate->marks[i] = gate->marks[i + count];
}

void gate_open(struct broker *broker)
{
    list_for_each_safe (link, following, &broker->journal.gated) {
        struct gate *gate = MQTT_CONTAINER_OF(link, struct gate, link);
        struct client *client = gate->client;
        uint32_t count = passed(gate);

        if (count == 0)
            continue;
        if (count < gate->count) {
            let_through(gate, count);
        } else {
            outbox_let_go(&client->outbox);
            gate_free(client);
        }
        client_wake(client);
    }
}

void gate_drop(struct client *client)
{
    if (client->gate == NULL)
        return;
    /* Before its CONNACK a client is told nothing else. [MQTT-3.14.0-1] */
    if (client->gate->holds_connack)
        client->close_silently = true;
    outbox_drop_held(&client->outbox, &client->broker->outboxes);
    gate_free(client);
}
