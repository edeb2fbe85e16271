/* SPDX-License-Identifier: Apache-2.0 */
/* What is due for sending: subscriptions first, then messages in their order. */
#include "client/outbound.h"

#include "client/properties.h"
#include "codec/properties.h"
#include "codec/subscribe.h"

static bool packet_id_is_used(const struct tacit_client *client, uint16_t id)
{
    for (unsigned i = 0; i < client->config->limits.subscriptions; i++)
        if (client->slots[i].state != TACIT_SLOT_FREE && client->slots[i].packet_id == id)
            return true;
    return tacit_queue_find(&client->queue, id) != NULL;
}

/* Ends because fewer messages and subscriptions than ids fit the arena, or because
 * the window of 65,535 closes first. */
static uint16_t new_packet_id(struct tacit_client *client)
{
    do {
        client->next_packet_id++;
    } while (client->next_packet_id == 0 || packet_id_is_used(client, client->next_packet_id));
    return client->next_packet_id;
}

static bool send_subscribe(struct tacit_client *client, const struct tacit_subscription *what,
                           uint16_t packet_id)
{
    bool is_5 = client->version == MQTT_VERSION_5;
    struct mqtt_subscription entry = {
        .filter = tacit_span(what->filter),
        .qos = (enum mqtt_qos)what->qos,
        .no_local = is_5 && what->no_local,
        .retain_as_published = is_5 && what->retain_as_published,
        .retain_handling = is_5 ? what->retain_handling : 0,
    };
    size_t block = is_5 ? tacit_subscribe_properties(NULL, what) : 0;
    if (block > tacit_send_room(client))
        return false;
    struct mqtt_writer scratch = tacit_send_scratch(client, block);
    struct mqtt_span properties = { scratch.at, block };
    if (is_5)
        (void)tacit_subscribe_properties(&scratch, what);
    struct mqtt_writer w = tacit_send_writer(client, block);
    mqtt_subscribe_encode(&w, (enum mqtt_version)client->version, packet_id, properties, &entry, 1);
    return tacit_send_commit(client, &w);
}

static bool send_unsubscribe(struct tacit_client *client, const struct tacit_subscription *what,
                             uint16_t packet_id)
{
    struct mqtt_writer w = tacit_send_writer(client, 0);
    struct mqtt_span filter = tacit_span(what->filter);
    mqtt_unsubscribe_encode(&w, (enum mqtt_version)client->version, packet_id,
                            (struct mqtt_span){ NULL, 0 }, &filter, 1);
    return tacit_send_commit(client, &w);
}

/* False if there is no room for it now. */
static bool send_slot(struct tacit_client *client, struct tacit_slot *slot)
{
    if (slot->state != TACIT_SLOT_SUBSCRIBE_DUE && slot->state != TACIT_SLOT_UNSUBSCRIBE_DUE)
        return true;
    uint16_t packet_id = new_packet_id(client);
    bool subscribes = slot->state == TACIT_SLOT_SUBSCRIBE_DUE;
    if (!(subscribes ? send_subscribe : send_unsubscribe)(client, slot->what, packet_id))
        return false;
    slot->packet_id = packet_id;
    slot->state = subscribes ? TACIT_SLOT_SUBSCRIBE_SENT : TACIT_SLOT_UNSUBSCRIBE_SENT;
    return true;
}

void tacit_give_up(struct tacit_client *client, struct tacit_record *record,
                   enum tacit_status status, uint8_t reason, struct tacit_event *out_event)
{
    out_event->type = TACIT_EVENT_REJECTED;
    out_event->token = record->token;
    out_event->status = status;
    out_event->reason = reason;
    client->statistics.rejected++;
    tacit_queue_remove(&client->queue, record);
}

/* How a queued message looks on the wire of this connection. */
struct outgoing {
    struct mqtt_span topic;
    struct mqtt_span properties;
    uint16_t alias; /* 0: none */
    bool has_expiry;
    uint32_t expiry_s;
};

static struct outgoing outgoing_of(const struct tacit_client *client,
                                   const struct tacit_record *record)
{
    struct outgoing outgoing = { .topic = tacit_record_topic(record) };
    if (client->version == MQTT_VERSION_5) {
        outgoing.properties = tacit_record_properties(record);
        outgoing.has_expiry = record->expires_at_ms != UINT64_MAX;
        outgoing.expiry_s = (uint32_t)((record->expires_at_ms - client->now_ms + 999) / 1000);
    }
    return outgoing;
}

static uint32_t property_bytes(const struct outgoing *outgoing)
{
    return (uint32_t)outgoing->properties.len + (outgoing->has_expiry ? 5u : 0u)
           + (outgoing->alias != 0 ? 3u : 0u);
}

/* The remaining length of the PUBLISH. */
static uint32_t body_bytes(const struct tacit_client *client, const struct tacit_record *record,
                           const struct outgoing *outgoing)
{
    uint32_t bytes = 2u + (uint32_t)outgoing->topic.len + (record->qos > 0 ? 2u : 0u);
    if (client->version == MQTT_VERSION_5)
        bytes += (uint32_t)mqtt_varint_size(property_bytes(outgoing)) + property_bytes(outgoing);
    return bytes + record->payload_len;
}

static size_t packet_bytes(const struct tacit_client *client, const struct tacit_record *record,
                           const struct outgoing *outgoing)
{
    uint32_t body = body_bytes(client, record, outgoing);
    return 1 + mqtt_varint_size(body) + body;
}

/* Everything before the payload. */
static void write_head(struct mqtt_writer *w, const struct tacit_client *client,
                       const struct tacit_record *record, const struct outgoing *outgoing)
{
    mqtt_write_u8(w, (uint8_t)(MQTT_PUBLISH << 4 | record->duplicate << 3 | record->qos << 1
                               | record->retain));
    mqtt_write_varint(w, body_bytes(client, record, outgoing));
    mqtt_write_binary(w, outgoing->topic);
    if (record->qos > 0)
        mqtt_write_u16(w, record->packet_id);
    if (client->version != MQTT_VERSION_5)
        return;
    mqtt_write_varint(w, property_bytes(outgoing));
    mqtt_write_bytes(w, outgoing->properties);
    if (outgoing->has_expiry)
        mqtt_property_write(w, &(struct mqtt_property){ .id = MQTT_PROP_MESSAGE_EXPIRY,
                                                        .type = MQTT_PROPERTY_U32,
                                                        .number = outgoing->expiry_s });
    if (outgoing->alias != 0)
        mqtt_property_write(w, &(struct mqtt_property){ .id = MQTT_PROP_TOPIC_ALIAS,
                                                        .type = MQTT_PROPERTY_U16,
                                                        .number = outgoing->alias });
}

/* Most bytes that a property for a new alias adds, lengths included. */
#define ALIAS_COST 5u

/* An alias stands for the topic if it has one; else it gets one along with it, unless
 * that made the packet, now of `bytes`, too large for the server. */
static void use_alias(struct tacit_client *client, size_t bytes, struct outgoing *outgoing)
{
    if (client->version != MQTT_VERSION_5)
        return;
    outgoing->alias = tacit_alias_find(&client->aliases_out, outgoing->topic);
    if (outgoing->alias != 0)
        outgoing->topic.len = 0;
    else if (bytes + ALIAS_COST <= client->grant.maximum_packet_bytes)
        outgoing->alias = tacit_alias_assign(&client->aliases_out, outgoing->topic);
}

static enum tacit_status publish_refusal(const struct tacit_client *client,
                                         const struct tacit_record *record, size_t bytes,
                                         uint8_t *out_reason)
{
    *out_reason = MQTT_SUCCESS;
    if (record->expires_at_ms <= client->now_ms)
        return TACIT_EXPIRED;
    if (bytes > client->grant.maximum_packet_bytes) {
        *out_reason = MQTT_PACKET_TOO_LARGE;
        return TACIT_TOO_BIG;
    }
    if (record->qos > client->grant.maximum_qos) {
        *out_reason = MQTT_QOS_NOT_SUPPORTED;
        return TACIT_REFUSED;
    }
    if (record->retain && !client->grant.retain_available) {
        *out_reason = MQTT_RETAIN_NOT_SUPPORTED;
        return TACIT_REFUSED;
    }
    return TACIT_OK;
}

static void mark_sent(struct tacit_client *client, struct tacit_record *record, bool whole)
{
    if (record->qos > 0) {
        record->state = TACIT_RECORD_SENT;
        client->in_flight++;
    } else if (whole) {
        tacit_queue_remove(&client->queue, record);
    } else {
        record->state = TACIT_RECORD_SENT; /* until its last byte is written */
    }
}

static void encode_publish(struct tacit_client *client, struct tacit_record *record, bool whole)
{
    struct outgoing outgoing = outgoing_of(client, record);
    use_alias(client, packet_bytes(client, record, &outgoing), &outgoing);
    if (record->qos > 0 && record->packet_id == 0)
        record->packet_id = new_packet_id(client);
    struct mqtt_writer w = tacit_send_writer(client, 0);
    write_head(&w, client, record, &outgoing);
    if (whole)
        mqtt_write_bytes(&w, tacit_record_payload(record));
    (void)tacit_send_commit(client, &w);
    if (!whole) {
        client->queue.streaming = (uint32_t)((uint8_t *)record - client->queue.memory);
        client->send.payload_at = client->send.len;
        client->send.streamed = 0;
    }
    mark_sent(client, record, whole);
}

enum step { STEP_DONE, STEP_BLOCKED, STEP_EVENT };

static enum step send_publish(struct tacit_client *client, struct tacit_record *record,
                              struct tacit_event *out_event)
{
    uint8_t reason;
    struct outgoing widest = outgoing_of(client, record);
    size_t bytes = packet_bytes(client, record, &widest);
    size_t room_needed = bytes + ALIAS_COST;
    enum tacit_status refusal = publish_refusal(client, record, bytes, &reason);
    if (refusal != TACIT_OK) {
        tacit_give_up(client, record, refusal, reason, out_event);
        return STEP_EVENT;
    }
    if (record->qos > 0 && client->in_flight >= client->grant.receive_maximum)
        return STEP_BLOCKED;
    size_t room = tacit_send_room(client);
    if (room_needed > room && client->send.len > 0)
        return STEP_BLOCKED;
    if (room_needed - record->payload_len > room) {
        tacit_give_up(client, record, TACIT_TOO_BIG, MQTT_SUCCESS, out_event);
        return STEP_EVENT;
    }
    encode_publish(client, record, room_needed <= room);
    return STEP_DONE;
}

static enum step send_record(struct tacit_client *client, struct tacit_record *record,
                             struct tacit_event *out_event)
{
    if (record->state == TACIT_RECORD_QUEUED)
        return send_publish(client, record, out_event);
    if (tacit_send_room(client) < TACIT_SEND_RESERVE
        || client->in_flight >= client->grant.receive_maximum)
        return STEP_BLOCKED;
    tacit_send_ack(client, MQTT_PUBREL, record->packet_id, MQTT_SUCCESS);
    record->state = TACIT_RECORD_RELEASED;
    client->in_flight++;
    return STEP_DONE;
}

bool tacit_send_due(struct tacit_client *client, struct tacit_event *out_event)
{
    if (client->queue.streaming != TACIT_QUEUE_NONE)
        return false;
    for (unsigned i = 0; i < client->config->limits.subscriptions; i++)
        if (!send_slot(client, &client->slots[i]))
            return false;
    struct tacit_record *record;
    enum step step = STEP_DONE;
    do {
        record = tacit_queue_due(&client->queue);
        if (record != NULL)
            step = send_record(client, record, out_event);
    } while (record != NULL && step == STEP_DONE && client->queue.streaming == TACIT_QUEUE_NONE);
    return step == STEP_EVENT;
}
