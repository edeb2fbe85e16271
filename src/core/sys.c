/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker itself publishes. $SYS topics: mosquitto's names where they fit. */
#include "core/client.h"
#include "core/route.h"
#include "core/state.h"

#include <inttypes.h>
#include <stdio.h>

struct sys_context {
    struct broker *broker;
    uint64_t now_ms;
};

static void publish_text(const struct sys_context *sys, const char *topic, const char *text)
{
    struct publication publication = {
        .topic = span_of(topic),
        .payload = span_of(text),
        .expires_ms = WHEEL_NEVER,
        .retain = true,
        .is_own = true,
    };

    broker_publish(sys->broker, &publication, sys->now_ms);
    publication_fini(&publication, &sys->broker->messages);
}

static void publish_number(const struct sys_context *sys, const char *topic, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    publish_text(sys, topic, text);
}

static void publish_clients(const struct sys_context *sys, const struct broker_stats *sum)
{
    uint64_t away = sum->sessions - sum->clients_connected;

    publish_number(sys, "$SYS/broker/clients/total", sum->sessions);
    publish_number(sys, "$SYS/broker/clients/connected", sum->clients_connected);
    publish_number(sys, "$SYS/broker/clients/active", sum->clients_connected);
    publish_number(sys, "$SYS/broker/clients/disconnected", away);
    publish_number(sys, "$SYS/broker/clients/inactive", away);
    publish_number(sys, "$SYS/broker/clients/maximum", sum->clients_maximum);
    publish_number(sys, "$SYS/broker/clients/expired", sum->clients_expired);
}

static void publish_messages(const struct sys_context *sys, const struct broker_stats *sum)
{
    struct shared_figures kept = shared_figures(sys->broker->options.shared);

    publish_number(sys, "$SYS/broker/messages/received", sum->packets_received);
    publish_number(sys, "$SYS/broker/messages/sent", sum->packets_sent);
    publish_number(sys, "$SYS/broker/messages/stored",
                   sum->queued_messages + sum->inflight_messages + kept.retained_messages);
    publish_number(sys, "$SYS/broker/messages/inflight", sum->inflight_messages);
    publish_number(sys, "$SYS/broker/store/messages/count",
                   sum->queued_messages + sum->inflight_messages + kept.retained_messages);
    publish_number(sys, "$SYS/broker/store/messages/bytes",
                   sum->queued_bytes + kept.retained_bytes);
    publish_number(sys, "$SYS/broker/publish/messages/received", sum->publish_received);
    publish_number(sys, "$SYS/broker/publish/messages/sent", sum->publish_sent);
    publish_number(sys, "$SYS/broker/publish/messages/dropped", sum->publish_dropped);
    publish_number(sys, "$SYS/broker/publish/messages/refused", sum->publish_refused);
    publish_number(sys, "$SYS/broker/publish/paced", sum->paced);
    publish_number(sys, "$SYS/broker/retained messages/count", kept.retained_messages);
    publish_number(sys, "$SYS/broker/bytes/received", sum->bytes_received);
    publish_number(sys, "$SYS/broker/bytes/sent", sum->bytes_sent);
}

void broker_publish_sys(struct broker *broker, const struct broker_stats *sum, const char *version,
                        uint64_t uptime_s, uint64_t now_ms)
{
    const struct sys_context sys = { broker, now_ms };
    char text[40];

    publish_text(&sys, "$SYS/broker/version", version);
    snprintf(text, sizeof(text), "%" PRIu64 " seconds", uptime_s);
    publish_text(&sys, "$SYS/broker/uptime", text);
    publish_clients(&sys, sum);
    publish_messages(&sys, sum);
    publish_number(&sys, "$SYS/broker/subscriptions/count", sum->subscriptions);
    publish_number(&sys, "$SYS/broker/shared_subscriptions/count", sum->shared_subscriptions);
    publish_number(&sys, "$SYS/broker/connections/total", sum->connections_total);
    publish_number(&sys, "$SYS/broker/connections/refused", sum->connects_refused);
    publish_number(&sys, "$SYS/broker/connections/slow readers", sum->slow_readers_closed);
    publish_number(&sys, "$SYS/broker/connections/protocol errors", sum->protocol_errors);
    publish_number(&sys, "$SYS/broker/wills/sent", sum->wills_sent);
    publish_number(&sys, "$SYS/broker/sense/devices", sum->sense_devices);
    publish_number(&sys, "$SYS/broker/sense/alarms", sum->sense_alarms);
    publish_number(&sys, "$SYS/broker/sense/responses", sum->sense_responses);
    publish_number(&sys, "$SYS/broker/store/refused", sum->store_refused);
    publish_number(&sys, "$SYS/broker/store/blocked", sum->store_blocked);
    broker_reap(broker, now_ms);
}

void broker_publish_sys_text(struct broker *broker, const char *topic, const char *text,
                             uint64_t now_ms)
{
    publish_text(&(struct sys_context){ broker, now_ms }, topic, text);
    broker_reap(broker, now_ms);
}

void broker_publish_event(struct broker *broker, struct mqtt_span topic, struct mqtt_span payload,
                          uint64_t now_ms)
{
    struct publication publication = {
        .topic = topic,
        .payload = payload,
        .expires_ms = WHEEL_NEVER,
        .qos = MQTT_QOS_1,
        .is_own = true,
    };

    (void)broker_publish(broker, &publication, now_ms);
    publication_fini(&publication, &broker->messages);
    broker_reap(broker, now_ms);
}
