/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from the server. */
#include "client/handlers.h"

#include "client/alias.h"
#include "client/outbound.h"
#include "client/store.h"

static unsigned inbound_place(const struct tacit_client *client, uint16_t packet_id)
{
    unsigned i = 0;
    while (i < client->inbound_count && tacit_inbound(client)[i] != packet_id)
        i++;
    return i;
}

bool tacit_is_duplicate(const struct tacit_client *client, const struct tacit_packet *packet)
{
    return MQTT_SPEAKS_QOS_2 && inbound_place(client, packet->packet_id) < client->inbound_count
           && (packet->flags >> 1 & 3) == MQTT_QOS_2;
}

/* A receipt: packet identifier, QoS, and the connection that it belongs to. */
enum {
    RECEIPT_QOS_SHIFT = 16,
    RECEIPT_CONNECTION_SHIFT = 24,
};

void tacit_hand_out(struct tacit_client *client, const struct tacit_packet *packet)
{
    struct tacit_event *event = client->event;
    bool is_last = event->offset + event->message.payload.len == event->total;
    unsigned qos = event->message.qos;
    if (client->discards) {
        if (is_last)
            (void)tacit_send_short(client, MQTT_PUBREC, packet->packet_id, MQTT_SUCCESS);
        return;
    }
    event->type = TACIT_EVENT_MESSAGE;
    if (!is_last || qos == MQTT_QOS_0)
        return;
    if (qos == MQTT_QOS_2)
        client->unanswered++;
    event->receipt = packet->packet_id | qos << RECEIPT_QOS_SHIFT
                     | (uint32_t)client->connection << RECEIPT_CONNECTION_SHIFT;
    if (!client->config->manual_acknowledgement)
        client->owed = event->receipt;
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

uint8_t tacit_judge_publish(struct tacit_client *client, const struct tacit_packet *packet)
{
    struct tacit_event *event = client->event;
    if (MQTT_SPEAKS_5 && packet->alias != 0
        && !tacit_alias_resolve(client, packet->alias, &event->message.topic))
        return MQTT_TOPIC_ALIAS_INVALID;
    if (event->message.qos != MQTT_QOS_2)
        return 0;
    if (!MQTT_SPEAKS_QOS_2)
        return MQTT_PROTOCOL_ERROR;
    return client->inbound_count + client->unanswered
                       < tacit_or(tacit_limits(client)->inbound_messages, 1)
                   || tacit_is_duplicate(client, packet)
               ? 0
               : MQTT_RECEIVE_MAXIMUM_EXCEEDED;
}

void tacit_on_pubrel(struct tacit_client *client, const struct tacit_packet *packet)
{
    unsigned place = inbound_place(client, packet->packet_id);
    bool known = place < client->inbound_count;
    if (known && !forget_one(client, place))
        tacit_go_down(client, TACIT_STORE, 0);
    else
        (void)tacit_send_short(client, MQTT_PUBCOMP, packet->packet_id,
                               known ? MQTT_SUCCESS : MQTT_PACKET_IDENTIFIER_NOT_FOUND);
}
