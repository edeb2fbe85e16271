/* SPDX-License-Identifier: Apache-2.0 */
/* Packets about the connection itself. */
#include "client/handlers.h"

#include "client/alias.h"
#include "client/retry.h"
#include "client/store.h"

/* False if the store failed. */
static bool restore_session(struct tacit_client *client, bool session_present)
{
    tacit_queue_rewind(&client->queue, session_present);
    for (struct tacit_slot *slot = tacit_slots(client); slot < tacit_slots_end(client); slot++) {
        if (slot->state == TACIT_SLOT_ACTIVE)
            slot->state = session_present ? TACIT_SLOT_ACTIVE : TACIT_SLOT_SUBSCRIBE_DUE;
        else if (slot->state != TACIT_SLOT_FREE)
            slot->state = (slot->state - 1) | 1; /* from sent to due, too */
    }
    return session_present || tacit_forget_inbound(client);
}

static void judge_connack(struct tacit_client *client, const struct tacit_packet *packet,
                          uint8_t flags)
{
    struct tacit_greeting *greeting = tacit_greeting(client->config);
    if (flags > (packet->reason == MQTT_SUCCESS ? 1 : 0)) /* [MQTT-3.2.2-1] [MQTT-3.2.2-6] */
        tacit_refuse(client, MQTT_MALFORMED_PACKET);
    else if (packet->reason != MQTT_SUCCESS)
        tacit_go_down(client, TACIT_REFUSED, packet->reason);
    else if (greeting != NULL
             && greeting->accepted(greeting, client, client->event->message.properties) < 0)
        tacit_go_down(client, TACIT_KEY, 0);
}

void tacit_on_connack(struct tacit_client *client, const struct tacit_packet *packet)
{
    struct tacit_event *event = client->event;
    /* MQTT 3.1 does not use the flags. */
    uint8_t flags = mqtt_is_3_1(tacit_version(client)) ? 0 : packet->flags;
    judge_connack(client, packet, flags);
    if (tacit_has_event(client))
        return;
    if (MQTT_SPEAKS_5)
        tacit_alias_reset(client);
    if (!restore_session(client, flags != 0)) {
        tacit_go_down(client, TACIT_STORE, 0);
        return;
    }
    client->state = TACIT_CLIENT_ONLINE;
    client->was_up = true;
    client->clock.up_ms = 0;
    event->type = TACIT_EVENT_UP;
    event->version = client->version;
    event->session_present = flags != 0;
}
