/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dispatch.h"

#include "core/client.h"

/* An empty cell is a protocol error: a packet that nobody thought about is
 * refused. [MQTT-3.1.0-1] [MQTT-3.1.0-2] [MQTT-4.13.1-1] */
static const packet_handler handlers[CLIENT_STATE_COUNT][MQTT_PACKET_TYPE_COUNT] = {
    [CLIENT_CLOSING] = { 0 },
    [CLIENT_AWAITS_CONNECT] = {
        [MQTT_CONNECT]     = on_connect,
    },
    [CLIENT_AWAITS_AUTH] = {
        [MQTT_AUTH]        = on_connect_auth,
        [MQTT_DISCONNECT]  = on_connect_abandoned,
    },
    [CLIENT_AWAITS_VERDICT] = { 0 }, /* what comes waits, too */
    [CLIENT_ACTIVE] = {
        [MQTT_PUBLISH]     = on_publish,
        [MQTT_PUBACK]      = on_puback,
        [MQTT_PUBREC]      = on_pubrec,
        [MQTT_PUBREL]      = on_pubrel,
        [MQTT_PUBCOMP]     = on_pubcomp,
        [MQTT_SUBSCRIBE]   = on_subscribe,
        [MQTT_UNSUBSCRIBE] = on_unsubscribe,
        [MQTT_PINGREQ]     = on_pingreq,
        [MQTT_DISCONNECT]  = on_disconnect,
        [MQTT_AUTH]        = on_reauth,
    },
    [CLIENT_HELD] = {
        [MQTT_PUBLISH]     = on_held,
        [MQTT_PUBACK]      = on_held,
        [MQTT_PUBREC]      = on_held,
        [MQTT_PUBREL]      = on_held,
        [MQTT_PUBCOMP]     = on_held,
        [MQTT_SUBSCRIBE]   = on_held,
        [MQTT_UNSUBSCRIBE] = on_held,
        [MQTT_PINGREQ]     = on_pingreq,
        [MQTT_DISCONNECT]  = on_held_disconnect,
        [MQTT_AUTH]        = on_held,
    },
};

static const char *const state_names[CLIENT_STATE_COUNT] = {
    [CLIENT_CLOSING] = "closing",         [CLIENT_AWAITS_CONNECT] = "awaits CONNECT",
    [CLIENT_AWAITS_AUTH] = "awaits AUTH", [CLIENT_AWAITS_VERDICT] = "awaits verdict",
    [CLIENT_ACTIVE] = "active",           [CLIENT_HELD] = "held",
};

enum mqtt_status dispatch_packet(struct client *client, const struct mqtt_frame *frame,
                                 uint64_t now_ms)
{
    packet_handler handle = handlers[client->state][frame->type];

    if (MQTT_UNLIKELY(handle == NULL))
        return MQTT_ERR_PROTOCOL;
    return handle(client, frame, now_ms);
}

const char *dispatch_state_name(unsigned state)
{
    return state < CLIENT_STATE_COUNT ? state_names[state] : "unknown";
}

int dispatch_accepts(unsigned state, unsigned packet_type)
{
    return state < CLIENT_STATE_COUNT && packet_type < MQTT_PACKET_TYPE_COUNT
           && handlers[state][packet_type] != NULL;
}
