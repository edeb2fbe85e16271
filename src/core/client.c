/* SPDX-License-Identifier: Apache-2.0 */
#include "core/client.h"

#include "codec/connect.h"
#include "core/alias.h"
#include "core/authentication.h"
#include "core/clone.h"
#include "core/connect.h"
#include "core/dispatch.h"
#include "core/encode.h"
#include "core/gate.h"
#include "core/pace.h"
#include "core/pressure.h"
#include "core/publish.h"
#include "core/sensed.h"
#include "core/slow_reader.h"
#include "core/standing.h"
#include "core/state.h"
#include "core/subscription.h"

#include <stdlib.h>

static void on_connect_deadline(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct client *client = MQTT_CONTAINER_OF(timer, struct client, timer);

    (void)context;
    sensing_note_stranger(client->broker, client->facts, SENSE_HALF_OPEN, now_ms);
    client_doom(client, 0, "no CONNECT in time");
}

struct client *client_open(struct broker *broker, void *transport, const void *facts,
                           uint64_t accepted_ms, uint64_t now_ms)
{
    struct client *client;

    if (pool_live(broker->clients_pool) >= broker->limits.connections)
        return NULL;
    client = pool_take(broker->clients_pool);
    if (client == NULL)
        return NULL;
    *client = (struct client){
        .broker = broker,
        .state = CLIENT_AWAITS_CONNECT,
        .maximum_packet = UINT32_MAX,
        .request_problem = true,
        .received_ms = now_ms,
        .transport = transport,
        .facts = facts,
    };
    list_push_back(&broker->clients, &client->in_broker);
    wheel_arm(&broker->wheel, &client->timer, accepted_ms + broker->limits.connect_timeout_ms,
              on_connect_deadline);
    broker->stats.connections_total++;
    return client;
}

static void client_free(struct client *client, uint64_t now_ms)
{
    struct broker *broker = client->broker;

    clone_forget(client, now_ms);
    list_unlink(&client->in_broker);
    wheel_cancel(&broker->wheel, &client->timer);
    alias_fini(client);
    pace_end(client);
    slow_reader_leave(client);
    if (client->aside != NULL)
        list_unlink(&client->aside->blocked);
    free(client->aside);
    authentication_abandon(client);
    outbox_clear(&client->outbox, &broker->outboxes);
    pool_give(broker->hints, client->hints);
    pool_give(broker->clients_pool, client);
}

struct client_aside *client_aside(struct client *client)
{
    if (client->aside != NULL)
        return client->aside;
    client->aside = calloc(1, sizeof(*client->aside));
    if (client->aside == NULL)
        client_doom(client, 0, "out of memory");
    else
        client->aside->client = client;
    return client->aside;
}

/* ---- sending ---- */

uint8_t *client_reserve(struct client *client, size_t len)
{
    uint8_t *at = outbox_reserve(&client->outbox, &client->broker->outboxes, len);

    if (MQTT_UNLIKELY(at == NULL))
        client_doom(client, 0, "out of memory");
    return at;
}

void client_wake(struct client *client)
{
    if (client->awake || outbox_ready(&client->outbox) == 0)
        return;
    client->awake = true;
    client->broker->options.ports.transport.wake(client->transport);
}

void client_written(struct client *client, size_t len)
{
    struct broker *broker = client->broker;

    outbox_commit(&client->outbox, len);
    broker->stats.packets_sent++;
    broker->stats.bytes_sent += len;
    client_wake(client);
    if (MQTT_UNLIKELY(client->outbox.bytes >= broker->limits.outbox_bytes)
        || (MQTT_UNLIKELY(client->outbox.bytes >= PRESSURE_SHORT_OUTBOX_BYTES)
            && client->outbox.bytes >= pressure_outbox_bytes(broker)))
        client->stalled = true;
}

struct outbox *client_outbox(struct client *client)
{
    return &client->outbox;
}

struct outbox_pools *broker_outbox_pools(struct broker *broker)
{
    return &broker->outboxes;
}

void client_sent(struct client *client, uint64_t now_ms)
{
    sensed_sent(client, now_ms);
    if (outbox_ready(&client->outbox) == 0)
        client->awake = false;
    if (client->outbox.bytes == 0)
        client->must_drain = false;
    /* Half the bound, so that a slow reader is not filled a packet at a time. */
    if (!client->stalled || client->outbox.bytes > pressure_outbox_bytes(client->broker) / 2)
        return;
    client->stalled = false;
    if (client->state == CLIENT_ACTIVE)
        session_pump(client->session, now_ms);
}

/* ---- receiving ---- */

/* A CONNECT has its own, smaller bound. */
static size_t packet_limit(const struct client *client)
{
    const struct limits *limits = &client->broker->limits;

    return client->state >= CLIENT_ACTIVE ? limits->packet_bytes : limits->connect_packet_bytes;
}

static size_t receive_packets(struct client *client, struct mqtt_span bytes, uint64_t now_ms)
{
    size_t used = 0;

    while (client->state != CLIENT_CLOSING && !client_is_waiting(client) && used < bytes.len) {
        struct mqtt_frame frame;
        struct mqtt_span rest = { bytes.data + used, bytes.len - used };
        enum mqtt_status status = mqtt_frame_decode(rest, packet_limit(client), &frame);

        if (status == MQTT_PENDING) {
            client->wants_bytes = (uint32_t)frame.len;
            return used;
        }
        if (status == MQTT_OK) {
            client->broker->stats.packets_received++;
            client->received_ms = now_ms; /* whole packets count, dripped bytes do not */
            if (MQTT_UNLIKELY(client->is_asked))
                clone_hear(client, &frame, now_ms);
            if (MQTT_UNLIKELY(client->has_turn))
                connect_confirm(client);
            status = dispatch_packet(client, &frame, now_ms);
            used += frame.len;
        }
        if (MQTT_UNLIKELY(status != MQTT_OK))
            client_doom_for(client, status);
    }
    client->wants_bytes = 0;
    return used;
}

size_t client_receive(struct client *client, struct mqtt_span bytes, uint64_t now_ms,
                      bool *out_client_gone)
{
    struct broker *broker = client->broker;
    size_t used;

    used = receive_packets(client, bytes, now_ms);
    sensing_settle(broker->sensing);
    broker->stats.bytes_received += used;
    *out_client_gone = client->state == CLIENT_CLOSING;
    broker_reap(broker, now_ms);
    return used;
}

size_t client_wants_bytes(const struct client *client)
{
    return client->wants_bytes;
}

bool client_is_waiting(const struct client *client)
{
    return client->state == CLIENT_AWAITS_VERDICT || client->is_blocked || pace_is_paused(client);
}

int broker_home_shard(const struct broker *broker, struct mqtt_span bytes)
{
    struct mqtt_frame frame;
    struct mqtt_connect connect;
    enum mqtt_status status = mqtt_frame_decode(bytes, broker->limits.connect_packet_bytes, &frame);
    int here = (int)broker->options.shard;

    if (status == MQTT_PENDING)
        return -1;
    if (status != MQTT_OK || frame.type != MQTT_CONNECT || broker->options.shard_count == 1)
        return here;
    if (mqtt_connect_decode(frame.body, &connect) != MQTT_OK || connect.client_id.len == 0)
        return here;
    return (int)(siphash(&broker->options.hash_key, connect.client_id)
                 % broker->options.shard_count);
}

/* ---- keep alive ---- */

/* The timer is not moved by each packet: when it fires it looks when the last one
 * came. [MQTT-3.1.2-22] */
static void on_keep_alive(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct client *client = MQTT_CONTAINER_OF(timer, struct client, timer);

    (void)context;
    if (client_is_waiting(client)) /* it is not heard: that is not its silence */
        client->received_ms = now_ms;
    uint64_t due_ms = client->received_ms + client->keep_alive_ms;

    if (due_ms <= now_ms)
        client_doom(client, MQTT_KEEP_ALIVE_TIMEOUT, "keep alive timeout");
    else
        wheel_arm(&client->broker->wheel, timer, due_ms, on_keep_alive);
}

void client_keep_alive(struct client *client, uint64_t now_ms)
{
    wheel_cancel(&client->broker->wheel, &client->timer);
    if (client->keep_alive_ms > 0)
        wheel_arm(&client->broker->wheel, &client->timer, now_ms + client->keep_alive_ms,
                  on_keep_alive);
}

void client_activate(struct client *client, struct session *session, uint64_t now_ms)
{
    struct broker_stats *stats = &client->broker->stats;

    client->state = CLIENT_ACTIVE;
    client->session = session;
    session->client = client;
    pace_follow(client, session_role(session));
    subscription_presence(session, true);
    wheel_cancel(&client->broker->wheel, &session->expiry);
    client_keep_alive(client, now_ms);
    sensed_connect(client, now_ms);
    stats->clients_connected++;
    if (stats->clients_connected > stats->clients_maximum)
        stats->clients_maximum = stats->clients_connected;
}

bool client_is_connected(const struct client *client)
{
    return client->session != NULL;
}

struct mqtt_span client_id(const struct client *client)
{
    return client->session != NULL ? session_client_id(client->session) : (struct mqtt_span){ 0 };
}

/* ---- the end ---- */

void client_doom(struct client *client, uint8_t reason, const char *text)
{
    if (client->state == CLIENT_CLOSING)
        return;
    client->close_silently |= reason == 0 || client->state < CLIENT_ACTIVE;
    client->state = CLIENT_CLOSING;
    client->close_reason = reason;
    client->close_text = text;
    list_unlink(&client->in_broker);
    list_push_back(&client->broker->doomed, &client->in_broker);
}

void client_expel(struct client *client, const char *text)
{
    /* A packet of which a part is on the wire loses its end, and the connection with it. */
    gate_drop(client);
    outbox_clear(&client->outbox, &client->broker->outboxes);
    client->is_expelled = true;
    client_doom(client, MQTT_ADMINISTRATIVE_ACTION, text);
}

bool client_was_expelled(const struct client *client)
{
    return client->is_expelled;
}

void client_doom_for(struct client *client, enum mqtt_status status)
{
    if (client->state == CLIENT_CLOSING)
        return;
    client->broker->stats.protocol_errors++;
    sensed_error(client);
    client_report(client, EVENT_PROTOCOL_ERROR, mqtt_status_reason(status),
                  mqtt_status_text(status), (struct mqtt_span){ 0 });
    client_doom(client, mqtt_status_reason(status), mqtt_status_text(status));
}

void client_tell(const struct client *client, struct event *event)
{
    const struct event_port *port = &client->broker->options.ports.events;

    event->facts = client->facts;
    event->version = client->version;
    event->client_id = client_id(client);
    event->identity = client->session != NULL ? client->session->identity : NULL;
    if (port->report != NULL)
        port->report(port->context, event);
}

void client_report(const struct client *client, enum event_kind kind, uint8_t reason,
                   const char *text, struct mqtt_span topic)
{
    struct event event = { .kind = kind, .reason = reason, .text = text, .topic = topic };

    client_tell(client, &event);
}

/* Lets the session go. What the will needs is decided there. */
static void part_from_session(struct client *client, uint64_t now_ms)
{
    struct session *session = client->session;

    if (session == NULL)
        return;
    client_report(client, EVENT_DISCONNECTED, client->close_reason, client->close_text,
                  (struct mqtt_span){ 0 });
    publish_leave(client);
    sensed_disconnect(client, now_ms);
    client->session = NULL;
    client->broker->stats.clients_connected--;
    session->client = NULL;
    subscription_presence(session, false);
    if (client->discard_will)
        will_clear(session); /* [MQTT-3.14.4-3] */
    session_detach(session, now_ms);
}

static void close_one(struct client *client, uint64_t now_ms)
{
    struct broker *broker = client->broker;

    gate_drop(client);
    if (!client->close_silently && client->version == MQTT_VERSION_5)
        encode_disconnect(client, client->close_reason, client->close_text, NULL);
    part_from_session(client, now_ms);
    if (!client->lost)
        broker->options.ports.transport.close(client->transport, client);
    client_free(client, now_ms);
}

void client_evict(struct client *client, uint8_t reason, const char *text, uint64_t now_ms)
{
    client_doom(client, reason, text);
    list_unlink(&client->in_broker);
    close_one(client, now_ms);
}

void broker_reap(struct broker *broker, uint64_t now_ms)
{
    struct list *link = list_take_first(&broker->doomed);

    while (link != NULL) {
        close_one(MQTT_CONTAINER_OF(link, struct client, in_broker), now_ms);
        link = list_take_first(&broker->doomed);
    }
}

void client_lost(struct client *client, uint64_t now_ms)
{
    client->lost = true;
    client_doom(client, 0, "connection lost");
    broker_reap(client->broker, now_ms);
}

void client_disconnect(struct client *client, uint8_t reason, const char *text, uint64_t now_ms)
{
    client_doom(client, reason, text);
    broker_reap(client->broker, now_ms);
}
