/* SPDX-License-Identifier: Apache-2.0 */
/* The device's side of the ratchet. docs/ratchet.md has the protocol. */
#include <tacit/ratchet.h>

#include "base/wipe.h"
#include "client/outbound.h"
#include "client/state.h"
#include "codec/properties.h"
#include "ratchet/message.h"

#include <string.h>

#define STATE_VERSION 1u
#define TAKEN         1u /* what CONNACK says when the broker has gone on */
#define COUNTER_BYTES 8u

_Static_assert(TACIT_RATCHET_KEY_BYTES == RATCHET_KEY_BYTES, "one size on both sides");
_Static_assert(TACIT_RATCHET_MESSAGE_BYTES == RATCHET_MESSAGE_BYTES, "likewise");

static void step_encode(const struct ratchet_step *step, uint8_t out[TACIT_RATCHET_STATE_BYTES])
{
    out[0] = STATE_VERSION;
    for (unsigned i = 0; i < COUNTER_BYTES; i++)
        out[1 + i] = (uint8_t)(step->counter >> (8 * (COUNTER_BYTES - 1 - i)));
    memcpy(out + 1 + COUNTER_BYTES, step->secret, RATCHET_KEY_BYTES);
}

uint64_t tacit_ratchet_counter(const uint8_t state[TACIT_RATCHET_STATE_BYTES])
{
    uint64_t counter = 0;

    for (unsigned i = 0; i < COUNTER_BYTES; i++)
        counter = counter << 8 | state[1 + i];
    return counter;
}

/* RATCHET_KEY_BYTES are all that a message is ever hashed with. */
static int compute(void *context, const uint8_t key[RATCHET_KEY_BYTES], struct mqtt_span data,
                   uint8_t out[RATCHET_KEY_BYTES])
{
    const struct tacit_ratchet_port *port = context;

    return port->hmac(port->context, key, (struct tacit_bytes){ data.data, data.len }, out);
}

/* By the state that is stored, for the connection that is open. 1: its broker keeps no ratchet. */
static int prepare(struct tacit_ratchet *ratchet, uint8_t state[TACIT_RATCHET_STATE_BYTES],
                   uint8_t binding[RATCHET_KEY_BYTES], struct ratchet_message *message)
{
    const struct tacit_ratchet_port *port = ratchet->port;
    /* The port is only read through it. */
    const struct ratchet_hmac hmac = { (void *)(uintptr_t)port, compute };
    struct ratchet_step next;

    int bound = port->binding(port->context, binding);
    if (bound > 0)
        return 1;
    if (bound < 0 || port->load(port->context, state) < 0 || state[0] != STATE_VERSION
        || port->random(port->context, message->fresh, sizeof(message->fresh)) < 0)
        return TACIT_KEY;
    message->counter = tacit_ratchet_counter(state);
    if (ratchet_prove(&hmac, state + 1 + COUNTER_BYTES, binding, message) < 0
        || ratchet_advance(&hmac, binding, message, &next) < 0)
        return TACIT_KEY;
    step_encode(&next, ratchet->next);
    wipe_bytes(&next, sizeof(next));
    ratchet_message_encode(message, ratchet->message);
    return TACIT_OK;
}

static struct tacit_ratchet *ratchet_of(struct tacit_greeting *greeting)
{
    return (struct tacit_ratchet *)(void *)greeting; /* its first member */
}

/* Fills in what CONNECT says; empty for a broker that keeps no ratchet. */
static int greet(struct tacit_ratchet *ratchet)
{
    struct tacit_greeting *greeting = &ratchet->greeting;
    uint8_t state[TACIT_RATCHET_STATE_BYTES];
    uint8_t binding[RATCHET_KEY_BYTES];
    struct ratchet_message message;
    int status = prepare(ratchet, state, binding, &message);

    wipe_bytes(state, sizeof(state));
    wipe_bytes(binding, sizeof(binding));
    wipe_bytes(&message, sizeof(message));
    greeting->method = greeting->data = (struct tacit_bytes){ 0 };
    if (status != TACIT_OK)
        return status < 0 ? status : TACIT_OK;
    greeting->method = (struct tacit_bytes){ RATCHET_NAME, sizeof(RATCHET_NAME) - 1 };
    greeting->data = (struct tacit_bytes){ ratchet->message, sizeof(ratchet->message) };
    return TACIT_OK;
}

/* Before MQTT 5 it is a user name with its password: another configuration, for this CONNECT. */
static int begin(struct tacit_greeting *greeting, struct tacit_client *client)
{
    const struct tacit_config *usual = client->config;
    struct tacit_config other = *usual;
    int status = greet(ratchet_of(greeting));

    if (status != TACIT_OK)
        return status;
    other.user_name = greeting->method;
    other.password = greeting->data;
    if (!tacit_is_5(client) && greeting->method.len > 0)
        client->config = &other;
    bool is_sent = tacit_send_connect(client);
    client->config = usual;
    return is_sent ? TACIT_OK : TACIT_TOO_BIG;
}

/* Before MQTT 5 CONNACK has no room to say so: that it accepts what was brought is all. */
static bool is_taken(const struct tacit_greeting *greeting, const struct tacit_client *client,
                     struct tacit_bytes properties)
{
    struct mqtt_property data = { .value = { NULL, 0 } };

    if (greeting->method.len == 0 || !tacit_is_5(client))
        return greeting->method.len > 0;
    return mqtt_properties_find(tacit_span(properties), MQTT_PROP_AUTHENTICATION_DATA, &data)
           && data.value.len == 1 && data.value.data[0] == TAKEN;
}

static int accepted(struct tacit_greeting *greeting, struct tacit_client *client,
                    struct tacit_bytes properties)
{
    struct tacit_ratchet *ratchet = ratchet_of(greeting);
    const struct tacit_ratchet_port *port = ratchet->port;
    int status = is_taken(greeting, client, properties) ? port->store(port->context, ratchet->next)
                                                        : TACIT_OK;

    wipe_bytes(ratchet->next, sizeof(ratchet->next));
    if (status < 0)
        return TACIT_KEY;
    (void)tacit_ping(client); /* the packet that tells the broker */
    return TACIT_OK;
}

void tacit_ratchet_init(struct tacit_ratchet *ratchet, const struct tacit_ratchet_port *port)
{
    *ratchet = (struct tacit_ratchet){
        .greeting = { .begin = begin, .accepted = accepted },
        .port = port,
    };
}

int tacit_ratchet_first(int (*random)(void *context, void *out, size_t len), void *context,
                        uint8_t out[TACIT_RATCHET_STATE_BYTES])
{
    memset(out, 0, TACIT_RATCHET_STATE_BYTES);
    out[0] = STATE_VERSION;
    return random(context, out + 1 + COUNTER_BYTES, RATCHET_KEY_BYTES);
}
