/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from the server. */
#include "client/handlers.h"

#include "client/alias.h"
#include "client/outbound.h"
#include "client/store.h"

#include <string.h>

/* The place of that identifier, or with 0 a free one; NULL if there is none. */
static uint16_t *inbound_find(const struct tacit_client *client, uint16_t packet_id)
{
    uint16_t *place = tacit_inbound(client);
    for (uint32_t left = tacit_inbound_size(client); left > 0; left--, place++)
        if (*place == packet_id)
            return place;
    return NULL;
}

static uint32_t places_taken(const struct tacit_client *client)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < tacit_inbound_size(client); i++)
        taken += tacit_inbound(client)[i] != 0;
    return taken;
}

/* Is there a place for one more message of QoS 2, besides those that are not answered? */
static bool has_place(const struct tacit_client *client)
{
    return TACIT_OWES ? places_taken(client) + client->unanswered < tacit_inbound_size(client)
                      : inbound_find(client, 0) != NULL;
}

/* Writes `packet_id` into a place, which is kept. False if the store failed: then nothing has
 * changed. */
static bool change_place(struct tacit_client *client, uint16_t *place, uint16_t packet_id)
{
    uint16_t before = *place;
    *place = packet_id;
    if (tacit_store_inbound(client, tacit_inbound_size(client)))
        return true;
    *place = before;
    return false;
}

bool tacit_forget_inbound(struct tacit_client *client)
{
    if (TACIT_STORES && places_taken(client) > 0 && !tacit_store_inbound(client, 0))
        return false;
    memset(tacit_inbound(client), 0, tacit_inbound_size(client) * sizeof(uint16_t));
    return true;
}

/* A receipt: packet identifier, QoS, and the connection that it belongs to. */
enum {
    RECEIPT_QOS_SHIFT = 16,
    RECEIPT_CONNECTION_SHIFT = 24,
};

/* PUBACK, or PUBREC of a message that is noted as taken. There is room. */
static enum tacit_status acknowledge(struct tacit_client *client, uint16_t packet_id, bool is_qos_2)
{
    if (MQTT_SPEAKS_QOS_2 && is_qos_2) {
        uint16_t *place = inbound_find(client, 0);
        if (place == NULL)
            return TACIT_ARGUMENT;
        if (!change_place(client, place, packet_id))
            return TACIT_STORE;
    }
    (void)tacit_send_short(client, is_qos_2 ? MQTT_PUBREC : MQTT_PUBACK, packet_id, MQTT_SUCCESS);
    return TACIT_OK;
}

static enum tacit_status acknowledge_later(struct tacit_client *client, uint16_t packet_id,
                                           bool is_qos_2)
{
    if (tacit_send_room(client) < TACIT_SEND_RESERVE)
        return TACIT_AGAIN;
    client->owed = 0;
    /* Once only. */
    bool is_void = is_qos_2 && (client->unanswered == 0 || inbound_find(client, packet_id) != NULL);
    enum tacit_status status = is_void ? TACIT_ARGUMENT : acknowledge(client, packet_id, is_qos_2);
    if (is_qos_2 && status == TACIT_OK)
        client->unanswered--;
    return status;
}

enum tacit_status tacit_acknowledge_owed(struct tacit_client *client)
{
    return acknowledge_later(client, client->owed, client->unanswered > 0);
}

enum tacit_status tacit_acknowledge(struct tacit_client *client, uint32_t receipt)
{
    uint16_t packet_id = (uint16_t)receipt;
    bool is_qos_2 = MQTT_SPEAKS_QOS_2 && (receipt >> RECEIPT_QOS_SHIFT & 3) == MQTT_QOS_2;
    if (!TACIT_MANUAL || packet_id == 0 || client->state != TACIT_CLIENT_ONLINE
        || (uint8_t)(receipt >> RECEIPT_CONNECTION_SHIFT) != client->connection)
        return TACIT_ARGUMENT;
    return acknowledge_later(client, packet_id, is_qos_2);
}

/* The application gets a message, or the last piece of one, of QoS 1 or 2. */
static void owe(struct tacit_client *client, uint16_t packet_id)
{
    struct tacit_event *event = client->event;
    unsigned qos = event->message.qos;
    if (!TACIT_OWES) {
        /* It leaves with the next tacit_poll. */
        (void)acknowledge(client, packet_id, qos == MQTT_QOS_2);
        return;
    }
    if (qos == MQTT_QOS_2)
        client->unanswered++;
    event->receipt = packet_id | qos << RECEIPT_QOS_SHIFT
                     | (uint32_t)client->connection << RECEIPT_CONNECTION_SHIFT;
    if (!TACIT_MANUAL || !client->config->manual_acknowledgement)
        client->owed = packet_id;
}

void tacit_hand_out(struct tacit_client *client, const struct tacit_packet *packet)
{
    struct tacit_event *event = client->event;
    bool is_last =
        !TACIT_LARGE_MESSAGES || event->offset + event->message.payload.len == event->total;
    if (!client->discards)
        event->type = TACIT_EVENT_MESSAGE;
    if (!is_last || event->message.qos == MQTT_QOS_0)
        return;
    if (client->discards)
        (void)tacit_send_short(client, MQTT_PUBREC, packet->packet_id, MQTT_SUCCESS);
    else
        owe(client, packet->packet_id);
}

uint8_t tacit_judge_publish(struct tacit_client *client, const struct tacit_packet *packet)
{
    struct tacit_event *event = client->event;
    if (MQTT_SPEAKS_5 && packet->alias != 0
        && !tacit_alias_resolve(client, packet->alias, &event->message.topic))
        return MQTT_TOPIC_ALIAS_INVALID;
    bool is_qos_2 = event->message.qos == MQTT_QOS_2;
    if (!MQTT_SPEAKS_QOS_2)
        return is_qos_2 ? MQTT_PROTOCOL_ERROR : 0;
    bool is_known = is_qos_2 && inbound_find(client, packet->packet_id) != NULL;
    if (!TACIT_LARGE_MESSAGES || client->receive.head_bytes == 0)
        client->discards = is_known;
    return !is_qos_2 || is_known || has_place(client) ? 0 : MQTT_RECEIVE_MAXIMUM_EXCEEDED;
}

void tacit_on_pubrel(struct tacit_client *client, const struct tacit_packet *packet)
{
    uint16_t *place = inbound_find(client, packet->packet_id);
    if (place != NULL && !change_place(client, place, 0))
        tacit_go_down(client, TACIT_STORE, 0);
    else
        (void)tacit_send_short(client, MQTT_PUBCOMP, packet->packet_id,
                               place != NULL ? MQTT_SUCCESS : MQTT_PACKET_IDENTIFIER_NOT_FOUND);
}
