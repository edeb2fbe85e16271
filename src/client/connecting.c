/* SPDX-License-Identifier: Apache-2.0 */
/* Packets about the connection itself. */
#include "client/handlers.h"

#include "client/retry.h"
#include "codec/connack.h"
#include "codec/disconnect.h"

/* Before MQTT 5 `connack` has the values of what is absent. */
static void take_grant(struct tacit_client *client, const struct mqtt_connack *connack)
{
    const struct tacit_limits *limits = tacit_limits(client);
    uint16_t in = tacit_is_5(client) && !client->aliases_refused ? limits->aliases_in : 0;
    uint16_t out = limits->aliases_out;
    client->grant = (struct tacit_grant){
        .maximum_packet_bytes = connack->maximum_packet_size,
        .receive_maximum = connack->receive_maximum,
        .keep_alive_s = connack->server_keep_alive_s <= UINT16_MAX
                            ? (uint16_t)connack->server_keep_alive_s
                            : client->config->keep_alive_s,
        .maximum_qos = (uint8_t)connack->maximum_qos,
        .retain_available = connack->retain_available,
    };
    if (!MQTT_SPEAKS_5)
        return;
    if (connack->topic_alias_maximum < out)
        out = connack->topic_alias_maximum;
    tacit_alias_reset(&client->aliases_out, out, limits->alias_topic_bytes);
    tacit_alias_reset(&client->aliases_in, in, limits->alias_topic_bytes);
}

static void restore_session(struct tacit_client *client, bool session_present)
{
    tacit_queue_rewind(&client->queue, session_present);
    client->in_flight = 0;
    if (!session_present)
        client->inbound_count = 0;
    for (unsigned i = 0; i < tacit_limits(client)->subscriptions; i++) {
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
    if (!tacit_is_5(client))
        reason = tacit_reason_of_return_code(reason);
    out_event->reason_string = tacit_borrow(connack->reason_string);
    out_event->server_reference = tacit_borrow(connack->server_reference);
    return tacit_go_down(client, TACIT_REFUSED, reason, out_event);
}

/* A server older than version 5 says so in its own words, 3.1.1 section 3.2.2.3. */
static bool is_old_refusal(const struct tacit_client *client, struct mqtt_span body)
{
    return MQTT_SPEAKS_3 && tacit_is_5(client) && body.len == 2 && body.data[0] == 0
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
    client->clock.up_ms = 0;
    out_event->type = TACIT_EVENT_UP;
    out_event->version = client->version;
    out_event->session_present = connack.session_present;
    out_event->assigned_client_id = tacit_borrow(connack.assigned_client_id);
    out_event->response_information = tacit_borrow(connack.response_information);
    out_event->reason_string = tacit_borrow(connack.reason_string);
    return true;
}

bool tacit_on_disconnect(struct tacit_client *client, const struct mqtt_frame *frame,
                         struct tacit_event *out_event)
{
    struct mqtt_disconnect disconnect;
    if (!tacit_is_5(client))
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
