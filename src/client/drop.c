/* SPDX-License-Identifier: Apache-2.0 */
/* A dropped message leaves its head in the queue, so that no list of tokens is needed to tell
 * of it, and its entry in the store: until the application knows, a reboot brings it back. */
#include "client/drop.h"

#include "client/outbound.h"

void tacit_tell_dropped(struct tacit_client *client)
{
    struct tacit_record *record = tacit_queue_next(&client->queue, NULL);
    while (record != NULL && !tacit_record_is_dropped(record))
        record = tacit_queue_next(&client->queue, record);
    client->has_dropped = record != NULL;
    if (record != NULL && record == tacit_streaming(client))
        tacit_go_down(client, TACIT_DROPPED, MQTT_SUCCESS);
    else if (record != NULL)
        tacit_give_up(client, record, TACIT_DROPPED, MQTT_SUCCESS);
}

/* Records that may be dropped for `wanted`: of these QoS, and less important than that. */
struct rule {
    const struct tacit_record *wanted;
    uint8_t highest_qos;
    uint8_t below; /* priority */
};

static bool may_go(const struct rule *rule, const struct tacit_record *record)
{
    return tacit_record_is_unsent(record) && record->qos <= rule->highest_qos
           && record->priority < rule->below;
}

static uint32_t room(const struct tacit_queue *queue)
{
    return tacit_queue_size(queue) - tacit_queue_used(queue);
}

/* Room if all of them went. */
static uint32_t room_at_most(const struct tacit_queue *queue, const struct rule *rule)
{
    uint32_t bytes = room(queue);
    const struct tacit_record *record = tacit_queue_next(queue, NULL);
    for (; record != NULL; record = tacit_queue_next(queue, record))
        if (may_go(rule, record))
            bytes += tacit_record_size(record) - (uint32_t)sizeof(*record);
    return bytes;
}

/* There is one: room_at_most has said so. */
static struct tacit_record *find_victim(const struct tacit_queue *queue, const struct rule *rule)
{
    struct tacit_record *victim = NULL;
    struct tacit_record *record = tacit_queue_next(queue, NULL);
    for (; record != NULL; record = tacit_queue_next(queue, record))
        if (may_go(rule, record) && (victim == NULL || record->priority < victim->priority))
            victim = record;
    return victim;
}

static bool make_room(struct tacit_client *client, const struct rule *rule)
{
    struct tacit_queue *queue = &client->queue;
    uint32_t needed = tacit_record_size(rule->wanted);
    if (room_at_most(queue, rule) < needed)
        return false;
    while (room(queue) < needed) {
        tacit_queue_drop(queue, find_victim(queue, rule));
        client->has_dropped = true;
    }
    tacit_queue_compact(queue);
    return true;
}

bool tacit_drop_qos_0(struct tacit_client *client, const struct tacit_record *wanted)
{
    const struct rule rule = { wanted, 0, (uint8_t)(wanted->priority + 1) };
    return make_room(client, &rule);
}

bool tacit_drop_lowest(struct tacit_client *client, const struct tacit_record *wanted)
{
    const struct rule rule = { wanted, TACIT_HIGHEST_QOS, wanted->priority };
    return make_room(client, &rule);
}

/* The server has all of it otherwise, or what it has of it belongs to a packet that will end. */
static bool may_be_cancelled(const struct tacit_client *client, const struct tacit_record *record)
{
    return TACIT_DROPS
           && (tacit_record_is_unsent(record)
               || (tacit_record_is_in_pieces(record)
                   && (record->state == TACIT_RECORD_QUEUED
                       || (record->state == TACIT_RECORD_SENT
                           && record == tacit_streaming(client)))));
}

enum tacit_status tacit_cancel(struct tacit_client *client, uint32_t token)
{
    struct tacit_record *record = tacit_queue_next(&client->queue, NULL);
    while (record != NULL && record->token != token)
        record = tacit_queue_next(&client->queue, record);
    if (record == NULL || !may_be_cancelled(client, record))
        return TACIT_ARGUMENT;
    tacit_queue_drop(&client->queue, record);
    client->has_dropped = true;
    return TACIT_OK;
}
