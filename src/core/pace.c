/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pace.h"

#include "base/pool.h"
#include "core/allowance.h"
#include "core/client.h"
#include "core/sensing_respond.h"
#include "core/state.h"

static bool is_bound(const struct policy_rate *rate)
{
    return rate->count != 0 && rate->count != POLICY_NO_LIMIT;
}

static bool make(struct client *client)
{
    if (client->pace != NULL)
        return true;
    struct pace *pace = pool_take(client->broker->paces);
    if (pace == NULL)
        return false;
    *pace = (struct pace){ .client = client };
    client->pace = pace;
    return true;
}

static bool has_any(const struct policy_together *all)
{
    return is_bound(&all->messages) || is_bound(&all->bytes) || is_bound(&all->subscribes);
}

static void give_up(struct client *client)
{
    struct pace *pace = client->pace;
    struct broker *broker = client->broker;

    if (pace->allowance != NULL)
        allowance_give(broker->options.shared, pace->allowance, broker->limits.accounts);
    pace->allowance = NULL;
}

/* False: out of memory. */
static bool follow_role(struct client *client, const struct role *role,
                        const struct policy_together *all)
{
    struct pace *pace = client->pace;
    struct broker *broker = client->broker;

    give_up(client);
    pace->all = *all;
    if (!has_any(all))
        return true;
    pace->allowance = allowance_take_role(broker->options.shared, role, broker->limits.accounts);
    return pace->allowance != NULL;
}

void pace_follow(struct client *client, const struct role *role)
{
    struct policy_bounds bounds = allowance_bounds(role, &client->broker->limits);

    sensing_curb(client->session, &bounds);
    bool has_bounds = is_bound(&bounds.messages) || is_bound(&bounds.bytes) || has_any(&bounds.all);

    if (!has_bounds && client->pace == NULL)
        return;
    if (!make(client) || !follow_role(client, role, &bounds.all)) {
        client_doom(client, MQTT_UNSPECIFIED_ERROR, "out of memory");
        return;
    }
    client->pace->messages = bounds.messages;
    client->pace->bytes = bounds.bytes;
}

/* Milliseconds to wait. */
static uint64_t charge(struct allowance *allowance, const struct policy_rate *messages,
                       const struct policy_rate *rate, size_t bytes, uint64_t now_ms)
{
    uint64_t message_ms = bucket_charge(&allowance->messages, messages, 1, now_ms);
    uint64_t bytes_ms = bucket_charge(&allowance->bytes, rate, bytes, now_ms);

    return message_ms > bytes_ms ? message_ms : bytes_ms;
}

bool pace_subscribe(struct client *client, uint64_t now_ms)
{
    struct pace *pace = client->pace;

    return pace == NULL || pace->allowance == NULL || !is_bound(&pace->all.subscribes)
           || bucket_take(&pace->allowance->subscribes, &pace->all.subscribes, 1, now_ms);
}

void pace_charge(struct client *client, size_t bytes, uint64_t now_ms)
{
    struct pace *pace = client->pace;
    uint64_t ms = charge(client->session->allowance, &pace->messages, &pace->bytes, bytes, now_ms);

    if (pace->allowance != NULL) {
        uint64_t all_ms =
            charge(pace->allowance, &pace->all.messages, &pace->all.bytes, bytes, now_ms);
        ms = all_ms > ms ? all_ms : ms;
    }

    if (ms == 0 || client->is_asked)
        return;
    client->broker->stats.paced++;
    pace_pause(client, ms, now_ms);
}

static void on_pause_end(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct broker *broker = context;
    struct pace *pace = MQTT_CONTAINER_OF(timer, struct pace, timer);

    pace->is_paused = false;
    pace->client->received_ms = now_ms; /* it was not silent, it was not heard */
    list_push_back(&broker->rested, &pace->resting);
}

void pace_pause(struct client *client, uint64_t ms, uint64_t now_ms)
{
    if (client->state == CLIENT_CLOSING || !make(client))
        return;
    struct pace *pace = client->pace;
    if (pace->is_paused && pace->timer.due_ms >= now_ms + ms)
        return;
    list_unlink(&pace->resting);
    pace->is_paused = true;
    wheel_arm(&client->broker->wheel, &pace->timer, now_ms + ms, on_pause_end);
}

void pace_hasten(struct client *client, uint64_t now_ms)
{
    if (pace_is_paused(client))
        wheel_arm(&client->broker->wheel, &client->pace->timer, now_ms, on_pause_end);
}

bool pace_is_paused(const struct client *client)
{
    return client->pace != NULL && client->pace->is_paused;
}

void pace_end(struct client *client)
{
    struct pace *pace = client->pace;

    if (pace == NULL)
        return;
    give_up(client);
    wheel_cancel(&client->broker->wheel, &pace->timer);
    list_unlink(&pace->resting);
    client->pace = NULL;
    pool_give(client->broker->paces, pace);
}

void pace_resume(struct broker *broker)
{
    const struct transport_port *port = &broker->options.ports.transport;
    struct list *link;

    while ((link = list_take_first(&broker->rested)) != NULL) {
        const struct client *client = MQTT_CONTAINER_OF(link, struct pace, resting)->client;

        if (!client_is_waiting(client))
            port->resume(client->transport);
    }
}
