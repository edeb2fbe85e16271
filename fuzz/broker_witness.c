/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_witness.h"

#include "base/invariant.h"
#include "codec/ack.h"
#include "codec/connack.h"
#include "codec/disconnect.h"
#include "codec/suback.h"
#include "codec/topic.h"
#include "core/client.h"
#include "core/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void witness_open(struct actor *actor, struct world_peer *peer)
{
    *actor = (struct actor){ .peer = peer,
                             .tenant = peer->world->tenant,
                             .receive_maximum = UINT16_MAX,
                             .maximum_packet = UINT32_MAX };
}

static struct owed *find_owed(struct actor *actor, uint16_t packet_id)
{
    for (unsigned i = 0; i < actor->owed_count; i++)
        if (actor->owed[i].packet_id == packet_id)
            return &actor->owed[i];
    return NULL;
}

/* ---- what may come ---- */

static void on_connack(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_connack connack;

    MQTT_INVARIANT(mqtt_connack_decode(actor->peer->version, frame->body, &connack) == MQTT_OK);
    MQTT_INVARIANT(!actor->has_connack);
    actor->has_connack = true;
    actor->is_over = connack.reason != 0;
    /* MQTT 3.1 does not say so. */
    actor->is_resumed = connack.session_present || actor->peer->version == MQTT_VERSION_3_1;
    if (connack.session_present && !actor->is_wild)
        MQTT_INVARIANT(!actor->is_clean && connack.reason == 0);
}

/* The topic's text, by its alias where it has one. */
static struct mqtt_span topic_of(struct actor *actor, const struct mqtt_publish *publish)
{
    if (!publish->has_topic_alias)
        return publish->topic;
    MQTT_INVARIANT(actor->is_wild || publish->topic_alias <= actor->alias_maximum);
    if (publish->topic_alias > ACTOR_ALIAS)
        return publish->topic;
    char *kept = actor->aliases[publish->topic_alias - 1];
    if (publish->topic.len > 0)
        snprintf(kept, sizeof(actor->aliases[0]), "%.*s", (int)publish->topic.len,
                 (const char *)publish->topic.data);
    MQTT_INVARIANT(kept[0] != '\0'); /* one that was never told of means nothing */
    return publish->topic.len > 0 ? publish->topic : span_of(kept);
}

/* Nothing is delivered that the policy in force forbids. */
static void check_right(const struct actor *actor, struct mqtt_span topic)
{
    const struct world_peer *peer = actor->peer;
    const struct identity identity = {
        .device = peer->device[0] != '\0' ? peer->device : NULL,
        .tenant = actor->tenant,
        .role = peer->role,
        .proved = peer->device[0] != '\0',
    };

    if (actor->is_behind)
        return;
    const struct role *role = policy_find(peer->world->policy, &identity);
    MQTT_INVARIANT(policy_decide_receive(role, &identity, topic).verdict == POLICY_ALLOW);
}

static void owe(struct actor *actor, const struct mqtt_publish *publish)
{
    if (actor->is_wild || publish->qos == MQTT_QOS_0)
        return;
    MQTT_INVARIANT(find_owed(actor, publish->packet_id) == NULL);
    MQTT_INVARIANT(actor->owed_count < OWED && actor->owed_count < actor->receive_maximum);
    MQTT_INVARIANT(!publish->duplicate || actor->is_resumed);
    actor->owed[actor->owed_count++] =
        (struct owed){ publish->packet_id, publish->qos == MQTT_QOS_2 ? MQTT_PUBREC : MQTT_PUBACK };
}

static void on_publish_packet(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_publish publish;
    uint64_t marker = 0;

    MQTT_INVARIANT(mqtt_publish_decode(actor->peer->version, frame->flags, frame->body, &publish)
                   == MQTT_OK);
    MQTT_INVARIANT(actor->is_wild || frame->len <= actor->maximum_packet);
    struct mqtt_span topic = topic_of(actor, &publish);
    if (topic.len > 0) {
        MQTT_INVARIANT(mqtt_topic_name_is_valid(topic));
        check_right(actor, topic);
    }
    owe(actor, &publish);
    if (publish.payload.len >= MARKER_BYTES)
        memcpy(&marker, publish.payload.data, MARKER_BYTES);
    actor->counted += marker != 0 && marker == actor->marker;
}

static void on_ack_packet(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_ack ack;

    MQTT_INVARIANT(mqtt_ack_decode(actor->peer->version, frame->type, frame->body, &ack)
                   == MQTT_OK);
    struct owed *owed = find_owed(actor, ack.packet_id);
    if (actor->is_wild || frame->type != MQTT_PUBREL)
        return;
    if (owed != NULL) {
        MQTT_INVARIANT(owed->next == MQTT_PUBCOMP);
        return;
    }
    /* What an earlier connection left behind, or the answer to an identifier that is not known. */
    MQTT_INVARIANT(actor->owed_count < OWED);
    if (ack.reason == 0 && actor->is_resumed)
        actor->owed[actor->owed_count++] = (struct owed){ ack.packet_id, MQTT_PUBCOMP };
}

static void on_suback_packet(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_suback suback;

    MQTT_INVARIANT(mqtt_suback_decode(actor->peer->version, frame->type, frame->body, &suback)
                   == MQTT_OK);
}

static void on_disconnect_packet(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_disconnect disconnect;

    MQTT_INVARIANT(actor->peer->version == MQTT_VERSION_5);
    MQTT_INVARIANT(mqtt_disconnect_decode(actor->peer->version, true, frame->body, &disconnect)
                   == MQTT_OK);
    actor->is_over = true;
}

static void on_auth_packet(struct actor *actor, const struct mqtt_frame *frame)
{
    struct mqtt_auth auth;

    MQTT_INVARIANT(actor->peer->version == MQTT_VERSION_5);
    MQTT_INVARIANT(mqtt_auth_decode(frame->body, &auth) == MQTT_OK);
}

static void on_pingresp(struct actor *actor, const struct mqtt_frame *frame)
{
    (void)actor;
    MQTT_INVARIANT(mqtt_ping_decode(frame->body) == MQTT_OK);
}

/* What a broker never sends has no cell. */
static void (*const handlers[])(struct actor *, const struct mqtt_frame *) = {
    [MQTT_CONNACK] = on_connack,      [MQTT_PUBLISH] = on_publish_packet,
    [MQTT_PUBACK] = on_ack_packet,    [MQTT_PUBREC] = on_ack_packet,
    [MQTT_PUBREL] = on_ack_packet,    [MQTT_PUBCOMP] = on_ack_packet,
    [MQTT_SUBACK] = on_suback_packet, [MQTT_UNSUBACK] = on_suback_packet,
    [MQTT_PINGRESP] = on_pingresp,    [MQTT_DISCONNECT] = on_disconnect_packet,
    [MQTT_AUTH] = on_auth_packet,
};

/* Bytes that are no CONNECT tell the broker another version than the client has in mind. */
static void learn_version(struct actor *actor)
{
    if (actor->peer->client != NULL && actor->is_wild)
        actor->peer->version = actor->peer->client->version;
}

void witness_look(struct actor *actor)
{
    struct world_peer *peer = actor->peer;
    struct mqtt_frame frame;

    if (peer == NULL)
        return;
    learn_version(actor);
    while (world_take(peer, &frame)) {
        if (actor->is_wild && !peer->is_open)
            continue; /* in the language of a version that is not known any more */
        MQTT_INVARIANT((size_t)frame.type < MQTT_ARRAY_LEN(handlers)
                       && handlers[frame.type] != NULL);
        MQTT_INVARIANT(!actor->is_over);
        MQTT_INVARIANT(actor->has_connack || frame.type == MQTT_CONNACK || frame.type == MQTT_AUTH
                       || frame.type == MQTT_DISCONNECT);
        handlers[frame.type](actor, &frame);
    }
    if (!peer->is_open) {
        actor->peer = NULL;
        return;
    }
    MQTT_INVARIANT(world_is_silent(peer) || peer->takes_nothing || actor->is_wild);
    if (peer->client == NULL || client_outbox(peer->client)->bytes == 0)
        actor->is_behind = false;
    peer->len = 0; /* all of it was taken: the inbox stays small */
    peer->parsed = 0;
}

void witness_acked(struct actor *actor, unsigned which)
{
    struct owed *owed = &actor->owed[which];

    if (owed->next == MQTT_PUBREC)
        owed->next = MQTT_PUBCOMP;
    else
        *owed = actor->owed[--actor->owed_count];
}

void witness_turn_over(struct actor *actor, uint16_t back)
{
    const struct client *client = actor->peer != NULL ? actor->peer->client : NULL;

    if (client == NULL || client->session == NULL
        || list_is_empty(&client->session->outgoing.inflight))
        return;
    struct outgoing *outgoing = &client->session->outgoing;
    const struct delivery *oldest =
        MQTT_CONTAINER_OF(outgoing->inflight.next, struct delivery, link);
    outgoing->last_packet_id = (uint16_t)(oldest->packet_id - back);
}
