/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from the server. */
#include "client/handlers.h"

#include "client/answer.h"
#include "client/outbound.h"
#include "client/store.h"
#include "codec/properties.h"

static unsigned inbound_place(const struct tacit_client *client, uint16_t packet_id)
{
    unsigned i = 0;
    while (i < client->inbound_count && tacit_inbound(client)[i] != packet_id)
        i++;
    return i;
}

bool tacit_is_duplicate(const struct tacit_client *client, const struct mqtt_publish *publish)
{
    return MQTT_SPEAKS_QOS_2 && publish->qos == MQTT_QOS_2
           && inbound_place(client, publish->packet_id) < client->inbound_count;
}

/* The topic of `publish` by its alias, if it has one. False: refused. */
static bool resolve_alias(struct tacit_client *client, struct mqtt_publish *publish)
{
    if (!publish->has_topic_alias)
        return true;
    if (publish->topic.len > 0)
        return tacit_alias_set(&client->aliases_in, publish->topic_alias, publish->topic);
    publish->topic = tacit_alias_get(&client->aliases_in, publish->topic_alias);
    if (publish->topic.len > 0)
        return true;
    /* Never set, or set to a topic too long to be kept; the latter can only be cured
     * by doing without aliases. */
    client->aliases_refused = true;
    return false;
}

static void take_properties(struct mqtt_span block, struct tacit_message *message)
{
    static const struct mqtt_field fields[] = {
        MQTT_FIELD(MQTT_PROP_CONTENT_TYPE, struct tacit_message, content_type),
        MQTT_FIELD(MQTT_PROP_CORRELATION_DATA, struct tacit_message, correlation),
    };
    struct mqtt_property identifier;
    mqtt_properties_take(block, fields, MQTT_ARRAY_LEN(fields), message);
    if (mqtt_properties_find(block, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, &identifier))
        message->subscription_identifier = identifier.number;
}

_Static_assert(sizeof(struct tacit_bytes) == sizeof(struct mqtt_span), "fields fit either");

static void take_message(const struct mqtt_publish *publish, struct tacit_message *message)
{
    message->topic = tacit_borrow(publish->topic);
    message->payload = tacit_borrow(publish->payload);
    message->qos = (uint8_t)publish->qos;
    message->retain = publish->retain;
    message->duplicate = publish->duplicate;
    if (!MQTT_SPEAKS_5)
        return;
    message->payload_is_utf8 = publish->payload_is_utf8;
    message->has_expiry = publish->has_expiry;
    message->expiry_s = publish->expiry_s;
    message->response_topic = tacit_borrow(publish->response_topic);
    message->properties = tacit_borrow(publish->properties);
    take_properties(publish->properties, message);
}

/* A receipt: packet identifier, QoS, and the connection that it belongs to. */
enum {
    RECEIPT_QOS_SHIFT = 16,
    RECEIPT_CONNECTION_SHIFT = 24,
};

bool tacit_hand_out(struct tacit_client *client, const struct mqtt_publish *publish, bool is_last,
                    bool is_discarded, struct tacit_event *out_event)
{
    if (is_discarded && is_last)
        (void)tacit_send_short(client, MQTT_PUBREC, publish->packet_id, MQTT_SUCCESS);
    if (is_discarded)
        return false;
    out_event->type = TACIT_EVENT_MESSAGE;
    take_message(publish, &out_event->message);
    if (!is_last || publish->qos == MQTT_QOS_0)
        return true;
    if (publish->qos == MQTT_QOS_2)
        client->unanswered++;
    out_event->receipt = (uint32_t)publish->packet_id | (uint32_t)publish->qos << RECEIPT_QOS_SHIFT
                         | (uint32_t)client->connection << RECEIPT_CONNECTION_SHIFT;
    if (!client->config->manual_acknowledgement)
        client->owed = out_event->receipt;
    return true;
}

/* Notes that a message of QoS 2 was taken; once only. */
static enum tacit_status note_inbound(struct tacit_client *client, uint16_t packet_id)
{
    if (client->unanswered == 0 || inbound_place(client, packet_id) < client->inbound_count)
        return TACIT_ARGUMENT;
    tacit_inbound(client)[client->inbound_count++] = packet_id;
    client->unanswered--;
    if (tacit_store_inbound(client))
        return TACIT_OK;
    client->inbound_count--;
    client->unanswered++;
    return TACIT_STORE;
}

/* Forgets one that the server has released. False if the store failed: then it is
 * not forgotten here either, since after a reboot it would be back. */
static bool forget_one(struct tacit_client *client, unsigned place)
{
    uint16_t packet_id = tacit_inbound(client)[place];
    tacit_inbound(client)[place] = tacit_inbound(client)[--client->inbound_count];
    if (tacit_store_inbound(client))
        return true;
    tacit_inbound(client)[client->inbound_count++] = packet_id;
    return false;
}

bool tacit_forget_inbound(struct tacit_client *client)
{
    uint16_t count = client->inbound_count;
    client->inbound_count = 0;
    if (count == 0 || tacit_store_inbound(client))
        return true;
    client->inbound_count = count;
    return false;
}

enum tacit_status tacit_acknowledge(struct tacit_client *client, uint32_t receipt)
{
    uint16_t packet_id = (uint16_t)receipt;
    bool is_qos_2 = MQTT_SPEAKS_QOS_2 && (receipt >> RECEIPT_QOS_SHIFT & 3) == MQTT_QOS_2;
    if (packet_id == 0 || client->state != TACIT_CLIENT_ONLINE
        || (uint8_t)(receipt >> RECEIPT_CONNECTION_SHIFT) != client->connection)
        return TACIT_ARGUMENT;
    if (tacit_send_room(client) < TACIT_SEND_RESERVE)
        return TACIT_AGAIN;
    client->owed = 0;
    enum tacit_status status = is_qos_2 ? note_inbound(client, packet_id) : TACIT_OK;
    if (status == TACIT_OK)
        (void)tacit_send_short(client, is_qos_2 ? MQTT_PUBREC : MQTT_PUBACK, packet_id,
                               MQTT_SUCCESS);
    return status;
}

bool tacit_open_publish(struct tacit_client *client, const struct mqtt_frame *frame,
                        struct mqtt_publish *publish, struct tacit_event *out_event)
{
    enum mqtt_status status =
        mqtt_publish_decode(tacit_version(client), frame->flags, frame->body, publish);
    if (status != MQTT_OK)
        return tacit_refuse_status(client, status, out_event);
    if (tacit_is_5(client) && !resolve_alias(client, publish))
        return tacit_refuse(client, MQTT_TOPIC_ALIAS_INVALID, out_event);
    if (publish->qos != MQTT_QOS_2)
        return false;
    if (!MQTT_SPEAKS_QOS_2)
        return tacit_refuse(client, MQTT_PROTOCOL_ERROR, out_event);
    if (client->inbound_count + client->unanswered
            < tacit_or(tacit_limits(client)->inbound_messages, 1)
        || tacit_is_duplicate(client, publish))
        return false;
    return tacit_refuse(client, MQTT_RECEIVE_MAXIMUM_EXCEEDED, out_event);
}

bool tacit_on_publish(struct tacit_client *client, const struct mqtt_frame *frame,
                      struct tacit_event *out_event)
{
    struct mqtt_publish publish;
    if (tacit_open_publish(client, frame, &publish, out_event))
        return true;
    out_event->total = (uint32_t)publish.payload.len;
    return tacit_hand_out(client, &publish, true, tacit_is_duplicate(client, &publish), out_event);
}

bool tacit_on_pubrel(struct tacit_client *client, const struct mqtt_frame *frame,
                     struct tacit_event *out_event)
{
    struct tacit_answer ack;
    enum mqtt_status status = tacit_answer_decode(client, frame, &ack, out_event);
    if (status != MQTT_OK)
        return tacit_refuse_status(client, status, out_event);
    unsigned place = inbound_place(client, ack.packet_id);
    bool known = place < client->inbound_count;
    if (known && !forget_one(client, place))
        return tacit_go_down(client, TACIT_STORE, 0, out_event);
    (void)tacit_send_short(client, MQTT_PUBCOMP, ack.packet_id,
                           known ? MQTT_SUCCESS : MQTT_PACKET_IDENTIFIER_NOT_FOUND);
    return false;
}
