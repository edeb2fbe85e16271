/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from the server. */
#include "client/handlers.h"

#include "client/outbound.h"
#include "codec/ack.h"
#include "codec/properties.h"

static unsigned inbound_place(const struct tacit_client *client, uint16_t packet_id)
{
    unsigned i = 0;
    while (i < client->inbound_count && client->inbound[i] != packet_id)
        i++;
    return i;
}

bool tacit_inbound_is_known(const struct tacit_client *client, uint16_t packet_id)
{
    return inbound_place(client, packet_id) < client->inbound_count;
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
    struct mqtt_reader r = mqtt_reader_over(block);
    struct mqtt_property property;
    while (mqtt_properties_next(&r, &property)) {
        if (property.id == MQTT_PROP_CONTENT_TYPE)
            message->content_type = tacit_borrow(property.value);
        else if (property.id == MQTT_PROP_CORRELATION_DATA)
            message->correlation = tacit_borrow(property.value);
        else if (property.id == MQTT_PROP_SUBSCRIPTION_IDENTIFIER
                 && message->subscription_identifier == 0)
            message->subscription_identifier = property.number;
    }
}

void tacit_take_message(const struct mqtt_publish *publish, struct tacit_event *out_event)
{
    out_event->type = TACIT_EVENT_MESSAGE;
    out_event->message = (struct tacit_message){
        .topic = tacit_borrow(publish->topic),
        .payload = tacit_borrow(publish->payload),
        .qos = (uint8_t)publish->qos,
        .retain = publish->retain,
        .duplicate = publish->duplicate,
        .payload_is_utf8 = publish->payload_is_utf8,
        .has_expiry = publish->has_expiry,
        .expiry_s = publish->has_expiry ? publish->expiry_s : 0,
        .response_topic = tacit_borrow(publish->response_topic),
        .properties = tacit_borrow(publish->properties),
    };
    if (publish->properties.len > 0)
        take_properties(publish->properties, &out_event->message);
}

void tacit_acknowledge(struct tacit_client *client, const struct mqtt_publish *publish)
{
    if (publish->qos == MQTT_QOS_1)
        tacit_send_ack(client, MQTT_PUBACK, publish->packet_id, MQTT_SUCCESS);
    if (publish->qos != MQTT_QOS_2)
        return;
    if (!tacit_inbound_is_known(client, publish->packet_id))
        client->inbound[client->inbound_count++] = publish->packet_id;
    tacit_send_ack(client, MQTT_PUBREC, publish->packet_id, MQTT_SUCCESS);
}

bool tacit_open_publish(struct tacit_client *client, const struct mqtt_frame *frame,
                        struct mqtt_publish *publish, struct tacit_event *out_event)
{
    enum mqtt_status status =
        mqtt_publish_decode(tacit_version(client), frame->flags, frame->body, publish);
    if (status != MQTT_OK)
        return tacit_refuse_status(client, status, out_event);
    if (!resolve_alias(client, publish))
        return tacit_refuse(client, MQTT_TOPIC_ALIAS_INVALID, out_event);
    if (publish->qos == MQTT_QOS_2 && !tacit_inbound_is_known(client, publish->packet_id)
        && client->inbound_count >= tacit_or(client->config->limits.inbound_messages, 1))
        return tacit_refuse(client, MQTT_RECEIVE_MAXIMUM_EXCEEDED, out_event);
    return false;
}

bool tacit_on_publish(struct tacit_client *client, const struct mqtt_frame *frame,
                      struct tacit_event *out_event)
{
    struct mqtt_publish publish;
    if (tacit_open_publish(client, frame, &publish, out_event))
        return true;
    bool is_new = publish.qos != MQTT_QOS_2 || !tacit_inbound_is_known(client, publish.packet_id);
    tacit_acknowledge(client, &publish);
    if (!is_new)
        return false;
    tacit_take_message(&publish, out_event);
    out_event->total = (uint32_t)publish.payload.len;
    return true;
}

bool tacit_on_pubrel(struct tacit_client *client, const struct mqtt_frame *frame,
                     struct tacit_event *out_event)
{
    struct mqtt_ack ack;
    enum mqtt_status status =
        mqtt_ack_decode(tacit_version(client), MQTT_PUBREL, frame->body, &ack);
    if (status != MQTT_OK)
        return tacit_refuse_status(client, status, out_event);
    unsigned place = inbound_place(client, ack.packet_id);
    bool known = place < client->inbound_count;
    if (known)
        client->inbound[place] = client->inbound[--client->inbound_count];
    tacit_send_ack(client, MQTT_PUBCOMP, ack.packet_id,
                   known ? MQTT_SUCCESS : MQTT_PACKET_IDENTIFIER_NOT_FOUND);
    return false;
}
