/* SPDX-License-Identifier: Apache-2.0 */
/* A CONNECT that waited, and what follows one that was accepted. */
#include "core/connect.h"

#include "base/invariant.h"
#include "core/authentication.h"
#include "core/client.h"
#include "core/clone.h"
#include "core/dispatch.h"
#include "core/state.h"

/* Back to where on_connect() left off. */
static enum mqtt_status wake(struct client *client, struct mqtt_connect *out, uint64_t now_ms)
{
    MQTT_INVARIANT(client->state == CLIENT_AWAITS_VERDICT);
    client->state = CLIENT_AWAITS_CONNECT;
    client->received_ms = now_ms;
    /* It was decoded once: it still is a CONNECT. */
    return mqtt_connect_decode(authentication_connect(client), out);
}

void connect_go_on(struct client *client, uint64_t now_ms)
{
    const struct admission_port *port = &client->broker->options.ports.admission;
    struct admission_answer answer = { 0 };
    struct mqtt_connect connect = { 0 };
    enum mqtt_status status = wake(client, &connect, now_ms);
    const struct authentication *a = client->authentication;
    /* What was proved by an exchange of SCRAM is not proved again: of that, no key is looked
     * after. */
    const struct admission_request request = {
        .client = client,
        .facts = client->facts,
        .connect = &connect,
        .method = connect.authentication_method,
        .data = connect.authentication_data,
        .exchange = a->exchange,
        .turn = a->turn,
    };

    if (status == MQTT_OK) {
        enum admission admission = port->decide(port->context, &request, &answer);
        status = connect_follow(client, &connect, admission, &answer, now_ms);
    }
    if (status != MQTT_OK)
        client_doom_for(client, status);
}

void connect_turn_away(struct client *client, uint8_t reason, const char *text)
{
    struct mqtt_connect connect = { 0 };
    bool is_kept = mqtt_connect_decode(authentication_connect(client), &connect) == MQTT_OK;

    client->state = CLIENT_AWAITS_CONNECT;
    (void)connect_refuse(client, is_kept ? &connect : NULL, reason, text, NULL);
    authentication_settle(client);
}

/* Not from inside another call: the client may be gone afterwards. */
static void leave(struct client *client, uint64_t now_ms)
{
    struct broker *broker = client->broker;
    void *transport = client->transport;
    bool goes_on = client->state != CLIENT_CLOSING && client->state != CLIENT_AWAITS_VERDICT;

    broker_reap(broker, now_ms);
    if (goes_on)
        broker->options.ports.transport.resume(transport);
}

void client_judged(struct client *client, enum admission admission, struct admission_answer *answer,
                   uint64_t now_ms)
{
    struct mqtt_connect connect = { 0 };
    enum mqtt_status status = wake(client, &connect, now_ms);

    if (status == MQTT_OK)
        status = connect_follow(client, &connect, admission, answer, now_ms);
    if (status != MQTT_OK)
        client_doom_for(client, status);
    leave(client, now_ms);
}

void client_go_on(struct client *client, uint64_t now_ms)
{
    connect_go_on(client, now_ms);
    leave(client, now_ms);
}

void connect_confirm(struct client *client)
{
    const struct admission_port *port = &client->broker->options.ports.admission;
    const struct identity *identity =
        client->session != NULL ? client->session->identity : client->watch->identity;

    client->has_turn = false;
    if (port->confirm != NULL)
        port->confirm(port->context, identity, client->aside->turn);
}

enum mqtt_status on_connect_abandoned(struct client *client, const struct mqtt_frame *frame,
                                      uint64_t now_ms)
{
    (void)frame;
    (void)now_ms;
    client_doom(client, 0, "authentication abandoned");
    return MQTT_OK;
}
