/* SPDX-License-Identifier: Apache-2.0 */
/* Packets about the connection itself. */
#include "client/handlers.h"

#include "client/retry.h"
#include "codec/connack.h"
#include "codec/disconnect.h"

static void take_grant(struct tacit_client *client, const struct mqtt_connack *connack)
{
    const struct tacit_config *config = client->config;
    bool is_5 = client->version == MQTT_VERSION_5;
    client->grant = (struct tacit_grant){
        .maximum_packet_bytes = is_5 ? connack->maximum_packet_size : UINT32_MAX,
        .receive_maximum = is_5 ? connack->receive_maximum : UINT16_MAX,
        .keep_alive_s = connack->server_keep_alive_s <= UINT16_MAX
                            ? (uint16_t)connack->server_keep_alive_s
                            : config->keep_alive_s,
        .maximum_qos = is_5 ? (uint8_t)connack->maximum_qos : 2,
        .retain_available = !is_5 || connack->retain_available,
    };
    tacit_alias_reset(&client->aliases_out, is_5 ? connack->topic_alias_maximum : 0);
    tacit_alias_reset(&client->aliases_in,
                      is_5 && !client->aliases_refused ? config->limits.aliases_in : 0);
}

static void restore_session(struct tacit_client *client, bool session_present)
{
    tacit_queue_rewind(&client->queue, session_present);
    client->in_flight = 0;
    if (!session_present)
        client->inbound_count = 0;
    for (unsigned i = 0; i < client->config->limits.subscriptions; i++) {
        struct tacit_slot *slot = &client->slots[i];
        if (slot->state == TACIT_SLOT_UNSUBSCRIBE_SENT)
            slot->state = TACIT_SLOT_UNSUBSCRIBE_DUE;
        else if (slot->state == TACIT_SLOT_SUBSCRIBE_SENT
                 || (slot->state == TACIT_SLOT_ACTIVE && !session_present))
            slot->state = TACIT_SLOT_SUBSCRIBE_DUE;
    }
}

static bool on_refusal(struct tacit_client *client, const struct mqtt_connack *connack,
                       struct tacit_event *out_event)
{
    uint8_t reason = connack->reason;
    if (client->version != MQTT_VERSION_5)
        reason = tacit_reason_of_return_code(reason);
    out_event->reason_string = tacit_borrow(connack->reason_string);
    out_event->server_reference = tacit_borrow(connack->server_reference);
    return tacit_go_down(client, TACIT_REFUSED, reason, out_event);
}

/* A server older than version 5 says so in its own words, 3.1.1 section 3.2.2.3. */
static bool is_old_refusal(const struct tacit_client *client, struct mqtt_span body)
{
    return client->version == MQTT_VERSION_5 && body.len == 2 && body.data[0] == 0
           && body.data[1] == 1;
}

bool tacit_on_connack(struct tacit_client *client, const struct mqtt_frame *frame,
                      struct tacit_event *out_event)
{
    struct mqtt_connack connack;
    if (is_old_refusal(client, frame->body))
        return tacit_go_down(client, TACIT_REFUSED, MQTT_UNSUPPORTED_PROTOCOL_VERSION, out_event);
    enum mqtt_status status = mqtt_connack_decode(tacit_version(client), frame->body, &connack);
    if (status != MQTT_OK)
        return tacit_refuse_status(client, status, out_event);
    if (connack.reason != 0)
        return on_refusal(client, &connack, out_event);

    take_grant(client, &connack);
    restore_session(client, connack.session_present);
    client->state = TACIT_CLIENT_ONLINE;
    client->was_up = true;
    client->up_since_ms = client->now_ms;
    client->statistics.connects++;
    out_event->type = TACIT_EVENT_UP;
    out_event->version = client->version;
    out_event->session_present = connack.session_present;
    if (client->version == MQTT_VERSION_5) {
        out_event->assigned_client_id = tacit_borrow(connack.assigned_client_id);
        out_event->response_information = tacit_borrow(connack.response_information);
        out_event->reason_string = tacit_borrow(connack.reason_string);
    }
    return true;
}

bool tacit_on_disconnect(struct tacit_client *client, const struct mqtt_frame *frame,
                         struct tacit_event *out_event)
{
    struct mqtt_disconnect disconnect;
    if (client->version != MQTT_VERSION_5)
        return tacit_refuse(client, MQTT_PROTOCOL_ERROR, out_event);
    enum mqtt_status status =
        mqtt_disconnect_decode(tacit_version(client), true, frame->body, &disconnect);
    if (status != MQTT_OK)
        return tacit_refuse_status(client, status, out_event);
    out_event->reason_string = tacit_borrow(disconnect.reason_string);
    out_event->server_reference = tacit_borrow(disconnect.server_reference);
    return tacit_go_down(client, TACIT_REFUSED, disconnect.reason, out_event);
}

bool tacit_on_pingresp(struct tacit_client *client, const struct mqtt_frame *frame,
                       struct tacit_event *out_event)
{
    enum mqtt_status status = mqtt_ping_decode(frame->body);
    if (status != MQTT_OK)
        return tacit_refuse_status(client, status, out_event);
    client->ping_sent = false;
    return false;
}
