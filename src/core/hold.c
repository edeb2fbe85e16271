/* SPDX-License-Identifier: Apache-2.0 */
#include "core/hold.h"

#include "codec/disconnect.h"
#include "core/clone.h"
#include "core/dispatch.h"
#include "core/policy_walk.h"
#include "core/sensed.h"
#include "core/state.h"
#include "core/subscription.h"

#include <errno.h>

#define RELEASED_TEXT "this identity is not held any more; connect again"

/* ---- the beginning ---- */

static void mark(struct client *client)
{
    client->state = CLIENT_HELD;
    if (client->watch != NULL)
        sightings_set_state(client->broker->options.shared, client->watch->sighting, SIGHTING_HELD);
}

void hold_begin(struct client *client, const char *why, uint64_t now_ms)
{
    struct session *session = client->session;

    if (client->state != CLIENT_ACTIVE)
        return;
    mark(client);
    sensing_hold(session, now_ms);
    will_clear(session);
    subscription_presence(session, false);
    policy_walk_recall(client, now_ms);
    client_report(client, EVENT_HELD, MQTT_SUCCESS, why, (struct mqtt_span){ 0 });
}

int hold_newcomer(struct client *client, struct mqtt_span client_id,
                  const struct admission_answer *answer, uint64_t now_ms)
{
    struct broker *broker = client->broker;
    const struct event_port *port = &broker->options.ports.events;
    struct clone_watch *watch = client->watch;
    const struct event event = {
        .kind = EVENT_HELD,
        .facts = client->facts,
        .client_id = client_id,
        .identity = &answer->identity,
        .text = answer->held != NULL ? answer->held : watch->held,
    };

    if (watch->identity == NULL)
        return -ENOMEM;
    mark(client);
    list_push_back(&broker->held, &watch->in_held);
    client_keep_alive(client, now_ms);
    if (port->report != NULL)
        port->report(port->context, &event);
    return 0;
}

/* ---- what may come ---- */

enum mqtt_status on_held(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms)
{
    (void)client;
    (void)frame;
    (void)now_ms;
    return MQTT_OK;
}

/* What a DISCONNECT asks of the session is not heard: who it comes from is not known. */
enum mqtt_status on_held_disconnect(struct client *client, const struct mqtt_frame *frame,
                                    uint64_t now_ms)
{
    (void)frame;
    (void)now_ms;
    client_doom(client, 0, "client disconnected");
    return MQTT_OK;
}

/* ---- the end ---- */

void hold_follow(struct session *session, const char *why)
{
    struct client *client = session->client;

    if (why != NULL)
        will_clear(session);
    if (client == NULL)
        return;
    if (why != NULL)
        hold_begin(client, why, client->broker->wheel.now_ms);
    else if (client->state == CLIENT_HELD)
        client_doom(client, MQTT_ADMINISTRATIVE_ACTION, RELEASED_TEXT);
}

/* At most limits.held_connections of each identity that is held. */
void hold_review(struct broker *broker)
{
    const struct admission_port *port = &broker->options.ports.admission;

    list_for_each (link, &broker->held) {
        const struct clone_watch *watch = MQTT_CONTAINER_OF(link, struct clone_watch, in_held);
        struct standing standing = { 0 };

        if (port->find_standing != NULL)
            port->find_standing(port->context, watch->identity, &standing);
        if (standing.barred != NULL)
            client_doom(watch->client, MQTT_ADMINISTRATIVE_ACTION, standing.barred);
        else if (standing.held == NULL)
            client_doom(watch->client, MQTT_ADMINISTRATIVE_ACTION, RELEASED_TEXT);
    }
}
