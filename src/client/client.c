/* SPDX-License-Identifier: Apache-2.0 */
#include <tacit/client.h>

#include "client/outbound.h"
#include "client/properties.h"
#include "client/state.h"
#include "codec/properties.h"

#include <string.h>

_Static_assert(sizeof(struct tacit_client) <= TACIT_CLIENT_BYTES, "the arena macro promises it");
_Static_assert(sizeof(struct tacit_slot) <= 16, "the arena macro promises it");
_Static_assert(sizeof(struct tacit_record) <= 48, "TACIT_QUEUED_BYTES promises it");

/* Fixed header, lengths, packet id, expiry and alias of the widest PUBLISH head;
 * of SUBSCRIBE likewise. */
#define HEAD_BYTES 32u

/* Parts of the arena, each aligned for what it holds. */
static size_t aligned(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

static size_t inbound_bytes(const struct tacit_limits *limits)
{
    return tacit_or(limits->inbound_messages, 1) * sizeof(uint16_t);
}

size_t tacit_arena_bytes(const struct tacit_limits *limits)
{
    return aligned(sizeof(struct tacit_client)) + aligned(limits->queue_bytes)
           + aligned(limits->subscriptions * sizeof(struct tacit_slot))
           + aligned(inbound_bytes(limits)) + aligned(limits->receive_bytes)
           + aligned(limits->send_bytes)
           + aligned(tacit_alias_bytes(limits->aliases_in, limits->alias_topic_bytes))
           + aligned(tacit_alias_bytes(limits->aliases_out, limits->alias_topic_bytes));
}

static void *carve(uint8_t **at, size_t bytes)
{
    void *part = *at;
    *at += aligned(bytes);
    return part;
}

static void share_out(struct tacit_client *client, uint8_t *at, const struct tacit_limits *limits)
{
    uint16_t slot = limits->alias_topic_bytes;
    tacit_queue_init(&client->queue, carve(&at, limits->queue_bytes), limits->queue_bytes);
    client->slots = carve(&at, limits->subscriptions * sizeof(struct tacit_slot));
    memset(client->slots, 0, limits->subscriptions * sizeof(struct tacit_slot));
    client->inbound = carve(&at, inbound_bytes(limits));
    client->receive.memory = carve(&at, limits->receive_bytes);
    client->receive.size = limits->receive_bytes;
    client->send.memory = carve(&at, limits->send_bytes);
    client->send.size = limits->send_bytes;
    tacit_alias_init(&client->aliases_in, carve(&at, tacit_alias_bytes(limits->aliases_in, slot)),
                     limits->aliases_in, slot);
    tacit_alias_init(&client->aliases_out, carve(&at, tacit_alias_bytes(limits->aliases_out, slot)),
                     limits->aliases_out, slot);
}

struct tacit_client *tacit_init(void *arena, size_t size, const struct tacit_config *config)
{
    if (!tacit_config_is_valid(config) || size < tacit_arena_bytes(&config->limits)
        || (uintptr_t)arena % _Alignof(uint64_t) != 0)
        return NULL;
    uint8_t *at = arena;
    struct tacit_client *client = carve(&at, sizeof(*client));
    *client =
        (struct tacit_client){ .config = config,
                               .version = config->version != 0 ? config->version : MQTT_VERSION_5 };
    share_out(client, at, &config->limits);
    return client;
}

void tacit_start(struct tacit_client *client)
{
    if (client->state <= TACIT_CLIENT_WAITING) {
        client->state = TACIT_CLIENT_WAITING;
        client->deadline_ms = 0;
    }
    client->stop_wish = TACIT_STOP_NOT;
}

void tacit_stop(struct tacit_client *client, bool with_will)
{
    client->stop_wish = with_will ? TACIT_STOP_WITH_WILL : TACIT_STOP_WANTED;
    client->deadline_ms = client->now_ms + tacit_timeout_ms(client);
}

enum tacit_status tacit_publish(struct tacit_client *client, const struct tacit_message *message,
                                uint32_t *out_token)
{
    if (!tacit_message_is_valid(message))
        return TACIT_ARGUMENT;
    size_t properties_len = tacit_message_properties(NULL, message);
    if (message->topic.len + properties_len + HEAD_BYTES > client->send.size
        || properties_len > UINT16_MAX
        || message->payload.len > MQTT_VARINT_MAX - message->topic.len - properties_len - HEAD_BYTES
        || !tacit_queue_could_hold(&client->queue, message->topic.len, properties_len,
                                   message->payload.len))
        return TACIT_TOO_BIG;
    struct tacit_record *record =
        tacit_queue_add(&client->queue, message->topic.len, properties_len, message->payload.len);
    if (record == NULL)
        return TACIT_FULL;

    struct mqtt_writer w =
        mqtt_writer_over(tacit_record_bytes(record), record->size - sizeof(struct tacit_record));
    mqtt_write_bytes(&w, tacit_span(message->topic));
    (void)tacit_message_properties(&w, message);
    mqtt_write_bytes(&w, tacit_span(message->payload));
    record->qos = message->qos & 3u;
    record->retain = message->retain;
    record->expires_at_ms =
        message->has_expiry ? client->now_ms + message->expiry_s * 1000ull : UINT64_MAX;
    client->next_token += client->next_token == UINT32_MAX ? 2 : 1;
    record->token = client->next_token;
    if (out_token != NULL)
        *out_token = record->token;
    return TACIT_OK;
}

static struct tacit_slot *slot_of(const struct tacit_client *client,
                                  const struct tacit_subscription *subscription)
{
    for (unsigned i = 0; i < client->config->limits.subscriptions; i++) {
        struct tacit_slot *slot = &client->slots[i];
        if (subscription == NULL ? slot->state == TACIT_SLOT_FREE
                                 : slot->state != TACIT_SLOT_FREE && slot->what == subscription)
            return slot;
    }
    return NULL;
}

enum tacit_status tacit_subscribe(struct tacit_client *client,
                                  const struct tacit_subscription *subscription)
{
    if (!tacit_subscription_is_valid(subscription))
        return TACIT_ARGUMENT;
    if (subscription->filter.len + tacit_subscribe_properties(NULL, subscription) + HEAD_BYTES
        > client->send.size)
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
    return tacit_queue_used(&client->queue) == 0 && client->send.len == client->send.at;
}

void tacit_get_statistics(const struct tacit_client *client, struct tacit_statistics *out)
{
    *out = client->statistics;
    out->queue_bytes = tacit_queue_used(&client->queue);
    out->queue_peak_bytes = client->queue.peak;
    const struct tacit_record *record = tacit_queue_next(&client->queue, NULL);
    for (out->queued = 0; record != NULL; record = tacit_queue_next(&client->queue, record))
        out->queued++;
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

const char *tacit_reason_text(uint8_t reason)
{
    return mqtt_reason_text(reason);
}

const char *tacit_status_text(enum tacit_status status)
{
    switch (status) {
    case TACIT_OK:
        return "ok";
    case TACIT_AGAIN:
        return "not yet";
    case TACIT_FULL:
        return "queue is full";
    case TACIT_TOO_BIG:
        return "too big";
    case TACIT_MALFORMED:
        return "the server broke the protocol";
    case TACIT_REFUSED:
        return "refused";
    case TACIT_IO:
        return "connection lost";
    case TACIT_KEY:
        return "certificate or key not accepted";
    case TACIT_ARGUMENT:
        return "not a valid argument";
    case TACIT_TIMEOUT:
        return "no answer in time";
    case TACIT_EXPIRED:
        return "message expired";
    case TACIT_STOPPED:
        return "stopped";
    }
    return "unknown status";
}
