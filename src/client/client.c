/* SPDX-License-Identifier: Apache-2.0 */
#include <tacit/client.h>

#include "client/alias.h"
#include "client/outbound.h"
#include "client/pieces.h"
#include "client/properties.h"
#include "client/state.h"
#include "client/store.h"
#include "codec/properties.h"

#include <string.h>

_Static_assert(sizeof(struct tacit_client) <= TACIT_CLIENT_BYTES, "the arena macro promises it");
_Static_assert(sizeof(struct tacit_slot) <= TACIT_SUBSCRIPTION_BYTES, "so does it promise this");
_Static_assert(sizeof(struct tacit_record) <= TACIT_RECORD_BYTES, "TACIT_QUEUED_BYTES does");

/* Fixed header, lengths, packet id, expiry and alias of the widest PUBLISH head;
 * of SUBSCRIBE likewise. */
#define HEAD_BYTES 20u

/* Behind the client lie, in this order: subscriptions, queue, identifiers of QoS 2, the buffers for
 * receiving and sending, aliases. What wants the widest alignment comes first. */
size_t tacit_arena_bytes(const struct tacit_limits *limits)
{
    size_t aliases = MQTT_SPEAKS_5
                         ? tacit_alias_bytes((unsigned)limits->aliases_in + limits->aliases_out,
                                             limits->alias_topic_bytes)
                         : 0;
    return sizeof(struct tacit_client) + limits->subscriptions * sizeof(struct tacit_slot)
           + tacit_queue_bytes(limits->queue_bytes)
           + tacit_or(limits->inbound_messages, 1) * sizeof(uint16_t) + limits->receive_bytes
           + limits->send_bytes + aliases;
}

/* An arena is handed out zeroed. */
struct tacit_client *tacit_init(void *arena, size_t size, const struct tacit_config *config)
{
    struct tacit_client *client = arena;
    size_t wanted = tacit_arena_bytes(&config->limits);
    if (!tacit_config_is_valid(config) || size < wanted
        || (uintptr_t)arena % _Alignof(struct tacit_client) != 0)
        return NULL;
    memset(arena, 0, wanted);
    client->config = config;
    client->version = config->version != 0 ? config->version : TACIT_NEWEST;
    tacit_queue_init(&client->queue,
                     (uint8_t *)(tacit_slots(client) + config->limits.subscriptions),
                     config->limits.queue_bytes);
    client->receive.memory = (uint8_t *)(tacit_inbound(client) + tacit_inbound_size(client));
    return client;
}

void tacit_start(struct tacit_client *client)
{
    if (client->state <= TACIT_CLIENT_WAITING) {
        client->state = TACIT_CLIENT_WAITING;
        client->clock.left_ms = 0;
    }
    client->stop_wish = TACIT_STOP_NOT;
}

void tacit_stop(struct tacit_client *client, bool with_will)
{
    client->stop_wish = with_will ? TACIT_STOP_WITH_WILL : TACIT_STOP_WANTED;
    tacit_set_deadline(client);
}

/* The record that `message` becomes, as far as it is known before it is written. False
 * if it could not be sent, whatever the server grants. */
static bool describe(const struct tacit_client *client, const struct tacit_message *message,
                     bool in_pieces, struct tacit_record *out)
{
    struct tacit_sink properties = { NULL, 0, 0 };
    tacit_put_properties(&properties, message, 0);
    size_t head_len = message->topic.len + properties.len + HEAD_BYTES;
    *out = (struct tacit_record){ .payload_len = (uint32_t)message->payload.len & INT32_MAX,
                                  .topic_len = (uint16_t)message->topic.len,
                                  .properties_len = (uint16_t)properties.len,
                                  .state = TACIT_RECORD_QUEUED,
                                  .in_pieces = TACIT_PIECES && in_pieces,
                                  .qos = message->qos & 3u,
                                  .retain = message->retain,
                                  .priority = message->priority & TACIT_HIGHEST_PRIORITY,
                                  .has_expiry = MQTT_SPEAKS_5 && message->has_expiry };
    size_t longest = TACIT_LARGE_MESSAGES ? MQTT_VARINT_MAX : tacit_limits(client)->send_bytes;
    return head_len <= tacit_limits(client)->send_bytes && out->topic_len == message->topic.len
           && properties.len <= UINT16_MAX && message->payload.len <= longest - head_len
           && tacit_queue_could_hold(&client->queue, out);
}

static uint32_t next_token(const struct tacit_client *client)
{
    return client->last_token == UINT32_MAX ? 1 : client->last_token + 1;
}

enum tacit_status tacit_enqueue(struct tacit_client *client, const struct tacit_message *message,
                                bool in_pieces, uint32_t *out_token)
{
    struct tacit_record wanted;
    if (TACIT_CHECKS && !tacit_message_is_valid(message))
        return TACIT_ARGUMENT;
    if (!describe(client, message, in_pieces, &wanted))
        return TACIT_TOO_BIG;
    wanted.token = next_token(client);
    if (tacit_store_keeps(client, &wanted)) {
        if (!tacit_store_has_place(client, wanted.token))
            return TACIT_FULL;
        wanted.packet_id = tacit_new_packet_id(client);
    }
    struct tacit_record *record = tacit_queue_add(&client->queue, &wanted);
    if (TACIT_PRIORITIES && record == NULL && client->config->when_full != NULL
        && client->config->when_full(client, &wanted))
        record = tacit_queue_add(&client->queue, &wanted);
    if (record == NULL)
        return TACIT_FULL;

    struct tacit_sink sink = { tacit_record_bytes(record), 0, INT32_MAX };
    tacit_put(&sink, message->topic.data, message->topic.len);
    tacit_put_properties(&sink, message, client->clock.seconds);
    if (!tacit_record_is_in_pieces(&wanted))
        tacit_put(&sink, message->payload.data, message->payload.len);
    if (!tacit_store_message(client, record)) {
        tacit_queue_remove(&client->queue, record);
        return TACIT_STORE;
    }
    client->last_token = wanted.token;
    if (out_token != NULL)
        *out_token = wanted.token;
    return TACIT_OK;
}

enum tacit_status tacit_publish(struct tacit_client *client, const struct tacit_message *message,
                                uint32_t *out_token)
{
    return tacit_enqueue(client, message, false, out_token);
}

/* NULL: a free one. */
static struct tacit_slot *slot_of(const struct tacit_client *client,
                                  const struct tacit_subscription *subscription)
{
    for (struct tacit_slot *slot = tacit_slots(client); slot < tacit_slots_end(client); slot++) {
        if (slot->what == subscription)
            return slot;
    }
    return NULL;
}

enum tacit_status tacit_subscribe(struct tacit_client *client,
                                  const struct tacit_subscription *subscription)
{
    if (TACIT_CHECKS && !tacit_subscription_is_valid(subscription))
        return TACIT_ARGUMENT;
    struct tacit_sink properties = { NULL, 5, 0 };
    if (MQTT_SPEAKS_5)
        tacit_subscribe_properties(&properties, subscription);
    if (subscription->filter.len + properties.len + HEAD_BYTES > tacit_limits(client)->send_bytes)
        return TACIT_TOO_BIG;
    struct tacit_slot *slot = slot_of(client, subscription);
    if (slot == NULL)
        slot = slot_of(client, NULL);
    if (slot == NULL)
        return TACIT_FULL;
    *slot = (struct tacit_slot){ .what = subscription, .state = TACIT_SLOT_SUBSCRIBE_DUE };
    return TACIT_OK;
}

enum tacit_status tacit_unsubscribe(struct tacit_client *client,
                                    const struct tacit_subscription *subscription)
{
    struct tacit_slot *slot = slot_of(client, subscription);
    if (subscription == NULL || slot == NULL)
        return TACIT_ARGUMENT;
    slot->state = TACIT_SLOT_UNSUBSCRIBE_DUE;
    return TACIT_OK;
}

bool tacit_is_up(const struct tacit_client *client)
{
    return client->state == TACIT_CLIENT_ONLINE;
}

bool tacit_is_idle(const struct tacit_client *client)
{
    return tacit_queue_used(&client->queue) == 0 && client->send.len == 0;
}

void tacit_get_statistics(const struct tacit_client *client, struct tacit_statistics *out)
{
    *out = (struct tacit_statistics){ .queue_bytes = tacit_queue_used(&client->queue) };
    const struct tacit_record *record = tacit_queue_next(&client->queue, NULL);
    for (; record != NULL; record = tacit_queue_next(&client->queue, record))
        out->queued += !tacit_record_is_dropped(record);
}

bool tacit_property_next(struct tacit_bytes *block, struct tacit_property *out)
{
    struct mqtt_reader r = mqtt_reader_over(tacit_span(*block));
    struct mqtt_property property;
    if (!mqtt_properties_next(&r, &property))
        return false;
    *block = (struct tacit_bytes){ r.at, mqtt_reader_left(&r) };
    *out = (struct tacit_property){ .id = property.id,
                                    .number = property.number,
                                    .name = tacit_borrow(property.name),
                                    .value = tacit_borrow(property.value) };
    return true;
}
