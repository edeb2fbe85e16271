/* SPDX-License-Identifier: Apache-2.0 */
/* The server's answers to our messages and subscriptions. */
#include "client/handlers.h"

#include "client/outbound.h"
#include "client/store.h"

void tacit_give_up(struct tacit_client *client, struct tacit_record *record,
                   enum tacit_status status, uint8_t reason)
{
    struct tacit_event *event = client->event;
    event->type = status == TACIT_OK ? TACIT_EVENT_DELIVERED : TACIT_EVENT_REJECTED;
    event->token = record->token;
    event->status = tacit_store_forget(client, record) ? status : TACIT_STORE;
    event->reason = reason;
    tacit_queue_remove(&client->queue, record);
}

/* PUBREC that accepts: the message is released. An identifier we do not know is answered, too, or
 * the server keeps it for ever. */
static void on_pubrec(struct tacit_client *client, const struct tacit_packet *packet,
                      struct tacit_record *record)
{
    if (record != NULL && record->state == TACIT_RECORD_SENT) {
        record->state = TACIT_RECORD_RELEASED;
        if (!tacit_store_message(client, record)) {
            tacit_go_down(client, TACIT_STORE, 0);
            return;
        }
    }
    (void)tacit_send_short(client, MQTT_PUBREL, packet->packet_id,
                           record != NULL ? MQTT_SUCCESS : MQTT_PACKET_IDENTIFIER_NOT_FOUND);
}

/* [MQTT-4.3.2-3] [MQTT-4.3.3-4] each QoS has its own answers, after the last byte. */
static bool is_answer(const struct tacit_client *client, const struct tacit_packet *packet,
                      const struct tacit_record *record)
{
    return record != tacit_streaming(client) && record->qos == (packet->type == MQTT_PUBACK ? 1 : 2)
           && (packet->type != MQTT_PUBCOMP || record->state == TACIT_RECORD_RELEASED);
}

static bool is_awaited(const struct tacit_record *record)
{
    return record->state == TACIT_RECORD_SENT || record->state == TACIT_RECORD_RELEASED;
}

void tacit_on_answer(struct tacit_client *client, const struct tacit_packet *packet)
{
    struct tacit_record *record = tacit_queue_find(&client->queue, packet->packet_id);
    bool refuses = MQTT_SPEAKS_5 && packet->reason >= 0x80;
    if (record != NULL && !is_awaited(record))
        record = NULL; /* from an earlier connection: it goes out again, or was dropped */
    if (record != NULL && !is_answer(client, packet, record)) {
        tacit_refuse(client, MQTT_PROTOCOL_ERROR);
        return;
    }
    if (MQTT_SPEAKS_QOS_2 && packet->type == MQTT_PUBREC) {
        if (!refuses)
            on_pubrec(client, packet, record);
        if (!refuses || (record != NULL && record->state == TACIT_RECORD_RELEASED))
            return;
    }
    /* PUBACK, or a refusing PUBREC, or PUBCOMP: the message's way ends here. */
    if (record == NULL)
        return;
    client->grant.receive_maximum++;
    tacit_give_up(client, record,
                  refuses && record->state == TACIT_RECORD_SENT ? TACIT_REFUSED : TACIT_OK,
                  packet->reason);
}

static struct tacit_slot *slot_find(const struct tacit_client *client, uint16_t packet_id,
                                    enum tacit_slot_state state)
{
    for (struct tacit_slot *slot = tacit_slots(client); slot < tacit_slots_end(client); slot++)
        if (slot->state == state && slot->packet_id == packet_id)
            return slot;
    return NULL;
}

void tacit_on_suback(struct tacit_client *client, const struct tacit_packet *packet)
{
    struct tacit_event *event = client->event;
    bool subscribes = packet->type == MQTT_SUBACK;
    struct tacit_slot *slot =
        slot_find(client, packet->packet_id,
                  subscribes ? TACIT_SLOT_SUBSCRIBE_SENT : TACIT_SLOT_UNSUBSCRIBE_SENT);
    if (slot == NULL)
        return;
    event->type = subscribes ? TACIT_EVENT_SUBSCRIBED : TACIT_EVENT_UNSUBSCRIBED;
    event->subscription = slot->what;
    event->reason = packet->reason;
    slot->packet_id = 0;
    slot->state = TACIT_SLOT_ACTIVE;
    if (!subscribes || packet->reason >= 0x80) {
        slot->what = NULL;
        slot->state = TACIT_SLOT_FREE;
    }
}
