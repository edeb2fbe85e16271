/* SPDX-License-Identifier: Apache-2.0 */
/* What is due for sending: subscriptions first, then messages in their order. */
#include "client/outbound.h"

#include "client/alias.h"
#include "client/properties.h"
#include "client/store.h"
#include "codec/properties.h"

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

enum {
    OPTION_NO_LOCAL_SHIFT = 2,
    OPTION_RETAIN_AS_PUBLISHED_SHIFT = 3,
    OPTION_RETAIN_HANDLING_SHIFT = 4,
};

static bool encode_slot(struct tacit_client *client, const struct tacit_subscription *what,
                        bool subscribes, uint16_t packet_id)
{
    struct tacit_sink sink;
    bool is_5 = tacit_is_5(client);
    unsigned options = what->qos;
    if (is_5)
        options |= (unsigned)what->no_local << OPTION_NO_LOCAL_SHIFT
                   | (unsigned)what->retain_as_published << OPTION_RETAIN_AS_PUBLISHED_SHIFT
                   | (unsigned)what->retain_handling << OPTION_RETAIN_HANDLING_SHIFT;
    tacit_send_begin(client, &sink);
    unsigned type = subscribes ? MQTT_SUBSCRIBE : MQTT_UNSUBSCRIBE;
    tacit_put_number(&sink, type << 4 | 0x2, 1);
    size_t body = tacit_put_begin(&sink);
    tacit_put_number(&sink, packet_id, 2);
    if (is_5) {
        size_t block = tacit_put_begin(&sink);
        if (subscribes)
            tacit_subscribe_properties(&sink, what);
        tacit_put_end(&sink, block);
    }
    tacit_put_string(&sink, &what->filter);
    tacit_put_number(&sink, options, subscribes ? 1 : 0);
    tacit_put_end(&sink, body);
    return tacit_send_commit(client, &sink);
}

/* False if there is no room for it now. */
static bool send_slot(struct tacit_client *client, struct tacit_slot *slot)
{
    bool subscribes = slot->state == TACIT_SLOT_SUBSCRIBE_DUE;
    if ((slot->state & 1) == 0)
        return true;
    uint16_t packet_id = tacit_new_packet_id(client);
    if (!encode_slot(client, slot->what, subscribes, packet_id))
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
    uint32_t body;  /* the remaining length of the PUBLISH */
    uint32_t bytes; /* of the whole packet */
    uint16_t alias; /* 0: none */
    bool has_topic;
};

uint32_t tacit_seconds_left(const struct tacit_client *client, const struct tacit_record *record)
{
    if (!MQTT_SPEAKS_5 || !record->has_expiry)
        return UINT32_MAX;
    const uint8_t *end = tacit_record_payload(record).data;
    uint32_t end_s =
        (uint32_t)end[-4] << 24 | (uint32_t)end[-3] << 16 | (uint32_t)end[-2] << 8 | end[-1];
    return end_s > client->clock.seconds ? end_s - client->clock.seconds : 0;
}

/* Everything before the payload. */
static void put_head(struct tacit_sink *sink, const struct tacit_client *client,
                     const struct tacit_record *record, const struct outgoing *outgoing)
{
    const uint8_t *text = (const uint8_t *)(record + 1);
    uint32_t topic_len = outgoing->has_topic ? record->topic_len : 0;
    int first = MQTT_PUBLISH << 4 | record->duplicate << 3 | record->qos << 1 | record->retain;
    tacit_put_number(sink, (uint32_t)first, 1);
    tacit_put_varint(sink, outgoing->body);
    tacit_put_number(sink, topic_len, 2);
    tacit_put(sink, text, topic_len);
    if (record->qos > 0)
        tacit_put_number(sink, record->packet_id, 2);
    if (!tacit_is_5(client))
        return;
    unsigned expiry_bytes = record->has_expiry ? 4 : 0;
    tacit_put_varint(sink, record->properties_len + (outgoing->alias != 0 ? 3u : 0u));
    tacit_put(sink, text + record->topic_len, record->properties_len - expiry_bytes);
    tacit_put_number(sink, tacit_seconds_left(client, record), expiry_bytes);
    tacit_put_property(sink, MQTT_PROP_TOPIC_ALIAS, outgoing->alias, 2);
}

#define LONGEST_FIXED_HEADER 5u

static void measure(const struct tacit_client *client, const struct tacit_record *record,
                    struct outgoing *outgoing)
{
    struct tacit_sink sink = { NULL, 0, 0 };
    if (!MQTT_SPEAKS_5) {
        outgoing->body = 2u + record->topic_len + (record->qos > 0 ? 2u : 0u) + record->payload_len;
        outgoing->bytes = LONGEST_FIXED_HEADER + outgoing->body;
        return;
    }
    outgoing->body = 0;
    put_head(&sink, client, record, outgoing);
    outgoing->body = (uint32_t)sink.len - 2 + record->payload_len;
    sink.len = 1u + outgoing->body;
    tacit_put_varint(&sink, outgoing->body);
    outgoing->bytes = (uint32_t)sink.len;
}

/* Most bytes that a property for a new alias adds, lengths included. */
#define ALIAS_COST (MQTT_SPEAKS_5 ? 5u : 0u)

/* An alias stands for the topic if it has one; else it gets one along with it, unless
 * that made the packet too large for the server. */
static void use_alias(struct tacit_client *client, const struct tacit_record *record,
                      struct outgoing *outgoing)
{
    const uint8_t *topic = tacit_record_topic(record).data;
    outgoing->alias = tacit_alias_find(client, topic, record->topic_len);
    outgoing->has_topic = outgoing->alias == 0;
    if (outgoing->has_topic && outgoing->bytes + ALIAS_COST <= client->grant.maximum_packet_bytes)
        outgoing->alias = tacit_alias_assign(client, topic, record->topic_len);
    if (outgoing->alias != 0)
        measure(client, record, outgoing);
}

/* Gives up a message that this server does not take, or that is too late. */
static bool is_refused(struct tacit_client *client, struct tacit_record *record, uint32_t bytes)
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
    tacit_give_up(client, record, status, reason);
    return true;
}

static void encode_publish(struct tacit_client *client, struct tacit_record *record,
                           struct outgoing *outgoing, bool whole)
{
    if (tacit_is_5(client))
        use_alias(client, record, outgoing);
    if (record->qos > 0 && record->packet_id == 0)
        record->packet_id = tacit_new_packet_id(client);
    struct tacit_sink sink;
    tacit_send_begin(client, &sink);
    put_head(&sink, client, record, outgoing);
    if (whole)
        tacit_put(&sink, tacit_record_payload(record).data, record->payload_len);
    (void)tacit_send_commit(client, &sink);
    if (!whole) {
        client->queue.streaming = record;
        client->send.passed = -(int32_t)client->send.len;
    }
    record->state = TACIT_RECORD_SENT; /* with QoS 0 until its last byte is written */
    if (record->qos > 0)
        client->grant.receive_maximum--;
    else if (whole)
        tacit_queue_remove(&client->queue, record);
}

/* False if it has to wait, or was given up. */
static bool send_publish(struct tacit_client *client, struct tacit_record *record)
{
    struct outgoing outgoing = { .has_topic = true };
    measure(client, record, &outgoing);
    if (is_refused(client, record, outgoing.bytes))
        return false;
    uint32_t needed = outgoing.bytes + ALIAS_COST;
    uint32_t room = tacit_send_room(client);
    bool whole = needed <= room;
    if (!whole && client->send.len > 0)
        return false;
    if (!whole && (!TACIT_LARGE_MESSAGES || needed - record->payload_len > room)) {
        tacit_give_up(client, record, TACIT_TOO_BIG, MQTT_SUCCESS);
        return false;
    }
    encode_publish(client, record, &outgoing,
                   !TACIT_LARGE_MESSAGES || (whole && !tacit_record_is_in_pieces(record)));
    return true;
}

static bool send_record(struct tacit_client *client, struct tacit_record *record)
{
    if (record->qos > 0 && client->grant.receive_maximum == 0)
        return false;
    if (!MQTT_SPEAKS_QOS_2 || record->state == TACIT_RECORD_QUEUED)
        return send_publish(client, record);
    if (!tacit_send_short(client, MQTT_PUBREL, record->packet_id, MQTT_SUCCESS))
        return false;
    record->state = TACIT_RECORD_RELEASED;
    client->grant.receive_maximum--;
    return true;
}

void tacit_send_due(struct tacit_client *client)
{
    struct tacit_slot *slot = tacit_slots(client);
    bool is_sent = true;
    while (is_sent && tacit_streaming(client) == NULL) {
        if (slot < tacit_slots_end(client)) {
            is_sent = send_slot(client, slot++);
            continue;
        }
        struct tacit_record *record = tacit_queue_due(&client->queue);
        is_sent = record != NULL && send_record(client, record);
    }
}
