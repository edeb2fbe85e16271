/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/book.h"

#include "replay/alarm.h"

enum packet {
    CONNECT = 1,
    CONNACK = 2,
    PUBLISH = 3,
    SUBSCRIBE = 8,
    DISCONNECT = 14,
};

static uint32_t hash_of(const struct replay *replay, struct mqtt_span text)
{
    return (uint32_t)siphash(&replay->fleet.key, text) | 1;
}

static struct mqtt_span name_of(struct mqtt_span client, struct mqtt_span address)
{
    return client.len > 0 ? client : address;
}

/* The identity, made when it is new: then it is a stranger from that source. */
static struct fleet_device *identity(struct replay *replay, struct mqtt_span name,
                                     const struct replay_event *event, bool counts)
{
    struct fleet_device *device = fleet_find(&replay->fleet, name);

    if (device == NULL) {
        device = fleet_add(&replay->fleet, name);
        if (device == NULL)
            return NULL;
        device->is_trained = replay->role.phase == SENSE_LEARN;
        if (counts)
            alarm_count_source(replay, event->address, SENSE_STRANGERS);
    }
    device->in_run = true;
    if (event->address.len > 0)
        fleet_name(&replay->fleet, event->address, device->address);
    return device;
}

/* Whose packet it is. NULL: of nobody who was accepted. */
static struct fleet_device *owner(struct replay *replay, const struct replay_event *event)
{
    if (event->client.len > 0 && event->stream.len == 0)
        return identity(replay, event->client, event, false);
    struct fleet_stream *stream = fleet_stream_at(&replay->fleet, event->address, event->stream);
    if (stream == NULL)
        return NULL;
    /* A capture may begin in the middle of a connection. */
    bool speaks = event->type == PUBLISH || event->type == SUBSCRIBE;
    if (stream->device == NULL && speaks)
        stream->device = identity(replay, name_of(event->client, event->address), event, false);
    return stream->device;
}

static struct fleet_device *on_connect(struct replay *replay, const struct replay_event *event)
{
    struct fleet_stream *stream = fleet_stream_at(&replay->fleet, event->address, event->stream);

    if (stream == NULL)
        return NULL;
    stream->device = NULL;
    stream->client = event->client;
    stream->keepalive_s = event->keepalive_s;
    return NULL;
}

/* It connects again within a window, or without having said anything on the line that it has. */
static bool connects_idly(const struct sense_device *device)
{
    bool is_again = device->window.start_ms != 0 && device->window.counts[SENSE_CONNECTS] > 0;

    return is_again || (device->present && device->published_ms == 0);
}

static struct fleet_device *on_connack(struct replay *replay, const struct replay_event *event)
{
    struct fleet_stream *stream = fleet_stream_at(&replay->fleet, event->address, event->stream);

    if (stream == NULL)
        return NULL;
    if (event->answer != 0) {
        alarm_count_source(replay, event->address, SENSE_FAILURES);
        return NULL;
    }
    struct mqtt_span client = event->client.len > 0 ? event->client : stream->client;
    struct fleet_device *device = identity(replay, name_of(client, event->address), event, true);
    if (device == NULL)
        return NULL;
    if (connects_idly(&device->sense))
        alarm_count_source(replay, event->address, SENSE_RECONNECTS);
    stream->device = device;
    sense_on_connect(&device->sense, replay->now_ms, hash_of(replay, event->address),
                     stream->keepalive_s);
    return device;
}

static bool is_reserved(struct mqtt_span topic)
{
    return span_starts_with(topic, span_of("$"));
}

static bool on_publish(struct replay *replay, struct fleet_device *device,
                       const struct replay_event *event)
{
    struct sense_publish publish = {
        .topic = hash_of(replay, event->topic),
        .bytes = event->length,
        .is_retained = event->is_retained,
        .is_reserved = is_reserved(event->topic),
        .has_value = event->has_value,
        .value = event->value,
    };

    fleet_sample(device, event->topic);
    return sense_on_publish(&device->sense, replay->now_ms, &publish);
}

static bool on_subscribe(struct replay *replay, struct fleet_device *device,
                         const struct replay_event *event)
{
    struct sense_filter filter = {
        .filter = hash_of(replay, event->topic),
        .wildcards = sense_filter_weight((const char *)event->topic.data, event->topic.len),
        .is_reserved = is_reserved(event->topic),
    };

    fleet_sample(device, event->topic);
    return sense_on_subscribe(&device->sense, replay->now_ms, &filter);
}

/* What the broker sends to a device. */
static bool on_down(struct replay *replay, struct fleet_device *device,
                    const struct replay_event *event)
{
    bool looks = false;

    if (event->type == PUBLISH)
        looks = sense_on_delivered(&device->sense, replay->now_ms, 1, false);
    for (unsigned i = 0; i < event->refused; i++)
        looks |= sense_on_denied(&device->sense, replay->now_ms, true);
    return looks;
}

struct fleet_device *book_event(struct replay *replay, const struct replay_event *event)
{
    if (event->type == CONNECT && event->is_up)
        return on_connect(replay, event);
    if (event->type == CONNACK && !event->is_up)
        return on_connack(replay, event);
    struct fleet_device *device = owner(replay, event);
    bool looks = false;
    if (device == NULL)
        return NULL;
    if (!event->is_up)
        return on_down(replay, device, event) ? device : NULL;
    if (event->address.len > 0)
        looks = sense_on_address(&device->sense, replay->now_ms, hash_of(replay, event->address));
    if (event->type == PUBLISH)
        looks |= on_publish(replay, device, event);
    if (event->type == SUBSCRIBE)
        looks |= on_subscribe(replay, device, event);
    if (event->type == DISCONNECT)
        device->leaves = true;
    if (event->type == DISCONNECT)
        sense_on_disconnect(&device->sense, replay->now_ms, false);
    return looks ? device : NULL;
}
