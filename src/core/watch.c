/* SPDX-License-Identifier: Apache-2.0 */
#include "core/watch.h"

#include "codec/topic.h"
#include "core/client.h"
#include "core/standing.h"
#include "core/state.h"

static const struct watch_port *port_of(const struct broker *broker)
{
    return &broker->options.ports.watch;
}

bool watch_has_topic(const struct broker *broker, struct mqtt_span topic)
{
    const struct watch_port *port = port_of(broker);

    return port->has_topic != NULL && port->has_topic(port->context, topic);
}

void watch_publish(const struct client *client, const struct mqtt_publish *publish)
{
    struct event event = {
        .kind = EVENT_WATCHED_PUBLISH,
        .topic = publish->topic,
        .payload = publish->payload,
    };

    client_tell(client, &event);
}

void watch_will(const struct client *client, const struct mqtt_connect *connect)
{
    struct event event = { .kind = EVENT_WATCHED_WILL, .payload = connect->will.payload };

    if (!connect->has_will || port_of(client->broker)->has_topic == NULL)
        return;
    event.topic = space_enter(client->session, connect->will.topic);
    if (watch_has_topic(client->broker, event.topic))
        client_tell(client, &event);
}

void watch_subscribe(const struct client *client, struct mqtt_span filter, uint8_t reason)
{
    const struct watch_port *port = port_of(client->broker);
    struct event event = { .kind = EVENT_WATCHED_SUBSCRIBE, .reason = reason };
    struct mqtt_share share = { .filter = filter };

    if (port->has_filter == NULL)
        return;
    event.topic = space_enter_filter(client->session, filter);
    share.filter = event.topic;
    if (mqtt_share_parse(event.topic, &share) >= 0 && port->has_filter(port->context, share.filter))
        client_tell(client, &event);
}
