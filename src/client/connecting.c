/* SPDX-License-Identifier: Apache-2.0 */
/* Packets about the connection itself. */
#include "client/handlers.h"

#include "client/answer.h"
#include "client/retry.h"
#include "client/store.h"
#include "codec/properties.h"

static const struct mqtt_field grants[] = {
    MQTT_FIELD(MQTT_PROP_MAXIMUM_PACKET_SIZE, struct tacit_grant, maximum_packet_bytes),
    MQTT_FIELD(MQTT_PROP_RECEIVE_MAXIMUM, struct tacit_grant, receive_maximum),
    MQTT_FIELD(MQTT_PROP_SERVER_KEEP_ALIVE, struct tacit_grant, keep_alive_s),
    MQTT_FIELD(MQTT_PROP_TOPIC_ALIAS_MAXIMUM, struct tacit_grant, topic_aliases),
    MQTT_FIELD(MQTT_PROP_MAXIMUM_QOS, struct tacit_grant, maximum_qos),
    MQTT_FIELD(MQTT_PROP_RETAIN_AVAILABLE, struct tacit_grant, retain_available),
};

/* What is absent, and all of it before MQTT 5, is as the standard says. */
static void take_grant(struct tacit_client *client, struct mqtt_span properties)
{
    struct tacit_grant *grant = &client->grant;
    *grant = (struct tacit_grant){ .maximum_packet_bytes = UINT32_MAX,
                                   .receive_maximum = UINT16_MAX,
                                   .keep_alive_s = client->config->keep_alive_s,
                                   .maximum_qos = 2,
                                   .retain_available = true };
    if (!MQTT_SPEAKS_5)
        return;
    const struct tacit_limits *limits = tacit_limits(client);
    mqtt_properties_take(properties, grants, MQTT_ARRAY_LEN(grants), grant);
    tacit_alias_reset(&client->aliases_out,
                      grant->topic_aliases < limits->aliases_out ? grant->topic_aliases
                                                                 : limits->aliases_out,
                      limits->alias_topic_bytes);
    tacit_alias_reset(&client->aliases_in, tacit_aliases_in(client), limits->alias_topic_bytes);
}

/* False if the store failed. */
static bool restore_session(struct tacit_client *client, bool session_present)
{
    tacit_queue_rewind(&client->queue, session_present);
    client->in_flight = 0;
    for (struct tacit_slot *slot = tacit_slots(client); slot < tacit_slots_end(client); slot++) {
        if (slot->state == TACIT_SLOT_UNSUBSCRIBE_SENT)
            slot->state = TACIT_SLOT_UNSUBSCRIBE_DUE;
        else if (slot->state == TACIT_SLOT_SUBSCRIBE_SENT
                 || (slot->state == TACIT_SLOT_ACTIVE && !session_present))
            slot->state = TACIT_SLOT_SUBSCRIBE_DUE;
    }
    return session_present || tacit_forget_inbound(client);
}

/* A server older than version 5 says so in its own words, 3.1.1 section 3.2.2.3. */
static bool is_old_refusal(const struct tacit_client *client, struct mqtt_span body)
{
    return MQTT_SPEAKS_3 && tacit_is_5(client) && body.len == 2 && body.data[0] == 0
           && body.data[1] == 1;
}

/* [MQTT-3.2.2-1] reserved flags are zero, [MQTT-3.2.2-6] a refusal has no session. MQTT
 * 3.1 does not use the byte. */
static bool flags_are_valid(const struct tacit_client *client, const struct tacit_answer *connack)
{
    return mqtt_is_3_1(tacit_version(client))
           || connack->flags <= (connack->reason == MQTT_SUCCESS ? 1 : 0);
}

bool tacit_on_connack(struct tacit_client *client, const struct mqtt_frame *frame,
                      struct tacit_event *out_event)
{
    struct tacit_answer connack;
    if (is_old_refusal(client, frame->body))
        return tacit_go_down(client, TACIT_REFUSED, MQTT_UNSUPPORTED_PROTOCOL_VERSION, out_event);
    enum mqtt_status status = tacit_answer_decode(client, frame, &connack, out_event);
    if (status == MQTT_OK && !flags_are_valid(client, &connack))
        status = MQTT_ERR_CONNACK_FLAGS;
    if (status != MQTT_OK)
        return tacit_refuse_status(client, status, out_event);
    if (connack.reason != MQTT_SUCCESS)
        return tacit_go_down(client, TACIT_REFUSED,
                             tacit_is_5(client) ? connack.reason
                                                : tacit_reason_of_return_code(connack.reason),
                             out_event);
    struct tacit_greeting *greeting = client->config->greeting;
    if (greeting != NULL
        && greeting->accepted(greeting, client, tacit_borrow(connack.properties)) < 0)
        return tacit_go_down(client, TACIT_KEY, 0, out_event);

    take_grant(client, connack.properties);
    out_event->session_present = connack.flags != 0 && !mqtt_is_3_1(tacit_version(client));
    if (!restore_session(client, out_event->session_present))
        return tacit_go_down(client, TACIT_STORE, 0, out_event);
    client->state = TACIT_CLIENT_ONLINE;
    client->was_up = true;
    client->clock.up_ms = 0;
    out_event->type = TACIT_EVENT_UP;
    out_event->version = client->version;
    return true;
}

bool tacit_on_disconnect(struct tacit_client *client, const struct mqtt_frame *frame,
                         struct tacit_event *out_event)
{
    struct tacit_answer disconnect;
    if (!tacit_is_5(client))
        return tacit_refuse(client, MQTT_PROTOCOL_ERROR, out_event);
    enum mqtt_status status = tacit_answer_decode(client, frame, &disconnect, out_event);
    if (status != MQTT_OK)
        return tacit_refuse_status(client, status, out_event);
    return tacit_go_down(client, TACIT_REFUSED, disconnect.reason, out_event);
}

bool tacit_on_pingresp(struct tacit_client *client, const struct mqtt_frame *frame,
                       struct tacit_event *out_event)
{
    if (frame->body.len > 0)
        return tacit_refuse(client, MQTT_MALFORMED_PACKET, out_event);
    client->ping_sent = false;
    return false;
}
