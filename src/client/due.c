/* SPDX-License-Identifier: Apache-2.0 */
/* What is due for sending: subscriptions first, then messages in their order. */
#include "client/outbound.h"

#include "client/properties.h"
#include "client/store.h"
#include "codec/properties.h"
#include "codec/subscribe.h"

static bool packet_id_is_used(const struct tacit_client *client, uint16_t id)
{
    const struct tacit_slot *slot = tacit_slots(client);
    for (; slot < tacit_slots_end(client); slot++)
        if (slot->packet_id == id)
            return true;
    return tacit_queue_find(&client->queue, id) != NULL;
}

/* Ends because fewer messages and subscriptions than ids fit the arena, or because
 * the window of 65,535 closes first. */
uint16_t tacit_new_packet_id(struct tacit_client *client)
{
    do {
        client->next_packet_id++;
    } while (client->next_packet_id == 0 || packet_id_is_used(client, client->next_packet_id));
    return client->next_packet_id;
}

static bool encode_slot(struct tacit_client *client, const struct tacit_subscription *what,
                        enum mqtt_packet_type type, uint16_t packet_id)
{
    const struct mqtt_subscription entry = {
        .qos = (enum mqtt_qos)what->qos,
        .no_local = what->no_local,
        .retain_as_published = what->retain_as_published,
        .retain_handling = what->retain_handling,
    };
    struct mqtt_span properties = { NULL, 0 };
    struct mqtt_writer w = tacit_send_writer(client);
    if (tacit_is_5(client) && type == MQTT_SUBSCRIBE) {
        tacit_subscribe_properties(&w, what);
        tacit_send_set_aside(&w, &properties);
    }
    uint8_t *packet = mqtt_subscribe_begin(&w, tacit_version(client), type, packet_id, properties);
    mqtt_write_binary(&w, tacit_span(what->filter));
    if (type == MQTT_SUBSCRIBE)
        mqtt_write_u8(&w, mqtt_subscription_options(tacit_version(client), &entry));
    mqtt_packet_end(&w, packet);
    return tacit_send_commit(client, &w);
}

/* False if there is no room for it now. */
static bool send_slot(struct tacit_client *client, struct tacit_slot *slot)
{
    bool subscribes = slot->state == TACIT_SLOT_SUBSCRIBE_DUE;
    if (!subscribes && slot->state != TACIT_SLOT_UNSUBSCRIBE_DUE)
        return true;
    uint16_t packet_id = tacit_new_packet_id(client);
    if (!encode_slot(client, slot->what, subscribes ? MQTT_SUBSCRIBE : MQTT_UNSUBSCRIBE, packet_id))
        return false;
    slot->packet_id = packet_id;
    slot->state++; /* from due to sent */
    return true;
}

_Static_assert(TACIT_SLOT_SUBSCRIBE_SENT == TACIT_SLOT_SUBSCRIBE_DUE + 1
                   && TACIT_SLOT_UNSUBSCRIBE_SENT == TACIT_SLOT_UNSUBSCRIBE_DUE + 1,
               "sent follows due");

/* How a queued message looks on the wire of this connection. */
struct outgoing {
    struct mqtt_span topic;
    uint32_t block; /* bytes of its properties; 0 before MQTT 5 */
    uint32_t body;  /* the remaining length of the PUBLISH */
    uint32_t bytes; /* of the whole packet */
    uint16_t alias; /* 0: none */
};

static void measure(const struct tacit_client *client, const struct tacit_record *record,
                    struct outgoing *outgoing)
{
    outgoing->body =
        2u + (uint32_t)outgoing->topic.len + (record->qos > 0 ? 2u : 0u) + record->payload_len;
    if (tacit_is_5(client)) {
        outgoing->block = record->properties_len + (outgoing->alias != 0 ? 3u : 0u);
        outgoing->body += (uint32_t)mqtt_varint_size(outgoing->block) + outgoing->block;
    }
    outgoing->bytes = 1u + (uint32_t)mqtt_varint_size(outgoing->body) + outgoing->body;
}

uint32_t tacit_seconds_left(const struct tacit_client *client, const struct tacit_record *record)
{
    if (!MQTT_SPEAKS_5 || !record->has_expiry)
        return UINT32_MAX;
    const uint8_t *end = tacit_record_payload(record).data;
    struct mqtt_reader r = mqtt_reader_over((struct mqtt_span){ end - 4, 4 });
    uint32_t end_s = mqtt_read_u32(&r);
    return end_s > client->clock.seconds ? end_s - client->clock.seconds : 0;
}

static void write_properties(struct mqtt_writer *w, const struct tacit_client *client,
                             const struct tacit_record *record, const struct outgoing *outgoing)
{
    struct mqtt_span properties = tacit_record_properties(record);
    mqtt_write_varint(w, outgoing->block);
    properties.len -= record->has_expiry ? 4 : 0;
    mqtt_write_bytes(w, properties);
    if (record->has_expiry)
        mqtt_write_u32(w, tacit_seconds_left(client, record));
    if (outgoing->alias != 0) {
        mqtt_write_u8(w, MQTT_PROP_TOPIC_ALIAS);
        mqtt_write_u16(w, outgoing->alias);
    }
}

/* Everything before the payload. */
static void write_head(struct mqtt_writer *w, const struct tacit_client *client,
                       const struct tacit_record *record, const struct outgoing *outgoing)
{
    mqtt_write_u8(w, (uint8_t)(MQTT_PUBLISH << 4 | record->duplicate << 3 | record->qos << 1
                               | record->retain));
    mqtt_write_varint(w, outgoing->body);
    mqtt_write_binary(w, outgoing->topic);
    if (record->qos > 0)
        mqtt_write_u16(w, record->packet_id);
    if (tacit_is_5(client))
        write_properties(w, client, record, outgoing);
}

/* Most bytes that a property for a new alias adds, lengths included. */
#define ALIAS_COST 5u

/* An alias stands for the topic if it has one; else it gets one along with it, unless
 * that made the packet too large for the server. */
static void use_alias(struct tacit_client *client, const struct tacit_record *record,
                      struct outgoing *outgoing)
{
    outgoing->alias = tacit_alias_find(&client->aliases_out, outgoing->topic);
    if (outgoing->alias != 0)
        outgoing->topic.len = 0;
    else if (outgoing->bytes + ALIAS_COST <= client->grant.maximum_packet_bytes)
        outgoing->alias = tacit_alias_assign(&client->aliases_out, outgoing->topic);
    measure(client, record, outgoing);
}

/* Gives up a message that this server does not take, or that is too late. */
static bool is_refused(struct tacit_client *client, struct tacit_record *record, uint32_t bytes,
                       struct tacit_event *out_event)
{
    enum tacit_status status = TACIT_REFUSED;
    uint8_t reason = MQTT_SUCCESS;
    if (!MQTT_SPEAKS_5)
        return false;
    if (tacit_seconds_left(client, record) == 0) {
        status = TACIT_EXPIRED;
    } else if (bytes > client->grant.maximum_packet_bytes) {
        status = TACIT_TOO_BIG;
        reason = MQTT_PACKET_TOO_LARGE;
    } else if (record->qos > client->grant.maximum_qos) {
        reason = MQTT_QOS_NOT_SUPPORTED;
    } else if (record->retain && !client->grant.retain_available) {
        reason = MQTT_RETAIN_NOT_SUPPORTED;
    } else {
        return false;
    }
    tacit_give_up(client, record, status, reason, out_event);
    return true;
}

static void encode_publish(struct tacit_client *client, struct tacit_record *record,
                           struct outgoing *outgoing, bool whole)
{
    if (tacit_is_5(client))
        use_alias(client, record, outgoing);
    if (record->qos > 0 && record->packet_id == 0)
        record->packet_id = tacit_new_packet_id(client);
    struct mqtt_writer w = tacit_send_writer(client);
    write_head(&w, client, record, outgoing);
    if (whole)
        mqtt_write_bytes(&w, tacit_record_payload(record));
    (void)tacit_send_commit(client, &w);
    if (!whole) {
        client->queue.streaming = (uint32_t)((uint8_t *)record - client->queue.memory);
        client->send.payload_at = client->send.len;
        client->send.streamed = 0;
    }
    record->state = TACIT_RECORD_SENT; /* with QoS 0 until its last byte is written */
    if (record->qos > 0)
        client->in_flight++;
    else if (whole)
        tacit_queue_remove(&client->queue, record);
}

enum step { STEP_DONE, STEP_BLOCKED, STEP_EVENT };

static enum step send_publish(struct tacit_client *client, struct tacit_record *record,
                              struct tacit_event *out_event)
{
    struct outgoing outgoing = { .topic = tacit_record_topic(record) };
    measure(client, record, &outgoing);
    if (is_refused(client, record, outgoing.bytes, out_event))
        return STEP_EVENT;
    uint32_t needed = outgoing.bytes + ALIAS_COST;
    size_t room = tacit_send_room(client);
    if (needed > room && client->send.len > 0)
        return STEP_BLOCKED;
    if (needed - record->payload_len > room) {
        tacit_give_up(client, record, TACIT_TOO_BIG, MQTT_SUCCESS, out_event);
        return STEP_EVENT;
    }
    encode_publish(client, record, &outgoing, needed <= room && !tacit_record_is_in_pieces(record));
    return STEP_DONE;
}

static enum step send_record(struct tacit_client *client, struct tacit_record *record,
                             struct tacit_event *out_event)
{
    if (record->qos > 0 && client->in_flight >= client->grant.receive_maximum)
        return STEP_BLOCKED;
    if (!MQTT_SPEAKS_QOS_2 || record->state == TACIT_RECORD_QUEUED)
        return send_publish(client, record, out_event);
    if (tacit_send_room(client) < TACIT_SEND_RESERVE)
        return STEP_BLOCKED;
    (void)tacit_send_short(client, MQTT_PUBREL, record->packet_id, MQTT_SUCCESS);
    record->state = TACIT_RECORD_RELEASED;
    client->in_flight++;
    return STEP_DONE;
}

bool tacit_send_due(struct tacit_client *client, struct tacit_event *out_event)
{
    enum step step = STEP_DONE;
    for (struct tacit_slot *slot = tacit_slots(client); slot < tacit_slots_end(client); slot++)
        if (client->queue.streaming != TACIT_QUEUE_NONE || !send_slot(client, slot))
            return false;
    while (step == STEP_DONE && client->queue.streaming == TACIT_QUEUE_NONE) {
        struct tacit_record *record = tacit_queue_due(&client->queue);
        if (record == NULL)
            return false;
        step = send_record(client, record, out_event);
    }
    return step == STEP_EVENT;
}
