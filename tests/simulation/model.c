/* SPDX-License-Identifier: Apache-2.0 */
#include "simulation/model.h"

#include <string.h>

void model_init(struct model *model)
{
    memset(model, 0, sizeof(*model));
    for (unsigned i = 0; i < MODEL_CLIENTS; i++)
        model_forget(&model->clients[i]);
}

void model_forget(struct model_client *client)
{
    client->owed_count = 0;
    memset(client->awaits_release, 0, sizeof(client->awaits_release));
    for (unsigned t = 0; t < MODEL_TOPICS; t++)
        client->qos_of[t] = -1;
}

/* Makes room by dropping what is settled. */
static void compact(struct model_client *client)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < client->owed_count; i++)
        if (!client->owed[i].done)
            client->owed[kept++] = client->owed[i];
    client->owed_count = kept;
}

uint32_t model_publish(struct model *model, unsigned topic, enum mqtt_qos qos)
{
    uint32_t sequence = ++model->sequence;

    for (unsigned i = 0; i < MODEL_CLIENTS; i++) {
        struct model_client *client = &model->clients[i];
        int granted = client->qos_of[topic];
        unsigned effective = granted < (int)qos ? (unsigned)granted : (unsigned)qos;

        if (!client->has_session || granted < 0)
            continue;
        if (effective == 0 && !client->is_connected)
            continue;
        if (client->owed_count == MODEL_EXPECTED)
            compact(client);
        if (client->owed_count < MODEL_EXPECTED)
            client->owed[client->owed_count++] =
                (struct owed){ sequence, (uint8_t)topic, (uint8_t)effective, false };
    }
    return sequence;
}

static struct owed *find(struct model_client *client, uint32_t sequence)
{
    for (unsigned i = 0; i < client->owed_count; i++)
        if (client->owed[i].sequence == sequence)
            return &client->owed[i];
    return NULL;
}

/* [MQTT-4.6.0-5] the order of a topic and QoS is kept: nothing older may be open. */
static bool is_in_order(const struct model_client *client, const struct owed *owed)
{
    for (const struct owed *o = client->owed; o < owed; o++)
        if (!o->done && o->topic == owed->topic && o->qos == owed->qos && o->qos > 0)
            return false;
    return true;
}

const char *model_receive(struct model *model, struct model_client *client, uint32_t sequence,
                          unsigned topic, enum mqtt_qos qos, bool is_duplicate)
{
    struct owed *owed = find(client, sequence);

    model->delivered++;
    if (owed == NULL)
        return "a message that is not owed to this session";
    if (owed->topic != topic)
        return "a message under another topic";
    if (owed->qos != (unsigned)qos)
        return "a message with another QoS";
    if (owed->done) {
        model->repeated++;
        return qos == MQTT_QOS_1 && is_duplicate ? NULL : "a message twice";
    }
    if (!is_in_order(client, owed))
        return "a message before an older one";
    owed->done = true;
    return NULL;
}

unsigned model_missing(const struct model_client *client)
{
    unsigned missing = 0;

    for (unsigned i = 0; i < client->owed_count; i++)
        missing += !client->owed[i].done && client->owed[i].qos > 0;
    return missing;
}
