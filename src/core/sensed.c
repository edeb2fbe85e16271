/* SPDX-License-Identifier: Apache-2.0 */
/* What is done, as events of the detector: contract in sensed.h. */
#include "core/sensed.h"

#include "codec/packet.h"
#include "core/route.h"
#include "core/sensing_source.h"
#include "core/state.h"
#include "sense/value.h"

#define CONTEST_MS 300000u /* two who contend for a session come back within that */

static bool is_reserved(struct mqtt_span topic)
{
    return topic.len > 0 && topic.data[0] == '$';
}

static void look_if(struct sensed *sensed, bool pays, uint64_t now_ms)
{
    if (MQTT_UNLIKELY(pays))
        sensing_look(sensed->sensing, sensed, now_ms);
}

static uint32_t hash_of(const struct sensing *sensing, struct mqtt_span name)
{
    return (uint32_t)siphash(&sensing->options.key, name) | 1;
}

static void note_topic(const struct sensing *sensing, struct route *route)
{
    route->sense_topic = hash_of(sensing, route->by_topic.key);
    if (!is_reserved(route->by_topic.key))
        route->sense_bit = sense_flow_topic_bit(route->sense_topic);
}

/* Whatever it is like. */
static MQTT_NOINLINE void book(struct sensed *sensed, const struct mqtt_publish *publish,
                               struct route *route, uint32_t bytes, uint64_t now_ms)
{
    float value = 0;
    bool has_value = sense_value_take(publish->payload, &value);

    sensing_settle(sensed->sensing);
    if (route->sense_topic == 0)
        note_topic(sensed->sensing, route);
    const struct sense_publish event = {
        .topic = route->sense_topic,
        .bytes = bytes,
        .is_retained = publish->retain,
        .is_reserved = is_reserved(publish->topic),
        .has_value = has_value,
        .value = value,
    };
    bool pays = sense_on_publish(&sensed->device, sensing_ms(sensed->sensing, now_ms), &event);

    look_if(sensed, pays, now_ms);
}

/* Like others of its window, but for what it says. */
static bool flows(struct sensed *sensed, const struct route *route, uint32_t bytes, uint64_t now_ms)
{
    struct sensing *sensing = sensed->sensing;

    if (sensing->running == sensed && sense_run_take(&sensing->run, route->sense_bit, bytes))
        return true;
    sensing_settle(sensing);
    if (!sense_flow_publish(&sensed->device, sensing_ms(sensing, now_ms), route->sense_bit, bytes))
        return false;
    sense_run_begin(&sensing->run, &sensed->device);
    sensing->running = sensed;
    return true;
}

void sensed_note_publish(struct sensed *sensed, const struct mqtt_publish *publish,
                         struct route *route, uint64_t now_ms)
{
    uint32_t bytes = sensed_bytes(publish);
    float value;

    if (publish->retain || !flows(sensed, route, bytes, now_ms))
        book(sensed, publish, route, bytes, now_ms);
    else if (sense_value_may_be(publish->payload) && sense_value_take(publish->payload, &value))
        sense_on_value(&sensed->device, route->sense_topic, value);
}

void sensed_note_delivered(struct sensed *sensed, unsigned messages, bool is_echo, uint64_t now_ms)
{
    uint64_t ms = sensing_ms(sensed->sensing, now_ms);

    look_if(sensed, sense_on_delivered(&sensed->device, ms, messages, is_echo), now_ms);
}

/* A device that nobody has seen before is a stranger from where it comes; one that comes again and
 * again within a window speaks against the place, too. */
static void note_place(const struct client *client, struct sensed *sensed, uint64_t now_ms)
{
    const struct sense_window *window = &sensed->device.window;
    bool is_again = window->start_ms != 0 && window->counts[SENSE_CONNECTS] > 0;

    if (!sensed->device.here && sensed->device.windows == 0)
        sensing_source_count(client->broker->sensing, client->facts, SENSE_STRANGERS, now_ms);
    else if (is_again)
        sensing_source_count(client->broker->sensing, client->facts, SENSE_RECONNECTS, now_ms);
}

/* Two places that take a session from each other have two holders of one key. Who goes and comes
 * from somewhere else is on the move, and so is who comes back after a while. */
static void note_move(struct sensed *sensed, uint32_t address, uint64_t ms)
{
    if (!sensed->is_ousted || ms > sensed->ousted_ms + CONTEST_MS)
        sense_device_move(&sensed->device, !sensed->is_ousted);
    if (sensed->is_ousted && address != sensed->device.address)
        sensed->ousted_ms = ms;
    sensed->is_ousted = false;
}

void sensed_connect(struct client *client, uint64_t now_ms)
{
    struct sensing *sensing = client->broker->sensing;
    struct sensed *sensed;

    sensing_settle(sensing);
    sensing_follow(client->session, now_ms);
    sensed = client->session->sensed;
    if (sensed == NULL)
        return;
    note_place(client, sensed, now_ms);
    uint64_t place = sensing_source_place(sensing, client->facts);
    uint32_t address = (uint32_t)(place ^ (place >> 32)) | 1;
    uint64_t ms = sensing_ms(sensing, now_ms);
    note_move(sensed, address, ms);
    sense_on_connect(&sensed->device, ms, address, (uint16_t)(client->keep_alive_ms / 1500));
    sensing_look(sensing, sensed, now_ms);
}

void sensed_disconnect(const struct client *client, uint64_t now_ms)
{
    struct session *session = client->session;
    struct sensed *sensed = session->sensed;
    bool is_lost = client->lost || client->close_reason == MQTT_KEEP_ALIVE_TIMEOUT;

    if (sensed == NULL)
        return;
    struct sensing *sensing = client->broker->sensing;
    sensing_settle(sensing);
    uint64_t ms = sensing_ms(sensing, now_ms);
    sensed->is_ousted = client->close_reason == MQTT_SESSION_TAKEN_OVER;
    sense_on_disconnect(&sensed->device, ms, is_lost);
    sensing_leave(session, now_ms);
    if (sensed->connected > 0) /* another session of it stays */
        sense_device_expect(&sensed->device, ms);
}

void sensed_subscribe(const struct session *session, struct mqtt_span filter, uint64_t now_ms)
{
    struct sensed *sensed = session->sensed;

    if (sensed == NULL)
        return;
    struct sensing *sensing = sensed->sensing;
    sensing_settle(sensing);
    const struct sense_filter event = {
        .filter = hash_of(sensing, filter),
        .wildcards = sense_filter_weight((const char *)filter.data, filter.len),
        .is_reserved = is_reserved(filter),
    };
    look_if(sensed, sense_on_subscribe(&sensed->device, sensing_ms(sensing, now_ms), &event),
            now_ms);
}

void sensed_denied(const struct session *session, bool is_subscribe, uint64_t now_ms)
{
    struct sensed *sensed = session->sensed;

    if (sensed == NULL)
        return;
    sensing_settle(sensed->sensing);
    uint64_t ms = sensing_ms(sensed->sensing, now_ms);
    look_if(sensed, sense_on_denied(&sensed->device, ms, is_subscribe), now_ms);
}

void sensed_error(const struct client *client)
{
    uint64_t now_ms = client->received_ms;
    struct sensing *sensing = client->broker->sensing;

    if (sensing == NULL)
        return;
    sensing_settle(sensing);
    if (client->session == NULL) {
        sensing_source_count(sensing, client->facts, SENSE_SOURCE_ERRORS, now_ms);
        return;
    }
    struct sensed *sensed = client->session->sensed;
    if (sensed != NULL)
        look_if(sensed, sense_on_protocol_error(&sensed->device, sensing_ms(sensing, now_ms)),
                now_ms);
}

void sensed_refused(const struct client *client, uint8_t reason)
{
    uint64_t now_ms = client->received_ms;
    struct sensing *sensing = client->broker->sensing;

    if (sensing == NULL)
        return;
    switch (reason) {
    case MQTT_BAD_USER_NAME_OR_PASSWORD:
    case MQTT_NOT_AUTHORIZED:
    case MQTT_BAD_AUTHENTICATION_METHOD:
    case MQTT_CLIENT_IDENTIFIER_NOT_VALID:
    case MQTT_BANNED:
        sensing_source_count(sensing, client->facts, SENSE_FAILURES, now_ms);
        break;
    case MQTT_CONNECTION_RATE_EXCEEDED:
        /* By who lets it in, since too many passwords from there were wrong; not by the allowance of
         * an identity, which has proved who it is. */
        if (!client->is_counted)
            sensing_source_count(sensing, client->facts, SENSE_FAILURES, now_ms);
        break;
    case MQTT_MALFORMED_PACKET:
    case MQTT_PROTOCOL_ERROR:
    case MQTT_UNSUPPORTED_PROTOCOL_VERSION:
        sensing_source_count(sensing, client->facts, SENSE_SOURCE_ERRORS, now_ms);
        break;
    default: /* a want of the broker's own */
        break;
    }
}
